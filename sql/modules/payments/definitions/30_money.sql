-- Amounts as providers count them, in the currency's own minor units.
CREATE OR REPLACE TRIGGER currencies_10_changed
AFTER INSERT OR UPDATE OR DELETE ON saas.currencies
FOR EACH ROW EXECUTE FUNCTION saas.announce_change();
ALTER TABLE saas.currencies ENABLE ALWAYS TRIGGER currencies_10_changed;
CREATE OR REPLACE TRIGGER provider_currency_exponents_10_changed
AFTER INSERT OR UPDATE OR DELETE ON saas.provider_currency_exponents
FOR EACH ROW EXECUTE FUNCTION saas.announce_change();
ALTER TABLE saas.provider_currency_exponents ENABLE ALWAYS TRIGGER provider_currency_exponents_10_changed;

CREATE OR REPLACE FUNCTION saas.provider_currency(
    p_provider text,
    p_currency text,
    OUT code char(3),
    OUT exponent integer,
    OUT provider_exponent integer
)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
-- Few rows of which one is wanted: by its key, not by reading all of them.
SET enable_seqscan = off
AS $$
BEGIN
    IF p_currency ~ '^[A-Za-z]{3}$' THEN
        SELECT c.code, c.exponent, COALESCE(p.exponent, c.exponent)
        INTO code, exponent, provider_exponent
        FROM saas.currencies AS c
        LEFT JOIN saas.provider_currency_exponents AS p
            ON p.currency = c.code AND p.provider = p_provider AND p.purpose = 'charge'
        WHERE c.code = upper(p_currency)::char(3);
    END IF;
    IF exponent IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA072',
            MESSAGE = 'the currency is unknown, or has no minor unit',
            HINT = 'Currencies and their exponents are the rows of saas.currencies.';
    END IF;
