-- One pass over everything, within one session.
SELECT id AS team FROM rotation_bench.team \gset
DROP TABLE IF EXISTS rotation_bench.plain;
CREATE TABLE rotation_bench.plain (LIKE rotation_bench.vault) WITH (fillfactor = 45);
INSERT INTO rotation_bench.plain SELECT * FROM rotation_bench.vault;
VACUUM ANALYZE rotation_bench.plain;
CALL rotation_bench.measure('update', 'UPDATE rotation_bench.plain SET value = value || ''''::bytea', 100000);
VACUUM rotation_bench.vault;
SELECT saas.rotate_encryption_key(:'team') \g /dev/null
CALL rotation_bench.measure('rotate', 'SELECT saas.rotation_step(''rotation_bench.vault'', ''value'', 100000, 600000)', 100000);
VACUUM rotation_bench.vault;
CALL rotation_bench.measure('walk', 'SELECT saas.rotation_step(''rotation_bench.vault'', ''value'', 100000, 600000) FROM generate_series(1, 2)', 100000);
VACUUM saas.encryption_keys;
CALL rotation_bench.measure('keys', 'UPDATE saas.encryption_keys SET uses = uses + 1 WHERE team_id = (SELECT id FROM rotation_bench.team)', 20000);
VACUUM saas.encryption_keys;
CALL rotation_bench.measure('rewrap', 'SELECT saas.advance_key_epoch(id, 1000000) FROM rotation_bench.team', 20000);
SELECT saas.advance_key_epoch(:'team') \g /dev/null
