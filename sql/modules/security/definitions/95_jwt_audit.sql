-- Who made whom a believable issuer: the first thing to look at after a strange sign-in.
SELECT saas.audit_table('saas.jwt_issuers', '{updated_at}');
SELECT saas.audit_table('saas.jwt_keys');
