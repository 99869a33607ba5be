-- What counts as revenue, policy by policy, and the proof over random histories.
BEGIN;
SELECT no_plan();
SELECT saas.create_user('owner@example.com', 'Owner') AS owner \gset
SELECT saas.create_team('Shop', 'shop', :'owner') AS shop \gset
SELECT saas.set_context(:'shop', :'owner') \g /dev/null
SET LOCAL TimeZone = 'UTC';
SELECT saas.save_subscription_plan(:'shop', 'm', 'Monthly', 1000, 'EUR') AS monthly,
    saas.save_subscription_plan(:'shop', 't', 'Taxed', 1190, 'EUR', p_tax_basis_points => 1900, p_tax_inclusive => true) AS taxed,
    saas.save_subscription_plan(:'shop', 'x', 'Tax on top', 1000, 'EUR', p_tax_basis_points => 1900) AS on_top,
    saas.save_subscription_plan(:'shop', 'w', 'Weekly', 700, 'EUR', 'week') AS weekly,
    saas.save_subscription_plan(:'shop', 'd', 'Daily', 6, 'EUR', 'day') AS daily,
    saas.save_subscription_plan(:'shop', 'q', 'Quarterly', 1000, 'EUR', 'month', 3) AS quarterly,
    saas.save_subscription_plan(:'shop', 'u', 'By use', 500, 'EUR', p_usage_type => 'metered') AS metered,
    saas.save_subscription_plan(:'shop', 'yen', 'Yen', 3000, 'JPY', 'year', 2) AS yen \gset
CREATE TEMPORARY TABLE subs AS
SELECT n.name, saas.subscribe(:'shop', md5(n.name)::uuid, n.plan::uuid, 1, '2025-01-10', n.trial, n.percent, n.amount, n.ends::timestamptz) AS id
FROM (VALUES
    ('plain', :'monthly', 0, 0, 0, NULL), ('taxed', :'taxed', 0, 0, 0, NULL), ('on top', :'on_top', 0, 0, 0, NULL),
    ('weekly', :'weekly', 0, 0, 0, NULL), ('daily', :'daily', 0, 0, 0, NULL), ('quarterly', :'quarterly', 0, 0, 0, NULL),
    ('metered', :'metered', 0, 0, 0, NULL), ('yen', :'yen', 0, 0, 0, NULL),
    ('forever', :'monthly', 0, 2500, 50, NULL), ('finite', :'monthly', 0, 2500, 0, '2025-03-15'), ('gift', :'monthly', 0, 0, 5000, NULL),
    ('trial', :'monthly', 30, 0, 0, NULL), ('late', :'monthly', 0, 0, 0, NULL), ('unpaid', :'monthly', 0, 0, 0, NULL),
    ('paused', :'monthly', 0, 0, 0, NULL), ('leaving', :'monthly', 0, 0, 0, NULL), ('gone', :'quarterly', 0, 0, 0, NULL)
) AS n (name, plan, trial, percent, amount, ends);
SELECT saas.set_subscription_status(:'shop', s.id, s.name, '2025-01-20') FROM subs AS s WHERE s.name IN ('unpaid', 'paused') \g /dev/null
SELECT saas.set_subscription_status(:'shop', s.id, 'past_due', '2025-01-20') FROM subs AS s WHERE s.name = 'late' \g /dev/null
SELECT saas.cancel_at_period_end(:'shop', s.id, true, '2025-01-20') FROM subs AS s WHERE s.name = 'leaving' \g /dev/null
SELECT saas.set_subscription_status(:'shop', s.id, 'canceled', '2025-02-10') FROM subs AS s WHERE s.name IN ('leaving', 'gone') \g /dev/null

CREATE FUNCTION pg_temp.at(p_at timestamptz) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_object_agg(s.name, COALESCE((
        SELECT sum(m.amount) FROM saas.mrr_movements AS m
        WHERE m.team_id = saas.current_team_id() AND m.customer_id = md5(s.name)::uuid AND m.at < p_at), 0))
    FROM subs AS s
$$;
SELECT saas.set_revenue_policy(:'shop', 'stripe') \g /dev/null
SELECT is(pg_temp.at('2025-02-01'), '{"plain": 1000, "taxed": 1000, "on top": 1000, "weekly": 3033, "daily": 183, "quarterly": 333, "metered": 0, "yen": 125,
    "forever": 700, "finite": 1000, "gift": 0, "trial": 0, "late": 1000, "unpaid": 0, "paused": 0, "leaving": 1000, "gone": 333}',
    'stripe: without tax and metered ones, discounts without end, past due counts, unpaid does not');
