-- What the application and the charge say about an attempt, and what holds back requests to the provider.
COMMENT ON COLUMN saas.payment_intents.supplied_attributes IS
'What the application said about the attempt; part of attributes, whatever providers report. [confidential]';
COMMENT ON COLUMN saas.payment_intents.charged_attributes IS
'What the latest payment, by the provider''s time, tells about the card; part of attributes, where nobody else says it. [confidential]';

CREATE OR REPLACE FUNCTION saas.lay_attributes()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    -- No number of a card is kept there either: what the application gives is refused, what a payment tells masked.
    IF NEW.supplied_attributes <> '{}' AND saas.contains_card_number(NEW.supplied_attributes::text) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA090',
            MESSAGE = 'supplied_attributes of payment_intents holds what looks like a card number',
            HINT = 'Numbers of cards belong to the provider alone: give its token.',
            SCHEMA = 'saas',
            TABLE = 'payment_intents',
            COLUMN = 'supplied_attributes';
    ELSIF saas.contains_card_number(NEW.charged_attributes::text) THEN
        NEW.charged_attributes := saas.mask_card_numbers(NEW.charged_attributes::text)::jsonb;
    END IF;
    -- What an earlier payment told gives way to what the latest one does.
    IF TG_OP = 'UPDATE' AND OLD.charged_attributes <> '{}' AND OLD.charged_attributes <> NEW.charged_attributes THEN
        NEW.attributes := NEW.attributes - ARRAY(
            SELECT e.key FROM jsonb_each(OLD.charged_attributes) AS e WHERE NEW.attributes -> e.key = e.value
        );
    END IF;
    -- The domain that a provider reports is that of the address it reports.
    IF NEW.supplied_attributes ? 'email' THEN
        NEW.attributes := NEW.attributes - 'email_domain';
    END IF;
    NEW.attributes := NEW.charged_attributes || NEW.attributes || NEW.supplied_attributes;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION saas.lay_attributes() IS
'Trigger of saas.payment_intents: joins the attributes. What the application supplied goes before what the snapshot of the intent reports, and that before what the charge tells. Numbers of cards are refused (SA090) and masked.';
REVOKE ALL ON FUNCTION saas.lay_attributes() FROM PUBLIC;

CREATE OR REPLACE TRIGGER payment_intents_14_attributes
BEFORE INSERT OR UPDATE OF attributes, supplied_attributes, charged_attributes ON saas.payment_intents
FOR EACH ROW
WHEN (new.supplied_attributes <> '{}' OR new.charged_attributes <> '{}')
EXECUTE FUNCTION saas.lay_attributes();

-- Of most payments the card becomes known with the charge: rules and history shall see it.
CREATE OR REPLACE FUNCTION saas.tell_intent_of_card()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_told jsonb;
    v_intent saas.payment_intents;
BEGIN
    SELECT saas.row_members(
        h,
        '{card_brand,card_last4,card_country,card_funding,card_fingerprint,cvc_check,
          address_zip_check,payment_method_type}'
    )
    INTO v_told
    FROM saas.payments AS h
    WHERE h.team_id = NEW.team_id AND h.payment_intent_id = NEW.payment_intent_id
    -- The provider's time, not that of arrival, decides which one is the latest.
    ORDER BY h.provider_created_at DESC NULLS LAST, h.provider_payment_id COLLATE "C" DESC
    LIMIT 1;
    v_intent := saas.lock_row(
        v_intent, 'FOR NO KEY UPDATE', 'payment_intents_pkey', NEW.team_id, NEW.payment_intent_id
    );
    IF v_intent.charged_attributes IS DISTINCT FROM v_told THEN
        v_intent.charged_attributes := v_told;
        v_intent := saas.update_row(v_intent);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION saas.tell_intent_of_card() IS
'Trigger of saas.payments: what the latest payment tells about the card becomes part of the attributes of its intent, which is assessed again when they change.';
REVOKE ALL ON FUNCTION saas.tell_intent_of_card() FROM PUBLIC;

CREATE OR REPLACE TRIGGER payments_60_card
AFTER INSERT ON saas.payments
FOR EACH ROW
WHEN (new.payment_intent_id IS NOT NULL)
EXECUTE FUNCTION saas.tell_intent_of_card();

CREATE OR REPLACE TRIGGER payments_61_card_again
AFTER UPDATE ON saas.payments
FOR EACH ROW
WHEN (
    new.payment_intent_id IS NOT NULL
    AND (
        old.payment_intent_id IS DISTINCT FROM new.payment_intent_id
        OR old.provider_created_at IS DISTINCT FROM new.provider_created_at
        OR old.payment_method_type IS DISTINCT FROM new.payment_method_type
        OR old.card_brand IS DISTINCT FROM new.card_brand
        OR old.card_last4 IS DISTINCT FROM new.card_last4
        OR old.card_country IS DISTINCT FROM new.card_country
        OR old.card_funding IS DISTINCT FROM new.card_funding
        OR old.card_fingerprint IS DISTINCT FROM new.card_fingerprint
        OR old.cvc_check IS DISTINCT FROM new.cvc_check
        OR old.address_zip_check IS DISTINCT FROM new.address_zip_check
    )
)
EXECUTE FUNCTION saas.tell_intent_of_card();

