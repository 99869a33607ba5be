-- Stripe's objects become rows. The state comes from the object; the type of the event is a hint. The
-- order of arrival means nothing: a snapshot is applied when it is greater than the one that holds, and
-- what only grows is joined by greatest(), so that any order and any repetition ends in the same rows.

CREATE OR REPLACE FUNCTION saas.stripe_time(p_value jsonb)
RETURNS timestamptz
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF jsonb_typeof(p_value) = 'number' AND p_value::numeric BETWEEN 0 AND 253402300799 THEN
        RETURN to_timestamp(p_value::double precision);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION saas.stripe_time(jsonb) IS
'A time given in unix seconds; NULL unless it is a number between the years 1970 and 9999.';
REVOKE ALL ON FUNCTION saas.stripe_time(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.stripe_time(jsonb) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.stripe_intent_attributes(p_intent jsonb, p_amount bigint, p_currency text)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    -- The method that was tried last, or that is expanded in the object; a charge has the same members
    -- under payment_method_details.
    v_method jsonb := COALESCE(
        p_intent #> '{last_payment_error,payment_method}',
        p_intent #> '{latest_charge,payment_method_details}',
        p_intent #> '{charges,data,0,payment_method_details}',
        p_intent -> 'payment_method'
    );
    v_billing jsonb := COALESCE(
        p_intent #> '{last_payment_error,payment_method,billing_details}',
        p_intent #> '{latest_charge,billing_details}',
        p_intent #> '{charges,data,0,billing_details}',
        p_intent #> '{payment_method,billing_details}'
    );
    v_card jsonb := v_method -> 'card';
    v_email text := lower(COALESCE(p_intent ->> 'receipt_email', v_billing ->> 'email'));
BEGIN
    RETURN jsonb_strip_nulls(jsonb_build_object(
        'amount', p_amount,
        'currency', p_currency,
        'email', v_email,
        'email_domain', substring(v_email FROM '@([^@]+)$'),
        'ip', COALESCE(p_intent #>> '{metadata,ip}', p_intent #>> '{metadata,ip_address}'),
        'card_brand', v_card ->> 'brand',
        'card_country', v_card ->> 'country',
        'card_funding', v_card ->> 'funding',
        'card_fingerprint', v_card ->> 'fingerprint',
        'card_last4', v_card ->> 'last4',
        'cvc_check', v_card #>> '{checks,cvc_check}',
        'address_zip_check', v_card #>> '{checks,address_postal_code_check}',
        'customer', COALESCE(p_intent #>> '{customer,id}', p_intent ->> 'customer'),
        'description', p_intent ->> 'description',
        'capture_method', p_intent ->> 'capture_method',
        'payment_method_type', COALESCE(v_method ->> 'type', p_intent #>> '{payment_method_types,0}'),
        'livemode', (p_intent -> 'livemode') = 'true',
        'shipping_country', p_intent #>> '{shipping,address,country}',
        'billing_country', v_billing #>> '{address,country}'
    ));
END
$$;
COMMENT ON FUNCTION saas.stripe_intent_attributes(jsonb, bigint, text) IS
'What fraud rules may ask about a Stripe payment intent, by the names they use; members that are not known are left out.';
REVOKE ALL ON FUNCTION saas.stripe_intent_attributes(jsonb, bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.stripe_intent_attributes(jsonb, bigint, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_stripe_intent(
    p_team uuid,
    p_intent jsonb,
    p_at timestamptz,
    p_event_id text,
    OUT outcome text,
    OUT detail text,
    OUT waits_for text,
    OUT landed text[]
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_ref text := saas.provider_object_id(p_intent ->> 'id');
    v_money record := saas.provider_currency('stripe', p_intent ->> 'currency');
    v_amount bigint := saas.minor_units(p_intent -> 'amount', v_money.provider_exponent, v_money.exponent);
    v_capturable bigint := saas.minor_units(
        COALESCE(NULLIF(p_intent -> 'amount_capturable', 'null'), '0'),
        v_money.provider_exponent, v_money.exponent
    );
    v_received bigint := saas.minor_units(
        COALESCE(NULLIF(p_intent -> 'amount_received', 'null'), '0'),
        v_money.provider_exponent, v_money.exponent
    );
    v_status text := CASE p_intent ->> 'status'
        WHEN 'requires_source' THEN 'requires_payment_method' -- the names before 2019-02-11
        WHEN 'requires_source_action' THEN 'requires_action'
        ELSE p_intent ->> 'status'
    END;
    v_row saas.payment_intents;
    v_is_new boolean;
    v_order integer := 1;
    v_seen text[];
    v_source text;
    v_id uuid;
BEGIN
    IF v_status IS NULL OR v_status NOT IN (
        'requires_payment_method', 'requires_confirmation', 'requires_action', 'processing',
        'requires_capture', 'succeeded', 'canceled'
    ) THEN
        RAISE EXCEPTION USING ERRCODE = 'SA072', MESSAGE = 'the status of the payment intent is unknown';
    END IF;
    PERFORM saas.lock_provider_object(p_team, 'stripe', v_ref);
    SELECT i.* INTO v_row
    FROM saas.payment_intents AS i
    WHERE i.team_id = p_team AND i.provider = 'stripe' AND i.provider_intent_id = v_ref
    FOR UPDATE;
    v_is_new := NOT FOUND;
    IF NOT v_is_new THEN
        v_order := saas.snapshot_order(
            'payment_intent', v_row.status, v_row.snapshot_at, v_row.snapshot_event_id,
            v_status, p_at, p_event_id
        );
    END IF;
    outcome := CASE
        WHEN abs(v_order) = 2 THEN 'conflict'
        WHEN v_order > 0 THEN 'processed'
        ELSE 'superseded'
    END;
    v_seen := saas.add_state(v_row.states_seen, v_status);

    IF v_order > 0 THEN
        v_source := saas.state_source('payment_intent', v_status, v_seen, 'provider');
        v_received := greatest(v_received, v_row.amount_received);
        -- What the newest snapshot says holds whole; the same list serves the first and any later one.
        v_row.amount := v_amount;
        v_row.amount_capturable := v_capturable;
        v_row.currency := v_money.code;
        v_row.capture_method := p_intent ->> 'capture_method';
        v_row.description := p_intent ->> 'description';
        v_row.provider_customer_id := COALESCE(p_intent #>> '{customer,id}', p_intent ->> 'customer');
        v_row.provider_payment_method_id :=
            COALESCE(p_intent #>> '{payment_method,id}', p_intent ->> 'payment_method');
        v_row.last_error_code := COALESCE(
            p_intent #>> '{last_payment_error,code}', p_intent #>> '{last_payment_error,type}'
        );
        v_row.last_error_decline_code := p_intent #>> '{last_payment_error,decline_code}';
        v_row.last_error_message := p_intent #>> '{last_payment_error,message}';
        v_row.cancellation_reason := p_intent ->> 'cancellation_reason';
        v_row.canceled_at := saas.stripe_time(p_intent -> 'canceled_at');
        v_row.attributes := saas.stripe_intent_attributes(p_intent, v_amount, v_money.code);
        v_row.metadata := CASE
            WHEN jsonb_typeof(p_intent -> 'metadata') = 'object' THEN p_intent -> 'metadata'
            ELSE '{}'
        END;
        v_row.livemode := (p_intent -> 'livemode') IS NOT DISTINCT FROM 'true';
        v_row.provider_created_at := saas.stripe_time(p_intent -> 'created');
    ELSE
        v_source := saas.state_source('payment_intent', v_row.status, v_seen, v_row.status_source);
        v_received := greatest(v_received, v_row.amount_received);
        v_status := v_row.status;
        p_at := v_row.snapshot_at;
        p_event_id := v_row.snapshot_event_id;
    END IF;

    IF v_is_new THEN
        INSERT INTO saas.payment_intents (
            team_id, provider, provider_intent_id, amount, amount_capturable, amount_received, currency,
            status, status_source, states_seen, snapshot_at, snapshot_event_id, capture_method,
            description, provider_customer_id, provider_payment_method_id, last_error_code,
            last_error_decline_code, last_error_message, cancellation_reason, canceled_at, attributes,
            metadata, livemode, provider_created_at
        )
        VALUES (
            p_team, 'stripe', v_ref, v_row.amount, v_row.amount_capturable, v_received, v_row.currency,
            v_status, v_source, v_seen, p_at, p_event_id, v_row.capture_method,
            v_row.description, v_row.provider_customer_id, v_row.provider_payment_method_id,
            v_row.last_error_code, v_row.last_error_decline_code, v_row.last_error_message,
            v_row.cancellation_reason, v_row.canceled_at, v_row.attributes,
            v_row.metadata, v_row.livemode, v_row.provider_created_at
        )
        RETURNING id INTO v_id;
        UPDATE saas.payments AS p
        SET payment_intent_id = v_id
        WHERE p.team_id = p_team
            AND p.provider = 'stripe'
            AND p.provider_intent_id = v_ref
            AND p.payment_intent_id IS NULL;
    ELSIF v_order > 0 OR v_received <> v_row.amount_received OR v_seen <> v_row.states_seen THEN
        UPDATE saas.payment_intents AS i
        SET amount = v_row.amount,
            amount_capturable = v_row.amount_capturable,
            amount_received = v_received,
            currency = v_row.currency,
            status = v_status,
            status_source = v_source,
            states_seen = v_seen,
            snapshot_at = p_at,
            snapshot_event_id = p_event_id,
            capture_method = v_row.capture_method,
            description = v_row.description,
            provider_customer_id = v_row.provider_customer_id,
            provider_payment_method_id = v_row.provider_payment_method_id,
            last_error_code = v_row.last_error_code,
            last_error_decline_code = v_row.last_error_decline_code,
            last_error_message = v_row.last_error_message,
            cancellation_reason = v_row.cancellation_reason,
            canceled_at = v_row.canceled_at,
            attributes = v_row.attributes,
            metadata = v_row.metadata,
            livemode = v_row.livemode,
            provider_created_at = v_row.provider_created_at
        WHERE i.team_id = p_team AND i.id = v_row.id;
    END IF;
END
$$;
COMMENT ON FUNCTION saas.apply_stripe_intent(uuid, jsonb, timestamptz, text) IS
'Joins a snapshot of a Stripe payment intent, as the event of that id and time showed it, into payment_intents.';
REVOKE ALL ON FUNCTION saas.apply_stripe_intent(uuid, jsonb, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_stripe_intent(uuid, jsonb, timestamptz, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.live_refunds(
    p_team uuid,
    p_payment uuid,
    p_snapshot_at timestamptz,
    p_except uuid,
    OUT live bigint,
    OUT lost bigint
)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    SELECT
        COALESCE(sum(r.amount) FILTER (
            WHERE r.status IN ('pending', 'requires_action', 'succeeded')
        ), 0),
        COALESCE(sum(r.amount) FILTER (
            WHERE r.status IN ('failed', 'canceled')
                AND r.provider_created_at <= p_snapshot_at
                AND r.snapshot_at > p_snapshot_at
        ), 0)
    INTO live, lost
    FROM saas.refunds AS r
    WHERE r.team_id = p_team AND r.payment_id = p_payment AND r.id IS DISTINCT FROM p_except;
END
$$;
COMMENT ON FUNCTION saas.live_refunds(uuid, uuid, timestamptz, uuid) IS
'Of a payment''s refunds but one: the sum that has left or is about to leave, and the sum that came back after a snapshot of the payment which still counted it.';
REVOKE ALL ON FUNCTION saas.live_refunds(uuid, uuid, timestamptz, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.live_refunds(uuid, uuid, timestamptz, uuid) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.record_charge_operations(p_payment saas.payments)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_authorized text := CASE p_payment.status
        WHEN 'pending' THEN 'pending'
        WHEN 'failed' THEN 'failed'
        ELSE 'succeeded'
    END;
    -- An operation does not rise from failure, a payment may (late authorisation).
    v_source text := CASE
        WHEN v_authorized = 'succeeded' AND 'failed' = ANY (p_payment.states_seen) THEN 'conflict'
        ELSE p_payment.status_source
    END;
BEGIN
    INSERT INTO saas.payment_transactions (
        team_id, payment_id, operation, provider_reference, amount, currency, status, status_source,
        failure_code, occurred_at
    )
    SELECT
        p_payment.team_id, p_payment.id, o.operation, p_payment.provider_payment_id, o.amount,
        p_payment.currency, o.status, v_source, o.failure_code, p_payment.provider_created_at
    FROM (
        VALUES
            ('authorize', p_payment.amount, v_authorized, p_payment.failure_code),
            ('capture', p_payment.amount_captured, 'succeeded', NULL)
    ) AS o (operation, amount, status, failure_code)
    WHERE o.operation = 'authorize' OR o.amount > 0
    ON CONFLICT (team_id, payment_id, operation, provider_reference) DO UPDATE
    SET amount = excluded.amount,
        status = excluded.status,
        status_source = excluded.status_source,
        failure_code = excluded.failure_code,
        occurred_at = excluded.occurred_at
    WHERE (
        payment_transactions.amount, payment_transactions.status, payment_transactions.status_source,
        payment_transactions.failure_code, payment_transactions.occurred_at
    ) IS DISTINCT FROM (
        excluded.amount, excluded.status, excluded.status_source,
        excluded.failure_code, excluded.occurred_at
    );
END
$$;
COMMENT ON FUNCTION saas.record_charge_operations(saas.payments) IS
'Derives the operations authorize and capture of a payment from its row.';
REVOKE ALL ON FUNCTION saas.record_charge_operations(saas.payments) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.record_charge_operations(saas.payments) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_stripe_charge(
    p_team uuid,
    p_charge jsonb,
    p_at timestamptz,
    p_event_id text,
    OUT outcome text,
    OUT detail text,
    OUT waits_for text,
    OUT landed text[]
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_ref text := saas.provider_object_id(p_charge ->> 'id');
    v_intent_ref text := COALESCE(p_charge #>> '{payment_intent,id}', p_charge ->> 'payment_intent');
    v_money record := saas.provider_currency('stripe', p_charge ->> 'currency');
    v_amount bigint := saas.minor_units(p_charge -> 'amount', v_money.provider_exponent, v_money.exponent);
    v_refunded bigint := saas.minor_units(
        COALESCE(NULLIF(p_charge -> 'amount_refunded', 'null'), '0'),
        v_money.provider_exponent, v_money.exponent
    );
    v_card jsonb := p_charge #> '{payment_method_details,card}';
    v_captured bigint := 0;
    v_status text;
    v_row saas.payments;
    v_before saas.payments;
    v_is_new boolean;
    v_order integer := 1;
    v_refunds record;
    v_total bigint;
BEGIN
    v_status := CASE p_charge ->> 'status'
        WHEN 'failed' THEN 'failed'
        WHEN 'pending' THEN 'pending'
        WHEN 'succeeded' THEN CASE
            WHEN p_charge -> 'captured' = 'true' THEN 'paid'
            WHEN p_charge -> 'refunded' = 'true' OR v_refunded >= v_amount THEN 'voided'
            ELSE 'authorized'
        END
    END;
    IF v_status IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'SA072', MESSAGE = 'the status of the charge is unknown';
    END IF;
    IF v_status = 'paid' THEN -- the amount captured has a member of its own since 2020-08-27
        v_captured := saas.minor_units(
            COALESCE(NULLIF(p_charge -> 'amount_captured', 'null'), p_charge -> 'amount'),
            v_money.provider_exponent, v_money.exponent
        );
    END IF;

    IF v_intent_ref IS NOT NULL THEN
        PERFORM saas.lock_provider_object(p_team, 'stripe', saas.provider_object_id(v_intent_ref));
    END IF;
    PERFORM saas.lock_provider_object(p_team, 'stripe', v_ref);
    SELECT p.* INTO v_before
    FROM saas.payments AS p
    WHERE p.team_id = p_team AND p.provider = 'stripe' AND p.provider_payment_id = v_ref
    FOR UPDATE;
    v_is_new := NOT FOUND;
    v_row := v_before;
    IF NOT v_is_new THEN
        IF v_row.amount <> v_amount OR v_row.currency <> v_money.code THEN
            RAISE EXCEPTION USING
                ERRCODE = 'SA072',
                MESSAGE = 'amount or currency of the charge differ from those of the payment';
        END IF;
        v_order := saas.snapshot_order(
            'payment', v_row.status, v_row.snapshot_at, v_row.snapshot_event_id,
            v_status, p_at, p_event_id
        );
    END IF;
    outcome := CASE
        WHEN abs(v_order) = 2 THEN 'conflict'
        WHEN v_order > 0 THEN 'processed'
        ELSE 'superseded'
    END;

    v_row.states_seen := saas.add_state(v_row.states_seen, v_status);
    v_row.amount_captured := greatest(v_row.amount_captured, v_captured);
    IF v_order > 0 THEN
        v_row.status := v_status;
        v_row.status_source := 'provider';
        v_row.snapshot_at := p_at;
        v_row.snapshot_event_id := p_event_id;
        v_row.snapshot_refunded := v_refunded;
        v_row.failure_code := p_charge ->> 'failure_code';
        v_row.failure_message := p_charge ->> 'failure_message';
        v_row.payment_method_type := p_charge #>> '{payment_method_details,type}';
        v_row.card_brand := v_card ->> 'brand';
        v_row.card_last4 := v_card ->> 'last4';
        v_row.card_country := v_card ->> 'country';
        v_row.card_funding := v_card ->> 'funding';
        v_row.card_fingerprint := v_card ->> 'fingerprint';
        v_row.cvc_check := v_card #>> '{checks,cvc_check}';
        v_row.address_zip_check := v_card #>> '{checks,address_postal_code_check}';
        v_row.provider_customer_id := COALESCE(p_charge #>> '{customer,id}', p_charge ->> 'customer');
        v_row.description := p_charge ->> 'description';
        v_row.metadata := CASE
            WHEN jsonb_typeof(p_charge -> 'metadata') = 'object' THEN p_charge -> 'metadata'
            ELSE '{}'
        END;
        v_row.is_disputed := p_charge -> 'disputed' IS NOT DISTINCT FROM 'true';
        v_row.livemode := p_charge -> 'livemode' IS NOT DISTINCT FROM 'true';
        v_row.provider_created_at := saas.stripe_time(p_charge -> 'created');
    END IF;
    v_row.status_source := saas.state_source(
        'payment', v_row.status, v_row.states_seen, v_row.status_source
    );
    v_row.provider_intent_id := COALESCE(v_row.provider_intent_id, v_intent_ref); -- never changes
    IF v_row.payment_intent_id IS NULL AND v_row.provider_intent_id IS NOT NULL THEN
        SELECT i.id INTO v_row.payment_intent_id
        FROM saas.payment_intents AS i
        WHERE i.team_id = p_team
            AND i.provider = 'stripe'
            AND i.provider_intent_id = v_row.provider_intent_id;
    END IF;

    v_total := v_row.snapshot_refunded;
    IF v_before.amount_refunded + v_before.amount_released > 0 OR (NOT v_is_new AND v_total > 0) THEN
        v_refunds := saas.live_refunds(p_team, v_row.id, v_row.snapshot_at, NULL);
        v_total := greatest(v_refunds.live, v_total - v_refunds.lost);
    END IF;
    v_row.amount_refunded := least(v_total, v_row.amount_captured);
    v_row.amount_released := v_total - v_row.amount_refunded;

    IF v_is_new THEN
        INSERT INTO saas.payments (
            team_id, provider, provider_payment_id, provider_intent_id, payment_intent_id, amount,
            amount_captured, amount_refunded, amount_released, snapshot_refunded, currency, status,
            status_source, states_seen, snapshot_at, snapshot_event_id, failure_code, failure_message,
            payment_method_type, card_brand, card_last4, card_country, card_funding, card_fingerprint,
            cvc_check, address_zip_check, provider_customer_id, description, metadata, is_disputed,
            livemode, provider_created_at
        )
        VALUES (
            p_team, 'stripe', v_ref, v_row.provider_intent_id, v_row.payment_intent_id, v_amount,
            v_row.amount_captured, v_row.amount_refunded, v_row.amount_released, v_row.snapshot_refunded,
            v_money.code, v_row.status,
            v_row.status_source, v_row.states_seen, v_row.snapshot_at, v_row.snapshot_event_id,
            v_row.failure_code, v_row.failure_message,
            v_row.payment_method_type, v_row.card_brand, v_row.card_last4, v_row.card_country,
            v_row.card_funding, v_row.card_fingerprint,
            v_row.cvc_check, v_row.address_zip_check, v_row.provider_customer_id, v_row.description,
            v_row.metadata, v_row.is_disputed,
            v_row.livemode, v_row.provider_created_at
        )
        RETURNING * INTO v_row;
    ELSIF v_row IS DISTINCT FROM v_before THEN
        UPDATE saas.payments AS p
        SET provider_intent_id = v_row.provider_intent_id,
            payment_intent_id = v_row.payment_intent_id,
            amount_captured = v_row.amount_captured,
            amount_refunded = v_row.amount_refunded,
            amount_released = v_row.amount_released,
            snapshot_refunded = v_row.snapshot_refunded,
            status = v_row.status,
            status_source = v_row.status_source,
            states_seen = v_row.states_seen,
            snapshot_at = v_row.snapshot_at,
            snapshot_event_id = v_row.snapshot_event_id,
            failure_code = v_row.failure_code,
            failure_message = v_row.failure_message,
            payment_method_type = v_row.payment_method_type,
            card_brand = v_row.card_brand,
            card_last4 = v_row.card_last4,
            card_country = v_row.card_country,
            card_funding = v_row.card_funding,
            card_fingerprint = v_row.card_fingerprint,
            cvc_check = v_row.cvc_check,
            address_zip_check = v_row.address_zip_check,
            provider_customer_id = v_row.provider_customer_id,
            description = v_row.description,
            metadata = v_row.metadata,
            is_disputed = v_row.is_disputed,
            livemode = v_row.livemode,
            provider_created_at = v_row.provider_created_at
        WHERE p.team_id = p_team AND p.id = v_row.id;
    ELSE
        RETURN;
    END IF;
    PERFORM saas.record_charge_operations(v_row);
    IF v_is_new OR v_row.status <> v_before.status THEN
        landed := array_remove(ARRAY[v_ref, v_row.provider_intent_id], NULL);
    END IF;
END
$$;
COMMENT ON FUNCTION saas.apply_stripe_charge(uuid, jsonb, timestamptz, text) IS
'Joins a snapshot of a Stripe charge, as the event of that id and time showed it, into payments and payment_transactions. landed: the identifiers for which deferred events may have waited.';
REVOKE ALL ON FUNCTION saas.apply_stripe_charge(uuid, jsonb, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_stripe_charge(uuid, jsonb, timestamptz, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_stripe_refund(
    p_team uuid,
    p_refund jsonb,
    p_at timestamptz,
    p_event_id text,
    OUT outcome text,
    OUT detail text,
    OUT waits_for text,
    OUT landed text[]
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_ref text := saas.provider_object_id(p_refund ->> 'id');
    v_charge_ref text := COALESCE(p_refund #>> '{charge,id}', p_refund ->> 'charge');
    v_intent_ref text := COALESCE(p_refund #>> '{payment_intent,id}', p_refund ->> 'payment_intent');
    v_money record := saas.provider_currency('stripe', p_refund ->> 'currency');
    v_amount bigint := saas.minor_units(p_refund -> 'amount', v_money.provider_exponent, v_money.exponent);
    v_status text := p_refund ->> 'status';
    v_payment saas.payments;
    v_before saas.refunds;
    v_row saas.refunds;
    v_is_new boolean;
    v_order integer := 1;
    v_refunds record;
    v_total bigint;
    v_refunded bigint;
BEGIN
    IF v_status IS NULL
        OR v_status NOT IN ('pending', 'requires_action', 'succeeded', 'failed', 'canceled')
    THEN
        RAISE EXCEPTION USING ERRCODE = 'SA072', MESSAGE = 'the status of the refund is unknown';
    END IF;
    IF v_charge_ref IS NULL AND v_intent_ref IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA072',
            MESSAGE = 'the refund names neither a charge nor a payment intent';
    END IF;
    IF v_intent_ref IS NOT NULL THEN
        PERFORM saas.lock_provider_object(p_team, 'stripe', saas.provider_object_id(v_intent_ref));
    END IF;
    IF v_charge_ref IS NOT NULL THEN
        PERFORM saas.lock_provider_object(p_team, 'stripe', saas.provider_object_id(v_charge_ref));
        SELECT p.* INTO v_payment
        FROM saas.payments AS p
        WHERE p.team_id = p_team AND p.provider = 'stripe' AND p.provider_payment_id = v_charge_ref
        FOR UPDATE;
    ELSE -- of an intent's payments, the one that holds money
        SELECT p.* INTO v_payment
        FROM saas.payments AS p
        WHERE p.team_id = p_team
            AND p.provider = 'stripe'
            AND p.provider_intent_id = v_intent_ref
            AND p.status IN ('authorized', 'voided', 'paid')
        ORDER BY p.provider_payment_id
        LIMIT 1
        FOR UPDATE;
    END IF;
    IF NOT FOUND THEN
        outcome := 'deferred';
        detail := 'the payment is not known yet';
        waits_for := COALESCE(v_charge_ref, v_intent_ref);
        RETURN;
    END IF;

    SELECT r.* INTO v_before
    FROM saas.refunds AS r
    WHERE r.team_id = p_team AND r.provider = 'stripe' AND r.provider_refund_id = v_ref
    FOR UPDATE;
    v_is_new := NOT FOUND;
    v_row := v_before;
    IF v_payment.currency <> v_money.code
        OR (NOT v_is_new AND (v_row.amount <> v_amount OR v_row.payment_id <> v_payment.id))
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA072',
            MESSAGE = 'payment, amount or currency of the refund differ from those known';
    END IF;
    IF NOT v_is_new THEN
        v_order := saas.snapshot_order(
            'refund', v_row.status, v_row.snapshot_at, v_row.snapshot_event_id,
            v_status, p_at, p_event_id
        );
    END IF;
    outcome := CASE
        WHEN abs(v_order) = 2 THEN 'conflict'
        WHEN v_order > 0 THEN 'processed'
        ELSE 'superseded'
    END;

    v_row.states_seen := saas.add_state(v_row.states_seen, v_status);
    IF v_order > 0 THEN
        v_row.status := v_status;
        v_row.status_source := 'provider';
        v_row.snapshot_at := p_at;
        v_row.snapshot_event_id := p_event_id;
        v_row.reason := p_refund ->> 'reason';
        v_row.failure_reason := p_refund ->> 'failure_reason';
        v_row.metadata := CASE
            WHEN jsonb_typeof(p_refund -> 'metadata') = 'object' THEN p_refund -> 'metadata'
            ELSE '{}'
        END;
        v_row.provider_created_at := saas.stripe_time(p_refund -> 'created');
    END IF;
    v_row.status_source := saas.state_source(
        'refund', v_row.status, v_row.states_seen, v_row.status_source
    );
    IF v_row IS NOT DISTINCT FROM v_before THEN
        RETURN;
    END IF;

    v_refunds := saas.live_refunds(p_team, v_payment.id, v_payment.snapshot_at, v_row.id);
    IF v_row.status IN ('pending', 'requires_action', 'succeeded') THEN
        v_refunds.live := v_refunds.live + v_amount;
    ELSIF v_row.provider_created_at <= v_payment.snapshot_at AND v_row.snapshot_at > v_payment.snapshot_at
    THEN
        v_refunds.lost := v_refunds.lost + v_amount;
    END IF;
    IF v_refunds.live > v_payment.amount THEN
        -- Another refund must have come back first, of which we have not heard yet.
        outcome := 'deferred';
        detail := 'the refunds would exceed the payment';
        waits_for := v_payment.provider_payment_id;
        RETURN;
    END IF;

    IF v_is_new THEN
        INSERT INTO saas.refunds (
            team_id, payment_id, provider, provider_refund_id, amount, currency, status, status_source,
            states_seen, snapshot_at, snapshot_event_id, reason, failure_reason, metadata,
            provider_created_at
        )
        VALUES (
            p_team, v_payment.id, 'stripe', v_ref, v_amount, v_money.code, v_row.status,
            v_row.status_source,
            v_row.states_seen, v_row.snapshot_at, v_row.snapshot_event_id, v_row.reason,
            v_row.failure_reason, v_row.metadata,
            v_row.provider_created_at
        );
    ELSE
        UPDATE saas.refunds AS r
        SET status = v_row.status,
            status_source = v_row.status_source,
            states_seen = v_row.states_seen,
            snapshot_at = v_row.snapshot_at,
            snapshot_event_id = v_row.snapshot_event_id,
            reason = v_row.reason,
            failure_reason = v_row.failure_reason,
            metadata = v_row.metadata,
            provider_created_at = v_row.provider_created_at
        WHERE r.team_id = p_team AND r.id = v_row.id;
    END IF;

    INSERT INTO saas.payment_transactions (
        team_id, payment_id, operation, provider_reference, amount, currency, status, status_source,
        failure_code, occurred_at
    )
    VALUES (
        p_team, v_payment.id, 'refund', v_ref, v_amount, v_money.code,
        CASE v_row.status
            WHEN 'succeeded' THEN 'succeeded'
            WHEN 'failed' THEN 'failed'
            WHEN 'canceled' THEN 'failed'
            ELSE 'pending'
        END,
        v_row.status_source, v_row.failure_reason, v_row.provider_created_at
    )
    ON CONFLICT (team_id, payment_id, operation, provider_reference) DO UPDATE
    SET status = excluded.status,
        status_source = excluded.status_source,
        failure_code = excluded.failure_code,
        occurred_at = excluded.occurred_at
    WHERE (
        payment_transactions.status, payment_transactions.status_source,
        payment_transactions.failure_code, payment_transactions.occurred_at
    ) IS DISTINCT FROM (
        excluded.status, excluded.status_source, excluded.failure_code, excluded.occurred_at
    );

    -- Money that was never captured cannot be refunded: it is released from the authorisation.
    v_total := greatest(v_refunds.live, v_payment.snapshot_refunded - v_refunds.lost);
    v_refunded := least(v_total, v_payment.amount_captured);
    UPDATE saas.payments AS p
    SET amount_refunded = v_refunded,
        amount_released = v_total - v_refunded
    WHERE p.team_id = p_team
        AND p.id = v_payment.id
        AND (p.amount_refunded, p.amount_released) <> (v_refunded, v_total - v_refunded);
    IF v_row.status IN ('failed', 'canceled') AND v_row.status IS DISTINCT FROM v_before.status THEN
        -- There is room for another refund, and for what else we heard of this one.
        landed := ARRAY[v_payment.provider_payment_id];
    END IF;
END
$$;
COMMENT ON FUNCTION saas.apply_stripe_refund(uuid, jsonb, timestamptz, text) IS
'Joins a snapshot of a Stripe refund, as the event of that id and time showed it, into refunds, payment_transactions and the amounts of its payment. Deferred while the payment is unknown, or while the refunds known would exceed it.';
REVOKE ALL ON FUNCTION saas.apply_stripe_refund(uuid, jsonb, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_stripe_refund(uuid, jsonb, timestamptz, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_stripe_event(
    p_team uuid,
    p_event jsonb,
    OUT outcome text,
    OUT detail text,
    OUT waits_for text,
    OUT landed text[]
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_type text := p_event ->> 'type';
    v_object jsonb := p_event #> '{data,object}';
    v_at timestamptz;
    v_result record;
    v_expected text;
BEGIN
    IF COALESCE(v_type, '') !~ '^(payment_intent|charge|refund)\.'
        OR COALESCE(v_object ->> 'object', '') NOT IN ('payment_intent', 'charge', 'refund')
        OR p_event ->> 'object' = 'v2.core.event'
    THEN
        outcome := 'ignored';
        detail := 'no table for this type of event';
        RETURN;
    END IF;
    v_at := saas.stripe_time(p_event -> 'created');
    IF v_at IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'SA072', MESSAGE = 'the event has no time';
    END IF;
    CASE v_object ->> 'object'
        WHEN 'payment_intent' THEN
            v_result := saas.apply_stripe_intent(p_team, v_object, v_at, p_event ->> 'id');
        WHEN 'charge' THEN
            v_result := saas.apply_stripe_charge(p_team, v_object, v_at, p_event ->> 'id');
        ELSE
            v_result := saas.apply_stripe_refund(p_team, v_object, v_at, p_event ->> 'id');
    END CASE;
    outcome := v_result.outcome;
    detail := v_result.detail;
    waits_for := v_result.waits_for;
    landed := v_result.landed;
    v_expected := CASE v_type
        WHEN 'payment_intent.succeeded' THEN 'succeeded'
        WHEN 'payment_intent.canceled' THEN 'canceled'
        WHEN 'payment_intent.processing' THEN 'processing'
        WHEN 'payment_intent.requires_action' THEN 'requires_action'
        WHEN 'payment_intent.payment_failed' THEN 'requires_payment_method'
        WHEN 'charge.succeeded' THEN 'succeeded'
        WHEN 'charge.failed' THEN 'failed'
        WHEN 'charge.pending' THEN 'pending'
        WHEN 'refund.failed' THEN 'failed'
    END;
    IF v_object ->> 'status' <> v_expected THEN
        detail := concat_ws('; ', detail, 'the object''s status is not the one that the event type announces');
    END IF;
END
$$;
COMMENT ON FUNCTION saas.apply_stripe_event(uuid, jsonb) IS
'Applies a verified Stripe event to the payment tables. Outcome processed, superseded, conflict, deferred or ignored; raises SA072 for an object that makes no sense.';
REVOKE ALL ON FUNCTION saas.apply_stripe_event(uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_stripe_event(uuid, jsonb) TO saas_internal;
