CREATE SCHEMA blind_bench;
SELECT saas.create_user('blind-bench@example.org') AS person \gset
SELECT saas.create_team('Blind bench', 'blind-bench', :'person') AS team \gset
CREATE TABLE blind_bench.team AS SELECT :'team'::uuid AS team, :'person'::uuid AS person;
CREATE TABLE blind_bench.plain (team_id uuid NOT NULL, id uuid NOT NULL DEFAULT saas.uuid_v7(), email text, PRIMARY KEY (team_id, id));
CREATE TABLE blind_bench.blind (team_id uuid NOT NULL, id uuid NOT NULL DEFAULT saas.uuid_v7(), email bytea, PRIMARY KEY (team_id, id));
SELECT saas.encrypt_column('blind_bench.blind', 'email');
SELECT saas.add_blind_index('blind_bench.blind', 'email');
CREATE INDEX plain_email_idx ON blind_bench.plain (team_id, email);
INSERT INTO blind_bench.plain (team_id, email) SELECT :'team', 'user' || n || '@example.org' FROM generate_series(1, :rows) AS n;
INSERT INTO blind_bench.blind (team_id, email) SELECT :'team', convert_to('user' || n || '@example.org', 'UTF8') FROM generate_series(1, :rows) AS n;
VACUUM ANALYZE blind_bench.plain, blind_bench.blind;
