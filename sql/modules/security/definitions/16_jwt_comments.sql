-- What each table and column is, with its data classification.
COMMENT ON TABLE saas.jwt_issuers IS 'Whose JSON Web Tokens saas.authenticate_jwt() believes, and what their claims mean.';
COMMENT ON COLUMN saas.jwt_issuers.id IS 'Identifier. [internal]';
COMMENT ON COLUMN saas.jwt_issuers.team_id IS 'The team whose members it vouches for; NULL for an issuer of the platform, which vouches for every user. [internal]';
COMMENT ON COLUMN saas.jwt_issuers.issuer IS 'Claim iss of its tokens. [internal]';
COMMENT ON COLUMN saas.jwt_issuers.audience IS 'One of these must be in claim aud: who we are to the issuer. [internal]';
COMMENT ON COLUMN saas.jwt_issuers.algorithms IS 'The algorithms that its tokens may have. [internal]';
COMMENT ON COLUMN saas.jwt_issuers.user_match IS 'What the claim about the user holds: id of saas.users, or email, which the issuer must have verified. [internal]';
COMMENT ON COLUMN saas.jwt_issuers.user_claim IS 'Path of the claim that names the user. [internal]';
COMMENT ON COLUMN saas.jwt_issuers.team_claim IS 'Path of the claim that names the team; empty when tokens do not. [internal]';
COMMENT ON COLUMN saas.jwt_issuers.role_claim IS 'Path of the claim with the most that the token may do in the team; empty when membership alone decides. [internal]';
COMMENT ON COLUMN saas.jwt_issuers.leeway_seconds IS 'By how many seconds the issuer''s clock may differ. [internal]';
COMMENT ON COLUMN saas.jwt_issuers.is_enabled IS 'False makes all its tokens worthless. [internal]';
COMMENT ON COLUMN saas.jwt_issuers.created_at IS 'When the issuer was set up. [internal]';
COMMENT ON COLUMN saas.jwt_issuers.updated_at IS 'When the row last changed. [internal]';

COMMENT ON TABLE saas.jwt_keys IS 'Public keys of issuers of JSON Web Tokens. An identifier stands for one key for ever.';
COMMENT ON COLUMN saas.jwt_keys.id IS 'Identifier. [internal]';
COMMENT ON COLUMN saas.jwt_keys.issuer_id IS 'Whose key it is. [internal]';
COMMENT ON COLUMN saas.jwt_keys.team_id IS 'The issuer''s team; NULL for an issuer of the platform. [internal]';
COMMENT ON COLUMN saas.jwt_keys.kid IS 'Identifier of the key in headers of tokens. [internal]';
COMMENT ON COLUMN saas.jwt_keys.algorithm IS 'The algorithm that it verifies: RS256, ES256 or EdDSA. [internal]';
COMMENT ON COLUMN saas.jwt_keys.jwk IS 'The public key as JWK (RFC 7517). [internal]';
COMMENT ON COLUMN saas.jwt_keys.valid_from IS 'When its tokens begin to count. [internal]';
COMMENT ON COLUMN saas.jwt_keys.valid_until IS 'When they stop; NULL while there is no end in sight. [internal]';
COMMENT ON COLUMN saas.jwt_keys.created_at IS 'When the key was added. [internal]';
