-- Webhook signatures and state machines.
CREATE OR REPLACE FUNCTION saas.verify_webhook(
    provider text,
    headers jsonb,
    body bytea,
    url text,
    secrets bytea[],
    at timestamptz,
    tolerance_seconds integer DEFAULT 300,
    OUT ok boolean,
    OUT reason text,
    OUT secret_no integer,
    OUT event_id text,
    OUT signed_at timestamptz
)
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_verify_webhook';
COMMENT ON FUNCTION saas.verify_webhook(text, jsonb, bytea, text, bytea[], timestamptz, integer) IS
'Whether a webhook delivery is genuine: its signature over the raw bytes matches one of the secrets, and its time is within the tolerance of "at", both ways. Header names compare without regard to case. reason says why not; secret_no is the position of the secret that matched; event_id is what the provider names the event by. Provider: stripe; paypal (secrets: webhook ids, the certificate of the delivery''s URL with its chain as PEM, and trusted certificates as PEM labelled TRUSTED CERTIFICATE; without the certificate the reason is "certificate needed: URL"; the body is bound by a CRC-32 alone); square (needs url); adyen (keys in hexadecimal digits; every item of a batch is verified; event_id names each of them); razorpay; standard and svix (secrets "whsec_…" and public keys "whpk_…"). Square, Adyen and Razorpay sign no time.';
REVOKE ALL ON FUNCTION saas.verify_webhook(text, jsonb, bytea, text, bytea[], timestamptz, integer) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.check_webhook_certificate(
    url text,
    pem bytea,
    secrets bytea[],
    at timestamptz,
    OUT ok boolean,
    OUT reason text,
    OUT subject text,
    OUT fingerprint bytea,
    OUT not_before timestamptz,
    OUT not_after timestamptz
)
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_check_webhook_certificate';
COMMENT ON FUNCTION saas.check_webhook_certificate(text, bytea, bytea[], timestamptz) IS
'Whether the certificate in PEM, leaf first, with what it is chained by, may sign PayPal''s webhooks: the URL it is from is PayPal''s, it bears the name that PayPal gives such certificates, is valid at "at", and chains to one of the secrets that are labelled TRUSTED CERTIFICATE. reason says why not; fingerprint is the SHA-256 of the leaf.';
REVOKE ALL ON FUNCTION saas.check_webhook_certificate(text, bytea, bytea[], timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.enforce_state_machine()
RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_enforce_state_machine';
COMMENT ON FUNCTION saas.enforce_state_machine() IS
'BEFORE INSERT OR UPDATE row trigger with arguments (machine, state column [, source column]). Source api, and no source column: rows begin in an initial state and follow single transitions. Source provider: rows begin anywhere and follow the transitive closure. Source conflict (snapshots that contradict each other): any state of the machine. Otherwise SA070, which names the states that were possible.';

CREATE OR REPLACE FUNCTION saas.enforce_immutable()
RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_enforce_immutable';
COMMENT ON FUNCTION saas.enforce_immutable() IS
'BEFORE UPDATE row trigger: the columns named in its arguments never change (SA071).';

CREATE OR REPLACE FUNCTION saas.state_rank(
    machine text,
    state text,
    OUT component integer,
    OUT place integer
)
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_state_rank';
COMMENT ON FUNCTION saas.state_rank(text, text) IS
'Where a state stands in its machine''s order: the number of its strongly connected component along the direction of the transitions, and its place within the component.';

CREATE OR REPLACE FUNCTION saas.state_reachable(machine text, from_state text, to_state text)
RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_state_reachable';
COMMENT ON FUNCTION saas.state_reachable(text, text, text) IS
'Whether one or more transitions lead from one state to the other; from a state to itself only where it lies on a cycle.';

CREATE OR REPLACE FUNCTION saas.state_allows(machine text, from_state text, to_state text, source text)
RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_state_allows';
COMMENT ON FUNCTION saas.state_allows(text, text, text, text) IS
'Whether saas.enforce_state_machine() would let the source (api, provider, conflict) make this change; from_state NULL asks about a new row.';

CREATE OR REPLACE FUNCTION saas.possible_states(machine text, from_state text, source text)
RETURNS text[]
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_possible_states';
COMMENT ON FUNCTION saas.possible_states(text, text, text) IS
'The states to which the source (api, provider, conflict) may change; from_state NULL asks about a new row.';

CREATE OR REPLACE FUNCTION saas.snapshot_order(
    machine text,
    stored_state text,
    stored_at timestamptz,
    stored_event text,
    new_state text,
    new_at timestamptz,
    new_event text
)
RETURNS integer
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_snapshot_order';
COMMENT ON FUNCTION saas.snapshot_order(text, text, timestamptz, text, text, timestamptz, text) IS
'Which of two snapshots of one object holds: positive for the new one, negative for the stored one, 0 for the same. Ordered by component, the provider''s time, place in the component, event id; never by arrival. 2 and -2 where neither state leads to the other, so that the two contradict each other.';

CREATE OR REPLACE FUNCTION saas.states_conflict(machine text, state text, seen text[])
RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_states_conflict';
COMMENT ON FUNCTION saas.states_conflict(text, text, text[]) IS
'Whether one of the states seen neither leads to the state that holds nor follows from it.';

-- The state machines are no secret; a signature is verified by whoever ingests deliveries.
DO $$
DECLARE
    v_role text;
BEGIN
    FOREACH v_role IN ARRAY ARRAY[
        pg_catalog.current_setting('saas.role_internal'),
        pg_catalog.current_setting('saas.role_service')
    ] LOOP
        EXECUTE pg_catalog.format(
            'GRANT EXECUTE ON FUNCTION saas.verify_webhook(text, jsonb, bytea, text, bytea[], timestamptz, integer) TO %I',
            v_role
        );
        EXECUTE pg_catalog.format(
            'GRANT EXECUTE ON FUNCTION saas.check_webhook_certificate(text, bytea, bytea[], timestamptz) TO %I',
            v_role
        );
    END LOOP;
END
$$;

-- Reference rows and locks, for the package's own functions.
CREATE OR REPLACE FUNCTION saas.find_provider_status(
    p_provider text,
    p_object text,
    p_status text,
    OUT state text,
    OUT stage text,
    OUT machine text,
    OUT reason text
)
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_find_provider_status';
COMMENT ON FUNCTION saas.find_provider_status(text, text, text) IS
'The row of saas.provider_status_map for an object''s status at a provider, from the memory of the backend; NULL in all columns for none.';
REVOKE ALL ON FUNCTION saas.find_provider_status(text, text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.find_currency(
    p_provider text,
    p_currency text,
    OUT code char(3),
    OUT exponent integer,
    OUT provider_exponent integer
)
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_find_currency';
COMMENT ON FUNCTION saas.find_currency(text, text) IS
'The currency of that code, in small or capital letters, with its ISO 4217 exponent and the one in which the provider counts charges, from the memory of the backend; NULL for an unknown one and for one without minor unit.';
REVOKE ALL ON FUNCTION saas.find_currency(text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.with_json_columns(
    p_row anyelement,
    p_provider text,
    p_object jsonb,
    p_mapping text
)
RETURNS anyelement
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_with_json_columns';
COMMENT ON FUNCTION saas.with_json_columns(anyelement, text, jsonb, text) IS
'A row of a table''s row type (NULL: an empty one) with columns replaced by what a provider''s object says. Each line of the mapping is a column (or a member of a jsonb column, "column.member"), a conversion and the paths, with | between them, of which the first that leads to something counts: "amount units amount". Conversions: text, short_text (255 characters), lower_text, mail_domain, id, required_id, units, units_or_zero, currency (above the amounts that it counts), state:OBJECT, unix_time, time (RFC 3339), flag, flag_or_false, object; "@name json PATH" names a part with which paths below begin. SA072 for what makes no sense, 22023 for a mapping that is none, 42703 and 42804 for a column that the row does not have or that is of another type.';
REVOKE ALL ON FUNCTION saas.with_json_columns(anyelement, text, jsonb, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.row_members(p_row anyelement, p_members text[])
RETURNS jsonb
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_row_members';
COMMENT ON FUNCTION saas.row_members(anyelement, text[]) IS
'Columns of a row as a JSON object, without those that are NULL: "name", or "member=column" under another name. 42703 for a column that the row does not have, 22023 for a member that is named twice.';
REVOKE ALL ON FUNCTION saas.row_members(anyelement, text[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.lock_object(p_team uuid, p_provider text, p_object text)
RETURNS text
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_lock_object';
COMMENT ON FUNCTION saas.lock_object(uuid, text, text) IS
'Locks a provider''s object until the end of the transaction, as saas.lock_provider_object() does, and returns its name.';
REVOKE ALL ON FUNCTION saas.lock_object(uuid, text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.enforce_ledger_balance()
RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_enforce_ledger_balance';
COMMENT ON FUNCTION saas.enforce_ledger_balance() IS
'Deferred constraint trigger of the ledger: the ledger transaction that the column named as argument holds has two or more entries that sum to zero for each currency and layer (SA075).';
REVOKE ALL ON FUNCTION saas.enforce_ledger_balance() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.enforce_ledger_balance() TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.enforce_open_ledger()
RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_enforce_open_ledger';
COMMENT ON FUNCTION saas.enforce_open_ledger() IS
'BEFORE INSERT row trigger of ledger_entries: entries are added to a ledger transaction by the database transaction that posted it, and by no later one (SA076).';
REVOKE ALL ON FUNCTION saas.enforce_open_ledger() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.enforce_open_ledger() TO pg_database_owner;
