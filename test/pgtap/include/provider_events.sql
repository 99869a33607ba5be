-- Every provider set up for the team of payments.sql, and functions that render events of neutral objects and
-- states in each provider's words and deliver them, signed as that provider signs. PayPal's signature needs
-- its key: its events enter behind the check, and are confirmed.
SELECT saas.configure_payment_provider(pg_temp.team(), p.provider, ARRAY[convert_to(p.secret, 'UTF8')])
FROM (VALUES ('paypal', 'WEBHOOK-ID'), ('square', 'key'), ('adyen', '6b6579'), ('razorpay', 'key'),
    ('standard', 'whsec_a2V5'), ('svix', 'whsec_a2V5')) AS p (provider, secret);

CREATE FUNCTION pg_temp.iso(p_at bigint) RETURNS text LANGUAGE sql AS $$
    SELECT to_char(to_timestamp(p_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
$$;
CREATE FUNCTION pg_temp.base64(p bytea) RETURNS text LANGUAGE sql AS $$ SELECT replace(encode(p, 'base64'), E'\n', '') $$;

-- The provider's own word for a state of ours; NULL where it has none.
CREATE FUNCTION pg_temp.word(p_provider text, p_object text, p_state text, p_seed text DEFAULT '') RETURNS text LANGUAGE sql AS $$
    SELECT m.provider_status FROM saas.provider_status_map AS m
    WHERE m.provider = p_provider AND m.object = p_object AND m.state = p_state
    ORDER BY md5(p_seed || m.provider_status) LIMIT 1
$$;

CREATE FUNCTION pg_temp.adyen_item(p_code text, p_success text, p_ref text, p_original text, p_amount bigint, p_at bigint, p_more jsonb DEFAULT '{}')
RETURNS jsonb LANGUAGE sql AS $$
    SELECT i.item || jsonb_build_object('additionalData', jsonb_build_object('hmacSignature', pg_temp.base64(hmac(convert_to(concat_ws(':',
        p_ref, COALESCE(p_original, ''), i.item ->> 'merchantAccountCode', i.item ->> 'merchantReference',
        i.item #>> '{amount,value}', i.item #>> '{amount,currency}', p_code, p_success), 'UTF8'), 'key'::bytea, 'sha256')))
        || COALESCE(p_more -> 'additionalData', '{}'))
    FROM (SELECT jsonb_strip_nulls(jsonb_build_object('eventCode', p_code, 'success', p_success, 'pspReference', p_ref, 'originalReference', p_original,
        'merchantAccountCode', 'Shop', 'merchantReference', 'order', 'amount', jsonb_build_object('value', p_amount, 'currency', 'USD'),
        'eventDate', pg_temp.iso(p_at), 'paymentMethod', 'visa')) || (p_more - 'additionalData') AS item) AS i
$$;

-- An event about an object (intent, payment, capture, refund, dispute, payout) in a state of ours; NULL where
-- the provider has no words for that. p_parent: the intent of a payment, the payment of a child.
CREATE FUNCTION pg_temp.render(p_provider text, p_kind text, p_ref text, p_parent text, p_state text, p_stage text, p_amount bigint,
    p_at bigint, p_event text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_word text;
    v_money jsonb := jsonb_build_object('currency', 'USD', 'currency_code', 'USD', 'amount', p_amount, 'value', to_char(p_amount / 100.0, 'FM999990.00'));
    v_object jsonb;
    v_paid boolean := p_state IN ('paid', 'succeeded');
BEGIN
    CASE p_provider
    WHEN 'paypal' THEN
        v_word := pg_temp.word('paypal', CASE
            WHEN p_kind = 'dispute' AND p_stage = 'pre_dispute' THEN 'inquiry' WHEN p_kind = 'dispute' AND p_state IN ('won', 'lost') THEN 'dispute_outcome'
            WHEN p_kind = 'intent' AND p_state = 'requires_capture' THEN 'authorized_order'
            ELSE (jsonb_build_object('intent', 'order', 'payment', CASE WHEN p_ref LIKE 'auth%' THEN 'authorization' ELSE 'capture' END,
                'capture', 'capture_of_authorization', 'payout', 'payout_item', 'refund', 'refund', 'dispute', 'dispute') ->> p_kind) END, p_state, p_event);
        v_object := CASE p_kind
            WHEN 'intent' THEN jsonb_build_object('id', p_ref, 'status', v_word, 'intent', CASE p_state WHEN 'requires_capture' THEN 'AUTHORIZE' ELSE 'CAPTURE' END,
                'purchase_units', jsonb_build_array(jsonb_build_object('amount', v_money)))
            WHEN 'payment' THEN jsonb_build_object('id', p_ref, 'status', v_word, 'amount', v_money, 'supplementary_data', jsonb_build_object('related_ids', jsonb_build_object('order_id', p_parent)))
            WHEN 'capture' THEN jsonb_build_object('id', p_ref, 'status', v_word, 'amount', v_money, 'supplementary_data', jsonb_build_object('related_ids', jsonb_build_object('authorization_id', p_parent)))
            WHEN 'refund' THEN jsonb_build_object('id', p_ref, 'status', v_word, 'amount', v_money, 'links', jsonb_build_array(jsonb_build_object('rel', 'up', 'href', 'https://api.paypal.com/v2/payments/captures/' || p_parent)))
            WHEN 'dispute' THEN jsonb_build_object('dispute_id', p_ref, 'dispute_amount', v_money, 'dispute_life_cycle_stage', CASE p_stage WHEN 'pre_dispute' THEN 'INQUIRY' WHEN 'dispute' THEN 'CHARGEBACK' ELSE upper(p_stage) END,
                'status', CASE WHEN p_stage <> 'pre_dispute' AND p_state IN ('won', 'lost') THEN 'RESOLVED' ELSE v_word END,
                'dispute_outcome', jsonb_build_object('outcome_code', v_word), 'disputed_transactions', jsonb_build_array(jsonb_build_object('seller_transaction_id', p_parent)))
            ELSE jsonb_build_object('payout_item_id', p_ref, 'transaction_status', v_word, 'payout_item', jsonb_build_object('amount', v_money)) END
            || jsonb_build_object('create_time', pg_temp.iso(p_at - p_at % 100), 'update_time', pg_temp.iso(p_at));
        v_object := jsonb_build_object('id', p_event, 'create_time', pg_temp.iso(p_at), 'resource', v_object, 'resource_type', CASE p_kind WHEN 'intent' THEN 'checkout-order'
            WHEN 'payment' THEN CASE WHEN p_ref LIKE 'auth%' THEN 'authorization' ELSE 'capture' END WHEN 'payout' THEN 'payouts_item' ELSE p_kind END,
            'event_type', CASE p_kind WHEN 'intent' THEN 'CHECKOUT.ORDER.APPROVED' WHEN 'refund' THEN 'PAYMENT.CAPTURE.REFUNDED' WHEN 'dispute' THEN 'CUSTOMER.DISPUTE.UPDATED'
                WHEN 'payout' THEN 'PAYMENT.PAYOUTS-ITEM.SUCCEEDED' ELSE 'PAYMENT.CAPTURE.COMPLETED' END);
    WHEN 'square' THEN
        v_word := pg_temp.word('square', p_kind, p_state, p_event);
        v_object := jsonb_build_object('id', p_ref, 'created_at', pg_temp.iso(p_at - p_at % 100), 'updated_at', pg_temp.iso(p_at), 'amount_money', v_money, 'status', v_word) || CASE p_kind
            WHEN 'payment' THEN jsonb_build_object('total_money', v_money, 'card_details', '{"card": {"card_brand": "VISA", "last_4": "4242"}}'::jsonb)
            WHEN 'refund' THEN jsonb_build_object('payment_id', p_parent)
            WHEN 'dispute' THEN jsonb_build_object('state', v_word, 'disputed_payment', jsonb_build_object('payment_id', p_parent)) ELSE '{}' END;
        v_object := jsonb_build_object('event_id', p_event, 'created_at', pg_temp.iso(p_at), 'data', jsonb_build_object('object', jsonb_build_object(p_kind, v_object)),
            'type', CASE p_kind WHEN 'dispute' THEN 'dispute.state.updated' WHEN 'payout' THEN 'payout.sent' ELSE p_kind || '.updated' END);
    WHEN 'adyen' THEN
        SELECT m.object || ' ' || m.provider_status INTO v_word FROM saas.provider_status_map AS m
        WHERE m.provider = 'adyen' AND m.object IN ('success', 'failure') AND m.state = p_state AND m.stage IS NOT DISTINCT FROM p_stage
            AND m.machine = CASE p_kind WHEN 'capture' THEN 'payment_transaction' ELSE p_kind END
            AND m.provider_status NOT IN ('CANCEL_OR_REFUND', 'VOID_PENDING_REFUND')
        ORDER BY md5(p_event || m.provider_status || m.object) LIMIT 1;
        IF p_kind <> 'intent' AND v_word IS NOT NULL THEN
            v_object := pg_temp.adyen_item(split_part(v_word, ' ', 2), CASE split_part(v_word, ' ', 1) WHEN 'success' THEN 'true' ELSE 'false' END,
                CASE WHEN p_state = 'voided' THEN 'void' || p_event ELSE p_ref END, CASE WHEN p_state = 'voided' THEN p_ref WHEN p_kind IN ('payment', 'payout') THEN NULL ELSE p_parent END, p_amount, p_at);
        END IF;
    WHEN 'razorpay' THEN
        v_word := pg_temp.word('razorpay', CASE WHEN p_kind = 'intent' THEN 'order' WHEN p_kind = 'dispute' AND p_stage = 'pre_dispute' THEN 'inquiry'
            WHEN p_state = 'voided' THEN 'released_payment' ELSE p_kind END, p_state, p_event);
        v_object := jsonb_build_object('id', p_ref, 'amount', p_amount, 'currency', 'USD', 'status', v_word, 'created_at', p_at - p_at % 100) || CASE p_kind
            WHEN 'intent' THEN jsonb_build_object('amount_paid', CASE WHEN v_paid THEN p_amount ELSE 0 END)
            WHEN 'payment' THEN jsonb_build_object('order_id', p_parent, 'captured', v_paid, 'method', 'card', 'card', '{"last4": "4242"}'::jsonb)
            WHEN 'dispute' THEN jsonb_build_object('payment_id', p_parent, 'phase', CASE p_stage WHEN 'pre_dispute' THEN 'retrieval' WHEN 'dispute' THEN 'chargeback' ELSE p_stage END)
            WHEN 'refund' THEN jsonb_build_object('payment_id', p_parent) ELSE '{}' END;
        v_object := jsonb_build_object('entity', 'event', 'created_at', p_at, 'payload', jsonb_build_object(CASE p_kind WHEN 'intent' THEN 'order' ELSE p_kind END, jsonb_build_object('entity', v_object)),
            'event', CASE p_kind WHEN 'intent' THEN 'order.paid' WHEN 'payment' THEN 'payment.captured' WHEN 'refund' THEN 'refund.processed' WHEN 'dispute' THEN 'payment.dispute.under_review' ELSE 'payout.updated' END);
    WHEN 'stripe' THEN
        v_object := CASE p_kind
            WHEN 'intent' THEN pg_temp.intent(p_ref, p_state, jsonb_build_object('amount', p_amount, 'amount_received', CASE WHEN v_paid THEN p_amount ELSE 0 END))
            WHEN 'payment' THEN pg_temp.charge(p_ref, p_parent, CASE WHEN p_state IN ('pending', 'failed') THEN p_state ELSE 'succeeded' END, v_paid,
                jsonb_build_object('amount', p_amount, 'amount_captured', CASE WHEN v_paid THEN p_amount ELSE 0 END, 'refunded', p_state = 'voided',
                    'amount_refunded', CASE WHEN p_state = 'voided' THEN p_amount ELSE 0 END))
            WHEN 'refund' THEN pg_temp.refund(p_ref, p_parent, p_amount, p_state, jsonb_build_object('created', p_at - p_at % 100))
            WHEN 'dispute' THEN pg_temp.dispute(p_ref, p_parent, p_amount, p_state) ELSE pg_temp.payout(p_ref, p_amount, p_state) END;
        v_word := CASE WHEN p_kind IN ('intent', 'payment') OR pg_temp.word('stripe', p_kind, p_state) IS NOT NULL THEN 'x' END;
        IF p_kind = 'intent' AND pg_temp.word('stripe', 'payment_intent', p_state) IS NULL THEN v_word := NULL; END IF;
        v_object := pg_temp.event(p_event, p_at, v_object);
    ELSE
        v_word := pg_temp.word(p_provider, CASE p_kind WHEN 'intent' THEN 'payment_intent' ELSE p_kind END, p_state);
        v_object := jsonb_build_object('id', p_ref, 'status', p_state, 'amount', p_amount, 'currency', 'usd', 'created_at', pg_temp.iso(p_at - p_at % 100)) || CASE p_kind
            WHEN 'payment' THEN jsonb_build_object('payment_intent', p_parent, 'card', '{"last4": "4242"}'::jsonb) || CASE WHEN p_ref LIKE 'auth%' THEN '{}' ELSE jsonb_build_object('amount_captured', CASE WHEN v_paid THEN p_amount ELSE 0 END) END
            WHEN 'intent' THEN jsonb_build_object('amount_received', CASE WHEN v_paid THEN p_amount ELSE 0 END)
            WHEN 'dispute' THEN jsonb_build_object('payment', p_parent, 'stage', p_stage)
            ELSE jsonb_build_object('payment', p_parent) END;
        v_object := jsonb_build_object('type', CASE p_kind WHEN 'intent' THEN 'payment_intent' ELSE p_kind END || '.updated', 'timestamp', pg_temp.iso(p_at), 'data', v_object);
    END CASE;
    RETURN CASE WHEN v_word IS NOT NULL THEN v_object END;
END
$$;

-- Signs and delivers; p_event: its identifier where the body has none.
CREATE FUNCTION pg_temp.send_body(p_provider text, p_body bytea, p_event text, OUT webhook_event_id uuid, OUT outcome text, OUT detail text) LANGUAGE sql AS $$
    SELECT d.* FROM saas.ingest_webhook(pg_temp.team(), p_provider, CASE p_provider
        WHEN 'square' THEN jsonb_build_object('x-square-hmacsha256-signature', pg_temp.base64(hmac(convert_to('https://shop.example/hook', 'UTF8') || p_body, 'key', 'sha256')))
        WHEN 'razorpay' THEN jsonb_build_object('X-Razorpay-Signature', encode(hmac(p_body, 'key', 'sha256'), 'hex'), 'x-razorpay-event-id', p_event)
        WHEN 'stripe' THEN jsonb_build_object('Stripe-Signature', pg_temp.signature(p_body, 1700000000))
        WHEN 'standard' THEN jsonb_build_object('webhook-id', p_event, 'webhook-timestamp', '1700000000', 'webhook-signature',
            'v1,' || pg_temp.base64(hmac(convert_to(p_event || '.1700000000.', 'UTF8') || p_body, 'key', 'sha256')))
        WHEN 'svix' THEN jsonb_build_object('svix-id', p_event, 'svix-timestamp', '1700000000', 'svix-signature',
            'v1,' || pg_temp.base64(hmac(convert_to(p_event || '.1700000000.', 'UTF8') || p_body, 'key', 'sha256')))
        ELSE '{}' END, p_body, 'https://shop.example/hook', to_timestamp(1700000000)) AS d
$$;
CREATE FUNCTION pg_temp.send(p_provider text, p_payload jsonb, p_event text, OUT webhook_event_id uuid, OUT outcome text, OUT detail text) LANGUAGE plpgsql AS $$
BEGIN
    IF p_provider = 'adyen' THEN
        p_payload := jsonb_build_object('live', 'false', 'notificationItems', jsonb_build_array(jsonb_build_object('NotificationRequestItem', p_payload)));
    ELSIF p_provider = 'paypal' THEN
        SELECT t.* INTO webhook_event_id, outcome, detail FROM saas.take_webhook(pg_temp.team(), 'paypal', p_event, p_payload, '{}', 1, NULL, to_timestamp(1700000000), NULL) AS t;
        IF outcome = 'unconfirmed' THEN
            SELECT c.* INTO outcome, detail FROM saas.confirm_webhook(pg_temp.team(), webhook_event_id, p_event => p_payload || jsonb_build_object('id', p_event)) AS c;
        END IF;
        RETURN;
    END IF;
    SELECT s.* INTO webhook_event_id, outcome, detail FROM pg_temp.send_body(p_provider, convert_to(p_payload::text, 'UTF8'), p_event) AS s;
END
$$;
