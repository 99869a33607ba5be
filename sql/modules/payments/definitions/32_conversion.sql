-- Conversion between currencies, exactly.
CREATE OR REPLACE FUNCTION saas.convert(
    p_amount bigint,
    p_from text,
    p_to text,
    p_as_of timestamptz DEFAULT now(),
    p_max_age interval DEFAULT '1 day',
    p_mode text DEFAULT 'half_even'
)
RETURNS bigint
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_from record := saas.provider_currency('', p_from);
    v_to record := saas.provider_currency('', p_to);
    v_rate record;
    v_newest timestamptz;
    v_over numeric;
    v_under numeric;
    v_rest numeric;
BEGIN
    IF v_from.code = v_to.code THEN
        RETURN p_amount;
    END IF;
    -- Numerator and denominator apart: an inverse rate (1 / 150) ends nowhere. The direct rate before the
    -- inverse one, those before the way by a third currency; of equal ones the newest.
    WITH legs AS (
        SELECT r.base_currency AS base, r.quote_currency AS quote, r.rate AS over, 1::numeric AS under, r.as_of,
            0 AS detour
        FROM saas.exchange_rates AS r
        WHERE r.as_of <= p_as_of AND r.as_of > p_as_of - p_max_age
            AND (r.base_currency IN (v_from.code, v_to.code) OR r.quote_currency IN (v_from.code, v_to.code))
        UNION ALL
        SELECT r.quote_currency, r.base_currency, 1::numeric, r.rate, r.as_of, 1
        FROM saas.exchange_rates AS r
        WHERE r.as_of <= p_as_of AND r.as_of > p_as_of - p_max_age
            AND (r.base_currency IN (v_from.code, v_to.code) OR r.quote_currency IN (v_from.code, v_to.code))
    ), newest AS (
        SELECT DISTINCT ON (l.base, l.quote, l.detour) l.*
        FROM legs AS l
        ORDER BY l.base, l.quote, l.detour, l.as_of DESC
    ), ways AS (
        SELECT n.over, n.under, n.as_of, n.detour
        FROM newest AS n
        WHERE n.base = v_from.code AND n.quote = v_to.code
        UNION ALL
        SELECT a.over * b.over, a.under * b.under, LEAST(a.as_of, b.as_of), 2 + a.detour + b.detour
        FROM newest AS a
        JOIN newest AS b ON b.base = a.quote AND b.quote = v_to.code
        WHERE a.base = v_from.code AND a.quote <> v_to.code
    )
    SELECT w.over, w.under, w.as_of INTO v_rate
    FROM ways AS w
    ORDER BY w.detour, w.as_of DESC
    LIMIT 1;
    IF v_rate.as_of IS NULL THEN
        SELECT max(r.as_of) INTO v_newest
        FROM saas.exchange_rates AS r
        WHERE r.as_of <= p_as_of
            AND (
                (r.base_currency = v_from.code AND r.quote_currency = v_to.code)
                OR (r.base_currency = v_to.code AND r.quote_currency = v_from.code)
            );
        RAISE EXCEPTION USING
            ERRCODE = 'SA091',
            MESSAGE = format('there is no rate from %s to %s that is recent enough', v_from.code, v_to.code),
            DETAIL = CASE
                WHEN v_newest IS NULL THEN 'There is none between the two up to that moment.'
                ELSE format('The newest one up to that moment is of %s.', v_newest)
            END,
            HINT = 'Record one with saas.record_exchange_rate(), or allow an older one with p_max_age.';
    END IF;
    v_over := p_amount::numeric * v_rate.over * power(10::numeric, v_to.exponent);
    v_under := v_rate.under * power(10::numeric, v_from.exponent);
    -- The quotient need not end, but whether its rest is less than, equal to or more than a half is exact.
    v_rest := abs(mod(v_over, v_under));
    RETURN saas.round_money(
        div(v_over, v_under) + sign(v_over) * CASE
            WHEN v_rest = 0 THEN 0
            WHEN v_rest * 2 < v_under THEN 0.25
            WHEN v_rest * 2 = v_under THEN 0.5
            ELSE 0.75
        END,
        p_mode
    );
END
$$;
COMMENT ON FUNCTION saas.convert(bigint, text, text, timestamptz, interval, text) IS
'An amount in minor units of a currency in minor units of another one, by the newest recorded rate up to a moment: direct, inverse, or by way of one other currency, rounded once as saas.round_money() does and exactly. SA091 without a rate that is younger than p_max_age, 22003 when it does not fit.';
REVOKE ALL ON FUNCTION saas.convert(bigint, text, text, timestamptz, interval, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.convert(bigint, text, text, timestamptz, interval, text)
TO saas_app, saas_analyst, saas_service, saas_internal;
