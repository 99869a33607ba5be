-- Microseconds of one statement that is analysed, planned and executed anew each time, as the simple protocol does.
DROP SCHEMA IF EXISTS redaction_bench CASCADE;
CREATE SCHEMA redaction_bench;
CREATE TABLE redaction_bench.orders (id int PRIMARY KEY, customer int, total bigint, note text);
CREATE TABLE redaction_bench.customers (id int PRIMARY KEY, email text);
INSERT INTO redaction_bench.orders SELECT n, n % 10, n, 'note ' || n FROM generate_series(1, 100) AS n;
INSERT INTO redaction_bench.customers SELECT n, 'user' || n FROM generate_series(0, 9) AS n;
CREATE FUNCTION redaction_bench.digest(p_value text) RETURNS bytea LANGUAGE sql STABLE AS 'SELECT sha256(convert_to(p_value, ''UTF8''))';
ANALYZE redaction_bench.orders, redaction_bench.customers;
CREATE FUNCTION redaction_bench.measure(p_case text) RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
    v_statement text := CASE p_case
        WHEN 'short' THEN 'SELECT o.total FROM redaction_bench.orders AS o WHERE o.id = '
        WHEN 'long' THEN 'WITH big AS (SELECT o.customer, sum(o.total) AS total, count(*) AS n, max(length(o.note)) AS longest'
            ' FROM redaction_bench.orders AS o WHERE o.total > 10 AND lower(o.note) LIKE ''note%'' GROUP BY o.customer)'
            ' SELECT upper(c.email), b.total, round(b.total / b.n, 2), coalesce(b.longest, 0), to_char(now(), ''YYYY'')'
            ' FROM redaction_bench.customers AS c JOIN big AS b ON b.customer = c.id'
            ' WHERE EXISTS (SELECT FROM redaction_bench.orders AS x WHERE x.customer = c.id AND abs(x.total) > 5) AND c.id = '
        WHEN 'harmless' THEN 'SELECT redaction_bench.digest(''a password'') WHERE 1 <> '
        WHEN 'secret' THEN 'SELECT saas.token_hash(''a password'') WHERE 1 <> '
    END;
    v_runs int := CASE p_case WHEN 'long' THEN 3000 ELSE 20000 END;
    v_begin timestamptz;
BEGIN
    FOR i IN 1..200 LOOP EXECUTE v_statement || i % 10; END LOOP;
    v_begin := clock_timestamp();
    FOR i IN 1..v_runs LOOP EXECUTE v_statement || i % 10; END LOOP;
    RETURN extract(epoch FROM clock_timestamp() - v_begin) * 1e6 / v_runs;
END $$;
