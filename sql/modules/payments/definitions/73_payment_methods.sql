-- Tokens of payment methods: what the provider calls a card or account, never its number.
CREATE OR REPLACE TRIGGER payment_method_tokens_20_immutable
BEFORE UPDATE ON saas.payment_method_tokens
FOR EACH ROW
EXECUTE FUNCTION saas.enforce_immutable(
    'team_id', 'id', 'provider', 'provider_customer_id', 'token_sha256'
);
CREATE OR REPLACE TRIGGER payment_method_tokens_30_updated_at
BEFORE UPDATE ON saas.payment_method_tokens
FOR EACH ROW EXECUTE FUNCTION saas.set_updated_at();

CREATE OR REPLACE FUNCTION saas.seal_payment_token(p_token text, p_row uuid, p_encrypt boolean)
RETURNS bytea
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF NOT p_encrypt THEN
        RETURN NULL;
    END IF;
    RETURN saas.encrypt_sensitive_data(
        p_token, saas.asset_id('saas.payment_method_tokens', 'token_ciphertext'), p_row
    );
EXCEPTION WHEN SQLSTATE 'SA100' THEN
    IF p_encrypt THEN
        RAISE;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION saas.seal_payment_token(text, uuid, boolean) IS
'The token encrypted for its row; NULL when it is not to be encrypted, and when nothing is said about it and the keystore is sealed.';
REVOKE ALL ON FUNCTION saas.seal_payment_token(text, uuid, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.seal_payment_token(text, uuid, boolean) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.save_payment_method(
    p_team uuid,
    p_provider text,
    p_provider_customer_id text,
    p_token text,
    p_idempotency_key text,
    p_brand text DEFAULT NULL,
    p_last4 text DEFAULT NULL,
    p_exp_month integer DEFAULT NULL,
    p_exp_year integer DEFAULT NULL,
    p_fingerprint text DEFAULT NULL,
    p_is_default boolean DEFAULT false,
    p_metadata jsonb DEFAULT '{}',
    p_encrypt boolean DEFAULT NULL
)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_result jsonb;
    v_id uuid := saas.uuid_v7();
    v_sealed bytea;
    v_constraint text;
    v_column text;
BEGIN
    PERFORM saas.require_team(p_team, 'member');
    IF p_token IS NULL OR length(p_token) NOT BETWEEN 1 AND 500 OR p_is_default IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'the provider''s token, of up to 500 characters, is needed';
    END IF;
    IF saas.contains_card_number(p_token) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA090',
            MESSAGE = 'the token looks like a card number',
            HINT = 'Numbers of cards belong to the provider alone: give its token.';
    END IF;
    v_result := saas.claim_idempotency_key(
        p_team, p_idempotency_key, 'save_payment_method',
        jsonb_build_array(
            p_provider, p_provider_customer_id, p_token, p_brand, p_last4, p_exp_month, p_exp_year,
            p_fingerprint, p_is_default, p_metadata, p_encrypt
        )
    );
    IF v_result IS NOT NULL THEN
        RETURN v_result;
    END IF;
    v_sealed := saas.seal_payment_token(p_token, v_id, p_encrypt);
    IF p_is_default THEN
        PERFORM saas.clear_default_payment_method(p_team, p_provider, p_provider_customer_id);
    END IF;
    BEGIN
        INSERT INTO saas.payment_method_tokens (
            team_id, id, provider, provider_customer_id, token_ciphertext, token_reference, token_sha256,
            fingerprint, brand, last4, exp_month, exp_year, is_default, metadata
        )
        VALUES (
            p_team, v_id, p_provider, p_provider_customer_id, v_sealed,
            CASE WHEN v_sealed IS NULL THEN p_token END, sha256(convert_to(p_team || p_token, 'UTF8')),
            p_fingerprint, lower(p_brand), p_last4, p_exp_month, p_exp_year, p_is_default, p_metadata
        );
    EXCEPTION
        -- The server's own message would show the row, and with it the token.
        WHEN check_violation OR not_null_violation THEN
            GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME, v_column = COLUMN_NAME;
            RAISE EXCEPTION USING
                ERRCODE = SQLSTATE,
                MESSAGE = 'this is no payment method',
                DETAIL = pg_catalog.format('It does not fulfil %s.', COALESCE(NULLIF(v_constraint, ''), v_column || ' NOT NULL')),
                HINT = 'Give the provider''s token and customer, the last four digits, and month and year of expiry together.';
    END;
    RETURN saas.keep_idempotent_result(p_team, p_idempotency_key, jsonb_build_object(
        'payment_method_token_id', v_id, 'is_encrypted', v_sealed IS NOT NULL, 'is_default', p_is_default
    ));
END
$$;
COMMENT ON FUNCTION saas.save_payment_method(uuid, text, text, text, text, text, text, integer, integer, text, boolean, jsonb, boolean) IS
'Keeps a provider''s token of a customer''s payment method, with what may be shown of it: encrypted where the keystore is open, or as p_encrypt says, else as it is. Returns payment_method_token_id, is_encrypted and is_default. For members and workers. 23505 for a token that is attached already, SA090 for what looks like a card number.';
REVOKE ALL ON FUNCTION saas.save_payment_method(uuid, text, text, text, text, text, text, integer, integer, text, boolean, jsonb, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.save_payment_method(uuid, text, text, text, text, text, text, integer, integer, text, boolean, jsonb, boolean)
TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.clear_default_payment_method(
    p_team uuid,
    p_provider text,
    p_provider_customer_id text
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    -- Two that make a default at once take turns, also where there was none.
    PERFORM saas.lock_provider_object(p_team, p_provider, 'default of ' || p_provider_customer_id);
    UPDATE saas.payment_method_tokens AS m
    SET is_default = false
    WHERE m.team_id = p_team
        AND m.provider = p_provider
        AND m.provider_customer_id = p_provider_customer_id
        AND m.is_default;
END
$$;
COMMENT ON FUNCTION saas.clear_default_payment_method(uuid, text, text) IS
'The customer has no default payment method any more; until the end of the transaction nobody else makes one.';
REVOKE ALL ON FUNCTION saas.clear_default_payment_method(uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.clear_default_payment_method(uuid, text, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.set_default_payment_method(p_team uuid, p_payment_method uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_team(p_team, 'member');
    PERFORM saas.clear_default_payment_method(m.team_id, m.provider, m.provider_customer_id)
    FROM saas.payment_method_tokens AS m
    WHERE m.team_id = p_team AND m.id = p_payment_method AND m.detached_at IS NULL;
    UPDATE saas.payment_method_tokens AS m
    SET is_default = true
    WHERE m.team_id = p_team AND m.id = p_payment_method AND m.detached_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'SA081', MESSAGE = 'the team has no such attached payment method';
    END IF;
END
$$;
COMMENT ON FUNCTION saas.set_default_payment_method(uuid, uuid) IS
'Makes a payment method its customer''s default. For members and workers. SA081 for one that is none or detached.';
REVOKE ALL ON FUNCTION saas.set_default_payment_method(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.set_default_payment_method(uuid, uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.detach_payment_method(
    p_team uuid,
    p_payment_method uuid,
    p_idempotency_key text
)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_result jsonb;
    v_provider text;
    v_request uuid;
BEGIN
    PERFORM saas.require_team(p_team, 'member');
    v_result := saas.claim_idempotency_key(
        p_team, p_idempotency_key, 'detach_payment_method', jsonb_build_array(p_payment_method)
    );
    IF v_result IS NOT NULL THEN
        RETURN v_result;
    END IF;
    UPDATE saas.payment_method_tokens AS m
    SET detached_at = clock_timestamp(),
        is_default = false
    WHERE m.team_id = p_team AND m.id = p_payment_method AND m.detached_at IS NULL
    RETURNING m.provider INTO v_provider;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'SA081', MESSAGE = 'the team has no such attached payment method';
    END IF;
    -- The worker reads the token when it sends the request: it is not written down twice.
    INSERT INTO saas.provider_requests (team_id, provider, kind, payment_method_token_id, request)
    VALUES (p_team, v_provider, 'detach_payment_method', p_payment_method, '{}')
    RETURNING id INTO v_request;
    RETURN saas.keep_idempotent_result(p_team, p_idempotency_key, jsonb_build_object(
        'payment_method_token_id', p_payment_method, 'provider_request_id', v_request
    ));
END
$$;
COMMENT ON FUNCTION saas.detach_payment_method(uuid, uuid, text) IS
'Detaches a payment method and asks the provider to; from now on it is not to be used. Returns payment_method_token_id and provider_request_id. For members and workers. SA081 for one that is none or detached.';
REVOKE ALL ON FUNCTION saas.detach_payment_method(uuid, uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.detach_payment_method(uuid, uuid, text) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.read_payment_token(p_team uuid, p_payment_method uuid)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_row saas.payment_method_tokens;
BEGIN
    PERFORM saas.require_team(p_team, 'member');
    SELECT m.* INTO v_row
    FROM saas.payment_method_tokens AS m
    WHERE m.team_id = p_team AND m.id = p_payment_method;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'SA081', MESSAGE = 'the team has no such payment method';
    END IF;
    IF v_row.token_ciphertext IS NULL THEN
        RETURN v_row.token_reference;
    END IF;
    RETURN saas.decrypt_sensitive_data(
        v_row.token_ciphertext, saas.asset_id('saas.payment_method_tokens', 'token_ciphertext'), v_row.id
    );
END
$$;
COMMENT ON FUNCTION saas.read_payment_token(uuid, uuid) IS
'The provider''s token of a payment method, for the worker that sends requests to the provider, with a context in the team. SA100 while the keystore is sealed.';
REVOKE ALL ON FUNCTION saas.read_payment_token(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.read_payment_token(uuid, uuid) TO saas_service;
