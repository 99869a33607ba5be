-- What providers publish is mapped, and what it is mapped to exists.
BEGIN;
SELECT plan(9);
\set published `cat test/data/provider_statuses.json`
CREATE TEMPORARY TABLE published ON COMMIT DROP AS
SELECT p.key AS provider, o.key AS object, s.value #>> '{}' AS status
FROM jsonb_each(:'published') AS p, jsonb_each(p.value) AS o, jsonb_array_elements(o.value) AS s;
SELECT cmp_ok((SELECT count(*) FROM published), '>', 600::bigint, 'the published states and events are there');
SELECT is_empty(
    $$SELECT p.* FROM published AS p WHERE NOT EXISTS (SELECT FROM saas.provider_status_map AS m
        WHERE m.provider = p.provider AND m.object = p.object AND m.provider_status = p.status)$$,
    'each is mapped'
);
SELECT is_empty(
    $$SELECT m.* FROM saas.provider_status_map AS m WHERE m.state NOT IN ('ignored', 'object') AND NOT EXISTS (
        SELECT FROM saas.state_transitions AS t WHERE t.machine = m.machine AND t.to_state = m.state)$$,
    'to a state of its machine'
);
SELECT is_empty(
    $$SELECT m.* FROM saas.provider_status_map AS m
      WHERE m.state NOT IN ('ignored', 'object') AND NOT saas.state_allows(m.machine, NULL, m.state, 'provider')$$,
    'in which a snapshot may begin'
);
SELECT is_empty($$SELECT m.* FROM saas.provider_status_map AS m WHERE m.state = 'ignored' AND COALESCE(m.reason, '') = ''$$, 'or ignored with a reason');
SELECT is_empty(
    $$SELECT m.* FROM saas.provider_status_map AS m WHERE m.machine = 'dispute' AND m.object NOT IN ('event')
        AND m.provider NOT IN ('standard', 'svix') AND (m.stage IS NULL OR (m.stage = 'pre_dispute') <> (m.state LIKE 'warning%'))$$,
    'disputes have a stage, and money moves in none of pre_dispute'
);
SELECT is_empty(
    $$SELECT m.* FROM saas.provider_status_map AS m WHERE m.provider = 'adyen' AND m.object = 'event' AND m.state = 'object' AND m.machine <> 'fraud_warning'
        AND 2 <> (SELECT count(*) FROM saas.provider_status_map AS s
            WHERE s.provider = 'adyen' AND s.object IN ('success', 'failure') AND s.provider_status = m.provider_status)$$,
    'an event of Adyen means something whether it succeeded or not'
);
SELECT is_empty(
    $$SELECT m.* FROM saas.provider_status_map AS m WHERE (m.machine = 'payment' AND m.state IN ('paid') AND m.provider_status ~* 'fail|declin|den|void|cancel|expir')
        OR (m.machine = 'payout' AND m.state = 'paid' AND m.provider_status ~* 'fail|return|revers')$$,
    'nothing that failed is paid'
);
SELECT throws_ok($$SELECT saas.map_status('square', 'payment', 'NEW')$$, 'SA072', 'the status of the payment is unknown', 'an unknown state is refused');
SELECT * FROM finish();
ROLLBACK;
