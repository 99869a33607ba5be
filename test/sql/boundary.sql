-- C++ exceptions and server errors cross the boundary whole, and nothing leaks on the way.
\getenv abs_builddir PG_ABS_BUILDDIR
\set library :abs_builddir '/test/native/pg_saas_test.so'
\getenv library SAAS_TEST_LIBRARY
\set VERBOSITY verbose
\set ON_ERROR_STOP off
CREATE FUNCTION test_throw(text) RETURNS void LANGUAGE c AS :'library', 'saas_test_throw';
CREATE FUNCTION test_server_error(integer) RETURNS integer LANGUAGE c STRICT AS :'library', 'saas_test_server_error';
CREATE FUNCTION test_throw_in_call() RETURNS void LANGUAGE c AS :'library', 'saas_test_throw_in_call';
CREATE FUNCTION test_alive() RETURNS integer LANGUAGE c AS :'library', 'saas_test_alive';
CREATE FUNCTION test_loop() RETURNS void LANGUAGE c AS :'library', 'saas_test_loop';

-- What a statement fails with, as a client sees it.
CREATE FUNCTION failure_of(p_statement text) RETURNS TABLE (state text, message text, detail text, hint text)
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE p_statement;
    RETURN QUERY SELECT 'none', '', '', '';
EXCEPTION WHEN OTHERS OR query_canceled THEN
    GET STACKED DIAGNOSTICS
        state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN NEXT;
END
$$;

SELECT pg_backend_pid() AS before \gset
SELECT * FROM failure_of($$SELECT test_throw('core error')$$);
SELECT * FROM failure_of($$SELECT test_throw('bad_alloc')$$);
SELECT * FROM failure_of($$SELECT test_throw('std exception')$$);
SELECT * FROM failure_of($$SELECT test_throw('int')$$);
-- A text that is too long is cut at a whole character.
SELECT state, length(message), right(message, 1) FROM failure_of($$SELECT test_throw('long core error')$$);
SELECT test_server_error(2);
SELECT * FROM failure_of('SELECT test_server_error(0)');
SELECT * FROM failure_of('SELECT test_throw_in_call()');
SELECT test_alive() AS objects_alive;
SELECT pg_backend_pid() = :before AS same_backend;

-- A long native loop stops on statement_timeout, within a second of it.
SET statement_timeout = '200ms';
SELECT clock_timestamp() AS started \gset
SELECT state, message FROM failure_of('SELECT test_loop()');
RESET statement_timeout;
SELECT clock_timestamp() - :'started' < interval '1.2 s' AS stopped_in_time;
SELECT test_alive() AS objects_alive;

-- And on pg_cancel_backend from another session.
SELECT pg_backend_pid() AS pid \gset
\setenv CANCEL :DBNAME
\setenv CANCEL_PID :pid
\! (sleep 0.3; psql -XAtq -d "$CANCEL" -c "SELECT pg_cancel_backend($CANCEL_PID)") >/dev/null 2>&1 &
SELECT clock_timestamp() AS started \gset
SELECT state, message FROM failure_of('SELECT test_loop()');
SELECT clock_timestamp() - :'started' < interval '1.3 s' AS stopped_in_time;

-- 100,000 failing calls leave the backend's memory as it was: C++ heap, server contexts, everything.
CREATE FUNCTION resident_pages() RETURNS bigint LANGUAGE sql AS
$$SELECT split_part(pg_read_file('/proc/self/statm'), ' ', 2)::bigint$$;
CREATE PROCEDURE fail_often(p_statement text, p_times integer) LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..p_times LOOP
        BEGIN
            EXECUTE p_statement;
        EXCEPTION WHEN OTHERS THEN
            NULL;
        END;
    END LOOP;
END
$$;
CALL fail_often($$SELECT test_throw('core error')$$, 1000);
CALL fail_often('SELECT test_server_error(0)', 1000);
SELECT resident_pages() AS pages \gset
CALL fail_often($$SELECT test_throw('core error')$$, 50000);
CALL fail_often('SELECT test_server_error(0)', 50000);
SELECT resident_pages() - :pages < 512 AS grown_by_less_than_two_megabytes;
SELECT test_alive() AS objects_alive;

DROP FUNCTION test_throw, test_server_error, test_throw_in_call, test_alive, test_loop, failure_of, resident_pages;
DROP PROCEDURE fail_often;
\! rm -f "$SAAS_TEST_LIBRARY_COPY"
