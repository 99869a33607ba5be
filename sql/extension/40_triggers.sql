-- Triggers that many tables share.
CREATE OR REPLACE FUNCTION saas.set_updated_at()
RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_set_updated_at';
COMMENT ON FUNCTION saas.set_updated_at() IS
'BEFORE UPDATE row trigger: updated_at becomes the time of the transaction.';

CREATE OR REPLACE FUNCTION saas.announce_change()
RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_announce_change';
COMMENT ON FUNCTION saas.announce_change() IS
'AFTER row trigger of tables whose rows sessions keep in memory: memberships, fraud rules, state transitions. Every session reads them again once the change is committed.';
