-- Tamper evidence of the audit trail: leaf hashes, Merkle trees (RFC 6962), signed checkpoints.

-- BRIN on transaction ids, which the server has no operator class for: it finds the rows to be sealed.
DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_opclass AS c
        WHERE c.opcnamespace = 'saas'::pg_catalog.regnamespace AND c.opcname = 'xid8_minmax_ops'
    ) THEN
        CREATE OPERATOR CLASS saas.xid8_minmax_ops
        FOR TYPE pg_catalog.xid8 USING brin AS
            OPERATOR 1 pg_catalog.<,
            OPERATOR 2 pg_catalog.<=,
            OPERATOR 3 pg_catalog.=,
            OPERATOR 4 pg_catalog.>=,
            OPERATOR 5 pg_catalog.>,
            FUNCTION 1 pg_catalog.brin_minmax_opcinfo(internal),
            FUNCTION 2 pg_catalog.brin_minmax_add_value(internal, internal, internal, internal),
            FUNCTION 3 pg_catalog.brin_minmax_consistent(internal, internal, internal),
            FUNCTION 4 pg_catalog.brin_minmax_union(internal, internal, internal);
    END IF;
END
$$;

-- The salt is known only when a row is sealed, so hashing a row has two steps.
CREATE OR REPLACE FUNCTION saas.audit_row_digest(
    p_team_id uuid,
    p_created_at timestamptz,
    p_id uuid,
    p_xact_id xid8,
    p_actor_id uuid,
    p_row_id uuid,
    p_operation "char",
    p_table_name text,
    p_row_key jsonb,
    p_old_values jsonb,
    p_new_values jsonb,
    p_db_role text,
    p_login_role text,
    p_request_id text,
    p_client_addr inet,
    p_payload_hash bytea
)
RETURNS bytea
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_audit_row_digest';
COMMENT ON FUNCTION saas.audit_row_digest(
    uuid, timestamptz, uuid, xid8, uuid, uuid, "char", text, jsonb, jsonb, jsonb, text, text, text, inet, bytea
) IS 'What the leaf hash of a row of saas.audit_logs takes but for the salt, 65 bytes, computed from its columns; NULL for a row that claims to be erased and still has a payload.';

CREATE OR REPLACE FUNCTION saas.audit_new_salt()
RETURNS bytea
LANGUAGE c VOLATILE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_audit_new_salt';
COMMENT ON FUNCTION saas.audit_new_salt() IS 'The salt for one row: 16 random bytes.';

CREATE OR REPLACE FUNCTION saas.seal_audit_rows(
    p_after_xact_id xid8,
    p_after_id uuid,
    p_below_xact_id xid8,
    p_limit bigint,
    p_horizon xid8
)
RETURNS TABLE (sealed bigint, through_xact_id xid8, through_id uuid)
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_seal_audit_rows';
REVOKE ALL ON FUNCTION saas.seal_audit_rows(xid8, uuid, xid8, bigint, xid8) FROM PUBLIC;
COMMENT ON FUNCTION saas.seal_audit_rows(xid8, uuid, xid8, bigint, xid8) IS
'The native part of saas.seal_audit_log(), which holds the lock and knows the horizon: seals what is not sealed of that range and says how far that is.';

CREATE OR REPLACE FUNCTION saas.audit_leaf(
    p_team_id uuid,
    p_created_at timestamptz,
    p_id uuid,
    p_xact_id xid8,
    p_actor_id uuid,
    p_row_id uuid,
    p_operation "char",
    p_table_name text,
    p_row_key jsonb,
    p_old_values jsonb,
    p_new_values jsonb,
    p_db_role text,
    p_login_role text,
    p_request_id text,
    p_client_addr inet,
    p_salt bytea,
    p_payload_hash bytea
)
RETURNS bytea
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_audit_leaf';
COMMENT ON FUNCTION saas.audit_leaf(
    uuid, timestamptz, uuid, xid8, uuid, uuid, "char", text, jsonb, jsonb, jsonb, text, text, text, inet, bytea, bytea
) IS 'The leaf hash of a row of saas.audit_logs, computed from its columns and its salt; NULL without a salt, and for a row that claims to be erased and still has a payload.';

CREATE OR REPLACE FUNCTION saas.audit_commitment(
    p_salt bytea,
    p_row_key jsonb,
    p_old_values jsonb,
    p_new_values jsonb,
    p_client_addr inet
)
RETURNS bytea
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_audit_commitment';
COMMENT ON FUNCTION saas.audit_commitment(bytea, jsonb, jsonb, jsonb, inet) IS
'The salted hash that stands for the personal payload of a row of saas.audit_logs once it is erased.';

CREATE OR REPLACE FUNCTION saas.redact_audit_payloads(
    p_teams uuid[],
    p_created_at timestamptz[],
    p_ids uuid[],
    p_salts bytea[]
)
RETURNS bigint
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_redact_audit_payloads';
REVOKE ALL ON FUNCTION saas.redact_audit_payloads(uuid[], timestamptz[], uuid[], bytea[]) FROM PUBLIC;
COMMENT ON FUNCTION saas.redact_audit_payloads(uuid[], timestamptz[], uuid[], bytea[]) IS
'Erases the payload of rows of saas.audit_logs, in whose place the commitments with these salts come; returns how many. Checks nothing: only for saas.redact_audit_entries().';

