-- What is read of payments: rates, revenue, providers side by side, declined payments, customers.
CREATE OR REPLACE VIEW saas.payment_rates
WITH (security_invoker = true) AS
SELECT
    a.team_id,
    a.day,
    a.provider,
    a.currency,
    a.attempts,
    round(a.succeeded::numeric / NULLIF(a.succeeded + a.declined, 0), 4) AS success_rate,
    round(a.declined::numeric / NULLIF(a.succeeded + a.declined, 0), 4) AS decline_rate,
    round(a.refunded::numeric / NULLIF(a.succeeded, 0), 4) AS refund_rate,
    round(a.disputed::numeric / NULLIF(a.succeeded, 0), 4) AS dispute_rate,
    round(a.fraudulent::numeric / NULLIF(a.succeeded, 0), 4) AS fraud_rate
FROM saas.payment_analytics AS a;
COMMENT ON VIEW saas.payment_rates IS
'Rates of the payments made on each day: success and decline of those that are decided, refunds, disputes and fraud of those that succeeded.';
COMMENT ON COLUMN saas.payment_rates.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.payment_rates.day IS 'Day in UTC. [internal]';
COMMENT ON COLUMN saas.payment_rates.provider IS 'Payment provider. [internal]';
COMMENT ON COLUMN saas.payment_rates.currency IS 'ISO 4217 code. [internal]';
COMMENT ON COLUMN saas.payment_rates.attempts IS 'Payments made. [internal]';
COMMENT ON COLUMN saas.payment_rates.success_rate IS 'Share that was authorized or paid; NULL without any that is decided. [internal]';
COMMENT ON COLUMN saas.payment_rates.decline_rate IS 'Share that failed. [internal]';
COMMENT ON COLUMN saas.payment_rates.refund_rate IS 'Share of the succeeded of which something was refunded. [internal]';
COMMENT ON COLUMN saas.payment_rates.dispute_rate IS 'Share of the succeeded that was disputed; inquiries do not count. [internal]';
COMMENT ON COLUMN saas.payment_rates.fraud_rate IS 'Share of the succeeded that a provider warned of, or that was disputed for fraud and not won. [internal]';
GRANT SELECT ON saas.payment_rates TO saas_app, saas_analyst, saas_service;

CREATE OR REPLACE FUNCTION saas.payment_revenue(
    p_team uuid,
    p_from date,
    p_to date,
    p_period text DEFAULT 'month'
)
RETURNS TABLE (
    period date,
    currency char(3),
    captured numeric,
    refunded numeric,
    disputed numeric,
    fees numeric,
    net numeric
)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF p_period IS NULL OR p_period NOT IN ('day', 'week', 'month', 'quarter', 'year') THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'there is no such period',
            HINT = 'Periods are day, week (from Monday), month, quarter and year.';
    END IF;
    RETURN QUERY
    SELECT
        date_trunc(p_period, a.day::timestamp)::date AS first_day,
        a.currency,
        sum(a.amount_captured),
        sum(a.amount_refunded),
        sum(a.amount_disputed),
        sum(a.amount_fees),
        sum(a.amount_captured - a.amount_refunded - a.amount_disputed - a.amount_fees)
    FROM saas.payment_analytics AS a
    WHERE a.team_id = p_team AND a.day >= p_from AND a.day < p_to
    GROUP BY first_day, a.currency
    ORDER BY first_day, a.currency;
