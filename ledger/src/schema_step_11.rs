//! Step 11 of the tables: a post whose entries all move nothing, such as holds and releases, is noted without a look at the account of
//! every project. Whether the accounts sum to zero is checked with the next one that moves something, or that has no entries.

pub(crate) const OF_SQLITE: &str = "
DROP TRIGGER posts_leave_a_balanced_book;
CREATE TRIGGER posts_leave_a_balanced_book BEFORE INSERT ON posts
WHEN coalesce((SELECT max(kind NOT IN ('hold', 'amend', 'release', 'propose', 'decide')) FROM entries
      WHERE entries.number > coalesce((SELECT last_entry FROM posts ORDER BY posts.number DESC LIMIT 1), 0)), 1)
     AND EXISTS (SELECT 1 FROM balances GROUP BY unit HAVING sum(amount) <> 0)
BEGIN SELECT RAISE(ABORT, 'the accounts of a unit do not sum to zero'); END;
";

pub(crate) const OF_POSTGRES: &str = "
CREATE OR REPLACE FUNCTION check_posts() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before bigint := coalesce((SELECT last_entry FROM posts
                               WHERE posts.number < (SELECT min(added.number) FROM added)
                               ORDER BY posts.number DESC LIMIT 1), 0);
    last bigint := (SELECT max(last_entry) FROM added);
BEGIN
    IF coalesce((SELECT bool_or(kind NOT IN ('hold', 'amend', 'release', 'propose', 'decide')) FROM entries
                 WHERE entries.number > before), true)
       AND EXISTS (SELECT 1 FROM balances GROUP BY unit HAVING sum(amount) <> 0) THEN
        RAISE EXCEPTION 'the accounts of a unit do not sum to zero';
    END IF;
    IF (SELECT count(*) FROM entries WHERE entries.number BETWEEN before + 1 AND last) <> last - before
       OR last <> coalesce((SELECT max(entries.number) FROM entries), 0) THEN
        RAISE EXCEPTION 'entries are numbered without gaps';
    END IF;
    RETURN NULL;
END $$;
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EntryKind;

    #[test]
    fn the_kinds_that_are_not_looked_at_are_those_that_move_nothing() {
        for step in [OF_SQLITE, OF_POSTGRES] {
            for kind in EntryKind::ALL {
                assert_eq!(step.contains(&format!("'{kind}'")), !kind.moves(), "{kind}");
            }
        }
    }
}