CREATE OR REPLACE FUNCTION saas.describe_payment_intent(
    p_team uuid,
    p_payment_intent uuid,
    p_attributes jsonb,
    p_provider_payment_method_id text DEFAULT NULL
)
RETURNS saas.fraud_assessments
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_intent saas.payment_intents;
    v_supplied jsonb;
    v_assessment saas.fraud_assessments;
BEGIN
    PERFORM saas.require_team(p_team, 'member');
    IF jsonb_typeof(p_attributes) IS DISTINCT FROM 'object' OR octet_length(p_attributes::text) > 65536
        OR p_provider_payment_method_id = '' OR octet_length(p_provider_payment_method_id) > 512
    THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'attributes are an object of up to 64 KiB, a payment method has up to 512 bytes';
    END IF;
    v_intent := saas.lock_intent(p_team, p_payment_intent);
    IF v_intent.status NOT IN ('requires_payment_method', 'requires_confirmation', 'requires_action') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA082',
            MESSAGE = 'the payment intent cannot be described any more',
            DETAIL = format('It is %s.', v_intent.status),
            HINT = 'What a decision relied on stays. Describe an attempt before it is confirmed.';
    END IF;
    v_supplied := v_intent.supplied_attributes || p_attributes;
    IF octet_length(v_supplied::text) > 65536 THEN
        RAISE EXCEPTION USING
            ERRCODE = '54000',
            MESSAGE = 'too many attributes of a payment intent',
            DETAIL = 'What is supplied has up to 64 KiB in all.';
    END IF;
    UPDATE saas.payment_intents AS i
    SET supplied_attributes = v_supplied,
        provider_payment_method_id = COALESCE(p_provider_payment_method_id, i.provider_payment_method_id)
    WHERE i.team_id = p_team AND i.id = p_payment_intent;
    SELECT * INTO v_assessment
    FROM saas.fraud_assessments AS a
    WHERE a.team_id = p_team AND a.payment_intent_id = p_payment_intent
    ORDER BY a.assessed_at DESC, a.id DESC
    LIMIT 1;
    RETURN v_assessment;
END
$$;
COMMENT ON FUNCTION saas.describe_payment_intent(uuid, uuid, jsonb, text) IS
'Adds what the application knows about an attempt (email, ip, device and so on, by the names that fraud rules have for it) and the payment method it will be confirmed with, before it is confirmed. Returns the assessment that holds then. Needs member. SA081 for an unknown intent, SA082 for one that was confirmed.';
REVOKE ALL ON FUNCTION saas.describe_payment_intent(uuid, uuid, jsonb, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.describe_payment_intent(uuid, uuid, jsonb, text) TO saas_app, saas_service;

-- Asking the provider is what moves money: a capture changes no state of the intent, and neither does
-- a confirmation after the customer has acted.
CREATE OR REPLACE FUNCTION saas.enforce_fraud_hold()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_capture text;
    v_obstacle text;
BEGIN
    -- The lock orders this request and assessments of the intent, which take it as well.
    SELECT i.capture_method INTO v_capture
    FROM saas.payment_intents AS i
    WHERE i.team_id = NEW.team_id AND i.id = NEW.payment_intent_id
    FOR NO KEY UPDATE;
    v_obstacle := saas.fraud_obstacle(
        NEW.team_id, NEW.payment_intent_id,
        CASE NEW.kind WHEN 'capture' THEN 'succeeded' ELSE 'processing' END, v_capture
    );
    IF v_obstacle IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA069',
            MESSAGE = format(
                'the payment is %s: it cannot be %s', v_obstacle,
                CASE NEW.kind WHEN 'capture' THEN 'captured' ELSE 'confirmed' END
            ),
            DETAIL = format('Payment intent %s.', NEW.payment_intent_id),
            HINT = CASE v_obstacle
                WHEN 'blocked' THEN 'Cancel it, or change it with saas.describe_payment_intent(), which assesses it again.'
                ELSE 'Decide the review with saas.decide_review().'
            END,
            SCHEMA = TG_TABLE_SCHEMA,
            TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION saas.enforce_fraud_hold() IS
'Trigger of saas.provider_requests: SA069 for a request to confirm a blocked payment, or to capture one that is blocked or in review.';
REVOKE ALL ON FUNCTION saas.enforce_fraud_hold() FROM PUBLIC;

CREATE OR REPLACE TRIGGER provider_requests_15_fraud
BEFORE INSERT ON saas.provider_requests
FOR EACH ROW
WHEN (new.kind IN ('confirm_intent', 'capture'))
EXECUTE FUNCTION saas.enforce_fraud_hold();
