-- The rest of plain.sql: the ledger, and taking a delivery in.
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

CREATE FUNCTION plain.payment_facts()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO plain.changed_days VALUES (NEW.team_id, (NEW.provider_created_at AT TIME ZONE 'UTC')::date);
    UPDATE plain.payment_intents AS i
    SET attributes = i.attributes || jsonb_strip_nulls(jsonb_build_object(
            'card_brand', NEW.card_brand, 'card_last4', NEW.card_last4, 'card_country', NEW.card_country
        )),
        charged_attributes = jsonb_strip_nulls(jsonb_build_object(
            'card_brand', NEW.card_brand, 'card_last4', NEW.card_last4, 'card_country', NEW.card_country
        ))
    WHERE i.team_id = NEW.team_id AND i.id = NEW.payment_intent_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER payments_facts AFTER INSERT ON plain.payments
FOR EACH ROW EXECUTE FUNCTION plain.payment_facts();

CREATE FUNCTION plain.apply_intent(p_team uuid, p_object jsonb, p_at timestamptz, p_event text)
RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    v_status text;
    v_attributes jsonb := jsonb_strip_nulls(jsonb_build_object(
        'email', p_object ->> 'receipt_email',
        'email_domain', split_part(p_object ->> 'receipt_email', '@', 2),
        'payment_method_type', p_object #>> '{payment_method_types,0}'
    ));
BEGIN
    SELECT m.state INTO STRICT v_status
    FROM saas.provider_status_map AS m
    WHERE m.provider = 'stripe' AND m.object = 'payment_intent' AND m.provider_status = p_object ->> 'status';
    INSERT INTO plain.payment_intents AS i (
        team_id, provider, provider_intent_id, amount, amount_received, currency, status, status_source,
        states_seen, snapshot_at, snapshot_event_id, capture_method, description, attributes, metadata,
        livemode, provider_created_at
    )
    VALUES (
        p_team, 'stripe', p_object ->> 'id', (p_object ->> 'amount')::bigint,
        COALESCE((p_object ->> 'amount_received')::bigint, 0), upper(p_object ->> 'currency'), v_status,
        'provider', ARRAY[v_status], p_at, p_event, p_object ->> 'capture_method',
        p_object ->> 'description', v_attributes, COALESCE(p_object -> 'metadata', '{}'), false,
        to_timestamp((p_object ->> 'created')::bigint)
    )
    ON CONFLICT (team_id, provider, provider_intent_id) DO UPDATE
    SET status = excluded.status,
        states_seen = i.states_seen || excluded.states_seen,
        amount_received = greatest(i.amount_received, excluded.amount_received),
        attributes = i.attributes || excluded.attributes,
        metadata = excluded.metadata,
        snapshot_at = excluded.snapshot_at,
        snapshot_event_id = excluded.snapshot_event_id
    WHERE (i.snapshot_at, i.snapshot_event_id) < (excluded.snapshot_at, excluded.snapshot_event_id);
END
$$;

CREATE FUNCTION plain.apply_charge(p_team uuid, p_object jsonb, p_at timestamptz, p_event text)
RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    v_status text;
    v_id uuid;
    v_intent uuid;
BEGIN
    SELECT m.state INTO STRICT v_status
    FROM saas.provider_status_map AS m
    WHERE m.provider = 'stripe' AND m.object = 'captured_charge' AND m.provider_status = p_object ->> 'status';
    SELECT i.id INTO v_intent
    FROM plain.payment_intents AS i
    WHERE i.team_id = p_team AND i.provider = 'stripe' AND i.provider_intent_id = p_object ->> 'payment_intent'
    FOR NO KEY UPDATE;
    INSERT INTO plain.payments AS p (
        team_id, provider, provider_payment_id, provider_intent_id, payment_intent_id, amount,
        amount_captured, currency, status, status_source, states_seen, snapshot_at, snapshot_event_id,
        payment_method_type, card_brand, card_last4, card_country, metadata, livemode, provider_created_at
    )
    VALUES (
        p_team, 'stripe', p_object ->> 'id', p_object ->> 'payment_intent', v_intent,
        (p_object ->> 'amount')::bigint, (p_object ->> 'amount_captured')::bigint,
        upper(p_object ->> 'currency'), v_status, 'provider', ARRAY[v_status], p_at, p_event,
        p_object #>> '{payment_method_details,type}', p_object #>> '{payment_method_details,card,brand}',
        p_object #>> '{payment_method_details,card,last4}',
        p_object #>> '{payment_method_details,card,country}', COALESCE(p_object -> 'metadata', '{}'), false,
        to_timestamp((p_object ->> 'created')::bigint)
    )
    ON CONFLICT (team_id, provider, provider_payment_id) DO UPDATE
    SET status = excluded.status,
        amount_captured = greatest(p.amount_captured, excluded.amount_captured),
        snapshot_at = excluded.snapshot_at,
        snapshot_event_id = excluded.snapshot_event_id
    RETURNING id INTO v_id;
    INSERT INTO plain.payment_transactions (
        team_id, payment_id, operation, provider_reference, amount, currency, status, status_source, occurred_at
    )
    SELECT
        p_team, v_id, o, p_object ->> 'id', (p_object ->> 'amount')::bigint, upper(p_object ->> 'currency'),
        'succeeded', 'provider', p_at
    FROM unnest(ARRAY['authorize', 'capture']) AS o
    ON CONFLICT DO NOTHING;
END
$$;

CREATE FUNCTION plain.ingest(p_team uuid, p_headers jsonb, p_body bytea, p_received_at timestamptz)
RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    v_secrets bytea[];
    v_event text;
    v_payload jsonb;
    v_at timestamptz;
BEGIN
    SELECT p.webhook_secrets INTO v_secrets
    FROM saas.payment_providers AS p
    WHERE p.team_id = p_team AND p.provider = 'stripe' AND p.is_active;
    v_event := bench.verify(p_headers, p_body, v_secrets, p_received_at);
    IF v_event IS NULL THEN
        RETURN 'rejected';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(v_event, 1));
    IF EXISTS (
        SELECT
        FROM plain.webhook_events AS e
        WHERE e.team_id = p_team AND e.provider = 'stripe' AND e.provider_event_id = v_event
            AND e.status <> 'rejected'
    ) THEN
        RETURN 'duplicate';
    END IF;
    v_payload := convert_from(p_body, 'UTF8')::jsonb;
    v_at := to_timestamp((v_payload ->> 'created')::bigint);
    PERFORM pg_advisory_xact_lock(hashtextextended(
        COALESCE(v_payload #>> '{data,object,payment_intent}', v_payload #>> '{data,object,id}'), 2
    ));
    BEGIN -- an event that cannot be applied leaves no trace but its row
        CASE v_payload #>> '{data,object,object}'
            WHEN 'payment_intent' THEN
                PERFORM plain.apply_intent(p_team, v_payload #> '{data,object}', v_at, v_event);
            WHEN 'charge' THEN
                PERFORM plain.apply_charge(p_team, v_payload #> '{data,object}', v_at, v_event);
        END CASE;
    EXCEPTION WHEN integrity_constraint_violation OR raise_exception THEN
        RETURN 'failed';
    END;
    INSERT INTO plain.webhook_events (
        team_id, provider, provider_event_id, event_type, status, body_sha256, body_bytes, payload,
        provider_created_at, received_at, last_received_at, processed_at
    )
    VALUES (
        p_team, 'stripe', v_event, v_payload ->> 'type', 'processed', sha256(p_body), octet_length(p_body),
        v_payload, v_at, p_received_at, p_received_at, p_received_at
    );
    RETURN 'processed';
END
$$;
