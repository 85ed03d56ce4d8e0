//! Version 9 of the tables: each decision has an entry, whose leaf has its digest. Decisions of an earlier release are entered
//! when a ledger is brought here, in the same order on a server as in a file, for which a server has to sort texts by their bytes.

pub(crate) const OF_SQLITE: &str = "
ALTER TABLE bindings ADD COLUMN entry INTEGER;
ALTER TABLE unbindings ADD COLUMN entry INTEGER;
ALTER TABLE enforcements ADD COLUMN entry INTEGER;
ALTER TABLE policies ADD COLUMN entry INTEGER;
ALTER TABLE zone_changes ADD COLUMN entry INTEGER;
ALTER TABLE site_figures ADD COLUMN entry INTEGER;
ALTER TABLE imports ADD COLUMN entry INTEGER;
ALTER TABLE bundles ADD COLUMN entry INTEGER;
ALTER TABLE coverage ADD COLUMN entry INTEGER;
CREATE UNIQUE INDEX bindings_by_entry ON bindings (entry);
CREATE UNIQUE INDEX unbindings_by_entry ON unbindings (entry);
CREATE UNIQUE INDEX enforcements_by_entry ON enforcements (entry);
CREATE UNIQUE INDEX policies_by_entry ON policies (entry);
CREATE UNIQUE INDEX zone_changes_by_entry ON zone_changes (entry);
CREATE UNIQUE INDEX site_figures_by_entry ON site_figures (entry);
CREATE UNIQUE INDEX imports_by_entry ON imports (entry);
CREATE UNIQUE INDEX bundles_by_entry ON bundles (entry);
CREATE UNIQUE INDEX coverage_by_entry ON coverage (entry);
";

pub(crate) const OF_POSTGRES: &str = r#"
ALTER TABLE coverage ALTER COLUMN rights TYPE text COLLATE "C", ALTER COLUMN whole_accounts TYPE text COLLATE "C",
    ALTER COLUMN hidden_accounts TYPE text COLLATE "C";
ALTER TABLE bindings ADD COLUMN entry bigint;
ALTER TABLE unbindings ADD COLUMN entry bigint;
ALTER TABLE enforcements ADD COLUMN entry bigint;
ALTER TABLE policies ADD COLUMN entry bigint;
ALTER TABLE zone_changes ADD COLUMN entry bigint;
ALTER TABLE site_figures ADD COLUMN entry bigint;
ALTER TABLE imports ADD COLUMN entry bigint;
ALTER TABLE bundles ADD COLUMN entry bigint;
ALTER TABLE coverage ADD COLUMN entry bigint;
CREATE UNIQUE INDEX bindings_by_entry ON bindings (entry);
CREATE UNIQUE INDEX unbindings_by_entry ON unbindings (entry);
CREATE UNIQUE INDEX enforcements_by_entry ON enforcements (entry);
CREATE UNIQUE INDEX policies_by_entry ON policies (entry);
CREATE UNIQUE INDEX zone_changes_by_entry ON zone_changes (entry);
CREATE UNIQUE INDEX site_figures_by_entry ON site_figures (entry);
CREATE UNIQUE INDEX imports_by_entry ON imports (entry);
CREATE UNIQUE INDEX bundles_by_entry ON bundles (entry);
CREATE UNIQUE INDEX coverage_by_entry ON coverage (entry);
"#;
