-- Triggers that many tables share.
CREATE OR REPLACE FUNCTION saas.set_updated_at()
RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_set_updated_at';
COMMENT ON FUNCTION saas.set_updated_at() IS
'BEFORE UPDATE row trigger: updated_at becomes the time of the transaction.';

CREATE OR REPLACE FUNCTION saas.refuse_delete()
RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_refuse_delete';
COMMENT ON FUNCTION saas.refuse_delete() IS
'BEFORE DELETE row trigger and BEFORE TRUNCATE statement trigger: rows are never deleted (SA033). A foreign key''s ON DELETE CASCADE still takes them along, unless the argument is strict. Attach it with saas.add_refuse_delete().';

CREATE OR REPLACE FUNCTION saas.announce_change()
RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_announce_change';
COMMENT ON FUNCTION saas.announce_change() IS
'AFTER row trigger of tables whose rows sessions keep in memory: memberships, fraud rules, state transitions. Every session reads them again once the change is committed.';
