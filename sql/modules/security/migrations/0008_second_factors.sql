-- A second factor is proved for a session, and codes that are sent to a telephone.
ALTER TABLE saas.user_sessions ADD COLUMN mfa_at timestamptz;

ALTER TABLE saas.mfa_factors DROP CONSTRAINT mfa_factors_kind_check;
ALTER TABLE saas.mfa_factors ADD CONSTRAINT mfa_factors_kind_check CHECK (kind IN ('totp', 'sms'));

-- The newest code of a telephone. One row a factor, so that a newer code takes the place of an older one.
CREATE TABLE saas.mfa_codes (
    factor_id uuid NOT NULL,
    code_hash bytea,
    expires_at timestamptz NOT NULL,
    failures integer NOT NULL DEFAULT 0,
    sent_at timestamptz NOT NULL,
    hour_began_at timestamptz NOT NULL,
    sent_in_hour integer NOT NULL DEFAULT 1,
    CONSTRAINT mfa_codes_pkey PRIMARY KEY (factor_id),
    CONSTRAINT mfa_codes_factor_id_fkey
        FOREIGN KEY (factor_id) REFERENCES saas.mfa_factors (id) ON DELETE CASCADE,
    CONSTRAINT mfa_codes_code_hash_check CHECK (octet_length(code_hash) = 48),
    CONSTRAINT mfa_codes_failures_check CHECK (failures >= 0 AND failures <= 5)
) WITH (fillfactor = 70);
