-- No card number is stored: what a caller gives is refused, what a provider sends is masked, since its
-- event moves money and has to be applied.
CREATE OR REPLACE FUNCTION saas.refuse_card_numbers()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_column text;
BEGIN
    FOREACH v_column IN ARRAY TG_ARGV LOOP
        IF saas.contains_card_number(to_jsonb(NEW) ->> v_column) THEN
            RAISE EXCEPTION USING
                ERRCODE = 'SA090',
                MESSAGE = format('%s of %s holds what looks like a card number', v_column, TG_TABLE_NAME),
                HINT = 'Numbers of cards belong to the provider alone: give its token.',
                SCHEMA = TG_TABLE_SCHEMA,
                TABLE = TG_TABLE_NAME,
                COLUMN = v_column;
        END IF;
    END LOOP;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION saas.refuse_card_numbers() IS
'BEFORE INSERT OR UPDATE row trigger: refuses rows whose columns, named as arguments, hold what looks like a card number (SA090).';
REVOKE ALL ON FUNCTION saas.refuse_card_numbers() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.refuse_card_numbers() TO saas_internal;

CREATE OR REPLACE FUNCTION saas.mask_card_numbers_in_row()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_row jsonb := to_jsonb(NEW);
    v_column text;
BEGIN
    FOREACH v_column IN ARRAY TG_ARGV LOOP
        IF saas.contains_card_number(v_row ->> v_column) THEN
            NEW := jsonb_populate_record(NEW, jsonb_build_object(
                v_column, CASE jsonb_typeof(v_row -> v_column)
                    WHEN 'string' THEN to_jsonb(saas.mask_card_numbers(v_row ->> v_column))
                    ELSE saas.mask_card_numbers(v_row ->> v_column)::jsonb
                END
            ));
        END IF;
    END LOOP;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION saas.mask_card_numbers_in_row() IS
'BEFORE INSERT OR UPDATE row trigger: masks what looks like card numbers in the columns named as arguments, of type text or jsonb.';
REVOKE ALL ON FUNCTION saas.mask_card_numbers_in_row() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.mask_card_numbers_in_row() TO saas_internal;

