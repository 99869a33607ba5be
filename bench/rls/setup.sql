-- One table, and a role for each policy on it; one that policies do not hold for.
CREATE SCHEMA rls_bench;
CREATE ROLE rls_bench_hand BYPASSRLS;
CREATE ROLE rls_bench_tenant;
CREATE ROLE rls_bench_shared;
CREATE ROLE rls_bench_or;
CREATE ROLE rls_bench_naive;
GRANT USAGE ON SCHEMA rls_bench, saas TO rls_bench_hand, rls_bench_tenant, rls_bench_shared, rls_bench_or, rls_bench_naive;

-- A member of teams 2, 3 and 4, of the usual size.
INSERT INTO saas.users (id, email) VALUES (md5('rls-bench-member')::uuid, 'member@rls-bench.example');
INSERT INTO saas.teams (id, name, slug)
SELECT md5('rls-bench-' || n)::uuid, 'Bench', 'rls-bench-' || n FROM generate_series(1, 1000) AS n;
INSERT INTO saas.team_members (team_id, user_id)
SELECT md5('rls-bench-' || n)::uuid, md5('rls-bench-member')::uuid FROM generate_series(2, 4) AS n;
CREATE TABLE rls_bench.members AS SELECT m.team_id, m.user_id FROM saas.team_members AS m;
CREATE INDEX ON rls_bench.members (user_id, team_id);

CREATE TABLE rls_bench.items (
    team_id uuid NOT NULL,
    id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    owner_id uuid NOT NULL,
    is_public boolean NOT NULL,
    title text NOT NULL,
    words tsvector NOT NULL
);
INSERT INTO rls_bench.items
SELECT
    md5('rls-bench-' || CASE WHEN n % 5 = 0 THEN 1 ELSE 2 + n % 999 END)::uuid,
    gen_random_uuid(),
    timestamptz '2026-01-01' + n * interval '17 seconds',
    CASE WHEN n % 9973 = 0 THEN md5('rls-bench-member')::uuid ELSE md5('owner' || n % 5000)::uuid END,
    n % 20011 = 0,
    'Item ' || n,
    pg_catalog.array_to_tsvector(ARRAY['w' || n % 1999, 'w' || n % 1499, 'w' || n % 997, 'w' || n % 499])
FROM generate_series(1, :rows) AS n
ORDER BY hashint4(n::integer);
ALTER TABLE rls_bench.items ADD PRIMARY KEY (team_id, id);
CREATE INDEX ON rls_bench.items (team_id, created_at DESC, id);
CREATE INDEX ON rls_bench.items (id);
CREATE INDEX ON rls_bench.items (owner_id);
CREATE INDEX ON rls_bench.items (id) WHERE is_public;
CREATE INDEX ON rls_bench.items USING gin (words) WITH (fastupdate = off);

ALTER TABLE rls_bench.items ENABLE ROW LEVEL SECURITY;
CREATE POLICY items_tenant ON rls_bench.items FOR SELECT TO rls_bench_tenant
USING (team_id = saas.current_team_id());
CREATE POLICY items_shared ON rls_bench.items FOR SELECT TO rls_bench_shared
USING (saas.can_access(team_id));
CREATE POLICY items_or ON rls_bench.items FOR SELECT TO rls_bench_or
USING (owner_id = saas.current_user_id() OR saas.can_access(team_id) OR is_public);
CREATE POLICY items_naive ON rls_bench.items FOR SELECT TO rls_bench_naive
USING (team_id IN (SELECT m.team_id FROM rls_bench.members AS m WHERE m.user_id = saas.current_user_id()));

-- Rows to look for: of team 2, which is one of the usual size.
CREATE TABLE rls_bench.picks AS
SELECT i.id FROM rls_bench.items AS i WHERE i.team_id = md5('rls-bench-2')::uuid ORDER BY i.id LIMIT 100;
GRANT SELECT ON ALL TABLES IN SCHEMA rls_bench TO rls_bench_hand, rls_bench_tenant, rls_bench_shared, rls_bench_or, rls_bench_naive;
CREATE TABLE rls_bench.results (
    pass integer NOT NULL,
    ordinal integer NOT NULL,
    what text NOT NULL,
    variant text NOT NULL,
    microseconds double precision NOT NULL,
    answer bigint NOT NULL
);
CREATE TABLE rls_bench.queries (
    ordinal integer NOT NULL,
    what text NOT NULL,
    variant text NOT NULL, -- hand, or the policy
    team integer NOT NULL, -- of the context; a worker's in team 1
    runs integer NOT NULL,
    function_name text NOT NULL
);
VACUUM ANALYZE rls_bench.items;
ANALYZE rls_bench.members;
