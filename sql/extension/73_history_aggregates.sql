-- Aggregates over histories. docs/modules/revenue.md and product_metrics.md describe what they are for.
CREATE TYPE saas.revenue_steps AS (times timestamptz[], amounts bigint[], sums bigint[]);
COMMENT ON TYPE saas.revenue_steps IS
'Changes of recurring revenue in the order of time: when, by how much, and the sum from then on.';

CREATE OR REPLACE FUNCTION saas.revenue_steps_add(bytea, uuid, integer, timestamptz, bigint, timestamptz, bigint)
RETURNS bytea
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_revenue_steps_add';
COMMENT ON FUNCTION saas.revenue_steps_add(bytea, uuid, integer, timestamptz, bigint, timestamptz, bigint) IS
'Transition of saas.revenue_steps_of(); refused outside.';

CREATE OR REPLACE FUNCTION saas.revenue_steps_combine(bytea, bytea)
RETURNS bytea
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_revenue_steps_combine';
COMMENT ON FUNCTION saas.revenue_steps_combine(bytea, bytea) IS
'Both parts of saas.revenue_steps_of() as one; refused outside.';

CREATE OR REPLACE FUNCTION saas.revenue_steps_final(bytea)
RETURNS saas.revenue_steps
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_revenue_steps_final';
COMMENT ON FUNCTION saas.revenue_steps_final(bytea) IS 'End of saas.revenue_steps_of(); refused outside.';

CREATE OR REPLACE AGGREGATE saas.revenue_steps_of(uuid, integer, timestamptz, bigint, timestamptz, bigint) (
    SFUNC = saas.revenue_steps_add,
    STYPE = bytea,
    SSPACE = 512,
    COMBINEFUNC = saas.revenue_steps_combine,
    FINALFUNC = saas.revenue_steps_final,
    FINALFUNC_MODIFY = READ_WRITE,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE saas.revenue_steps_of(uuid, integer, timestamptz, bigint, timestamptz, bigint) IS
'Changes of the sum over states of subscriptions, in any order: subscription, revision, start, revenue, end of its discount (NULL: none), revenue from then on. What happens at one moment is one change. 22004 for NULL elsewhere, 22023 for times that are not finite, 22003 for sums out of range.';

CREATE OR REPLACE FUNCTION saas.revenue_by_month(p_steps saas.revenue_steps, p_months timestamptz[])
RETURNS bigint[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_revenue_by_month';
COMMENT ON FUNCTION saas.revenue_by_month(saas.revenue_steps, timestamptz[]) IS
'Changes of a customer''s revenue by month: for each month with a change ten numbers: which of p_months it is (0: before them all), that of the first revenue, revenue when it began, new, expansion, contraction, churned, reactivation, how often churned, how often reactivated. p_months are when months begin, and at last when the last one ends, ascending (22023).';

CREATE TYPE saas.session_totals AS (
    sessions bigint,
    users bigint,
    events bigint,
    single bigint,
    median_seconds double precision
);
COMMENT ON TYPE saas.session_totals IS
'Sessions in sum: how many, of how many people, with how many events, how many with a single one, and their median length.';

CREATE OR REPLACE FUNCTION saas.session_totals_add(bytea, uuid, timestamptz, bigint)
RETURNS bytea
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_session_totals_add';
COMMENT ON FUNCTION saas.session_totals_add(bytea, uuid, timestamptz, bigint) IS
'Transition of saas.session_totals_of(); refused outside.';

CREATE OR REPLACE FUNCTION saas.session_totals_combine(bytea, bytea)
RETURNS bytea
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_session_totals_combine';
COMMENT ON FUNCTION saas.session_totals_combine(bytea, bytea) IS
'Both parts of saas.session_totals_of() as one; refused outside.';

CREATE OR REPLACE FUNCTION saas.session_totals_final(bytea)
RETURNS saas.session_totals
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_session_totals_final';
COMMENT ON FUNCTION saas.session_totals_final(bytea) IS 'End of saas.session_totals_of(); refused outside.';

CREATE OR REPLACE AGGREGATE saas.session_totals_of(uuid, timestamptz, bigint) (
    SFUNC = saas.session_totals_add,
    STYPE = bytea,
    SSPACE = 65536,
    COMBINEFUNC = saas.session_totals_combine,
    FINALFUNC = saas.session_totals_final,
    FINALFUNC_MODIFY = READ_WRITE,
    PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE saas.session_totals_of(uuid, timestamptz, bigint) IS
'Sessions of events in the order of person and time (22023 for another order): person, time, and the gap in microseconds after which a new session begins. 22004 for NULL.';

REVOKE ALL ON FUNCTION
    saas.revenue_steps_add(bytea, uuid, integer, timestamptz, bigint, timestamptz, bigint),
    saas.revenue_steps_combine(bytea, bytea),
    saas.revenue_steps_final(bytea),
    saas.revenue_steps_of(uuid, integer, timestamptz, bigint, timestamptz, bigint),
    saas.revenue_by_month(saas.revenue_steps, timestamptz[]),
    saas.session_totals_add(bytea, uuid, timestamptz, bigint),
    saas.session_totals_combine(bytea, bytea),
    saas.session_totals_final(bytea),
    saas.session_totals_of(uuid, timestamptz, bigint)
FROM PUBLIC;
DO $$
DECLARE
    v_function regprocedure;
BEGIN
    FOR v_function IN
        SELECT p.oid
        FROM pg_catalog.pg_proc AS p
        WHERE p.pronamespace = 'saas'::regnamespace
            AND p.proname IN (
                'revenue_steps_add', 'revenue_steps_combine', 'revenue_steps_final', 'revenue_steps_of', 'revenue_by_month',
                'session_totals_add', 'session_totals_combine', 'session_totals_final', 'session_totals_of'
            )
    LOOP
        EXECUTE pg_catalog.format(
            'GRANT EXECUTE ON FUNCTION %s TO %I, %I, %I, %I', v_function,
            pg_catalog.current_setting('saas.role_app'), pg_catalog.current_setting('saas.role_analyst'),
            pg_catalog.current_setting('saas.role_service'), pg_catalog.current_setting('saas.role_internal')
        );
    END LOOP;
END
$$;
