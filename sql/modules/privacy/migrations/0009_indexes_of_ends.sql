-- What retention looks for by time: requests that were answered, keys that have ended.
CREATE INDEX user_deletion_requests_requested_at_answered_idx ON saas.user_deletion_requests (requested_at)
WHERE status IN ('completed', 'cancelled', 'rejected');
CREATE INDEX api_keys_revoked_at_idx ON saas.api_keys (revoked_at);
CREATE INDEX api_keys_expires_at_idx ON saas.api_keys (expires_at);
