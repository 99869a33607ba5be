-- The ledger, and what is told of a payment elsewhere.
CREATE FUNCTION plain.account(p_team uuid, p_kind text, p_provider text, p_currency text, p_side text)
RETURNS uuid
LANGUAGE plpgsql
AS $$
DECLARE
    v_id uuid;
BEGIN
    SELECT a.id INTO v_id
    FROM plain.ledger_accounts AS a
    WHERE a.team_id = p_team AND a.kind = p_kind AND a.provider = p_provider AND a.currency = p_currency;
    IF NOT FOUND THEN
        INSERT INTO plain.ledger_accounts (team_id, kind, provider, currency, normal_side)
        VALUES (p_team, p_kind, p_provider, p_currency, p_side)
        ON CONFLICT DO NOTHING;
        SELECT a.id INTO STRICT v_id
        FROM plain.ledger_accounts AS a
        WHERE a.team_id = p_team AND a.kind = p_kind AND a.provider = p_provider AND a.currency = p_currency;
    END IF;
    RETURN v_id;
END
$$;

CREATE FUNCTION plain.post_payment()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    v_amount bigint := NEW.amount_captured - CASE WHEN TG_OP = 'UPDATE' THEN OLD.amount_captured ELSE 0 END;
    v_balance uuid := plain.account(NEW.team_id, 'provider_balance', NEW.provider, NEW.currency, 'debit');
    v_sales uuid := plain.account(NEW.team_id, 'sales', NEW.provider, NEW.currency, 'credit');
    v_id uuid;
    v_account uuid;
BEGIN
    INSERT INTO plain.ledger_transactions (team_id, kind, ref_table, ref_id, effective_at)
    VALUES (NEW.team_id, 'capture', 'payments', NEW.id, NEW.snapshot_at)
    RETURNING id INTO v_id;
    INSERT INTO plain.ledger_entries (team_id, transaction_id, account_id, amount, currency, effective_at)
    VALUES
        (NEW.team_id, v_id, v_balance, v_amount, NEW.currency, NEW.snapshot_at),
        (NEW.team_id, v_id, v_sales, -v_amount, NEW.currency, NEW.snapshot_at);
    FOREACH v_account IN ARRAY ARRAY[v_balance, v_sales] LOOP
        INSERT INTO plain.ledger_balances AS b (team_id, account_id, stripe, balance, allow_negative)
        VALUES (NEW.team_id, v_account, pg_backend_pid() % 16, v_amount, true)
        ON CONFLICT (team_id, account_id, stripe) DO UPDATE SET balance = b.balance + excluded.balance;
    END LOOP;
    RETURN NULL;
END
$$;
CREATE TRIGGER payments_ledger_insert AFTER INSERT ON plain.payments
FOR EACH ROW WHEN (new.amount_captured <> 0) EXECUTE FUNCTION plain.post_payment();
CREATE TRIGGER payments_ledger_update AFTER UPDATE ON plain.payments
FOR EACH ROW WHEN (new.amount_captured <> old.amount_captured) EXECUTE FUNCTION plain.post_payment();

CREATE FUNCTION plain.check_balance()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF (
        SELECT sum(e.amount) <> 0 OR count(*) < 2
        FROM plain.ledger_entries AS e
        WHERE e.team_id = NEW.team_id AND e.transaction_id = NEW.transaction_id
    ) THEN
        RAISE EXCEPTION 'a transaction of the ledger does not balance';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER ledger_entries_balanced AFTER INSERT ON plain.ledger_entries
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION plain.check_balance();

-- Entries are added to a transaction of the ledger only while it is being posted.
CREATE FUNCTION plain.check_entry()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF NOT EXISTS (
        SELECT
        FROM plain.ledger_transactions AS t
        WHERE t.team_id = NEW.team_id AND t.id = NEW.transaction_id AND t.xact_id = pg_current_xact_id()
            AND t.effective_at = NEW.effective_at
    ) THEN
        RAISE EXCEPTION 'the transaction of the ledger is posted';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER ledger_entries_open BEFORE INSERT ON plain.ledger_entries
FOR EACH ROW EXECUTE FUNCTION plain.check_entry();

-- What a payment tells about the card becomes part of the attributes of its intent; its day is to be counted anew.
CREATE FUNCTION plain.payment_facts()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    v_told jsonb;
BEGIN
    INSERT INTO plain.payment_analytics_changes (team_id, day)
    VALUES (NEW.team_id, (NEW.provider_created_at AT TIME ZONE 'UTC')::date);
    IF NEW.payment_intent_id IS NOT NULL THEN
        SELECT jsonb_strip_nulls(jsonb_build_object(
            'card_brand', p.card_brand, 'card_last4', p.card_last4, 'card_country', p.card_country,
            'card_funding', p.card_funding, 'card_fingerprint', p.card_fingerprint, 'cvc_check', p.cvc_check,
            'address_zip_check', p.address_zip_check, 'payment_method_type', p.payment_method_type
        ))
        INTO v_told
        FROM plain.payments AS p
        WHERE p.team_id = NEW.team_id AND p.payment_intent_id = NEW.payment_intent_id
        ORDER BY p.provider_created_at DESC NULLS LAST, p.provider_payment_id DESC
        LIMIT 1;
        UPDATE plain.payment_intents AS i
        SET attributes = v_told || i.attributes, charged_attributes = v_told
        WHERE i.team_id = NEW.team_id AND i.id = NEW.payment_intent_id AND i.charged_attributes <> v_told;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER payments_facts AFTER INSERT ON plain.payments
FOR EACH ROW EXECUTE FUNCTION plain.payment_facts();
