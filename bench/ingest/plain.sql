-- The same steps as one would write them in PL/pgSQL alone, to compare with: the same tables with the
-- same constraints, foreign keys and indexes; the signature by pgcrypto's hmac, and triggers and functions in
-- PL/pgSQL for states, immutable columns, card numbers, audit trail, fraud rules with what explains them, holds,
-- the ledger and its balance at commit. plain_fraud.sql, plain_ledger.sql and plain_ingest.sql have the
-- rest. It knows Stripe's intents and charges only.
CREATE SCHEMA plain;
DO $$
DECLARE
    k_tables constant text[] := ARRAY[
        'payment_intents', 'payments', 'payment_transactions', 'webhook_events', 'fraud_assessments',
        'ledger_accounts', 'ledger_transactions', 'ledger_entries', 'ledger_balances',
        'payment_analytics_changes', 'fraud_rule_sets', 'fraud_reviews', 'payment_sessions'
    ];
    v_table text;
    v_key record;
BEGIN
    FOREACH v_table IN ARRAY k_tables LOOP
        EXECUTE format(
            'CREATE TABLE plain.%1$I (LIKE saas.%1$I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)',
            v_table
        );
    END LOOP;
    FOR v_key IN
        SELECT k.conname, c.relname, pg_get_constraintdef(k.oid) AS definition
        FROM pg_constraint AS k
        JOIN pg_class AS c ON c.oid = k.conrelid
        WHERE k.contype = 'f'
            AND k.conparentid = 0
            AND k.conrelid = ANY (SELECT ('saas.' || t)::regclass FROM unnest(k_tables) AS t)
    LOOP
        EXECUTE format(
            'ALTER TABLE plain.%I ADD CONSTRAINT %I %s', v_key.relname, v_key.conname,
            regexp_replace(
                v_key.definition, 'saas\.(' || array_to_string(k_tables, '|') || ')\(', 'plain.\1('
            )
        );
    END LOOP;
END
$$;
CREATE TABLE plain.audit_logs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    team_id uuid NOT NULL,
    table_name text NOT NULL,
    row_id uuid NOT NULL,
    operation text NOT NULL,
    old_values jsonb,
    new_values jsonb,
    actor uuid,
    db_role text NOT NULL,
    login_role text,
    request_id text,
    client_addr inet,
    transaction_id xid8 NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX ON plain.audit_logs (team_id, table_name, row_id, at);
CREATE INDEX ON plain.audit_logs (team_id, at);

-- Which states can be reached from which, in any number of steps.
CREATE TABLE plain.reachable AS
WITH RECURSIVE steps AS (
    SELECT machine, from_state, to_state FROM saas.state_transitions WHERE from_state IS NOT NULL
    UNION
    SELECT s.machine, s.from_state, t.to_state
    FROM steps AS s
    JOIN saas.state_transitions AS t ON t.machine = s.machine AND t.from_state = s.to_state
)
SELECT DISTINCT machine, from_state, to_state FROM steps;
ALTER TABLE plain.reachable ADD PRIMARY KEY (machine, from_state, to_state);
-- In which order snapshots of one object count: by component, time, place in it, event.
CREATE TABLE plain.ranks AS
SELECT s.machine, s.state, r.component, r.place
FROM (SELECT DISTINCT machine, to_state AS state FROM saas.state_transitions) AS s
CROSS JOIN LATERAL saas.state_rank(s.machine, s.state) AS r;
ALTER TABLE plain.ranks ADD PRIMARY KEY (machine, state);
ANALYZE plain.reachable, plain.ranks;

CREATE FUNCTION plain.is_newer(
    p_machine text,
    p_state text,
    p_at timestamptz,
    p_event text,
    p_new_state text,
    p_new_at timestamptz,
    p_new_event text
)
RETURNS boolean
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN (
        SELECT (n.component, p_new_at, n.place, p_new_event) > (o.component, p_at, o.place, p_event)
        FROM plain.ranks AS o, plain.ranks AS n
        WHERE o.machine = p_machine AND o.state = p_state AND n.machine = p_machine AND n.state = p_new_state
    );
