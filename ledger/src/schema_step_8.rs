//! Step 8 of the tables, of both stores: what was known when, by whom, and how far a run had come at midnight.
//!
//! A run has the instant at which its price was read, where its facts were seen at another one; a bundle has what its key is
//! believed to say: those that were believed so far go on to be believed about everybody. Where runs over a site's midnight were
//! by then is kept, so that lots which begin or end there split them, with an index of the long runs, for borders that are no
//! midnights; the sums are made of the entries (`stored::sum_nights`).
//!
//! Runs that ended before the instant up to which an opening says what was used have what they would have been charged (`covered`).
//!
//! Times of recording follow the order of the entries from here on; `older_entries` is how many an earlier release made, by
//! whose clocks they may fall. A post keeps what the clock of whoever posted showed. Zones of sites are kept with the time since
//! which they were known; those of an earlier release count as always known.

pub(crate) const OF_SQLITE: &str = "
ALTER TABLE runs ADD COLUMN covered INTEGER;
CREATE INDEX covered_runs ON runs (project, unit) WHERE covered IS NOT NULL;
ALTER TABLE runs ADD COLUMN priced_at INTEGER;
ALTER TABLE bundles ADD COLUMN trust TEXT NOT NULL DEFAULT 'everybody';
CREATE TABLE overnight_spending (
    project INTEGER NOT NULL, unit INTEGER NOT NULL, midnight INTEGER NOT NULL, place INTEGER NOT NULL,
    spent INTEGER NOT NULL,
    PRIMARY KEY (project, unit, midnight, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX entries_of_long_runs ON entries (project, unit, effective_at) WHERE effective_at - started > 86400;
ALTER TABLE posts ADD COLUMN clock_at INTEGER;
ALTER TABLE log ADD COLUMN older_entries INTEGER NOT NULL DEFAULT 0;
UPDATE log SET older_entries = (SELECT coalesce(max(number), 0) FROM entries);
CREATE TABLE zone_changes (
    number INTEGER PRIMARY KEY, site TEXT NOT NULL, zone TEXT NOT NULL, recorded_at INTEGER NOT NULL
) STRICT;
INSERT INTO zone_changes (site, zone, recorded_at) SELECT site, zone, 0 FROM site_zones ORDER BY site;
";

pub(crate) const OF_POSTGRES: &str = r#"
ALTER TABLE runs ADD COLUMN covered bigint;
CREATE INDEX covered_runs ON runs (project, unit) WHERE covered IS NOT NULL;
ALTER TABLE runs ADD COLUMN priced_at bigint;
ALTER TABLE bundles ADD COLUMN trust text NOT NULL DEFAULT 'everybody';
CREATE TABLE overnight_spending (
    project integer NOT NULL, unit integer NOT NULL, midnight bigint NOT NULL, place integer NOT NULL,
    spent bigint NOT NULL,
    PRIMARY KEY (project, unit, midnight, place)
);
CREATE INDEX entries_of_long_runs ON entries (project, unit, effective_at) WHERE effective_at - started > 86400;
ALTER TABLE posts ADD COLUMN clock_at bigint;
ALTER TABLE log ADD COLUMN older_entries bigint NOT NULL DEFAULT 0;
UPDATE log SET older_entries = (SELECT coalesce(max(number), 0) FROM entries);
CREATE TABLE zone_changes (
    number bigint PRIMARY KEY, site text COLLATE "C" NOT NULL, zone text NOT NULL, recorded_at bigint NOT NULL
);
INSERT INTO zone_changes SELECT row_number() OVER (ORDER BY site), site, zone, 0 FROM site_zones;
"#;
