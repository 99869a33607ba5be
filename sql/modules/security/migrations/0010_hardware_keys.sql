-- Hardware keys as second factors (W3C Web Authentication). The public key of one is the sealed secret of its
-- factor; until it is registered that is the challenge which it is to answer.
ALTER TABLE saas.mfa_factors DROP CONSTRAINT mfa_factors_kind_check;
ALTER TABLE saas.mfa_factors ADD CONSTRAINT mfa_factors_kind_check
    CHECK (kind IN ('totp', 'sms', 'hardware_key'));

CREATE TABLE saas.mfa_hardware_keys (
    factor_id uuid NOT NULL,
    user_id uuid NOT NULL,
    credential_id bytea NOT NULL,
    algorithm text NOT NULL,
    sign_count bigint NOT NULL,
    user_verified boolean NOT NULL,
    backup_eligible boolean NOT NULL,
    backed_up boolean NOT NULL,
    model uuid NOT NULL,
    attestation text NOT NULL,
    transports text[] NOT NULL DEFAULT '{}',
    last_used_at timestamptz,
    copied_at timestamptz,
    CONSTRAINT mfa_hardware_keys_pkey PRIMARY KEY (factor_id),
    CONSTRAINT mfa_hardware_keys_credential_id_key UNIQUE (credential_id),
    CONSTRAINT mfa_hardware_keys_factor_id_fkey
        FOREIGN KEY (factor_id) REFERENCES saas.mfa_factors (id) ON DELETE CASCADE,
    CONSTRAINT mfa_hardware_keys_user_id_fkey
        FOREIGN KEY (user_id) REFERENCES saas.users (id) ON DELETE CASCADE,
    CONSTRAINT mfa_hardware_keys_credential_id_check
        CHECK (octet_length(credential_id) >= 1 AND octet_length(credential_id) <= 1023),
    CONSTRAINT mfa_hardware_keys_algorithm_check CHECK (algorithm IN ('ES256', 'EdDSA', 'RS256')),
    CONSTRAINT mfa_hardware_keys_sign_count_check CHECK (sign_count >= 0 AND sign_count <= 4294967295),
    CONSTRAINT mfa_hardware_keys_backed_up_check CHECK (backup_eligible OR NOT backed_up),
    CONSTRAINT mfa_hardware_keys_attestation_check CHECK (attestation IN ('none', 'self', 'unchecked'))
) WITH (fillfactor = 70);
CREATE INDEX mfa_hardware_keys_user_id_idx ON saas.mfa_hardware_keys (user_id);

-- What hardware keys are to answer. A row is gone once it was answered, whatever came of it.
CREATE TABLE saas.mfa_challenges (
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    user_id uuid NOT NULL,
    session_id uuid,
    challenge_hash bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT mfa_challenges_pkey PRIMARY KEY (id),
    CONSTRAINT mfa_challenges_challenge_hash_key UNIQUE (challenge_hash),
    CONSTRAINT mfa_challenges_user_id_fkey
        FOREIGN KEY (user_id) REFERENCES saas.users (id) ON DELETE CASCADE,
    CONSTRAINT mfa_challenges_challenge_hash_check CHECK (octet_length(challenge_hash) = 32)
);
CREATE INDEX mfa_challenges_user_id_idx ON saas.mfa_challenges (user_id);

-- They have one column more now; the definitions make them anew.
DROP FUNCTION IF EXISTS saas.sign_in(text, text, text, uuid, inet, text, interval);
DROP FUNCTION IF EXISTS saas.sign_in_by_link(text, text, uuid, inet, text, interval);
DROP FUNCTION IF EXISTS saas.open_session(uuid, text, uuid, inet, text, interval);