END
$$;

CREATE FUNCTION plain.add_state(p_states text[], p_state text)
RETURNS text[]
LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
    IF p_state = ANY (p_states) THEN
        RETURN p_states;
    END IF;
    RETURN ARRAY(SELECT s FROM unnest(p_states || p_state) AS s ORDER BY s);
END
$$;

CREATE FUNCTION plain.enforce_row()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    v_column text;
    v_old jsonb;
    v_new jsonb;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.status <> OLD.status AND NOT EXISTS (
            SELECT
            FROM plain.reachable AS r
            WHERE r.machine = TG_ARGV[0] AND r.from_state = OLD.status AND r.to_state = NEW.status
        ) THEN
            RAISE EXCEPTION 'state % does not follow %', NEW.status, OLD.status;
        END IF;
        v_old := to_jsonb(OLD);
        v_new := to_jsonb(NEW);
        FOR n IN 1 .. TG_NARGS - 1 LOOP
            v_column := TG_ARGV[n];
            IF v_old -> v_column IS DISTINCT FROM v_new -> v_column THEN
                RAISE EXCEPTION 'column % never changes', v_column;
            END IF;
        END LOOP;
        NEW.updated_at := now();
    ELSIF NOT EXISTS (
        SELECT FROM saas.state_transitions AS t WHERE t.machine = TG_ARGV[0] AND t.to_state = NEW.status
    ) THEN
        RAISE EXCEPTION 'there is no state %', NEW.status;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER payment_intents_state BEFORE INSERT OR UPDATE ON plain.payment_intents
FOR EACH ROW EXECUTE FUNCTION plain.enforce_row('payment_intent', 'team_id', 'id', 'provider');
CREATE TRIGGER payments_state BEFORE INSERT OR UPDATE ON plain.payments
FOR EACH ROW EXECUTE FUNCTION plain.enforce_row(
    'payment', 'team_id', 'id', 'provider', 'provider_payment_id', 'amount', 'currency'
);
CREATE TRIGGER payment_transactions_state BEFORE INSERT OR UPDATE ON plain.payment_transactions
FOR EACH ROW EXECUTE FUNCTION plain.enforce_row(
    'payment_transaction', 'team_id', 'id', 'payment_id', 'operation', 'currency'
);

CREATE FUNCTION plain.has_card_number(p_text text)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE
AS $$
DECLARE
    v_digits text;
    v_sum integer;
    v_digit integer;
BEGIN
    IF p_text IS NULL THEN
        RETURN false;
    END IF;
    FOR v_digits IN
        SELECT regexp_replace(m.found[1], '[ -]', '', 'g')
        FROM regexp_matches(p_text, '(?<!\d)(\d(?:[ -]?\d){11,18})(?!\d)', 'g') AS m (found)
    LOOP
        v_sum := 0;
        FOR n IN 1 .. length(v_digits) LOOP
            v_digit := substr(v_digits, length(v_digits) - n + 1, 1)::integer;
            IF n % 2 = 0 THEN
                v_digit := v_digit * 2;
                v_digit := v_digit - CASE WHEN v_digit > 9 THEN 9 ELSE 0 END;
            END IF;
            v_sum := v_sum + v_digit;
        END LOOP;
        IF v_sum % 10 = 0 THEN
            RETURN true;
        END IF;
    END LOOP;
    RETURN false;
END
$$;
CREATE FUNCTION plain.refuse_card_number()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF plain.has_card_number(to_jsonb(NEW) ->> TG_ARGV[0])
        OR TG_NARGS > 1 AND plain.has_card_number(to_jsonb(NEW) ->> TG_ARGV[1])
        OR TG_NARGS > 2 AND plain.has_card_number(to_jsonb(NEW) ->> TG_ARGV[2])
    THEN
        RAISE EXCEPTION 'what looks like a card number is not kept';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER payment_intents_card BEFORE INSERT OR UPDATE ON plain.payment_intents