CREATE OR REPLACE FUNCTION saas.is_audit_owner()
RETURNS boolean
LANGUAGE c STABLE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'saas_is_audit_owner';
COMMENT ON FUNCTION saas.is_audit_owner() IS
'Whether the session acts as the owner of saas.audit_logs (or a superuser), seen through SECURITY DEFINER functions.';

CREATE OR REPLACE FUNCTION saas.merkle_append(p_edge bytea, p_size bigint, p_leaves bytea)
RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_merkle_append';
COMMENT ON FUNCTION saas.merkle_append(bytea, bigint, bytea) IS
'Appends leaf hashes to a Merkle tree of which the right edge is known, the roots of its full subtrees from the left; returns the new edge.';

CREATE OR REPLACE FUNCTION saas.merkle_root(p_edge bytea, p_size bigint)
RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_merkle_root';
COMMENT ON FUNCTION saas.merkle_root(bytea, bigint) IS 'The root of a Merkle tree with this right edge.';

CREATE OR REPLACE FUNCTION saas.merkle_inclusion_proof(p_leaves bytea, p_index bigint)
RETURNS bytea[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_merkle_inclusion_proof';
COMMENT ON FUNCTION saas.merkle_inclusion_proof(bytea, bigint) IS
'RFC 6962 audit path of one leaf, counted from 0, in the tree of these leaf hashes.';

CREATE OR REPLACE FUNCTION saas.merkle_consistency_proof(p_leaves bytea, p_size bigint)
RETURNS bytea[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_merkle_consistency_proof';
COMMENT ON FUNCTION saas.merkle_consistency_proof(bytea, bigint) IS
'RFC 6962 proof that the tree of the first p_size leaf hashes is the beginning of the tree of all.';

CREATE OR REPLACE FUNCTION saas.verify_inclusion(
    p_leaf bytea,
    p_index bigint,
    p_size bigint,
    p_proof bytea[],
    p_root bytea
)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_verify_inclusion';
COMMENT ON FUNCTION saas.verify_inclusion(bytea, bigint, bigint, bytea[], bytea) IS
'Whether the proof shows that the leaf hash is leaf number p_index, from 0, of the tree of p_size leaves with this root.';

CREATE OR REPLACE FUNCTION saas.verify_consistency(
    p_size1 bigint,
    p_size2 bigint,
    p_proof bytea[],
    p_root1 bytea,
    p_root2 bytea
)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_verify_consistency';
COMMENT ON FUNCTION saas.verify_consistency(bigint, bigint, bytea[], bytea, bytea) IS
'Whether the proof shows that the tree of p_size1 leaves is the beginning of the tree of p_size2 leaves.';

CREATE OR REPLACE FUNCTION saas.sign_audit_checkpoint(
    p_team uuid,
    p_number bigint,
    p_size bigint,
    p_root bytea,
    p_previous_root bytea,
    p_sealed_at timestamptz,
    p_through_xact_id xid8,
    p_through_id uuid,
    p_retained_from timestamptz,
    p_key bytea
)
RETURNS bytea
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_sign_audit_checkpoint';
COMMENT ON FUNCTION saas.sign_audit_checkpoint(
    uuid, bigint, bigint, bytea, bytea, timestamptz, xid8, uuid, timestamptz, bytea
) IS 'HMAC-SHA256 of a checkpoint under the key.';

CREATE OR REPLACE FUNCTION saas.audit_checkpoint_text(
    p_team uuid,
    p_number bigint,
    p_size bigint,
    p_root bytea,
    p_previous_root bytea,
    p_sealed_at timestamptz,
    p_through_xact_id xid8,
    p_through_id uuid,
    p_retained_from timestamptz,
    p_key_id uuid,
    p_signature bytea
)
RETURNS text
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_audit_checkpoint_text';
COMMENT ON FUNCTION saas.audit_checkpoint_text(
    uuid, bigint, bigint, bytea, bytea, timestamptz, xid8, uuid, timestamptz, uuid, bytea
) IS 'A signed checkpoint as text, in the form of a C2SP signed note.';

CREATE OR REPLACE FUNCTION saas.audit_leaf_positions(p_positions bytea)
RETURNS TABLE (place bigint, xact_id xid8, id uuid, created_at timestamptz)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_audit_leaf_positions';
COMMENT ON FUNCTION saas.audit_leaf_positions(bytea) IS
'The rows that sealed leaves stand for, as saas.audit_leaves.positions has them; place counts from 0.';

CREATE OR REPLACE FUNCTION saas.verify_audit_chain(
    p_team uuid,
    p_from timestamptz,
    p_to timestamptz,
    p_anchor text
)
RETURNS TABLE (
    problem text,
    detail text,
    checkpoint bigint,
    leaf_index bigint,
    created_at timestamptz,
    id uuid,
    checkpoints bigint,
    sealed_rows bigint,
    verified_rows bigint,
    redacted_rows bigint,
    unsealed_rows bigint,
    unsealed_since timestamptz
)
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_verify_audit_chain';
REVOKE ALL ON FUNCTION saas.verify_audit_chain(uuid, timestamptz, timestamptz, text) FROM PUBLIC;
COMMENT ON FUNCTION saas.verify_audit_chain(uuid, timestamptz, timestamptz, text) IS
'The native part of saas.verify_audit_log(), which checks who asks.';
