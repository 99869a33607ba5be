-- One pass of one variant: bulk insert, bulk update, then single rows in a loop.
DROP TABLE IF EXISTS bench.target;
CREATE TABLE bench.target (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    customer_id uuid,
    reference text,
    description text,
    amount bigint,
    currency char(3),
    status text,
    is_live boolean,
    metadata jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (team_id, id)
);
SELECT :'variant' = 'native' AS is_native, :'variant' = 'plpgsql' AS is_plpgsql,
    :rows / 5 AS single, '0190a000-0000-7000-8000-000000000001' AS team
\gset
\if :is_native
SELECT saas.audit_table('bench.target') \g /dev/null
\endif
\if :is_plpgsql
CREATE TRIGGER log AFTER INSERT OR UPDATE OR DELETE ON bench.target
FOR EACH ROW EXECUTE FUNCTION bench.write_log('bench.target');
\endif

\set row '''0190a000-0000-7000-8000-000000000001'', ''0190b000-0000-7000-8000-000000000001'', ''order-'' || i, ''a description of the usual length for a payment'', i, ''EUR'', ''pending'', true, ''{"channel": "web"}'''
\set columns '(team_id, customer_id, reference, description, amount, currency, status, is_live, metadata)'

-- Warms the caches.
INSERT INTO bench.target :columns SELECT :row FROM generate_series(1, 100) AS i;
CHECKPOINT;
SELECT bench.log_bytes(:'variant') AS before_insert \gset
CALL bench.measure(:'variant', '1 bulk insert', :rows, format(
    'INSERT INTO bench.target %s SELECT %s FROM generate_series(1, %s) AS i',
    :'columns', :'row', :rows));
SELECT bench.log_bytes(:'variant') AS before_update \gset
CALL bench.measure(:'variant', '2 bulk update', :rows,
    'UPDATE bench.target SET status = ''paid'', amount = amount + 1');
SELECT bench.log_bytes(:'variant') AS after_update \gset
CALL bench.measure(:'variant', '3 single insert', :single, format(
    'DO $body$ BEGIN FOR i IN 1..%s LOOP INSERT INTO bench.target %s VALUES (%s); END LOOP; END $body$',
    :single, :'columns', :'row'));
CALL bench.measure(:'variant', '4 single update', :single, format(
    'DO $body$ DECLARE r record; BEGIN
    FOR r IN SELECT t.team_id, t.id FROM bench.target AS t LIMIT %s LOOP
        UPDATE bench.target AS t SET status = ''late'', amount = t.amount + 1
        WHERE t.team_id = r.team_id AND t.id = r.id;
    END LOOP; END $body$', :single));
SELECT :'variant' <> 'none' AS has_log \gset
\if :has_log
INSERT INTO bench.results
VALUES (:'variant', 'bytes insert', (:before_update - :before_insert)::float8 / :rows),
    (:'variant', 'bytes update', (:after_update - :before_update)::float8 / :rows);
\endif
