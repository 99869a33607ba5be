-- Exact arithmetic on money.
CREATE OR REPLACE FUNCTION saas.round_money(p_value numeric, p_mode text DEFAULT 'half_even')
RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_whole numeric := trunc(p_value);
    v_rest numeric := abs(p_value - trunc(p_value));
    v_away boolean;
BEGIN
    IF p_value IN ('NaN', 'Infinity', '-Infinity') THEN
        RAISE EXCEPTION USING ERRCODE = '22003', MESSAGE = 'an amount has to be finite';
    END IF;
    v_away := CASE p_mode
        WHEN 'half_even' THEN v_rest > 0.5 OR (v_rest = 0.5 AND mod(v_whole, 2) <> 0)
        WHEN 'half_up' THEN v_rest >= 0.5
        WHEN 'up' THEN v_rest > 0
        WHEN 'down' THEN false
    END;
    IF v_away IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = format('there is no rounding mode "%s"', left(p_mode, 64)),
            HINT = 'Modes are half_even, half_up, up (away from zero) and down (towards zero).';
    END IF;
    v_whole := v_whole + CASE WHEN v_away THEN sign(p_value) ELSE 0 END;
    IF abs(v_whole) > 9223372036854775807 THEN
        RAISE EXCEPTION USING ERRCODE = '22003', MESSAGE = 'the amount is out of range';
    END IF;
    RETURN v_whole::bigint;
END
$$;
COMMENT ON FUNCTION saas.round_money(numeric, text) IS
'A whole number of minor units. Modes: half_even (to the nearest, ties to the even one), half_up (ties away from zero), up (away from zero), down (towards zero). 22003 for what is not finite or does not fit.';
REVOKE ALL ON FUNCTION saas.round_money(numeric, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.round_money(numeric, text) TO saas_app, saas_analyst, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.allocate(p_amount bigint, p_weights numeric[])
RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_total numeric := (SELECT sum(w) FROM unnest(p_weights) AS u (w));
    v_sign numeric := CASE WHEN p_amount < 0 THEN -1 ELSE 1 END;
    v_parts bigint[];
BEGIN
    IF array_ndims(p_weights) IS DISTINCT FROM 1
        OR EXISTS (
            SELECT FROM unnest(p_weights) AS u (w)
            WHERE w IS NULL OR w < 0 OR w IN ('NaN', 'Infinity')
        )
        OR v_total = 0
    THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'an amount cannot be split by these weights',
            HINT = 'Give one or more finite weights that are not negative, at least one of them above zero.';
    END IF;
    -- Each gets the whole units of its share; what is left goes to the largest remainders, and of equal
    -- ones to the first.
    WITH shares AS (
        SELECT
            u.n,
            div(abs(p_amount::numeric) * u.w, v_total) AS units,
            mod(abs(p_amount::numeric) * u.w, v_total) AS remainder
        FROM unnest(p_weights) WITH ORDINALITY AS u (w, n)
    ), ranked AS (
        SELECT
            s.n,
            s.units,
            row_number() OVER (ORDER BY s.remainder DESC, s.n) AS place,
            abs(p_amount::numeric) - sum(s.units) OVER () AS left_over
        FROM shares AS s
    )
    SELECT array_agg(
        (v_sign * (r.units + CASE WHEN r.place <= r.left_over THEN 1 ELSE 0 END))::bigint ORDER BY r.n
    )
    INTO v_parts
    FROM ranked AS r;
    RETURN v_parts;
END
$$;
COMMENT ON FUNCTION saas.allocate(bigint, numeric[]) IS
'Splits an amount of minor units by weights: the parts always sum to the amount, and each is within one unit of its exact share (largest remainder; of equal remainders, the first). A negative amount splits like its opposite. 22023 for weights that are missing, negative, not finite, or all zero.';
REVOKE ALL ON FUNCTION saas.allocate(bigint, numeric[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.allocate(bigint, numeric[]) TO saas_app, saas_analyst, saas_service, saas_internal;