FOR EACH ROW EXECUTE FUNCTION plain.refuse_card_number('metadata', 'attributes', 'description');
CREATE TRIGGER payments_card BEFORE INSERT OR UPDATE ON plain.payments
FOR EACH ROW EXECUTE FUNCTION plain.refuse_card_number('metadata', 'description', 'failure_message');
CREATE TRIGGER webhook_events_card BEFORE INSERT ON plain.webhook_events
FOR EACH ROW EXECUTE FUNCTION plain.refuse_card_number('payload');

CREATE FUNCTION plain.audit()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    v_old jsonb;
    v_new jsonb := to_jsonb(NEW);
BEGIN
    IF TG_OP = 'UPDATE' THEN
        SELECT jsonb_object_agg(o.key, o.value), jsonb_object_agg(o.key, v_new -> o.key)
        INTO v_old, v_new
        FROM jsonb_each(to_jsonb(OLD)) AS o
        WHERE o.key <> 'updated_at' AND o.value IS DISTINCT FROM v_new -> o.key;
        IF v_old IS NULL THEN
            RETURN NULL;
        END IF;
    END IF;
    INSERT INTO plain.audit_logs (
        team_id, table_name, row_id, operation, old_values, new_values, actor, db_role, login_role,
        request_id, client_addr, transaction_id, at
    )
    VALUES (
        NEW.team_id, TG_TABLE_NAME, NEW.id, TG_OP, v_old, v_new, saas.current_user_id(), current_user,
        NULLIF(session_user, current_user), NULLIF(current_setting('saas.request_id', true), ''),
        inet_client_addr(), pg_current_xact_id(), statement_timestamp()
    );
    RETURN NULL;
END
$$;
CREATE TRIGGER zz_audit AFTER INSERT OR UPDATE ON plain.payment_intents
FOR EACH ROW EXECUTE FUNCTION plain.audit();
CREATE TRIGGER zz_audit AFTER INSERT OR UPDATE ON plain.payments
FOR EACH ROW EXECUTE FUNCTION plain.audit();
CREATE TRIGGER zz_audit AFTER INSERT OR UPDATE ON plain.payment_transactions
FOR EACH ROW EXECUTE FUNCTION plain.audit();

-- What was blocked, or waits for a person, and is confirmed at the provider nevertheless, is flagged.
CREATE FUNCTION plain.flag_obstacle()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    v_decision text;
    v_review text;
BEGIN
    IF NEW.status IN ('requires_action', 'processing', 'requires_capture', 'partially_captured', 'succeeded') THEN
        SELECT a.decision, r.state INTO v_decision, v_review
        FROM plain.fraud_assessments AS a
        LEFT JOIN plain.fraud_reviews AS r ON r.team_id = a.team_id AND r.assessment_id = a.id
        WHERE a.team_id = NEW.team_id AND a.payment_intent_id = NEW.id
        ORDER BY a.assessed_at DESC, a.id DESC
        LIMIT 1;
        NEW.fraud_flag := CASE
            WHEN v_decision = 'block' OR EXISTS (
                SELECT FROM plain.fraud_reviews AS r
                WHERE r.team_id = NEW.team_id AND r.payment_intent_id = NEW.id AND r.state = 'declined'
            ) THEN 'confirmed_although_blocked'
            WHEN v_review = 'open' THEN 'captured_before_review'
            ELSE NEW.fraud_flag
        END;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER payment_intents_flag BEFORE UPDATE ON plain.payment_intents
FOR EACH ROW WHEN (old.status <> new.status) EXECUTE FUNCTION plain.flag_obstacle();

CREATE FUNCTION plain.complete_session()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE plain.payment_sessions AS s
    SET status = 'complete', completed_at = clock_timestamp()
    WHERE s.team_id = NEW.team_id AND s.payment_intent_id = NEW.id AND s.status <> 'complete';
    RETURN NULL;
END
$$;
CREATE TRIGGER payment_intents_session AFTER UPDATE ON plain.payment_intents
FOR EACH ROW
WHEN (new.status = 'succeeded' AND old.status <> 'succeeded')
EXECUTE FUNCTION plain.complete_session();
\ir plain_fraud.sql
\ir plain_ledger.sql
\ir plain_ingest.sql
