DROP INDEX saas.api_keys_expires_at_idx;
DROP INDEX saas.api_keys_revoked_at_idx;
DROP INDEX saas.user_deletion_requests_requested_at_answered_idx;