END
$$;
COMMENT ON FUNCTION saas.provider_currency(text, text) IS
'The currency of a provider''s object, its ISO 4217 exponent, and the exponent in which the provider counts charges. SA072 for an unknown currency and for one without minor unit.';
REVOKE ALL ON FUNCTION saas.provider_currency(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.provider_currency(text, text)
TO saas_app, saas_analyst, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.charge_currency(
    p_provider text,
    p_currency text,
    OUT code char(3),
    OUT exponent integer,
    OUT provider_exponent integer
)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
AS $$
DECLARE
    v_known constant record := saas.find_currency(p_provider, p_currency);
BEGIN
    IF v_known.code IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA072',
            MESSAGE = 'the currency is unknown, or has no minor unit',
            HINT = 'Currencies and their exponents are the rows of saas.currencies.';
    END IF;
    code := v_known.code;
    exponent := v_known.exponent;
    provider_exponent := v_known.provider_exponent;
END
$$;
COMMENT ON FUNCTION saas.charge_currency(text, text) IS
'What saas.provider_currency() returns, from the memory of the backend: for what providers deliver.';
REVOKE ALL ON FUNCTION saas.charge_currency(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.charge_currency(text, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.minor_units(
    p_value jsonb,
    p_provider_exponent integer,
    p_exponent integer
)
RETURNS bigint
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_amount numeric;
BEGIN
    IF jsonb_typeof(p_value) IS DISTINCT FROM 'number' THEN
        RAISE EXCEPTION USING ERRCODE = 'SA072', MESSAGE = 'an amount is missing or not a number';
    END IF;
    v_amount := p_value::numeric;
    IF v_amount < 0 OR v_amount > 9223372036854775807 OR v_amount <> trunc(v_amount) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA072',
            MESSAGE = 'an amount is not a whole, non-negative number of minor units';
    END IF;
    IF p_exponent > p_provider_exponent THEN
        v_amount := v_amount * (10 ^ (p_exponent - p_provider_exponent)::numeric);
    ELSIF p_exponent < p_provider_exponent THEN
        v_amount := v_amount / (10 ^ (p_provider_exponent - p_exponent)::numeric);
    END IF;
    IF v_amount > 9223372036854775807 OR v_amount <> trunc(v_amount) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA072',
            MESSAGE = 'an amount is not a whole number of the currency''s minor units';
    END IF;
    RETURN v_amount::bigint;
END
$$;
COMMENT ON FUNCTION saas.minor_units(jsonb, integer, integer) IS
'A provider''s amount, counted with its exponent, in ISO 4217 minor units, exactly. SA072 unless it is a whole, non-negative number that fits and divides without remainder.';
REVOKE ALL ON FUNCTION saas.minor_units(jsonb, integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.minor_units(jsonb, integer, integer) TO saas_internal, saas_service;

CREATE OR REPLACE FUNCTION saas.provider_amount(
    p_provider text,
    p_currency text,
    p_amount bigint,
    p_purpose text DEFAULT 'charge'
)
RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    v_currency record := saas.provider_currency(p_provider, p_currency);
    v_exponent integer;
    v_multiple_of integer;
    v_amount numeric;
BEGIN
    -- What is not said of payouts is as it is for charges.
    SELECT p.exponent, p.multiple_of INTO v_exponent, v_multiple_of
    FROM saas.provider_currency_exponents AS p
    WHERE p.provider = p_provider AND p.currency = v_currency.code AND p.purpose IN (p_purpose, 'charge')
    ORDER BY p.purpose = p_purpose DESC
    LIMIT 1;
    v_exponent := COALESCE(v_exponent, v_currency.exponent);
    v_amount := p_amount * (10 ^ (v_exponent - v_currency.exponent)::numeric);
    IF v_amount > 9223372036854775807 OR v_amount % COALESCE(v_multiple_of, 1) <> 0 THEN
        RETURN NULL;
    END IF;
    RETURN v_amount::bigint;
END
$$;
COMMENT ON FUNCTION saas.provider_amount(text, text, bigint, text) IS
'An amount in the currency''s ISO 4217 minor units as the provider counts it for charges or payouts: 500 ISK are 50000 to Stripe. NULL where the provider does not take such an amount, as 1.001 KWD, and for NULL. SA072 for an unknown currency.';
REVOKE ALL ON FUNCTION saas.provider_amount(text, text, bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.provider_amount(text, text, bigint, text)
TO saas_app, saas_analyst, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.require_provider_amount(p_provider text, p_currency text, p_amount bigint)
RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_amount bigint := saas.provider_amount(p_provider, p_currency, p_amount);
BEGIN
    IF v_amount IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = format('%s does not take this amount in %s', p_provider, upper(p_currency)),
            HINT = 'The units in which a provider counts a currency are rows of saas.provider_currency_exponents.';
    END IF;
    RETURN v_amount;
END
$$;
COMMENT ON FUNCTION saas.require_provider_amount(text, text, bigint) IS
'What saas.provider_amount() returns for a charge; 22023 where the provider does not take the amount.';
REVOKE ALL ON FUNCTION saas.require_provider_amount(text, text, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.require_provider_amount(text, text, bigint) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.payable_amount(p_provider text, p_currency text, p_amount numeric)
RETURNS bigint
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    v_currency record := saas.provider_currency(p_provider, p_currency);
    v_exponent integer;
    v_multiple_of integer;
    v_unit numeric;
    v_step numeric;
BEGIN
    SELECT p.exponent, p.multiple_of INTO v_exponent, v_multiple_of
    FROM saas.provider_currency_exponents AS p
    WHERE p.provider = p_provider AND p.currency = v_currency.code AND p.purpose IN ('payout', 'charge')
    ORDER BY p.purpose = 'payout' DESC
    LIMIT 1;
    -- One minor unit as the provider counts it, and how many of them its least multiple is.
    v_unit := 10 ^ (COALESCE(v_exponent, v_currency.exponent) - v_currency.exponent)::numeric;
    v_step := CASE
        WHEN v_unit < 1 THEN COALESCE(v_multiple_of, 1) / v_unit
        ELSE COALESCE(v_multiple_of, 1) / gcd(COALESCE(v_multiple_of, 1), v_unit)
    END;
    -- Also no more than the provider's count of it can be.
    RETURN div(LEAST(p_amount, div(9223372036854775807, greatest(v_unit, 1))), v_step) * v_step;
END
$$;
COMMENT ON FUNCTION saas.payable_amount(text, text, numeric) IS
'The greatest amount up to this one, not negative and in minor units, that the provider pays out in the currency: 1000 of 1050 HUF with Stripe, which pays out whole forints. What it leaves is less than the least amount. SA072 for an unknown currency.';
REVOKE ALL ON FUNCTION saas.payable_amount(text, text, numeric) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.payable_amount(text, text, numeric) TO saas_app, saas_analyst, saas_service, saas_internal;
