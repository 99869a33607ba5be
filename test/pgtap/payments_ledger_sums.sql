-- Whether a transaction of the ledger balances is summed natively: for each currency and layer, whatever the amounts and the indexes are.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql
SET CONSTRAINTS ALL IMMEDIATE;
-- Entries as (currency, layer, amount), in one transaction of the ledger.
CREATE FUNCTION pg_temp.post(VARIADIC p_entries text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_team uuid := (SELECT t.id FROM saas.teams AS t JOIN saas.ledger_accounts AS a ON a.team_id = t.id LIMIT 1);
    v_id uuid;
    v_entry text;
    v_account saas.ledger_accounts;
BEGIN
    SET CONSTRAINTS ALL DEFERRED;
    INSERT INTO saas.ledger_transactions (team_id, kind, effective_at) VALUES (v_team, 'adjustment', now()) RETURNING id INTO v_id;
    FOREACH v_entry IN ARRAY p_entries LOOP
        v_account := saas.ledger_account(v_team, 'sales', split_part(v_entry, ' ', 1), 'stripe');
        INSERT INTO saas.ledger_entries (team_id, transaction_id, account_id, currency, layer, amount, effective_at)
        SELECT v_team, v_id, v_account.id, v_account.currency, split_part(v_entry, ' ', 2), split_part(v_entry, ' ', 3)::bigint, t.effective_at
        FROM saas.ledger_transactions AS t WHERE t.team_id = v_team AND t.id = v_id;
    END LOOP;
    SET CONSTRAINTS ALL IMMEDIATE;
END $$;
CREATE FUNCTION pg_temp.refused(p_what text, VARIADIC p_entries text[]) RETURNS text LANGUAGE sql AS $$
    SELECT throws_ok(format('SELECT pg_temp.post(VARIADIC %L)', p_entries), 'SA075', 'a transaction of the ledger does not balance', p_what)
$$;
CREATE FUNCTION pg_temp.posted(p_what text, VARIADIC p_entries text[]) RETURNS text LANGUAGE sql AS $$
    SELECT lives_ok(format('SELECT pg_temp.post(VARIADIC %L)', p_entries), p_what)
$$;

SELECT pg_temp.posted('two entries', 'USD posted 5', 'USD posted -5');
SELECT pg_temp.posted('three', 'USD posted 5', 'USD posted -2', 'USD posted -3');
SELECT pg_temp.refused('none', VARIADIC '{}'::text[]);
SELECT pg_temp.refused('one', 'USD posted 5');
SELECT pg_temp.refused('two that differ', 'USD posted 5', 'USD posted -4');
SELECT pg_temp.refused('one currency for another', 'USD posted 5', 'EUR posted -5');
SELECT pg_temp.refused('one layer for another', 'USD posted 5', 'USD pending -5');
SELECT pg_temp.posted('two layers', 'USD posted 5', 'USD pending -6', 'USD posted -5', 'USD pending 6');
SELECT pg_temp.posted('six currencies', 'CHF posted 1', 'DKK posted 2', 'EUR posted 3', 'GBP posted 4', 'NOK posted 5', 'SEK posted 6',
    'CHF posted -1', 'DKK posted -2', 'EUR posted -3', 'GBP posted -4', 'NOK posted -5', 'SEK posted -6');
SELECT pg_temp.refused('the last of them', 'CHF posted 1', 'DKK posted 2', 'EUR posted 3', 'GBP posted 4', 'NOK posted 5', 'SEK posted 6',
    'CHF posted -1', 'DKK posted -2', 'EUR posted -3', 'GBP posted -4', 'NOK posted -5', 'SEK posted -7');
SELECT pg_temp.posted('sums above a bigint', 'USD posted 9223372036854775807', 'USD posted 9223372036854775807', 'USD posted 9223372036854775807',
    'USD posted -9223372036854775807', 'USD posted -9223372036854775807', 'USD posted -9223372036854775807');
SELECT pg_temp.refused('which would come round', 'USD posted 9223372036854775807', 'USD posted 9223372036854775807', 'USD posted 2');

DROP INDEX saas.ledger_entries_team_id_transaction_id_idx;
SELECT pg_temp.posted('without the index', 'USD posted 5', 'USD posted -5');
SELECT pg_temp.refused('likewise', 'USD posted 5', 'USD posted -4');
CREATE INDEX other_idx ON saas.ledger_entries (team_id, transaction_id, amount);
SELECT pg_temp.posted('another index', 'USD posted 5', 'USD posted -5');
SELECT pg_temp.refused('as well', 'USD posted 5', 'USD posted -4');
SET CONSTRAINTS ALL IMMEDIATE;
SET LOCAL client_min_messages = warning;
ALTER TABLE saas.ledger_entries DROP COLUMN layer CASCADE;
SELECT throws_ok($$INSERT INTO saas.ledger_transactions (team_id, kind, effective_at) SELECT id, 'adjustment', now() FROM saas.teams LIMIT 1$$, 'XX000', 'table saas.ledger_entries has another form than the package gave it', 'another form of the table');

SELECT * FROM finish();
ROLLBACK;
