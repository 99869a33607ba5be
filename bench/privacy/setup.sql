-- SPDX-License-Identifier: PostgreSQL
-- A haystack to search, and a shop with 146 rows a person in ten tables, all of which an erasure deletes.
DROP SCHEMA IF EXISTS privacy_bench CASCADE;
DELETE FROM saas.personal_data_links WHERE table_name LIKE 'privacy_bench.%';
DELETE FROM saas.personal_data_columns WHERE table_name LIKE 'privacy_bench.%';
CREATE SCHEMA privacy_bench;
GRANT USAGE ON SCHEMA privacy_bench TO saas_internal;

CREATE TABLE privacy_bench.notes AS
SELECT
    saas.uuid_v7() AS id,
    n AS amount,
    now() AS made_at,
    repeat(md5(n::text) || ' some words that stand in notes, ', 6) AS words,
    jsonb_build_object('a', md5(n::text), 'b', jsonb_build_array(n, 'street ' || n)) AS more
FROM generate_series(1, 100000) AS n;

CREATE TABLE privacy_bench.profiles (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, person uuid NOT NULL REFERENCES saas.users (id), about text);
CREATE TABLE privacy_bench.addresses (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, person uuid NOT NULL REFERENCES saas.users (id), line text, city text);
CREATE TABLE privacy_bench.orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, person uuid NOT NULL REFERENCES saas.users (id), amount bigint, made_at timestamptz, note text);
CREATE TABLE privacy_bench.items (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, order_id bigint NOT NULL REFERENCES privacy_bench.orders (id), what text, price bigint);
CREATE TABLE privacy_bench.payments (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, person uuid NOT NULL REFERENCES saas.users (id), amount bigint, details jsonb);
CREATE TABLE privacy_bench.reviews (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, person uuid NOT NULL REFERENCES saas.users (id), words text);
CREATE TABLE privacy_bench.logins (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, person uuid NOT NULL REFERENCES saas.users (id), made_at timestamptz, agent text);
CREATE TABLE privacy_bench.messages (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, person uuid NOT NULL REFERENCES saas.users (id), body text);
CREATE TABLE privacy_bench.preferences (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, person uuid NOT NULL REFERENCES saas.users (id), settings jsonb);
CREATE INDEX ON privacy_bench.profiles (person);
CREATE INDEX ON privacy_bench.addresses (person);
CREATE INDEX ON privacy_bench.orders (person);
CREATE INDEX ON privacy_bench.items (order_id);
CREATE INDEX ON privacy_bench.payments (person);
CREATE INDEX ON privacy_bench.reviews (person);
CREATE INDEX ON privacy_bench.logins (person);
CREATE INDEX ON privacy_bench.messages (person);
CREATE INDEX ON privacy_bench.preferences (person);
GRANT SELECT, UPDATE, DELETE ON ALL TABLES IN SCHEMA privacy_bench TO saas_internal;
SELECT saas.declare_personal_data(('privacy_bench.' || t)::regclass, 'person', '{person}', p_section => t)
FROM unnest('{profiles,addresses,orders,payments,reviews,logins,messages,preferences}'::text[]) AS t;
SELECT saas.declare_personal_data('privacy_bench.items', 'order', '{order_id}', 'privacy_bench.orders', p_section => 'orders');
SELECT saas.declare_personal_column('privacy_bench.addresses', 'line', 'delete', p_identifying => true);

