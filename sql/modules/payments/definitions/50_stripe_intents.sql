-- Stripe's objects become snapshots. The state comes from the object; the type of the event is a hint.

CREATE OR REPLACE FUNCTION saas.stripe_time(p_value jsonb)
RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN jsonb_typeof(p_value) = 'number' AND p_value::numeric BETWEEN 0 AND 253402300799
            THEN to_timestamp(p_value::double precision)
    END
$$;
COMMENT ON FUNCTION saas.stripe_time(jsonb) IS
'A time given in unix seconds; NULL unless it is a number between the years 1970 and 9999.';
REVOKE ALL ON FUNCTION saas.stripe_time(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.stripe_time(jsonb) TO saas_internal;

-- The method is the one that was tried last, or that is expanded in the object; a charge has the same members under
-- payment_method_details. Attributes are what fraud rules may ask about, by the names they use.
CREATE OR REPLACE FUNCTION saas.stripe_intent(
    p_team uuid,
    p_intent jsonb,
    p_at timestamptz,
    p_event_id text
)
RETURNS saas.payment_intents
LANGUAGE sql STABLE PARALLEL UNSAFE
AS $$
    SELECT saas.with_json_columns(
        saas.with_columns(
            NULL::saas.payment_intents, '{team_id,provider,snapshot_at,snapshot_event_id}',
            p_team, 'stripe'::text, p_at, p_event_id
        ),
        'stripe', p_intent,
        '
        @method    json   last_payment_error.payment_method
                        | latest_charge.payment_method_details
                        | charges.data.0.payment_method_details
                        | payment_method
        @billing   json   last_payment_error.payment_method.billing_details
                        | latest_charge.billing_details
                        | charges.data.0.billing_details
                        | payment_method.billing_details

        currency                      currency            currency
        amount                        units               amount
        provider_intent_id            required_id         id
        amount_capturable             units_or_zero       amount_capturable
        amount_received               units_or_zero       amount_received
        status                        state:payment_intent  status
        capture_method                text                capture_method
        description                   text                description
        provider_customer_id          text                customer.id | customer
        provider_payment_method_id    text                payment_method.id | payment_method
        last_error_code               text                last_payment_error.code | last_payment_error.type
        last_error_decline_code       text                last_payment_error.decline_code
        last_error_message            text                last_payment_error.message
        cancellation_reason           text                cancellation_reason
        canceled_at                   unix_time           canceled_at
        metadata                      object              metadata
        livemode                      flag_or_false       livemode
        provider_created_at           unix_time           created

        attributes.amount               units         amount
        attributes.currency             currency      currency
        attributes.email                lower_text    receipt_email | @billing.email
        attributes.email_domain         mail_domain   receipt_email | @billing.email
        attributes.ip                   text          metadata.ip | metadata.ip_address
        attributes.card_brand           text          @method.card.brand
        attributes.card_country         text          @method.card.country
        attributes.card_funding         text          @method.card.funding
        attributes.card_fingerprint     text          @method.card.fingerprint
        attributes.card_last4           text          @method.card.last4
        attributes.cvc_check            text          @method.card.checks.cvc_check
        attributes.address_zip_check    text          @method.card.checks.address_postal_code_check
        attributes.customer             text          customer.id | customer
        attributes.description          text          description
        attributes.capture_method       text          capture_method
        attributes.payment_method_type  text          @method.type | payment_method_types.0
        attributes.livemode             flag          livemode
        attributes.shipping_country     text          shipping.address.country
        attributes.billing_country      text          @billing.address.country
        '
    )
$$;
COMMENT ON FUNCTION saas.stripe_intent(uuid, jsonb, timestamptz, text) IS
'A Stripe payment intent, as the event of that id and time showed it, as a row of payment_intents.';
REVOKE ALL ON FUNCTION saas.stripe_intent(uuid, jsonb, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.stripe_intent(uuid, jsonb, timestamptz, text) TO saas_internal;
DROP FUNCTION IF EXISTS saas.apply_stripe_intent(uuid, jsonb, timestamptz, text);
DROP FUNCTION IF EXISTS saas.stripe_intent_attributes(jsonb, bigint, text);
