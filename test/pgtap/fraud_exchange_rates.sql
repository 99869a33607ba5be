-- Exchange rates: the newest of the time, direct, inverse or by a detour, never an old one; amounts in rules.
BEGIN;
SELECT plan(19);

INSERT INTO saas.users (id, email) VALUES ('00000000-0000-7000-8000-0000000000a1', 'owner@fraud.example');
INSERT INTO saas.teams (id, name, slug) VALUES ('00000000-0000-7000-8000-000000000001', 'One', 'fraud-one');
SELECT saas.record_exchange_rate(r.base, r.quote, r.rate, r.as_of::timestamptz, 'test')
FROM (VALUES
    ('EUR', 'USD', 1.10, '2026-01-01 00:00+00'),
    ('eur', 'usd', 1.20, '2026-01-02 00:00+00'),
    ('EUR', 'GBP', 0.80, '2026-01-01 12:00+00'),
    ('JPY', 'EUR', 0.005, '2026-01-01 12:00+00')
) AS r (base, quote, rate, as_of);

SELECT is(saas.exchange_rate('EUR', 'USD', '2026-01-01 23:59+00'), 1.10, 'the rate of the time');
SELECT is(saas.exchange_rate('eur', 'usd', '2026-01-02 00:00+00'), 1.20, 'from its moment on');
SELECT is(saas.exchange_rate('EUR', 'USD', '2025-12-31 00:00+00'), NULL, 'there is none before the first');
SELECT is(saas.exchange_rate('EUR', 'USD', '2026-01-09 00:00+00'), NULL, 'an old one does not count');
SELECT is(saas.exchange_rate('EUR', 'USD', '2026-01-09 00:00+00', '30 days'), 1.20, 'unless that is asked for');
SELECT is(round(saas.exchange_rate('USD', 'EUR', '2026-01-02 00:00+00'), 6), round(1 / 1.20, 6), 'the inverse');
SELECT is(round(saas.exchange_rate('GBP', 'USD', '2026-01-02 00:00+00'), 6), 1.5, 'by way of another currency');
SELECT is(round(saas.exchange_rate('USD', 'JPY', '2026-01-02 00:00+00'), 6), round(1 / 1.2 / 0.005, 6), 'the other way round');
SELECT is(saas.exchange_rate('CHF', 'USD', '2026-01-02 00:00+00'), NULL, 'none without a way');
SELECT is(saas.exchange_rate('CHF', 'CHF', '2026-01-02 00:00+00'), 1::numeric, 'one to itself');
SELECT is(saas.amount_in(1099, 'EUR', 'USD', '2026-01-02 00:00+00'), 13.188::numeric, 'an amount in whole units');
SELECT is(round(saas.amount_in(1000, 'JPY', 'EUR', '2026-01-02 00:00+00'), 6), 5.0, 'of a currency without decimals');
SELECT throws_ok(
    $$SELECT saas.record_exchange_rate('EUR', 'USD', -1, now(), 'x')$$, '23514', NULL, 'a rate is positive'
);
SELECT throws_ok(
    $$SELECT saas.record_exchange_rate('EUR', 'XYZ', 1, now(), 'x')$$, '23503', NULL, 'between currencies that there are'
);
SET LOCAL ROLE saas_app;
SELECT throws_ok(
    $$SELECT saas.record_exchange_rate('EUR', 'USD', 1, now(), 'x')$$, '42501', NULL, 'applications record no rates'
);
SELECT isnt_empty('SELECT rate FROM saas.exchange_rates', 'but read them');
RESET ROLE;

INSERT INTO saas.fraud_detection_rules (team_id, name, rule) VALUES
    ('00000000-0000-7000-8000-000000000001', 'a', 'SCORE 10 IF amount_in(''usd'') = 13.188'),
    ('00000000-0000-7000-8000-000000000001', 'b', 'SCORE 20 IF :amount_in_usd: > 13.1 AND :amount_in_usd: < 13.2'),
    ('00000000-0000-7000-8000-000000000001', 'c', 'SCORE 40 IF amount_in(''chf'') IS MISSING');
SELECT is(
    (SELECT e.score FROM saas.evaluate_team_rules('00000000-0000-7000-8000-000000000001', '{"amount": 1099, "currency": "eur"}', p_as_of => '2026-01-02 00:00+00') AS e),
    70, 'rules convert by the rate of the time'
);
SELECT is(
    (SELECT e.score FROM saas.evaluate_team_rules('00000000-0000-7000-8000-000000000001', '{"amount": 1099, "currency": "eur"}', p_as_of => '2026-03-02 00:00+00') AS e),
    40, 'and know nothing without one'
);
SELECT is(
    (SELECT e.errors -> 0 ->> 'message' FROM saas.evaluate_team_rules('00000000-0000-7000-8000-000000000001', '{"amount": 10.5, "currency": "eur"}', p_as_of => '2026-01-02 00:00+00') AS e),
    'value of the wrong type', 'minor units are whole'
);

SELECT * FROM finish();
ROLLBACK;
