-- The same steps as one would write them in PL/pgSQL alone, to compare with: the same tables with the
-- same constraints, foreign keys and indexes; the signature by pgcrypto's hmac, and triggers and functions in
-- PL/pgSQL for states, immutable columns, card numbers, audit trail, fraud rules, ledger and its balance at
-- commit. It knows Stripe's intents and charges only, and neither defers events nor derives integrity issues.
CREATE SCHEMA plain;
DO $$
DECLARE
    k_tables constant text[] := ARRAY[
        'payment_intents', 'payments', 'payment_transactions', 'webhook_events', 'fraud_assessments',
        'ledger_accounts', 'ledger_transactions', 'ledger_entries', 'ledger_balances'
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
    actor text NOT NULL,
    transaction_id xid8 NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX ON plain.audit_logs (team_id, table_name, row_id, at);
CREATE INDEX ON plain.audit_logs (team_id, at);
CREATE TABLE plain.changed_days (team_id uuid NOT NULL, day date NOT NULL);

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
ANALYZE plain.reachable;

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
FOR EACH ROW EXECUTE FUNCTION plain.refuse_card_number('metadata', 'description');
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
        team_id, table_name, row_id, operation, old_values, new_values, actor, transaction_id, at
    )
    VALUES (
        NEW.team_id, TG_TABLE_NAME, NEW.id, TG_OP, v_old, v_new, session_user, pg_current_xact_id(),
        clock_timestamp()
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

-- Rules as SQL texts, each executed, as rule engines in PL/pgSQL do.
CREATE FUNCTION plain.assess()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    v_rule record;
    v_hit boolean;
    v_score integer := 0;
    v_matched jsonb := '[]'::jsonb;
    v_decision text := 'approve';
    v_attributes jsonb := NEW.attributes || jsonb_strip_nulls(jsonb_build_object(
        'amount', NEW.amount, 'currency', NEW.currency, 'customer', NEW.provider_customer_id,
        'description', NEW.description, 'capture_method', NEW.capture_method,
        'provider', NEW.provider, 'livemode', NEW.livemode, 'metadata', NEW.metadata
    ));
    v_begin timestamptz := clock_timestamp();
BEGIN
    FOR v_rule IN SELECT r.n, r.condition, r.score, r.decision FROM bench.rules AS r ORDER BY r.n LOOP
        EXECUTE 'SELECT ' || v_rule.condition INTO v_hit USING v_attributes;
        IF v_hit THEN
            v_score := v_score + v_rule.score;
            v_matched := v_matched || to_jsonb(v_rule.n);
            v_decision := CASE WHEN v_decision = 'block' THEN v_decision ELSE COALESCE(v_rule.decision, v_decision) END;
        END IF;
    END LOOP;
    INSERT INTO plain.fraud_assessments (
        team_id, payment_intent_id, score, decision, matched, shadow, errors, attributes,
        rule_set_version, assessed_at, microseconds
    )
    VALUES (
        NEW.team_id, NEW.id, least(v_score, 100), v_decision, v_matched, '[]', '[]', v_attributes,
        '1', now(), (extract(epoch FROM clock_timestamp() - v_begin) * 1000000)::bigint
    );
    RETURN NULL;
END
$$;
CREATE TRIGGER payment_intents_assess AFTER INSERT ON plain.payment_intents
FOR EACH ROW EXECUTE FUNCTION plain.assess();
CREATE TRIGGER payment_intents_assess_again AFTER UPDATE ON plain.payment_intents
FOR EACH ROW
WHEN (old.amount <> new.amount OR old.attributes <> new.attributes OR old.metadata <> new.metadata)
EXECUTE FUNCTION plain.assess();
\ir plain_ingest.sql
