-- What API keys hold, with the data classification.
COMMENT ON TABLE saas.credential_keys IS 'Keys under which credentials are hashed; the newest one counts for new hashes. Nobody but the owner may read them.';
COMMENT ON COLUMN saas.credential_keys.id IS 'Identifier, which each hash begins with; ascends with time. [internal]';
COMMENT ON COLUMN saas.credential_keys.key IS '32 random bytes. [restricted]';
COMMENT ON COLUMN saas.credential_keys.created_at IS 'When the key was made. [internal]';

COMMENT ON TABLE saas.api_keys IS 'Keys by which programs act in a team. The key itself is shown once; kept are its beginning and a keyed hash.';
COMMENT ON COLUMN saas.api_keys.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.api_keys.id IS 'Identifier within the team; part of the key. [internal]';
COMMENT ON COLUMN saas.api_keys.name IS 'What people call it. [internal]';
COMMENT ON COLUMN saas.api_keys.key_prefix IS 'The first 24 characters of the key, by which people and secret scanners tell keys apart; no secret. [internal]';
COMMENT ON COLUMN saas.api_keys.secret_hash IS 'saas.credential_hash() of the key. [restricted]';
COMMENT ON COLUMN saas.api_keys.role IS 'Role in the team that a caller with the key has: viewer, member or admin. [internal]';
COMMENT ON COLUMN saas.api_keys.scopes IS 'What the key is for, such as payments:read; * for everything that the role may. [internal]';
COMMENT ON COLUMN saas.api_keys.allowed_cidrs IS 'Networks that it may be used from; NULL for all. They may be one person''s. [confidential]';
COMMENT ON COLUMN saas.api_keys.rate_limit IS 'How many calls a period; NULL for no limit. [internal]';
COMMENT ON COLUMN saas.api_keys.rate_period_ns IS 'That period in nanoseconds. [internal]';
COMMENT ON COLUMN saas.api_keys.replaces_id IS 'The key that this one replaces. [internal]';
COMMENT ON COLUMN saas.api_keys.created_by IS 'Who made it; NULL for a worker or another API key. [internal]';
COMMENT ON COLUMN saas.api_keys.created_at IS 'When it was made. [internal]';
COMMENT ON COLUMN saas.api_keys.updated_at IS 'When the row last changed. [internal]';
COMMENT ON COLUMN saas.api_keys.expires_at IS 'When it ends; NULL for never. [internal]';
COMMENT ON COLUMN saas.api_keys.revoked_at IS 'When it was ended early. [internal]';

COMMENT ON TABLE saas.api_key_activity IS 'When an API key was used last, as far as it is written down: in batches from shared memory, or once a minute without.';
COMMENT ON COLUMN saas.api_key_activity.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.api_key_activity.api_key_id IS 'The key. [internal]';
COMMENT ON COLUMN saas.api_key_activity.last_used_at IS 'When it was used last. [internal]';
COMMENT ON COLUMN saas.api_key_activity.last_address IS 'From where, where the caller said so. [confidential]';
COMMENT ON COLUMN saas.api_key_activity.arrival_ns IS 'State of the rate limit where there is no shared memory: Unix time in nanoseconds of the next call at the steady rate. [internal]';

COMMENT ON TABLE saas.api_key_usage_logs IS 'How often API keys were used: one row for each batch of calls of a key. Append-only, partitioned by month of created_at.';
COMMENT ON COLUMN saas.api_key_usage_logs.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.api_key_usage_logs.created_at IS 'When the batch was written. [internal]';
COMMENT ON COLUMN saas.api_key_usage_logs.id IS 'Identifier. [internal]';
COMMENT ON COLUMN saas.api_key_usage_logs.api_key_id IS 'The key. [internal]';
COMMENT ON COLUMN saas.api_key_usage_logs.first_used_at IS 'First call of the batch. [internal]';
COMMENT ON COLUMN saas.api_key_usage_logs.last_used_at IS 'Last call of the batch. [internal]';
COMMENT ON COLUMN saas.api_key_usage_logs.accepted IS 'Calls that were let in. Without shared memory one a minute is counted, and no refusals. [internal]';
COMMENT ON COLUMN saas.api_key_usage_logs.refused IS 'Calls that were refused: wrong secret, revoked, expired, another network. [internal]';
COMMENT ON COLUMN saas.api_key_usage_logs.limited IS 'Calls above the rate limit. [internal]';
COMMENT ON COLUMN saas.api_key_usage_logs.last_address IS 'Where the last call that said so came from. [confidential]';
COMMENT ON TABLE saas.api_key_usage_logs_default IS 'Rows of saas.api_key_usage_logs for which no month''s partition exists.';
