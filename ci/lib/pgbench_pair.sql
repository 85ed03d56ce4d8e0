-- What a hold and its close write, as PostgreSQL alone can: two transactions of two statements for pgbench. The budget is the
-- same for all clients, so that they wait for each other as those of a ledger do.
\set job random(1, 1000000000)
BEGIN;
INSERT INTO bench_entries (key, hold, kind, amount, leaf) VALUES ('hold:' || :client_id || ':' || :job || ':' || clock_timestamp(), :job, 'hold', 14400000, decode(repeat('00', 32), 'hex'));
UPDATE bench_budgets SET held = held + 14400000 WHERE number = 1;
COMMIT;
BEGIN;
INSERT INTO bench_entries (key, hold, kind, amount, leaf) VALUES ('release:' || :client_id || ':' || :job || ':' || clock_timestamp(), :job, 'release', 14400000, decode(repeat('00', 32), 'hex'));
UPDATE bench_budgets SET held = held - 14400000 WHERE number = 1;
COMMIT;