SELECT is(pg_temp.at('2025-03-01') - 'plain' -> 'gone', '0', 'churn when it ends');
SELECT saas.set_revenue_policy(:'shop', 'chartmogul') \g /dev/null
SELECT is(pg_temp.at('2025-02-01'), '{"plain": 1000, "taxed": 1000, "on top": 1000, "weekly": 3033, "daily": 183, "quarterly": 333, "metered": 0, "yen": 125,
    "forever": 700, "finite": 750, "gift": 0, "trial": 0, "late": 1000, "unpaid": 1000, "paused": 0, "leaving": 1000, "gone": 333}',
    'chartmogul: every discount');
SELECT is(pg_temp.at('2025-03-01') -> 'gone', '333', 'churn not before the paid period ends');
SELECT is(pg_temp.at('2025-05-01') -> 'gone', '0', 'but then');
SELECT is(pg_temp.at('2025-03-15') -> 'finite', '750', 'a finite discount');
SELECT is((SELECT array_agg(m.kind || m.amount ORDER BY m.at) FROM saas.mrr_movements AS m WHERE m.team_id = :'shop' AND m.customer_id = md5('finite')::uuid),
    '{new750,expansion250}', 'whose end is an expansion');
SELECT saas.set_revenue_policy(:'shop', 'lago') \g /dev/null
SELECT is(pg_temp.at('2025-02-01'), '{"plain": 1000, "taxed": 1190, "on top": 1190, "weekly": 3031, "daily": 183, "quarterly": 333, "metered": 0, "yen": 125,
    "forever": 700, "finite": 750, "gift": 0, "trial": 0, "late": 1000, "unpaid": 1000, "paused": 0, "leaving": 1000, "gone": 333}',
    'lago: with tax, 4.33 weeks a month, every discount');
SELECT saas.set_revenue_policy(:'shop', 'stripe', '{"count_trialing": true, "count_past_due": false, "count_unpaid": true, "count_paused": true, "churn_at": "requested", "discounts": "none", "count_metered": true}') \g /dev/null
SELECT is(pg_temp.at('2025-02-01') - '{plain,taxed,on top,weekly,daily,quarterly,yen,gone}'::text[],
    '{"metered": 500, "forever": 1000, "finite": 1000, "gift": 1000, "trial": 1000, "late": 0, "unpaid": 1000, "paused": 1000, "leaving": 0}', 'every column can differ from its preset');
-- Months begin in the policy's time zone: 10 January, 0:00 UTC is the 9th in New York; 1 January, 3:00 UTC is December.
SELECT saas.subscribe(:'shop', md5('early')::uuid, :'monthly', 1, '2025-06-01 03:00+00') \g /dev/null
SELECT saas.set_revenue_policy(:'shop', 'stripe', '{}', 'America/New_York') \g /dev/null
SELECT is((SELECT m.month FROM saas.mrr_movements AS m WHERE m.team_id = :'shop' AND m.customer_id = md5('early')::uuid), '2025-05-01'::date, 'months begin where the team is');
-- Two changes within the netted day are one movement; each counts where changes are not netted.
SELECT saas.change_subscription(:'shop', s.id, p_quantity => n.quantity, p_at => n.at)
FROM subs AS s CROSS JOIN (VALUES (3, '2025-07-01 10:00+00'::timestamptz), (1, '2025-07-01 12:00+00')) AS n (quantity, at) WHERE s.name = 'plain' \g /dev/null
SELECT is((SELECT count(*)::integer FROM saas.mrr_movements AS m WHERE m.team_id = :'shop' AND m.customer_id = md5('plain')::uuid), 1, 'back within the day is no movement');
SELECT saas.set_revenue_policy(:'shop', 'chartmogul') \g /dev/null
SELECT is((SELECT count(*)::integer FROM saas.mrr_movements AS m WHERE m.team_id = :'shop' AND m.customer_id = md5('plain')::uuid), 3, 'two where nothing is netted');