-- People are made in the name of a worker; their rows as an application would.
CREATE FUNCTION privacy_bench.make_people(p_from integer, p_to integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO saas.users (email, display_name) SELECT 'bench' || n || '@example.org', 'Bench No ' || n FROM generate_series(p_from, p_to) AS n;
    CREATE TEMPORARY TABLE made ON COMMIT DROP AS
    SELECT u.id, n FROM generate_series(p_from, p_to) AS n JOIN saas.users AS u ON u.email = 'bench' || n || '@example.org';
    INSERT INTO privacy_bench.profiles (person, about) SELECT m.id, 'about ' || md5(m.n::text) FROM made AS m;
    INSERT INTO privacy_bench.addresses (person, line, city) SELECT m.id, 'Street ' || md5(m.n::text), 'City' FROM made AS m, generate_series(1, 2);
    INSERT INTO privacy_bench.orders (person, amount, made_at, note) SELECT m.id, m.n, now(), 'note ' || md5(m.n::text) FROM made AS m, generate_series(1, 10);
    INSERT INTO privacy_bench.items (order_id, what, price) SELECT o.id, 'thing ' || md5(o.id::text), o.id FROM made AS m JOIN privacy_bench.orders AS o ON o.person = m.id, generate_series(1, 4);
    INSERT INTO privacy_bench.payments (person, amount, details) SELECT m.id, m.n, jsonb_build_object('a', md5(m.n::text), 'n', m.n) FROM made AS m, generate_series(1, 10);
    INSERT INTO privacy_bench.reviews (person, words) SELECT m.id, repeat(md5(m.n::text), 5) FROM made AS m, generate_series(1, 10);
    INSERT INTO privacy_bench.logins (person, made_at, agent) SELECT m.id, now(), 'Mozilla ' || md5(m.n::text) FROM made AS m, generate_series(1, 40);
    INSERT INTO privacy_bench.messages (person, body) SELECT m.id, repeat(md5(m.n::text), 3) FROM made AS m, generate_series(1, 30);
    INSERT INTO privacy_bench.preferences (person, settings) SELECT m.id, '{"a": 1, "b": ["x", "y"]}' FROM made AS m, generate_series(1, 2);
END
$$;
-- What an erasure deletes, without anything else that it does.
CREATE FUNCTION privacy_bench.delete_people(p_from integer, p_to integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_people uuid[] := ARRAY(SELECT u.id FROM generate_series(p_from, p_to) AS n JOIN saas.users AS u ON u.email = 'bench' || n || '@example.org');
BEGIN
    DELETE FROM privacy_bench.items AS i USING privacy_bench.orders AS o WHERE o.id = i.order_id AND o.person = ANY (v_people);
    DELETE FROM privacy_bench.profiles WHERE person = ANY (v_people);
    DELETE FROM privacy_bench.addresses WHERE person = ANY (v_people);
    DELETE FROM privacy_bench.orders WHERE person = ANY (v_people);
    DELETE FROM privacy_bench.payments WHERE person = ANY (v_people);
    DELETE FROM privacy_bench.reviews WHERE person = ANY (v_people);
    DELETE FROM privacy_bench.logins WHERE person = ANY (v_people);
    DELETE FROM privacy_bench.messages WHERE person = ANY (v_people);
    DELETE FROM privacy_bench.preferences WHERE person = ANY (v_people);
    DELETE FROM saas.users WHERE id = ANY (v_people);
END
$$;
-- Processor time of this session so far, in milliseconds.
CREATE FUNCTION privacy_bench.processor_time() RETURNS float8 LANGUAGE sql VOLATILE AS $$
    SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::float8 / 1e6
$$;

DELETE FROM saas.teams WHERE slug = 'privacy-bench';
DELETE FROM saas.users WHERE email LIKE 'bench%@example.org';
SELECT privacy_bench.make_people(1, 6800);

-- Values to mask, and the functions of postgresql_anonymizer 1.3 for them, in PL/pgSQL: with the clauses that they are published
-- with (SET search_path, for hash also SECURITY DEFINER, and the digest a function of its own), and without them (bare_).
CREATE TABLE privacy_bench.patients AS
SELECT n AS id, md5(n::text) AS name, 'p' || n || '@example.org' AS email, '4' || lpad(n::text, 15, '0') AS card, now() AS born FROM generate_series(1, 50000) AS n;
CREATE TABLE privacy_bench.copied AS SELECT * FROM privacy_bench.patients;
CREATE FUNCTION privacy_bench.partial(ov text, prefix integer, padding text, suffix integer) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = '' AS $$
BEGIN
    RETURN left(ov, prefix) || padding || right(ov, suffix);
END
$$;
CREATE FUNCTION privacy_bench.partial_email(ov text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = '' AS $$
BEGIN
    RETURN substring(regexp_replace(ov, '@.*', '') FROM 1 FOR 2) || '******@' || substring(regexp_replace(ov, '.*@', '') FROM 1 FOR 2)
        || '******.' || regexp_replace(ov, '.*\.', '');
END
$$;
CREATE FUNCTION privacy_bench.raw_digest(text, text) RETURNS bytea LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS '$libdir/pgcrypto', 'pg_digest';
CREATE FUNCTION privacy_bench.digest(seed text, salt text, algorithm text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = '' AS $$
BEGIN
    RETURN encode(privacy_bench.raw_digest(concat(seed, salt), algorithm), 'hex');
END
$$;
CREATE FUNCTION privacy_bench.hash(seed text) RETURNS text LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER SET search_path = '' AS $$
BEGIN
    RETURN privacy_bench.digest(seed, current_setting('privacy_bench.salt'), current_setting('privacy_bench.algorithm'));
END
$$;
CREATE FUNCTION privacy_bench.bare_partial(ov text, prefix integer, padding text, suffix integer) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN left(ov, prefix) || padding || right(ov, suffix);
END
$$;
CREATE FUNCTION privacy_bench.bare_email(ov text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN substring(regexp_replace(ov, '@.*', '') FROM 1 FOR 2) || '******@' || substring(regexp_replace(ov, '.*@', '') FROM 1 FOR 2)
        || '******.' || regexp_replace(ov, '.*\.', '');
END
$$;
CREATE FUNCTION privacy_bench.bare_hash(seed text) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN encode(privacy_bench.raw_digest(concat(seed, current_setting('privacy_bench.salt')), current_setting('privacy_bench.algorithm')), 'hex');
END
$$;
VACUUM ANALYZE;
