-- Posting to the ledger. Only functions post; nothing is ever changed.
CREATE OR REPLACE FUNCTION saas.ledger_account(
    p_team uuid,
    p_kind text,
    p_currency text,
    p_provider text DEFAULT NULL
)
RETURNS saas.ledger_accounts
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_account saas.ledger_accounts;
BEGIN
    v_account := saas.find_row(
        v_account, 'ledger_accounts_team_id_kind_provider_currency_key',
        p_team, p_kind, p_provider, p_currency::char(3)
    );
    IF v_account.id IS NOT NULL THEN
        RETURN v_account;
    END IF;
    INSERT INTO saas.ledger_accounts (team_id, kind, provider, currency, normal_side)
    VALUES (
        p_team, p_kind, p_provider, p_currency,
        CASE WHEN p_kind IN ('sales', 'currency_exchange', 'adjustments') THEN 'credit' ELSE 'debit' END
    )
    ON CONFLICT ON CONSTRAINT ledger_accounts_team_id_kind_provider_currency_key DO NOTHING
    RETURNING * INTO v_account;
    IF NOT FOUND THEN -- another session has opened it
        SELECT a.* INTO STRICT v_account
        FROM saas.ledger_accounts AS a
        WHERE a.team_id = p_team
            AND a.kind = p_kind
            AND a.provider IS NOT DISTINCT FROM p_provider
            AND a.currency = p_currency;
    END IF;
    RETURN v_account;
