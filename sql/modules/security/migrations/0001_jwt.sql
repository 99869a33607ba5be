-- Whose JSON Web Tokens are believed: issuers of the platform and of teams, and their public keys.

CREATE TABLE saas.jwt_issuers (
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    team_id uuid,
    issuer text NOT NULL,
    audience text[] NOT NULL,
    algorithms text[] NOT NULL,
    user_match text NOT NULL,
    user_claim text[] NOT NULL,
    team_claim text[] NOT NULL,
    role_claim text[] NOT NULL,
    leeway_seconds integer NOT NULL,
    is_enabled boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT jwt_issuers_pkey PRIMARY KEY (id),
    CONSTRAINT jwt_issuers_team_id_issuer_key UNIQUE NULLS NOT DISTINCT (team_id, issuer),
    CONSTRAINT jwt_issuers_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT jwt_issuers_issuer_check CHECK (length(issuer) BETWEEN 1 AND 500),
    CONSTRAINT jwt_issuers_audience_check CHECK (
        cardinality(audience) >= 1
        AND cardinality(audience) <= 10
        AND array_position(audience, NULL) IS NULL
        AND array_position(audience, '') IS NULL
    ),
    CONSTRAINT jwt_issuers_algorithms_check CHECK (
        cardinality(algorithms) >= 1 AND algorithms <@ ARRAY['RS256', 'ES256', 'EdDSA']
    ),
    CONSTRAINT jwt_issuers_user_match_check CHECK (user_match IN ('id', 'email')),
    CONSTRAINT jwt_issuers_user_claim_check CHECK (
        cardinality(user_claim) >= 1
        AND cardinality(user_claim) <= 5
        AND array_position(user_claim, NULL) IS NULL
    ),
    CONSTRAINT jwt_issuers_team_claim_check CHECK (
        cardinality(team_claim) <= 5 AND array_position(team_claim, NULL) IS NULL
    ),
    CONSTRAINT jwt_issuers_role_claim_check CHECK (
        cardinality(role_claim) <= 5 AND array_position(role_claim, NULL) IS NULL
    ),
    CONSTRAINT jwt_issuers_leeway_seconds_check CHECK (leeway_seconds BETWEEN 0 AND 300)
);
-- Tokens name their issuer; a token may name no team.
CREATE INDEX jwt_issuers_issuer_idx ON saas.jwt_issuers (issuer);

CREATE TABLE saas.jwt_keys (
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    issuer_id uuid NOT NULL,
    team_id uuid,
    kid text NOT NULL,
    algorithm text NOT NULL,
    jwk jsonb NOT NULL,
    valid_from timestamptz NOT NULL DEFAULT now(),
    valid_until timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT jwt_keys_pkey PRIMARY KEY (id),
    CONSTRAINT jwt_keys_issuer_id_kid_key UNIQUE (issuer_id, kid),
    CONSTRAINT jwt_keys_issuer_id_fkey
        FOREIGN KEY (issuer_id) REFERENCES saas.jwt_issuers (id) ON DELETE CASCADE,
    CONSTRAINT jwt_keys_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT jwt_keys_kid_check CHECK (octet_length(kid) BETWEEN 1 AND 256),
    CONSTRAINT jwt_keys_algorithm_check CHECK (algorithm IN ('RS256', 'ES256', 'EdDSA')),
    -- Public keys alone: whoever reads a secret, or a dump with it, could sign.
    CONSTRAINT jwt_keys_jwk_check CHECK (
        jsonb_typeof(jwk) = 'object' AND NOT jwk ?| ARRAY['d', 'k', 'p', 'q', 'dp', 'dq', 'qi', 'oth']
    ),
    CONSTRAINT jwt_keys_valid_until_check CHECK (valid_until >= valid_from)
);
CREATE INDEX jwt_keys_team_id_idx ON saas.jwt_keys (team_id);
