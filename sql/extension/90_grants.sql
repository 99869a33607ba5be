-- Native functions that only the package's SECURITY DEFINER functions may call.
DO $$
BEGIN
    EXECUTE pg_catalog.format(
        'GRANT EXECUTE ON FUNCTION saas.sign_context(uuid, uuid, text), saas.sign_context(uuid, uuid, text, text[], uuid) TO %I',
        pg_catalog.current_setting('saas.role_internal')
    );
    EXECUTE pg_catalog.format(
        'GRANT EXECUTE ON FUNCTION saas.redact_audit_payloads(uuid[], timestamptz[], uuid[], bytea[]),
            saas.seal_audit_rows(xid8, uuid, xid8, bigint, xid8),
            saas.verify_audit_chain(uuid, timestamptz, timestamptz, text) TO %I',
        pg_catalog.current_setting('saas.role_internal')
    );
    EXECUTE pg_catalog.format(
        'GRANT EXECUTE ON FUNCTION saas.insert_row(anyelement), saas.update_row(anyelement),
            saas.with_columns(anyelement, text[], "any"), saas.find_row(anyelement, text, "any"),
            saas.has_row(anyelement, text, "any"), saas.lock_row(anyelement, text, text, "any"),
            saas.find_provider_status(text, text, text), saas.find_currency(text, text),
            saas.lock_object(uuid, text, text),
            saas.with_json_columns(anyelement, text, jsonb, text),
            saas.row_members(anyelement, text[]) TO %I',
        pg_catalog.current_setting('saas.role_internal')
    );
    EXECUTE pg_catalog.format(
        'GRANT EXECUTE ON FUNCTION saas.write_rollup_changes(), saas.keeps_rollup_statement(text),
            saas.run_rollup_statement(text, text, VARIADIC "any") TO %I',
        pg_catalog.current_setting('saas.role_internal')
    );
END
$$;