END
$$;
COMMENT ON FUNCTION saas.ledger_account(uuid, text, text, text) IS
'The team''s account of this kind, currency and provider, opened when there is none.';
REVOKE ALL ON FUNCTION saas.ledger_account(uuid, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.ledger_account(uuid, text, text, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.add_to_ledger_balance(p_account saas.ledger_accounts, p_amount bigint)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_stripe smallint := pg_backend_pid() % p_account.stripes;
    v_balance saas.ledger_balances;
BEGIN
    LOOP
        v_balance := saas.lock_row(
            v_balance, 'FOR NO KEY UPDATE', 'ledger_balances_pkey', p_account.team_id, p_account.id, v_stripe
        );
        IF v_balance.stripe IS NOT NULL THEN
            v_balance.balance := v_balance.balance + p_amount;
            v_balance := saas.update_row(v_balance);
            RETURN;
        END IF;
        INSERT INTO saas.ledger_balances (team_id, account_id, stripe, allow_negative)
        VALUES (p_account.team_id, p_account.id, v_stripe, p_account.allow_negative)
        ON CONFLICT (team_id, account_id, stripe) DO NOTHING;
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.add_to_ledger_balance(saas.ledger_accounts, bigint) IS
'Adds minor units, on the account''s normal side, to the running balance: to the row of this session''s stripe.';
REVOKE ALL ON FUNCTION saas.add_to_ledger_balance(saas.ledger_accounts, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.add_to_ledger_balance(saas.ledger_accounts, bigint) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.post_ledger_transaction(
    p_team uuid,
    p_kind text,
    p_provider text,
    p_currency text,
    p_debit text,
    p_credit text,
    p_amount bigint,
    p_ref_table text DEFAULT NULL,
    p_ref_id uuid DEFAULT NULL,
    p_effective_at timestamptz DEFAULT now(),
    p_idempotency_key text DEFAULT NULL,
    p_description text DEFAULT NULL
)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_debit saas.ledger_accounts;
    v_credit saas.ledger_accounts;
    v_posted saas.ledger_transactions;
    v_entry saas.ledger_entries;
    v_id uuid;
    v_done text;
BEGIN
    IF p_amount IS NULL OR p_amount <= 0 THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'what is posted has to be an amount above zero',
            HINT = 'To take money back, exchange the accounts of debit and credit.';
    END IF;
    IF p_idempotency_key IS NULL THEN
        v_posted := saas.with_columns(
            v_posted,
            '{team_id,kind,ref_table,ref_id,description,effective_at}',
            p_team, p_kind, p_ref_table, p_ref_id, p_description, p_effective_at
        );
        v_posted := saas.insert_row(v_posted);
        v_id := v_posted.id;
    ELSE
        INSERT INTO saas.ledger_transactions (
            team_id, kind, ref_table, ref_id, idempotency_key, description, effective_at
        )
        VALUES (p_team, p_kind, p_ref_table, p_ref_id, p_idempotency_key, p_description, p_effective_at)
        ON CONFLICT (team_id, idempotency_key) DO NOTHING
        RETURNING id INTO v_id;
        IF NOT FOUND THEN
            SELECT t.id INTO STRICT v_id
            FROM saas.ledger_transactions AS t
            WHERE t.team_id = p_team AND t.idempotency_key = p_idempotency_key;
            RETURN v_id;
        END IF;
    END IF;
    -- Kinds that belong to a provider have one account each; the bank and what the team decides itself
    -- have none.
    v_debit := saas.ledger_account(
        p_team, p_debit, p_currency,
        CASE WHEN p_debit NOT IN ('bank', 'adjustments', 'currency_exchange') THEN p_provider END
    );
    v_credit := saas.ledger_account(
        p_team, p_credit, p_currency,
        CASE WHEN p_credit NOT IN ('bank', 'adjustments', 'currency_exchange') THEN p_provider END
    );
    v_entry := saas.with_columns(
        v_entry,
        '{team_id,transaction_id,account_id,amount,currency,effective_at}',
        p_team, v_id, v_debit.id, p_amount, p_currency::char(3), p_effective_at
    );
    v_entry := saas.insert_row(v_entry);
    v_entry := saas.insert_row(saas.with_columns(
        v_entry, '{id,account_id,amount}', NULL::uuid, v_credit.id, -p_amount
    ));
    v_done := saas.add_to_ledger_balance(
        v_debit, CASE v_debit.normal_side WHEN 'debit' THEN p_amount ELSE -p_amount END
    );
    v_done := saas.add_to_ledger_balance(
        v_credit, CASE v_credit.normal_side WHEN 'debit' THEN -p_amount ELSE p_amount END
    );
    RETURN v_id;
END
$$;
COMMENT ON FUNCTION saas.post_ledger_transaction(uuid, text, text, text, text, text, bigint, text, uuid, timestamptz, text, text) IS
'Posts an amount above zero of minor units from one kind of account to another (debit receives, credit gives) and returns the transaction; with an idempotency key that was used before, the transaction of then. 22003 when a balance would not fit a bigint.';
REVOKE ALL ON FUNCTION saas.post_ledger_transaction(uuid, text, text, text, text, text, bigint, text, uuid, timestamptz, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.post_ledger_transaction(uuid, text, text, text, text, text, bigint, text, uuid, timestamptz, text, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.refuse_ledger_change()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'SA076',
        MESSAGE = 'the ledger is append-only',
        HINT = 'Post a transaction that corrects what was posted.';
END
$$;
COMMENT ON FUNCTION saas.refuse_ledger_change() IS 'BEFORE UPDATE trigger of the ledger (SA076).';
REVOKE ALL ON FUNCTION saas.refuse_ledger_change() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.refuse_ledger_change() TO saas_internal;

CREATE OR REPLACE TRIGGER ledger_transactions_20_append_only
BEFORE UPDATE ON saas.ledger_transactions
FOR EACH ROW EXECUTE FUNCTION saas.refuse_ledger_change();
CREATE OR REPLACE TRIGGER ledger_entries_20_append_only
BEFORE UPDATE ON saas.ledger_entries
FOR EACH ROW EXECUTE FUNCTION saas.refuse_ledger_change();
CREATE OR REPLACE TRIGGER ledger_accounts_20_immutable
BEFORE UPDATE ON saas.ledger_accounts
FOR EACH ROW
EXECUTE FUNCTION saas.enforce_immutable(
    'team_id', 'id', 'kind', 'provider', 'currency', 'normal_side', 'allow_negative', 'stripes'
);
CREATE OR REPLACE TRIGGER ledger_entries_30_open
BEFORE INSERT ON saas.ledger_entries
FOR EACH ROW EXECUTE FUNCTION saas.enforce_open_ledger();
DROP FUNCTION IF EXISTS saas.check_ledger_entry();

-- A constraint trigger cannot be replaced.
DROP TRIGGER IF EXISTS ledger_transactions_40_balanced ON saas.ledger_transactions;
CREATE CONSTRAINT TRIGGER ledger_transactions_40_balanced
AFTER INSERT ON saas.ledger_transactions
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION saas.enforce_ledger_balance('id');
DROP TRIGGER IF EXISTS ledger_entries_40_balanced ON saas.ledger_entries;
CREATE CONSTRAINT TRIGGER ledger_entries_40_balanced
AFTER INSERT ON saas.ledger_entries
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION saas.enforce_ledger_balance('transaction_id');
DROP FUNCTION IF EXISTS saas.check_ledger_transaction_balances();
DROP FUNCTION IF EXISTS saas.check_ledger_entry_balances();
DROP FUNCTION IF EXISTS saas.require_ledger_balance(uuid, uuid);

SELECT saas.add_refuse_delete('saas.ledger_accounts');
SELECT saas.add_refuse_delete('saas.ledger_transactions');
SELECT saas.add_refuse_delete('saas.ledger_entries');
SELECT saas.add_refuse_delete('saas.ledger_balances');
