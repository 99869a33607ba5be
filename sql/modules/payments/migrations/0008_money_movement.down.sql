DELETE FROM saas.state_transitions WHERE machine = 'provider_request';
DROP TABLE IF EXISTS saas.provider_requests;
DROP TABLE IF EXISTS saas.idempotency_keys;
