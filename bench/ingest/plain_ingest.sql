-- Taking a delivery in.
-- Amounts in the currency's own minor units.
CREATE FUNCTION plain.minor_units(p_amount jsonb, p_currency text)
RETURNS bigint
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    v_amount numeric;
BEGIN
    SELECT COALESCE(p_amount, '0')::numeric * 10 ^ (c.exponent - COALESCE(p.exponent, c.exponent))
    INTO STRICT v_amount
    FROM saas.currencies AS c
    LEFT JOIN saas.provider_currency_exponents AS p
        ON p.currency = c.code AND p.provider = 'stripe' AND p.purpose = 'charge'
    WHERE c.code = upper(p_currency);
    IF v_amount < 0 OR v_amount <> trunc(v_amount) THEN
        RAISE EXCEPTION 'an amount is no whole number of minor units';
    END IF;
    RETURN v_amount;
END
$$;

CREATE FUNCTION plain.attributes(p_object jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
AS $$
DECLARE
    v_method jsonb := COALESCE(
        p_object #> '{last_payment_error,payment_method}', p_object #> '{latest_charge,payment_method_details}',
        p_object -> 'payment_method'
    );
    v_email text := lower(p_object ->> 'receipt_email');
BEGIN
    RETURN jsonb_strip_nulls(jsonb_build_object(
        'amount', p_object -> 'amount', 'currency', upper(p_object ->> 'currency'),
        'email', v_email, 'email_domain', split_part(v_email, '@', 2),
        'ip', COALESCE(p_object #>> '{metadata,ip}', p_object #>> '{metadata,ip_address}'),
        'card_brand', v_method #>> '{card,brand}', 'card_country', v_method #>> '{card,country}',
        'card_funding', v_method #>> '{card,funding}', 'card_fingerprint', v_method #>> '{card,fingerprint}',
        'card_last4', v_method #>> '{card,last4}',
        'customer', p_object ->> 'customer', 'description', p_object ->> 'description',
        'capture_method', p_object ->> 'capture_method',
        'payment_method_type', COALESCE(v_method ->> 'type', p_object #>> '{payment_method_types,0}'),
        'shipping_country', p_object #>> '{shipping,address,country}'
    ));
END
$$;

-- What does not agree about a payment and its intent, in words.
CREATE FUNCTION plain.disagreement(p_payment plain.payments, p_intent plain.payment_intents)
RETURNS text
LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
    IF cardinality(p_payment.disagreements) > 0 THEN
        RETURN array_to_string(p_payment.disagreements, '; ');
    ELSIF p_payment.status IN ('authorized', 'paid')
        AND p_intent.status IN ('requires_capture', 'partially_captured', 'succeeded')
        AND (p_payment.amount, p_payment.currency) <> (p_intent.amount, p_intent.currency)
    THEN
        RETURN format(
            'paid: %s %s, asked for: %s %s', p_payment.amount, p_payment.currency, p_intent.amount, p_intent.currency
        );
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION plain.apply_intent(p_team uuid, p_object jsonb, p_at timestamptz, p_event text)
RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    v_status text;
    v_old plain.payment_intents;
    v_new plain.payment_intents;
BEGIN
    SELECT m.state INTO STRICT v_status
    FROM saas.provider_status_map AS m
    WHERE m.provider = 'stripe' AND m.object = 'payment_intent' AND m.provider_status = p_object ->> 'status';
    SELECT i.* INTO v_old
    FROM plain.payment_intents AS i
    WHERE i.team_id = p_team AND i.provider = 'stripe' AND i.provider_intent_id = p_object ->> 'id'
    FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO plain.payment_intents (
            team_id, provider, provider_intent_id, amount, amount_capturable, amount_received, currency, status,
            status_source, states_seen, snapshot_at, snapshot_event_id, capture_method, description,
            provider_customer_id, provider_payment_method_id, last_error_code, last_error_decline_code,
            last_error_message, cancellation_reason, attributes, metadata, livemode, provider_created_at
        )
        VALUES (
            p_team, 'stripe', p_object ->> 'id',
            plain.minor_units(p_object -> 'amount', p_object ->> 'currency'),
            plain.minor_units(p_object -> 'amount_capturable', p_object ->> 'currency'),
            plain.minor_units(p_object -> 'amount_received', p_object ->> 'currency'),
            upper(p_object ->> 'currency'), v_status,
            'provider', ARRAY[v_status], p_at, p_event, p_object ->> 'capture_method', p_object ->> 'description',
            p_object ->> 'customer', p_object ->> 'payment_method', p_object #>> '{last_payment_error,code}',
            p_object #>> '{last_payment_error,decline_code}', p_object #>> '{last_payment_error,message}',
            p_object ->> 'cancellation_reason', plain.attributes(p_object), COALESCE(p_object -> 'metadata', '{}'),
            COALESCE((p_object ->> 'livemode')::boolean, false), to_timestamp((p_object ->> 'created')::bigint)
        )
        RETURNING * INTO v_new;
        UPDATE plain.payments AS p -- that came before it
        SET payment_intent_id = v_new.id, integrity_issue = plain.disagreement(p, v_new)
        WHERE p.team_id = p_team AND p.provider = 'stripe' AND p.provider_intent_id = v_new.provider_intent_id;
        RETURN 'processed';
    ELSIF NOT plain.is_newer(
        'payment_intent', v_old.status, v_old.snapshot_at, v_old.snapshot_event_id, v_status, p_at, p_event
    ) THEN
        UPDATE plain.payment_intents AS i
        SET states_seen = plain.add_state(i.states_seen, v_status)
        WHERE i.team_id = p_team AND i.id = v_old.id AND NOT v_status = ANY (i.states_seen);
        RETURN 'superseded';
    END IF;
    UPDATE plain.payment_intents AS i
    SET amount = plain.minor_units(p_object -> 'amount', p_object ->> 'currency'),
        amount_capturable = plain.minor_units(p_object -> 'amount_capturable', p_object ->> 'currency'),
        amount_received = greatest(
            i.amount_received, plain.minor_units(p_object -> 'amount_received', p_object ->> 'currency')
        ),
        status = v_status,
        status_source = 'provider',
        states_seen = plain.add_state(i.states_seen, v_status),
        snapshot_at = p_at,
        snapshot_event_id = p_event,
        capture_method = p_object ->> 'capture_method',
        description = p_object ->> 'description',
        provider_customer_id = p_object ->> 'customer',
        provider_payment_method_id = p_object ->> 'payment_method',
        last_error_code = p_object #>> '{last_payment_error,code}',
        last_error_decline_code = p_object #>> '{last_payment_error,decline_code}',
        last_error_message = p_object #>> '{last_payment_error,message}',
        cancellation_reason = p_object ->> 'cancellation_reason',
        attributes = i.charged_attributes || plain.attributes(p_object),
        metadata = COALESCE(p_object -> 'metadata', '{}'),
        provider_created_at = to_timestamp((p_object ->> 'created')::bigint)
    WHERE i.team_id = p_team AND i.id = v_old.id
    RETURNING * INTO v_new;
    UPDATE plain.payments AS p
    SET integrity_issue = plain.disagreement(p, v_new)
    WHERE p.team_id = p_team AND p.payment_intent_id = v_new.id
        AND p.integrity_issue IS DISTINCT FROM plain.disagreement(p, v_new);
    RETURN 'processed';
END
$$;

CREATE FUNCTION plain.apply_charge(p_team uuid, p_object jsonb, p_at timestamptz, p_event text)
RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    v_amount bigint := plain.minor_units(p_object -> 'amount', p_object ->> 'currency');
    v_captured bigint := plain.minor_units(p_object -> 'amount_captured', p_object ->> 'currency');
    v_status text;
    v_intent plain.payment_intents;
    v_old plain.payments;
    v_new plain.payments;
BEGIN
    SELECT m.state INTO STRICT v_status
    FROM saas.provider_status_map AS m
    WHERE m.provider = 'stripe' AND m.object = 'captured_charge' AND m.provider_status = p_object ->> 'status';
    SELECT i.* INTO v_intent
    FROM plain.payment_intents AS i
    WHERE i.team_id = p_team AND i.provider = 'stripe' AND i.provider_intent_id = p_object ->> 'payment_intent'
    FOR NO KEY UPDATE;
    SELECT p.* INTO v_old
    FROM plain.payments AS p
    WHERE p.team_id = p_team AND p.provider = 'stripe' AND p.provider_payment_id = p_object ->> 'id'
    FOR UPDATE;
    IF FOUND THEN
        IF NOT plain.is_newer(
            'payment', v_old.status, v_old.snapshot_at, v_old.snapshot_event_id, v_status, p_at, p_event
        ) THEN
            RETURN 'superseded';
        END IF;
        UPDATE plain.payments AS p
        SET status = v_status,
            states_seen = plain.add_state(p.states_seen, v_status),
            amount_captured = greatest(p.amount_captured, v_captured),
            disagreements = CASE
                WHEN p.amount <> v_amount THEN plain.add_state(p.disagreements, format('the payment: %s', v_amount))
                ELSE p.disagreements
            END,
            snapshot_at = p_at,
            snapshot_event_id = p_event
        WHERE p.team_id = p_team AND p.id = v_old.id
        RETURNING * INTO v_new;
    ELSE
        INSERT INTO plain.payments (
            team_id, provider, provider_payment_id, provider_intent_id, payment_intent_id, amount,
            amount_captured, currency, status, status_source, states_seen, snapshot_at, snapshot_event_id,
            failure_code, failure_message, payment_method_type, card_brand, card_last4, card_country, card_funding,
            card_fingerprint, cvc_check, address_zip_check, provider_customer_id, description, metadata, livemode,
            provider_created_at
        )
        VALUES (
            p_team, 'stripe', p_object ->> 'id', p_object ->> 'payment_intent', v_intent.id, v_amount, v_captured,
            upper(p_object ->> 'currency'), v_status, 'provider', ARRAY[v_status], p_at, p_event,
            p_object ->> 'failure_code', p_object ->> 'failure_message',
            p_object #>> '{payment_method_details,type}', p_object #>> '{payment_method_details,card,brand}',
            p_object #>> '{payment_method_details,card,last4}', p_object #>> '{payment_method_details,card,country}',
            p_object #>> '{payment_method_details,card,funding}',
            p_object #>> '{payment_method_details,card,fingerprint}',
            p_object #>> '{payment_method_details,card,checks,cvc_check}',
            p_object #>> '{payment_method_details,card,checks,address_postal_code_check}',
            p_object ->> 'customer', p_object ->> 'description', COALESCE(p_object -> 'metadata', '{}'),
            COALESCE((p_object ->> 'livemode')::boolean, false), to_timestamp((p_object ->> 'created')::bigint)
        )
        RETURNING * INTO v_new;
    END IF;
    IF plain.disagreement(v_new, v_intent) IS NOT NULL THEN
        UPDATE plain.payments AS p
        SET integrity_issue = plain.disagreement(v_new, v_intent)
        WHERE p.team_id = p_team AND p.id = v_new.id;
    END IF;
    INSERT INTO plain.payment_transactions AS t (
        team_id, payment_id, operation, provider_reference, amount, currency, status, status_source,
        failure_code, occurred_at
    )
    SELECT
        p_team, v_new.id, o.operation, v_new.provider_payment_id, o.amount, v_new.currency,
        'succeeded', 'provider', v_new.failure_code, v_new.provider_created_at
    FROM (VALUES ('authorize', v_new.amount), ('capture', v_new.amount_captured)) AS o (operation, amount)
    WHERE o.amount > 0
    ON CONFLICT (team_id, payment_id, operation, provider_reference) DO UPDATE
    SET amount = excluded.amount
    WHERE t.amount <> excluded.amount;
    RETURN 'processed';
END
$$;

-- Applies an event; one that cannot be applied leaves no trace but its row.
CREATE FUNCTION plain.attempt(p_team uuid, p_payload jsonb, p_event text, OUT outcome text, OUT reason text, OUT code text)
LANGUAGE plpgsql
AS $$
DECLARE
    v_object jsonb := p_payload #> '{data,object}';
    v_at timestamptz := to_timestamp((p_payload ->> 'created')::bigint);
BEGIN
    IF NOT EXISTS (
        SELECT
        FROM saas.provider_status_map AS m
        WHERE m.provider = 'stripe' AND m.object = 'event' AND m.provider_status = p_payload ->> 'type'
            AND m.state <> 'ignored'
    ) THEN
        outcome := 'ignored';
        RETURN;
    END IF;
    -- The intent before the charge, so that both queue in one order.
    PERFORM pg_advisory_xact_lock(hashtextextended(
        COALESCE(v_object ->> 'payment_intent', v_object ->> 'id'), 2
    ));
    IF v_object ->> 'object' = 'charge' THEN
        PERFORM pg_advisory_xact_lock(hashtextextended(v_object ->> 'id', 2));
    END IF;
    CASE v_object ->> 'object'
        WHEN 'payment_intent' THEN
            outcome := plain.apply_intent(p_team, v_object, v_at, p_event);
        WHEN 'charge' THEN
            outcome := plain.apply_charge(p_team, v_object, v_at, p_event);
        ELSE -- a refund or a dispute before its payment
            outcome := 'deferred';
    END CASE;
EXCEPTION WHEN integrity_constraint_violation OR raise_exception OR data_exception THEN
    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, reason = MESSAGE_TEXT;
    outcome := 'failed';
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
    v_result record;
    v_waiting record;
BEGIN
    SELECT p.webhook_secrets INTO v_secrets
    FROM saas.payment_providers AS p
    WHERE p.team_id = p_team AND p.provider = 'stripe' AND p.is_active;
    v_event := bench.verify(p_headers, p_body, v_secrets, p_received_at);
    IF v_event IS NULL THEN
        RETURN 'rejected';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(v_event, 1));
    UPDATE plain.webhook_events AS e
    SET deliveries = e.deliveries + 1, last_received_at = p_received_at
    WHERE e.team_id = p_team AND e.provider = 'stripe' AND e.provider_event_id = v_event AND e.status <> 'rejected';
    IF FOUND THEN
        RETURN 'duplicate';
    END IF;
    v_payload := convert_from(p_body, 'UTF8')::jsonb;
    v_result := plain.attempt(p_team, v_payload, v_event);
    INSERT INTO plain.webhook_events (
        team_id, provider, provider_event_id, event_type, status, reason, error_code, body_sha256, body_bytes,
        payload, secret_no, signed_at, provider_created_at, received_at, last_received_at, processed_at, waits_for
    )
    VALUES (
        p_team, 'stripe', v_event, v_payload ->> 'type', v_result.outcome, v_result.reason, v_result.code,
        sha256(p_body), octet_length(p_body), v_payload, 1, p_received_at,
        to_timestamp((v_payload ->> 'created')::bigint), p_received_at, p_received_at, p_received_at,
        CASE v_result.outcome WHEN 'deferred' THEN v_payload #>> '{data,object,charge}' END
    );
    IF v_result.outcome = 'processed' AND v_payload #>> '{data,object,object}' = 'charge' THEN
        FOR v_waiting IN
            SELECT e.id, e.provider_event_id, e.payload
            FROM plain.webhook_events AS e
            WHERE e.team_id = p_team AND e.provider = 'stripe' AND e.status = 'deferred'
                AND e.waits_for = ANY (ARRAY[
                    v_payload #>> '{data,object,id}', v_payload #>> '{data,object,payment_intent}'
                ])
            FOR UPDATE
        LOOP
            v_result := plain.attempt(p_team, v_waiting.payload, v_waiting.provider_event_id);
            UPDATE plain.webhook_events AS e
            SET status = v_result.outcome, reason = v_result.reason, error_code = v_result.code, waits_for = NULL
            WHERE e.team_id = p_team AND e.id = v_waiting.id;
        END LOOP;
        v_result.outcome := 'processed';
    END IF;
    RETURN v_result.outcome;
END
$$;
