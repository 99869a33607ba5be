-- Currencies, exponents, and a proof of every state machine.
BEGIN;
SELECT plan(25);

SELECT is((SELECT count(*) FROM saas.currencies WHERE exponent = 0), 17::bigint, 'currencies without decimals');
SELECT set_eq(
    $$SELECT code::text FROM saas.currencies WHERE exponent = 3$$,
    ARRAY['BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND'],
    'currencies with three decimals'
);
SELECT set_eq(
    $$SELECT code::text FROM saas.currencies WHERE exponent = 4$$, ARRAY['CLF', 'UYW'],
    'currencies with four decimals'
);
SELECT set_eq(
    $$SELECT code::text FROM saas.currencies WHERE exponent = 2 AND code IN ('MGA', 'MRU', 'IRR', 'HUF', 'TWD', 'XCG')$$,
    ARRAY['MGA', 'MRU', 'IRR', 'HUF', 'TWD', 'XCG'],
    'currencies that are often thought to have none'
);
SELECT set_eq(
    $$SELECT code::text FROM saas.currencies WHERE exponent IS NULL AND valid_to IS NULL$$,
    ARRAY['XAG', 'XAU', 'XBA', 'XBB', 'XBC', 'XBD', 'XDR', 'XPD', 'XPT', 'XSU', 'XTS', 'XUA', 'XXX'],
    'codes without minor unit'
);
SELECT cmp_ok((SELECT count(*) FROM saas.currencies WHERE valid_to IS NULL), '>=', 178::bigint, 'all of ISO 4217');
SELECT set_eq(
    $$SELECT code::text FROM saas.currencies WHERE valid_to IS NOT NULL$$,
    ARRAY['ANG', 'BGN', 'CUC', 'HRK', 'SLL', 'ZWL'], 'currencies that ended'
);
SELECT is_empty(
    $$SELECT c.numeric_code FROM saas.currencies AS c WHERE c.valid_to IS NULL GROUP BY 1 HAVING count(*) > 1$$,
    'no two currencies in force share a numeric code'
);

-- Money: Stripe's way of counting, in minor units of ISO 4217.
CREATE FUNCTION pg_temp.money(p_currency text, p_amount text) RETURNS bigint LANGUAGE sql AS $$
    SELECT saas.minor_units(p_amount::jsonb, c.provider_exponent, c.exponent)
    FROM saas.provider_currency('stripe', p_currency) AS c
$$;
SELECT is(pg_temp.money('usd', '1099'), 1099::bigint, 'dollars are counted in cents');
SELECT is(pg_temp.money('jpy', '1099'), 1099::bigint, 'yen have no minor unit');
SELECT is(pg_temp.money('ISK', '500'), 5::bigint, 'kronur are sent with two decimals');
SELECT is(pg_temp.money('mga', '5'), 500::bigint, 'ariary are sent without decimals');
SELECT is(pg_temp.money('kwd', '1230'), 1230::bigint, 'dinars have three decimals');
SELECT throws_ok($$SELECT pg_temp.money('ugx', '550')$$, 'SA072', NULL, 'half a shilling is refused');
SELECT throws_ok($$SELECT pg_temp.money('usd', '1.5')$$, 'SA072', NULL, 'a fraction is refused');
SELECT throws_ok($$SELECT pg_temp.money('usd', '-1')$$, 'SA072', NULL, 'a negative amount is refused');
SELECT throws_ok($$SELECT pg_temp.money('mga', '9223372036854775807')$$, 'SA072', NULL, 'an amount beyond 64 bits is refused');
SELECT throws_ok($$SELECT pg_temp.money('usd', '"1"')$$, 'SA072', NULL, 'a string is no amount');
SELECT throws_ok($$SELECT pg_temp.money('xau', '1')$$, 'SA072', NULL, 'gold has no minor unit');

-- The graphs. The closure here is SQL's own, to compare the native one with.
CREATE TEMPORARY TABLE closure ON COMMIT DROP AS
WITH RECURSIVE reach (machine, from_state, to_state) AS (
    SELECT t.machine, t.from_state, t.to_state FROM saas.state_transitions AS t WHERE t.from_state IS NOT NULL
    UNION
    SELECT r.machine, r.from_state, t.to_state
    FROM reach AS r
    JOIN saas.state_transitions AS t ON t.machine = r.machine AND t.from_state = r.to_state
)
SELECT * FROM reach;
CREATE TEMPORARY TABLE states ON COMMIT DROP AS
SELECT machine, from_state AS state FROM saas.state_transitions WHERE from_state IS NOT NULL
UNION
SELECT machine, to_state FROM saas.state_transitions;

SELECT is_empty($$
    SELECT s.machine, s.state FROM states AS s
    WHERE NOT EXISTS (
        SELECT FROM saas.state_transitions AS i
        LEFT JOIN closure AS c ON c.machine = i.machine AND c.from_state = i.to_state
        WHERE i.machine = s.machine AND i.from_state IS NULL AND s.state IN (i.to_state, c.to_state)
    )$$, 'every state is reachable from an initial one');
SELECT results_eq($$
    SELECT s.machine, string_agg(s.state, ' ' ORDER BY s.state) FROM states AS s
    WHERE NOT EXISTS (
        SELECT FROM saas.state_transitions AS t WHERE t.machine = s.machine AND t.from_state = s.state
    ) GROUP BY s.machine ORDER BY s.machine$$,
    $$VALUES
        ('aml_alert', 'cleared'), ('customer_verification', 'canceled expired failed'),
        ('data_export', 'cancelled expired failed'),
        ('deletion_request', 'cancelled completed rejected'),
        ('dispute', 'lost prevented warning_closed won'),
        ('payment', 'paid voided'),
        ('payment_intent', 'canceled expired succeeded'),
        ('payment_session', 'complete'), ('payment_transaction', 'errored failed'),
        ('payout', 'canceled failed reversed'), ('payout_reserve', 'released'),
        ('provider_request', 'canceled failed succeeded'), ('refund', 'canceled failed'),
        ('subscription', 'canceled expired incomplete_expired'),
        ('webhook_event', 'conflict duplicate processed rejected superseded')$$,
    'the states without exit are the terminal ones');
SELECT is_empty($$
    SELECT a.machine, a.state, b.state FROM states AS a JOIN states AS b ON b.machine = a.machine
    WHERE saas.state_reachable(a.machine, a.state, b.state) IS DISTINCT FROM EXISTS (
        SELECT FROM closure AS c
        WHERE c.machine = a.machine AND c.from_state = a.state AND c.to_state = b.state
    )$$, 'the native closure is the closure');
SELECT is_empty($$
    SELECT c.machine, c.from_state, c.to_state FROM closure AS c,
        saas.state_rank(c.machine, c.from_state) AS a, saas.state_rank(c.machine, c.to_state) AS b
    WHERE CASE
        WHEN EXISTS (
            SELECT FROM closure AS r
            WHERE r.machine = c.machine AND r.from_state = c.to_state AND r.to_state = c.from_state
        ) THEN a.component <> b.component
        ELSE a.component >= b.component
    END$$, 'ranks ascend along the transitions, and circles share one');
SELECT results_eq($$
    SELECT m.machine, (
        SELECT s.state FROM states AS s, saas.state_rank(s.machine, s.state) AS r
        WHERE s.machine = m.machine ORDER BY r.component DESC, r.place DESC LIMIT 1
    ) FROM (VALUES ('payment'), ('payment_intent')) AS m (machine)$$,
    $$VALUES ('payment', 'paid'), ('payment_intent', 'succeeded')$$,
    'of contradicting snapshots the one in which money moved holds');
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
