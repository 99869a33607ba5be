-- Audited tables of module security. Secrets and their hashes are no business of those who read the trail.
SELECT saas.audit_table('saas.api_keys', '{updated_at}', '{secret_hash}');
SELECT saas.audit_table('saas.mfa_factors', '{last_step}', '{label,sealed_secret}');
SELECT saas.audit_table('saas.mfa_hardware_keys', '{sign_count,user_verified,backed_up,last_used_at}', '{credential_id}');
SELECT saas.audit_table('saas.mfa_recovery_codes', '{}', '{code_hash}');
SELECT saas.audit_table('saas.user_tokens', '{}', '{token_hash,email}');
