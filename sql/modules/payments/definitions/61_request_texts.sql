-- How much text a request to a provider takes. Events are not held to it: what a provider sends is stored.
CREATE OR REPLACE FUNCTION saas.require_request_texts(
    p_description text,
    p_metadata jsonb,
    VARIADIC p_references text[]
)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_wrong text;
BEGIN
    IF jsonb_typeof(p_metadata) IS DISTINCT FROM 'object' THEN
        v_wrong := 'metadata that is no object';
    ELSIF length(p_description) > 1000 THEN
        v_wrong := 'a description of more than 1000 characters';
    ELSIF EXISTS (
        SELECT FROM unnest(p_references) AS r (reference) WHERE length(r.reference) NOT BETWEEN 1 AND 255
    ) THEN
        v_wrong := 'an identifier that is empty or has more than 255 characters';
    ELSIF p_metadata <> '{}'::jsonb AND (
        (SELECT count(*) FROM jsonb_object_keys(p_metadata)) > 49
        OR EXISTS (
            SELECT FROM jsonb_each_text(p_metadata) AS m (key, value)
            WHERE length(m.key) NOT BETWEEN 1 AND 40 OR length(m.value) > 500
        )
    ) THEN
        v_wrong := 'metadata that are too large';
    END IF;
    IF v_wrong IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = format('providers do not take %s', v_wrong),
            HINT = 'A description has up to 1000 characters, an identifier 1 to 255; metadata are an object of up to 49 keys of 1 to 40 characters, with values of up to 500.';
    END IF;
END
$$;
COMMENT ON FUNCTION saas.require_request_texts(text, jsonb, text[]) IS
'Raises 22023 for texts that providers refuse: a description of more than 1000 characters, identifiers that are empty or longer than 255, metadata of more than 49 keys (one more is ours), with keys longer than 40 or values longer than 500. NULL is no text.';
REVOKE ALL ON FUNCTION saas.require_request_texts(text, jsonb, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.require_request_texts(text, jsonb, text[]) TO saas_internal;
