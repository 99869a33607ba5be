-- What the adapters of all providers share: reading states, times and decimal amounts.
CREATE OR REPLACE TRIGGER provider_status_map_10_changed
AFTER INSERT OR UPDATE OR DELETE ON saas.provider_status_map
FOR EACH ROW EXECUTE FUNCTION saas.announce_change();
ALTER TABLE saas.provider_status_map ENABLE ALWAYS TRIGGER provider_status_map_10_changed;

CREATE OR REPLACE FUNCTION saas.map_status(
    p_provider text,
    p_object text,
    p_status text,
    OUT state text,
    OUT stage text,
    OUT machine text
)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
AS $$
DECLARE
    v_known constant record := saas.find_provider_status(p_provider, p_object, p_status);
BEGIN
    state := v_known.state;
    stage := v_known.stage;
    machine := v_known.machine;
    IF state IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA072',
            MESSAGE = format('the status of the %s is unknown', replace(p_object, '_', ' ')),
            HINT = 'What the states of providers mean are the rows of saas.provider_status_map.';
    END IF;
END
$$;
COMMENT ON FUNCTION saas.map_status(text, text, text) IS
'Our state for a provider''s one, of a dispute its stage as well, and the machine it belongs to; "ignored" where it says nothing to us. SA072 for a state that provider_status_map does not know.';
REVOKE ALL ON FUNCTION saas.map_status(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.map_status(text, text, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.provider_time(p_value jsonb)
RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
AS $$
DECLARE
    v_text text := p_value #>> '{}';
BEGIN
    IF jsonb_typeof(p_value) = 'string'
        AND v_text ~ '^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)$'
    THEN
        RETURN v_text::timestamptz;
    END IF;
    RETURN NULL;
EXCEPTION WHEN data_exception THEN -- no such day, or offset
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION saas.provider_time(jsonb) IS
'A time as RFC 3339 writes it, with its offset; NULL for anything else.';
REVOKE ALL ON FUNCTION saas.provider_time(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.provider_time(jsonb) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.decimal_units(p_value jsonb, p_exponent integer)
RETURNS bigint
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    v_text text := p_value #>> '{}';
BEGIN
    IF jsonb_typeof(p_value) IS DISTINCT FROM 'string' OR v_text !~ '^\d{1,18}(\.\d{1,6})?$' THEN
        RAISE EXCEPTION USING ERRCODE = 'SA072', MESSAGE = 'an amount is missing or no decimal number';
    END IF;
    RETURN saas.minor_units(to_jsonb(trim_scale(v_text::numeric * (10 ^ p_exponent::numeric))), 0, 0);
END
$$;
COMMENT ON FUNCTION saas.decimal_units(jsonb, integer) IS
'An amount written as a decimal number of the currency''s major unit ("10.99"), in minor units, exactly. SA072 for anything else, and where it has more decimals than the currency.';
REVOKE ALL ON FUNCTION saas.decimal_units(jsonb, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.decimal_units(jsonb, integer) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.object_or_empty(p_value jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    RETURN CASE WHEN jsonb_typeof(p_value) = 'object' THEN p_value ELSE '{}'::jsonb END;
END
$$;
COMMENT ON FUNCTION saas.object_or_empty(jsonb) IS 'The value when it is a JSON object, else an empty one.';
REVOKE ALL ON FUNCTION saas.object_or_empty(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.object_or_empty(jsonb) TO saas_internal;
