-- Fees that events tell: which members of providers' objects say what was taken. Adyen's standard webhooks say
-- nothing of fees (docs.adyen.com/development-resources/webhooks/additional-settings): its settlement report does.
CREATE OR REPLACE FUNCTION saas.signed_money(
    p_provider text,
    p_amount jsonb,
    p_currency text,
    OUT amount bigint,
    OUT currency char(3)
)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_is_negative boolean := COALESCE(jsonb_typeof(p_amount) = 'number' AND p_amount::numeric < 0, false);
    v_money record;
BEGIN
    v_money := saas.counted_money(
        p_provider, CASE WHEN v_is_negative THEN to_jsonb(-p_amount::numeric) ELSE p_amount END, p_currency
    );
    amount := CASE WHEN v_is_negative THEN -v_money.amount ELSE v_money.amount END;
    currency := v_money.currency;
END
$$;
COMMENT ON FUNCTION saas.signed_money(text, jsonb, text) IS
'As saas.counted_money(), also for what is given back: a negative amount stays one.';
REVOKE ALL ON FUNCTION saas.signed_money(text, jsonb, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.signed_money(text, jsonb, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.array_or_empty(p_value jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT CASE jsonb_typeof(p_value) WHEN 'array' THEN p_value ELSE '[]'::jsonb END
$$;
COMMENT ON FUNCTION saas.array_or_empty(jsonb) IS 'The array, or an empty one for whatever is none.';
REVOKE ALL ON FUNCTION saas.array_or_empty(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.array_or_empty(jsonb) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.stripe_fees(p_kind text, p_object jsonb)
RETURNS TABLE (kind text, amount bigint, currency char(3))
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_balance jsonb := p_object -> 'balance_transaction';
BEGIN
    -- Events name the balance transaction; it is there itself when the application has it expanded. What a
    -- platform takes is a part of its fee (docs.stripe.com/api/balance_transactions/object, fee_details).
    IF jsonb_typeof(v_balance) = 'object' THEN
        RETURN QUERY
        SELECT
            CASE p_kind WHEN 'payout' THEN 'transfer' ELSE 'processing' END,
            (m.amount - COALESCE(a.amount, 0))::bigint,
            m.currency
        FROM saas.signed_money('stripe', v_balance -> 'fee', v_balance ->> 'currency') AS m
        CROSS JOIN LATERAL (
            SELECT sum((saas.signed_money('stripe', d.value -> 'amount', v_balance ->> 'currency')).amount) AS amount
            FROM jsonb_array_elements(saas.array_or_empty(v_balance -> 'fee_details')) AS d
            WHERE d.value ->> 'type' = 'application_fee'
        ) AS a;
    END IF;
    -- It has been collected once it has an identifier; of a destination charge it is the platform's own income.
    IF p_kind = 'charge'
        AND COALESCE(p_object -> 'application_fee', 'null') <> 'null'
        AND COALESCE(p_object -> 'transfer_data', 'null') = 'null'
    THEN
        RETURN QUERY
        SELECT 'application', m.amount, m.currency
        FROM saas.signed_money('stripe', p_object -> 'application_fee_amount', p_object ->> 'currency') AS m;
    END IF;
END
$$;
COMMENT ON FUNCTION saas.stripe_fees(text, jsonb) IS
'The fees that a Stripe charge, refund or payout tells of.';
REVOKE ALL ON FUNCTION saas.stripe_fees(text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.stripe_fees(text, jsonb) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.paypal_fees(p_kind text, p_object jsonb)
RETURNS TABLE (kind text, amount bigint, currency char(3))
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_status text := upper(COALESCE(
        p_object ->> 'status', p_object ->> 'state', p_object ->> 'transaction_status'
    ));
    -- developer.paypal.com/docs/api/payments/v2, seller_receivable_breakdown and seller_payable_breakdown: of a
    -- refund, what PayPal gives back.
    v_sign bigint := CASE p_kind WHEN 'refund' THEN -1 ELSE 1 END;
    v_breakdown jsonb := CASE p_kind
        WHEN 'capture' THEN p_object -> 'seller_receivable_breakdown'
        WHEN 'refund' THEN p_object -> 'seller_payable_breakdown'
        WHEN 'sale' THEN jsonb_build_object('paypal_fee', p_object -> 'transaction_fee')
        ELSE jsonb_build_object('paypal_fee', p_object -> 'payout_item_fee')
    END;
    v_fee jsonb := COALESCE(
        NULLIF(v_breakdown -> 'paypal_fee_in_receivable_currency', 'null'),
        NULLIF(v_breakdown -> 'paypal_fee', 'null')
    );
BEGIN
    IF p_kind = 'payouts_item' THEN
        -- None is taken of a payout that does not go out.
        IF v_fee IS NOT NULL AND v_status IN (
            'SUCCESS', 'PENDING', 'UNCLAIMED', 'ONHOLD', 'FAILED', 'DENIED', 'BLOCKED', 'RETURNED', 'CANCELED'
        ) THEN
            RETURN QUERY
            SELECT
                'transfer',
                CASE
                    WHEN v_status IN ('FAILED', 'DENIED', 'BLOCKED', 'RETURNED', 'CANCELED') THEN 0
                    ELSE m.amount
                END,
                m.currency
            FROM saas.paypal_money(v_fee) AS m;
        END IF;
    ELSIF v_status IN ('COMPLETED', 'PARTIALLY_REFUNDED', 'REFUNDED') THEN
        RETURN QUERY
        SELECT 'processing', v_sign * m.amount, m.currency
        FROM saas.paypal_money(v_fee) AS m
        WHERE v_fee IS NOT NULL;
        RETURN QUERY
        SELECT 'application', v_sign * sum(m.amount)::bigint, m.currency
        FROM jsonb_array_elements(saas.array_or_empty(v_breakdown -> 'platform_fees')) AS f
        CROSS JOIN LATERAL saas.paypal_money(f.value -> 'amount') AS m
        GROUP BY m.currency;
    END IF;
END
$$;
COMMENT ON FUNCTION saas.paypal_fees(text, jsonb) IS
'The fees that a PayPal capture, sale, refund or item of a payout batch tells of, once it is complete.';
REVOKE ALL ON FUNCTION saas.paypal_fees(text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.paypal_fees(text, jsonb) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.square_fees(p_kind text, p_object jsonb)
RETURNS TABLE (kind text, amount bigint, currency char(3))
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    -- developer.squareup.com/reference/square/objects/ProcessingFee: a list, adjusted later; negative amounts are
    -- given back. Square works them out after the payment, so that they come with a later event.
    RETURN QUERY
    SELECT
        CASE p_kind WHEN 'payout' THEN 'transfer' ELSE 'processing' END, sum(m.amount)::bigint, m.currency
    FROM jsonb_array_elements(saas.array_or_empty(
        CASE p_kind WHEN 'payout' THEN p_object -> 'payout_fee' ELSE p_object -> 'processing_fee' END
    )) AS f
    CROSS JOIN LATERAL saas.signed_money(
        'square', f.value #> '{amount_money,amount}', f.value #>> '{amount_money,currency}'
    ) AS m
    GROUP BY m.currency;
    IF p_object ->> 'status' = 'COMPLETED' AND jsonb_typeof(p_object -> 'app_fee_money') = 'object' THEN
        RETURN QUERY
        SELECT 'application', CASE p_kind WHEN 'refund' THEN -m.amount ELSE m.amount END, m.currency
        FROM saas.counted_money(
            'square', p_object #> '{app_fee_money,amount}', p_object #>> '{app_fee_money,currency}'
        ) AS m;
    END IF;
END
$$;
COMMENT ON FUNCTION saas.square_fees(text, jsonb) IS
'The fees that a Square payment, refund or payout tells of; of a refund, what the developer of an application gives back as well.';
REVOKE ALL ON FUNCTION saas.square_fees(text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.square_fees(text, jsonb) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.razorpay_fees(p_kind text, p_object jsonb)
RETURNS TABLE (kind text, amount bigint, currency char(3))
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    -- razorpay.com/docs/api/payments: fee includes the tax, and is NULL until the payment is captured. It is taken
    -- in the currency of the account. What a settlement says is the sum of its payments' fees.
    IF p_kind = 'payment' AND p_object -> 'captured' = 'true' AND jsonb_typeof(p_object -> 'fee') = 'number' THEN
        RETURN QUERY
        SELECT 'processing', m.amount, m.currency
        FROM saas.counted_money(
            'razorpay', p_object -> 'fee', COALESCE(p_object ->> 'base_currency', p_object ->> 'currency')
        ) AS m;
    ELSIF p_kind = 'payout' AND jsonb_typeof(p_object -> 'fees') = 'number'
        AND p_object ->> 'status' IN ('processing', 'processed', 'reversed', 'cancelled', 'rejected', 'failed')
    THEN
        RETURN QUERY
        SELECT
            'transfer',
            CASE WHEN p_object ->> 'status' IN ('processing', 'processed') THEN m.amount ELSE 0 END,
            m.currency
        FROM saas.counted_money(
            'razorpay', p_object -> 'fees', COALESCE(p_object ->> 'currency', 'INR')
        ) AS m;
    END IF;
END
$$;
COMMENT ON FUNCTION saas.razorpay_fees(text, jsonb) IS
'The fees that a Razorpay payment or payout tells of; none of a payout that did not go out.';
REVOKE ALL ON FUNCTION saas.razorpay_fees(text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.razorpay_fees(text, jsonb) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.neutral_fees(p_provider text, p_kind text, p_object jsonb)
RETURNS TABLE (kind text, amount bigint, currency char(3))
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT CASE p_kind WHEN 'payout' THEN 'transfer' ELSE 'processing' END, m.amount, m.currency
    FROM saas.signed_money(p_provider, p_object -> 'fee', p_object ->> 'currency') AS m
    WHERE COALESCE(p_object -> 'fee', 'null') <> 'null'
        AND p_kind IN ('payment', 'capture', 'refund', 'payout') -- a dispute's is in its own row
$$;
COMMENT ON FUNCTION saas.neutral_fees(text, text, jsonb) IS
'The fee that a payment, capture, refund or payout in the neutral body tells of; negative when it was given back.';
REVOKE ALL ON FUNCTION saas.neutral_fees(text, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.neutral_fees(text, text, jsonb) TO saas_internal;
