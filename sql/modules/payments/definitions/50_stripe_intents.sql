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
    v_ref text := saas.provider_object_id(p_intent -> 'id', true);
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
    PERFORM saas.link_provider_intent(
        p_team, 'stripe', v_ref, p_intent #>> '{metadata,saas_intent_id}', v_amount, v_money.code
    );
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
