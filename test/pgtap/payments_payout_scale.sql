-- The first run of a schedule takes every entry that there is: it looks at each of them a few times, not at each
-- for each, also where the planner knows the tables as they were when they were small.
BEGIN;
SELECT no_plan();
SELECT saas.create_user('scale@example.com') AS owner \gset
SELECT saas.create_team('Scale', 'payout-scale', :'owner') AS team \gset
SELECT saas.set_context(:'team', :'owner') \g /dev/null
SELECT saas.configure_payment_provider(:'team', 'stripe', ARRAY['whsec_test'::bytea]) \g /dev/null
SELECT (saas.set_payout_schedule(:'team', 'stripe', 'usd', 'manual', p_reserve_percent => 10)).id AS schedule \gset
SELECT saas.post_ledger_transaction(:'team', 'capture', 'stripe', 'USD', 'provider_balance', 'sales', 100, p_effective_at => '2024-01-01Z') \g /dev/null
-- What the planner knows of tables that have grown since it looked: a page of them, and nothing of what is in it.
DELETE FROM pg_statistic WHERE starelid = ANY ('{saas.ledger_entries,saas.ledger_transactions,saas.ledger_accounts,saas.payout_items,saas.payouts}'::regclass[]);
UPDATE pg_class SET relpages = 1, reltuples = 20
WHERE oid = ANY ('{saas.ledger_entries,saas.ledger_transactions,saas.ledger_accounts,saas.payout_items,saas.payouts}'::regclass[]);
SELECT saas.post_ledger_transaction(:'team', 'capture', 'stripe', 'USD', 'provider_balance', 'sales', 100, p_effective_at => '2024-01-01Z')
FROM generate_series(2, 2000) \g /dev/null
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;

CREATE FUNCTION pg_temp.looked_at() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT sum(pg_stat_get_xact_tuples_fetched(t.oid) + pg_stat_get_xact_tuples_returned(t.oid))::bigint
    FROM unnest('{saas.ledger_entries,saas.ledger_transactions,saas.ledger_accounts,saas.payout_items,saas.payouts}'::regclass[]) AS t (oid)
$$;
SELECT pg_temp.looked_at() AS before \gset
SELECT saas.schedule_payouts(:'team', 'k1', :'schedule') #>> '{payouts,0}' AS payout \gset
SET CONSTRAINTS ALL IMMEDIATE;
SELECT pg_temp.looked_at() - :before AS looked \gset
SELECT is((SELECT concat_ws(' ', count(*), sum(i.amount)) FROM saas.payout_items AS i WHERE i.team_id = :'team' AND i.payout_id = :'payout'), '2001 180000', 'two thousand entries and a reserve are one payout');
SELECT cmp_ok(:looked, '<', 2001 * 20, 'each of them is looked at a few times');
SELECT diag('rows looked at for each entry: ' || :looked / 2001);
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
