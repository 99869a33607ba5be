-- Failed attempts in shared memory, which no rollback takes back. Without it they do nothing.
CREATE OR REPLACE FUNCTION saas.note_failed_attempt(p_user uuid, p_kind text, p_failures integer)
RETURNS integer
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_note_failed_attempt';
REVOKE ALL ON FUNCTION saas.note_failed_attempt(uuid, text, integer) FROM PUBLIC;
COMMENT ON FUNCTION saas.note_failed_attempt(uuid, text, integer) IS
'Notes a failed attempt (password, mfa) of a user at once, whatever becomes of the transaction, and returns how many in a row there are with it: noted ones, or p_failures if that is more. Only for functions of the package.';

CREATE OR REPLACE FUNCTION saas.noted_failures(p_user uuid, p_kind text, OUT failures integer, OUT last_failed_at timestamptz)
RETURNS record
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_noted_failures';
REVOKE ALL ON FUNCTION saas.noted_failures(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION saas.noted_failures(uuid, text) IS
'Failed attempts in a row that are noted of a user, and when the last one was; NULL without any. Only for functions of the package.';

CREATE OR REPLACE FUNCTION saas.forget_failed_attempts(p_user uuid, p_kind text)
RETURNS boolean
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_forget_failed_attempts';
REVOKE ALL ON FUNCTION saas.forget_failed_attempts(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION saas.forget_failed_attempts(uuid, text) IS
'Forgets the failed attempts that are noted of a user at once; whether there were any. Only for functions of the package.';

DO $$
BEGIN
    EXECUTE pg_catalog.format(
        'GRANT EXECUTE ON FUNCTION saas.note_failed_attempt(uuid, text, integer), saas.noted_failures(uuid, text),
            saas.forget_failed_attempts(uuid, text) TO %I',
        pg_catalog.current_setting('saas.role_internal')
    );
END
$$;