END
$$;
COMMENT ON FUNCTION saas.payment_revenue(uuid, date, date, text) IS
'Money of each period (day, week, month, quarter, year) and currency from a day on and before another one, in minor units, as of the last fill: captured by the day of the payment, refunded by the day of the refund, withdrawn by disputes by the day of the dispute, fees by the day of what they were taken for, and what is left. Under row-level security.';
REVOKE ALL ON FUNCTION saas.payment_revenue(uuid, date, date, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.payment_revenue(uuid, date, date, text) TO saas_app, saas_analyst, saas_service;

CREATE OR REPLACE FUNCTION saas.compare_payment_providers(p_team uuid, p_from date, p_to date)
RETURNS TABLE (
    currency char(3),
    provider text,
    attempts numeric,
    success_rate numeric,
    success_rate_low numeric,
    success_rate_high numeric,
    refund_rate numeric,
    dispute_rate numeric,
    fraud_rate numeric,
    captured numeric,
    fees numeric,
    average_attempt numeric
)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    WITH figures AS (
        SELECT
            a.currency, a.provider,
            sum(a.attempts) AS attempts, sum(a.succeeded) AS succeeded,
            sum(a.succeeded + a.declined) AS decided, sum(a.refunded) AS refunded,
            sum(a.disputed) AS disputed, sum(a.fraudulent) AS fraudulent,
            sum(a.amount_captured) AS captured, sum(a.amount_fees) AS fees,
            sum(a.amount_attempted) AS attempted
        FROM saas.payment_analytics AS a
        WHERE a.team_id = p_team AND a.day >= p_from AND a.day < p_to
        GROUP BY a.currency, a.provider
    ), bounds AS (
        -- Wilson's interval (E. B. Wilson, Probable Inference, 1927) for 95 in 100: z squared is 3.8416.
        SELECT
            f.*,
            f.succeeded / NULLIF(f.decided, 0) AS rate,
            1.96 * sqrt(
                f.succeeded * (f.decided - f.succeeded) / NULLIF(f.decided, 0) + 3.8416 / 4
            ) AS spread
        FROM figures AS f
    )
    SELECT
        b.currency, b.provider, b.attempts,
        round(b.rate, 4),
        round((b.succeeded + 1.9208 - b.spread) / (b.decided + 3.8416), 4),
        round((b.succeeded + 1.9208 + b.spread) / (b.decided + 3.8416), 4),
        round(b.refunded / NULLIF(b.succeeded, 0), 4),
        round(b.disputed / NULLIF(b.succeeded, 0), 4),
        round(b.fraudulent / NULLIF(b.succeeded, 0), 4),
        b.captured, b.fees,
        round(b.attempted / NULLIF(b.attempts, 0))
    FROM bounds AS b
    ORDER BY b.currency, b.rate DESC NULLS LAST, b.provider
$$;
COMMENT ON FUNCTION saas.compare_payment_providers(uuid, date, date) IS
'The providers side by side in each currency, from a day on and before another one: rates as in saas.payment_rates, the success rate with the bounds between which it lies in 95 of 100 cases, amounts in minor units. Providers whose bounds overlap do not differ for certain. Under row-level security.';
REVOKE ALL ON FUNCTION saas.compare_payment_providers(uuid, date, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.compare_payment_providers(uuid, date, date) TO saas_app, saas_analyst, saas_service;

CREATE OR REPLACE FUNCTION saas.normalize_decline(p_provider text, VARIADIC p_codes text[])
RETURNS saas.decline_reasons
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT r.*
    FROM saas.decline_reasons AS r
    WHERE r.reason = COALESCE(
        (
            SELECT c.reason
            FROM unnest(p_codes) WITH ORDINALITY AS u (code, n)
            JOIN saas.decline_codes AS c ON c.provider = p_provider AND c.code = u.code
            ORDER BY u.n
            LIMIT 1
        ),
        'unknown'
    )
$$;
COMMENT ON FUNCTION saas.normalize_decline(text, text[]) IS
'What a provider''s code for a declined payment means and what to do, by the first of the codes that is known; unknown when none is.';
REVOKE ALL ON FUNCTION saas.normalize_decline(text, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.normalize_decline(text, text[]) TO saas_app, saas_analyst, saas_service;

CREATE OR REPLACE VIEW saas.failed_payments
WITH (security_invoker = true) AS
SELECT
    p.team_id,
    p.id AS payment_id,
    p.payment_intent_id,
    COALESCE(p.provider_created_at, p.created_at) AS made_at,
    p.provider,
    p.amount,
    p.currency,
    p.payment_method_type,
    p.card_brand,
    COALESCE(p.decline_code, e.code, p.failure_code) AS code,
    r.reason,
    r.is_hard,
    r.action,
    COALESCE(p.provider_created_at, p.created_at) + r.retry_after AS retry_at,
    r.advice,
    COALESCE(i.status IN ('requires_capture', 'partially_captured', 'succeeded'), false) AS is_recovered
FROM saas.payments AS p
LEFT JOIN saas.payment_intents AS i ON i.team_id = p.team_id AND i.id = p.payment_intent_id
-- The intent's error is that of its last attempt.
LEFT JOIN LATERAL (
    SELECT i.last_error_decline_code AS code
    WHERE NOT EXISTS (
        SELECT FROM saas.payments AS l
        WHERE l.team_id = p.team_id
            AND l.payment_intent_id = p.payment_intent_id
            AND (COALESCE(l.provider_created_at, l.created_at), l.provider_payment_id)
            > (COALESCE(p.provider_created_at, p.created_at), p.provider_payment_id)
    )
) AS e ON true
-- Decline codes say more than the failure code, which is card_declined for most.
LEFT JOIN saas.decline_codes AS o ON o.provider = p.provider AND o.code = p.decline_code
LEFT JOIN saas.decline_codes AS d ON d.provider = p.provider AND d.code = e.code
LEFT JOIN saas.decline_codes AS f ON f.provider = p.provider AND f.code = p.failure_code
JOIN saas.decline_reasons AS r ON r.reason = COALESCE(o.reason, d.reason, f.reason, 'unknown')
WHERE p.status = 'failed';
COMMENT ON VIEW saas.failed_payments IS 'Declined payments, why, and what to do.';
COMMENT ON COLUMN saas.failed_payments.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.failed_payments.payment_id IS 'The payment. [internal]';
COMMENT ON COLUMN saas.failed_payments.payment_intent_id IS 'Its intent. [internal]';
COMMENT ON COLUMN saas.failed_payments.made_at IS 'When it was made. [internal]';
COMMENT ON COLUMN saas.failed_payments.provider IS 'Payment provider. [internal]';
COMMENT ON COLUMN saas.failed_payments.amount IS 'Amount, in minor units. [internal]';
COMMENT ON COLUMN saas.failed_payments.currency IS 'ISO 4217 code. [internal]';
COMMENT ON COLUMN saas.failed_payments.payment_method_type IS 'Kind of payment method. [internal]';
COMMENT ON COLUMN saas.failed_payments.card_brand IS 'Brand of the card. [internal]';
COMMENT ON COLUMN saas.failed_payments.code IS 'The provider''s code. [internal]';
COMMENT ON COLUMN saas.failed_payments.reason IS 'The same for all providers. [internal]';
COMMENT ON COLUMN saas.failed_payments.is_hard IS 'The same payment method will not do. [internal]';
COMMENT ON COLUMN saas.failed_payments.action IS 'What to do. [internal]';
COMMENT ON COLUMN saas.failed_payments.retry_at IS 'When to ask again, where that helps. [internal]';
COMMENT ON COLUMN saas.failed_payments.advice IS 'What to do, in words. [internal]';
COMMENT ON COLUMN saas.failed_payments.is_recovered IS 'Another attempt has succeeded. [internal]';
GRANT SELECT ON saas.failed_payments TO saas_app, saas_analyst, saas_service;

CREATE OR REPLACE FUNCTION saas.customer_lifetime_values(p_team uuid, p_customer text DEFAULT NULL)
RETURNS TABLE (
    provider text,
    customer text,
    currency char(3),
    first_at timestamptz,
    last_at timestamptz,
    payments bigint,
    captured numeric,
    refunded numeric,
    lost numeric,
    net numeric,
    average numeric,
    monthly numeric
)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT
        p.provider,
        p.provider_customer_id,
        p.currency,
        min(f.at),
        max(f.at),
        count(*),
        sum(p.amount_captured),
        sum(p.amount_refunded),
        sum(l.lost),
        sum(p.amount_captured - p.amount_refunded - l.lost),
        round(avg(p.amount_captured)),
        -- By months of 30.4375 days from the first payment to the last, one at least.
        round(
            sum(p.amount_captured - p.amount_refunded - l.lost)
            / greatest(1, extract(epoch FROM max(f.at) - min(f.at)) / (86400 * 30.4375))
        )
    FROM saas.payments AS p
    CROSS JOIN LATERAL (SELECT COALESCE(p.provider_created_at, p.created_at)) AS f (at)
    CROSS JOIN LATERAL (
        SELECT COALESCE(sum(d.amount_withdrawn), 0) AS lost
        FROM saas.payment_disputes AS d
        WHERE d.team_id = p_team AND d.payment_id = p.id AND d.status = 'lost'
    ) AS l
    WHERE p.team_id = p_team
        AND p.provider_customer_id IS NOT NULL
        AND (p_customer IS NULL OR p.provider_customer_id = p_customer)
        AND p.amount_captured > 0
    GROUP BY p.provider, p.provider_customer_id, p.currency
    ORDER BY sum(p.amount_captured - p.amount_refunded - l.lost) DESC, p.provider_customer_id
$$;
COMMENT ON FUNCTION saas.customer_lifetime_values(uuid, text) IS
'What each customer (or one) has paid, less refunds and lost disputes, by provider and currency, in minor units, the best first; average of a payment, and net of a month between the first and the last. Under row-level security.';
REVOKE ALL ON FUNCTION saas.customer_lifetime_values(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.customer_lifetime_values(uuid, text) TO saas_app, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.masked_customer_lifetime_values(p_team uuid)
RETURNS TABLE (
    provider text,
    customer text,
    currency char(3),
    first_month date,
    last_month date,
    payments bigint,
    captured numeric,
    refunded numeric,
    lost numeric,
    net numeric,
    average numeric,
    monthly numeric
)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_team(p_team);
    RETURN QUERY
    SELECT
        v.provider,
        -- Bound to the team, and no way back: identifiers of providers are random and long.
        left(encode(sha256(convert_to(p_team || ' ' || v.provider || ' ' || v.customer, 'UTF8')), 'hex'), 16),
        v.currency,
        date_trunc('month', v.first_at AT TIME ZONE 'UTC')::date,
        date_trunc('month', v.last_at AT TIME ZONE 'UTC')::date,
        v.payments, v.captured, v.refunded, v.lost, v.net, v.average, v.monthly
    FROM saas.customer_lifetime_values(p_team) AS v;
END
$$;
COMMENT ON FUNCTION saas.masked_customer_lifetime_values(uuid) IS
'As saas.customer_lifetime_values(), for analysts: a pseudonym in place of the customer, months in place of moments.';
REVOKE ALL ON FUNCTION saas.masked_customer_lifetime_values(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.masked_customer_lifetime_values(uuid) TO saas_app, saas_analyst, saas_service;