-- The conditions are looked at without a call of PL/pgSQL, since they are so for every row.
CREATE OR REPLACE TRIGGER payment_intents_12_card_refused
BEFORE INSERT OR UPDATE ON saas.payment_intents
FOR EACH ROW
WHEN (
    new.status_source = 'api' AND (
        saas.contains_card_number(new.metadata::text)
        OR saas.contains_card_number(new.attributes::text)
        OR saas.contains_card_number(new.description)
        OR saas.contains_card_number(new.provider_customer_id)
        OR saas.contains_card_number(new.provider_payment_method_id)
    )
)
EXECUTE FUNCTION saas.refuse_card_numbers(
    'metadata', 'attributes', 'description', 'provider_customer_id', 'provider_payment_method_id'
);
CREATE OR REPLACE TRIGGER payment_intents_12_card_masked
BEFORE INSERT OR UPDATE ON saas.payment_intents
FOR EACH ROW
WHEN (
    new.status_source <> 'api' AND (
        saas.contains_card_number(new.metadata::text)
        OR saas.contains_card_number(new.attributes::text)
        OR saas.contains_card_number(new.description)
    )
)
EXECUTE FUNCTION saas.mask_card_numbers_in_row('metadata', 'attributes', 'description');
CREATE OR REPLACE TRIGGER payments_12_card_masked
BEFORE INSERT OR UPDATE ON saas.payments
FOR EACH ROW
WHEN (
    saas.contains_card_number(new.metadata::text)
    OR saas.contains_card_number(new.description)
    OR saas.contains_card_number(new.failure_message)
    OR saas.contains_card_number(new.card_fingerprint)
    OR saas.contains_card_number(new.provider_customer_id)
)
EXECUTE FUNCTION saas.mask_card_numbers_in_row(
    'metadata', 'description', 'failure_message', 'card_fingerprint', 'provider_customer_id'
);
CREATE OR REPLACE TRIGGER refunds_12_card_refused
BEFORE INSERT OR UPDATE ON saas.refunds
FOR EACH ROW
WHEN (
    new.status_source = 'api'
    AND (saas.contains_card_number(new.metadata::text) OR saas.contains_card_number(new.reason))
)
EXECUTE FUNCTION saas.refuse_card_numbers('metadata', 'reason');
CREATE OR REPLACE TRIGGER refunds_12_card_masked
BEFORE INSERT OR UPDATE ON saas.refunds
FOR EACH ROW
WHEN (
    new.status_source <> 'api'
    AND (saas.contains_card_number(new.metadata::text) OR saas.contains_card_number(new.reason))
)
EXECUTE FUNCTION saas.mask_card_numbers_in_row('metadata', 'reason');
CREATE OR REPLACE TRIGGER payment_disputes_12_card_refused
BEFORE INSERT OR UPDATE ON saas.payment_disputes
FOR EACH ROW
WHEN (
    new.status_source = 'api'
    AND (saas.contains_card_number(new.metadata::text) OR saas.contains_card_number(new.reason))
)
EXECUTE FUNCTION saas.refuse_card_numbers('metadata', 'reason');
CREATE OR REPLACE TRIGGER payment_disputes_12_card_masked
BEFORE INSERT OR UPDATE ON saas.payment_disputes
FOR EACH ROW
WHEN (
    new.status_source <> 'api'
    AND (saas.contains_card_number(new.metadata::text) OR saas.contains_card_number(new.reason))
)
EXECUTE FUNCTION saas.mask_card_numbers_in_row('metadata', 'reason');
CREATE OR REPLACE TRIGGER payouts_12_card_masked
BEFORE INSERT OR UPDATE ON saas.payouts
FOR EACH ROW
WHEN (saas.contains_card_number(new.metadata::text) OR saas.contains_card_number(new.failure_message))
EXECUTE FUNCTION saas.mask_card_numbers_in_row('metadata', 'failure_message');
CREATE OR REPLACE TRIGGER provider_requests_12_card_refused
BEFORE INSERT ON saas.provider_requests
FOR EACH ROW
WHEN (saas.contains_card_number(new.request::text))
EXECUTE FUNCTION saas.refuse_card_numbers('request');
CREATE OR REPLACE TRIGGER provider_requests_12_card_masked
BEFORE UPDATE ON saas.provider_requests
FOR EACH ROW
WHEN (saas.contains_card_number(new.response::text))
EXECUTE FUNCTION saas.mask_card_numbers_in_row('response');
CREATE OR REPLACE TRIGGER webhook_events_12_card_masked
BEFORE INSERT ON saas.webhook_events
FOR EACH ROW
WHEN (saas.contains_card_number(new.payload::text))
EXECUTE FUNCTION saas.mask_card_numbers_in_row('payload');
CREATE OR REPLACE TRIGGER dispute_evidence_12_card_refused
BEFORE INSERT ON saas.dispute_evidence
FOR EACH ROW
WHEN (
    saas.contains_card_number(new.content) OR saas.contains_card_number(new.file_reference)
)
EXECUTE FUNCTION saas.refuse_card_numbers('content', 'file_reference');
CREATE OR REPLACE TRIGGER payment_sessions_12_card_refused
BEFORE INSERT OR UPDATE ON saas.payment_sessions
FOR EACH ROW
WHEN (
    saas.contains_card_number(new.metadata::text)
    OR saas.contains_card_number(new.client_reference)
    OR saas.contains_card_number(new.success_url)
    OR saas.contains_card_number(new.cancel_url)
)
EXECUTE FUNCTION saas.refuse_card_numbers('metadata', 'client_reference', 'success_url', 'cancel_url');
CREATE OR REPLACE TRIGGER payment_method_tokens_12_card_refused
BEFORE INSERT OR UPDATE ON saas.payment_method_tokens
FOR EACH ROW
WHEN (
    saas.contains_card_number(new.metadata::text)
    OR saas.contains_card_number(new.token_reference)
    OR saas.contains_card_number(new.provider_customer_id)
    OR saas.contains_card_number(new.fingerprint)
)
EXECUTE FUNCTION saas.refuse_card_numbers(
    'metadata', 'token_reference', 'provider_customer_id', 'fingerprint'
);