-- Random histories: 60 subscriptions of 25 customers, up to 12 changes each, in two currencies.
CREATE FUNCTION pg_temp.walk(p_team uuid, p_plans uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_at timestamptz;
    v_id uuid;
    v_row saas.subscriptions;
    v_to text;
BEGIN
    FOR n IN 1..60 LOOP
        v_at := '2024-01-01'::timestamptz + random() * interval '300 days';
        v_id := saas.subscribe(p_team, md5('walk' || n % 25)::uuid, p_plans[1 + floor(random() * cardinality(p_plans))::integer],
            floor(random() * 4)::bigint, v_at, CASE WHEN random() < 0.3 THEN 14 ELSE 0 END, floor(random() * 5000)::integer,
            floor(random() * 300)::bigint, CASE WHEN random() < 0.5 THEN v_at + random() * interval '200 days' END);
        FOR step IN 1..floor(random() * 12)::integer LOOP
            -- Sometimes at the same moment, sometimes on the same day.
            v_at := v_at + (ARRAY[interval '0', interval '3 hours', interval '20 days', interval '50 days'])[1 + floor(random() * 4)::integer];
            SELECT s.* INTO v_row FROM saas.subscriptions AS s WHERE s.team_id = p_team AND s.id = v_id;
            EXIT WHEN v_row.ended_at IS NOT NULL;
            SELECT t.to_state INTO v_to FROM saas.state_transitions AS t
            WHERE t.machine = 'subscription' AND t.from_state = v_row.status ORDER BY random() LIMIT 1;
            IF random() < 0.4 THEN
                PERFORM saas.set_subscription_status(p_team, v_id, v_to, v_at);
            ELSIF random() < 0.3 THEN
                PERFORM saas.cancel_at_period_end(p_team, v_id, random() < 0.5, v_at);
            ELSE
                PERFORM saas.change_subscription(p_team, v_id, p_quantity => floor(random() * 4)::bigint,
                    p_discount_basis_points => floor(random() * 10000)::integer,
                    p_discount_ends_at => CASE WHEN random() < 0.5 THEN v_at + (random() - 0.3) * interval '200 days' END, p_at => v_at);
            END IF;
        END LOOP;
    END LOOP;
END
$$;
SELECT setseed(0.42) \g /dev/null
SELECT pg_temp.walk(:'shop', ARRAY[:'monthly', :'taxed', :'weekly', :'daily', :'quarterly', :'metered', :'yen']::uuid[]) \g /dev/null
SELECT cmp_ok((SELECT count(*)::integer FROM saas.subscription_changes WHERE team_id = :'shop'), '>', 250, 'there is a history');
CREATE FUNCTION pg_temp.prove(p_team uuid, p_preset text, p_overrides jsonb, p_zone text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    v_label text := format(' (%s, %s, %s)', p_preset, p_overrides, p_zone);
BEGIN
    PERFORM saas.set_revenue_policy(p_team, p_preset, p_overrides, p_zone);
    RETURN NEXT is((SELECT count(*)::integer FROM saas.revenue_proof AS p WHERE p.team_id = p_team), 0, 'start and movements are the end' || v_label);
    RETURN NEXT ok((SELECT count(*) > 50 AND bool_and(m.mrr_after >= 0 AND m.amount <> 0
            AND m.kind = CASE WHEN m.mrr_before = 0 THEN CASE WHEN m.kind = 'new' THEN 'new' ELSE 'reactivation' END
                WHEN m.mrr_after = 0 THEN 'churn' WHEN m.amount > 0 THEN 'expansion' ELSE 'contraction' END)
        FROM saas.mrr_movements AS m WHERE m.team_id = p_team), 'each movement is what it is called' || v_label);
    RETURN NEXT ok((SELECT bool_and(r.start_mrr + r.new_mrr + r.expansion_mrr + r.contraction_mrr + r.churned_mrr + r.reactivation_mrr = r.end_mrr
            AND r.start_customers + r.new_customers + r.reactivated_customers - r.churned_customers = r.end_customers
            AND COALESCE(r.gross_revenue_retention BETWEEN 0 AND 1, true) AND COALESCE(r.net_revenue_retention >= r.gross_revenue_retention, true)
            AND COALESCE(r.customer_churn_rate >= 0, true))
        FROM saas.monthly_revenue(p_team, '2024-01-01', '2027-01-01') AS r), 'and so are the months' || v_label);
END
$$;
SELECT pg_temp.prove(:'shop', p.preset, p.overrides::jsonb, p.zone)
FROM (VALUES ('stripe', '{}', 'UTC'), ('chartmogul', '{}', 'America/New_York'), ('lago', '{}', 'Pacific/Kiritimati'),
    ('stripe', '{"netting": "change", "discounts": "all", "churn_at": "requested", "count_trialing": true}', 'Europe/Berlin'),
    ('chartmogul', '{"netting": "month", "count_paused": true}', 'UTC')) AS p (preset, overrides, zone);

-- What the proof would say if movements went missing.
CREATE OR REPLACE VIEW saas.mrr_movements WITH (security_invoker = true) AS
SELECT s.team_id, s.starts_at AS at, s.starts_at::date AS month, s.customer_id, s.currency, 'new'::text AS kind, s.mrr AS amount, 0::bigint AS mrr_before, s.mrr AS mrr_after
FROM saas.subscription_mrr AS s WHERE s.revision = 1;
SELECT isnt_empty(format('SELECT * FROM saas.revenue_proof WHERE team_id = %L', :'shop'), 'missing movements are found');
SELECT * FROM finish();
ROLLBACK;
