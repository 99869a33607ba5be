-- Audited tables of module security. The hash of a key is no business of those who read the trail.
SELECT saas.audit_table('saas.api_keys', '{updated_at}', '{secret_hash}');
