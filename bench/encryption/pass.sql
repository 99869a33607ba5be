-- One pass over everything, within one session.
BEGIN;
SELECT saas.set_context(t.id, t.owner) FROM encryption_bench.team AS t \g /dev/null
SELECT saas.asset_id('encryption_bench.plain_32'::regclass, 'value') AS asset \gset
CREATE TEMPORARY TABLE sealed ON COMMIT DROP AS
SELECT id, saas.encrypt_sensitive_bytes(value, :'asset'::uuid, id) AS value FROM encryption_bench.plain_32;
ANALYZE sealed;
SELECT format('saas.encrypt_sensitive_bytes(value, %L::uuid, id)', :'asset') AS xaes,
    format('saas.encrypt_sensitive_bytes(value, %L::uuid, id, NULL, ''aes-256-gcm'')', :'asset') AS gcm,
    format('saas.encrypt_sensitive_bytes(value, %L::uuid, id, NULL, ''aes-256-siv'')', :'asset') AS siv,
    format('saas.decrypt_sensitive_bytes(value, %L::uuid, id)', :'asset') AS opened \gset
CALL encryption_bench.measure('scan', 32, 'value');
CALL encryption_bench.measure('copy', 32, $$value || ''::bytea$$);
CALL encryption_bench.measure('xaes', 32, :'xaes');
CALL encryption_bench.measure('tenant', 32, 'saas.encrypt_sensitive_bytes(value)');
CALL encryption_bench.measure('gcm', 32, :'gcm');
CALL encryption_bench.measure('siv', 32, :'siv');
CALL encryption_bench.measure('open', 32, :'opened', 'pg_temp.sealed');
CALL encryption_bench.measure('pgp', 32, $$pgp_sym_encrypt_bytea(value, 'passphrase')$$, p_rows => 2000);
CALL encryption_bench.measure('copy', 256, $$value || ''::bytea$$);
CALL encryption_bench.measure('xaes', 256, :'xaes');
CALL encryption_bench.measure('gcm', 256, :'gcm');
CALL encryption_bench.measure('copy', 4096, $$value || ''::bytea$$);
CALL encryption_bench.measure('xaes', 4096, :'xaes');
CALL encryption_bench.measure('gcm', 4096, :'gcm');
CALL encryption_bench.measure('copy', 65536, $$value || ''::bytea$$);
CALL encryption_bench.measure('xaes', 65536, :'xaes');
CALL encryption_bench.measure('gcm', 65536, :'gcm');
COMMIT;
