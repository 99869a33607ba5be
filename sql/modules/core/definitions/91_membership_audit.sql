-- The trail says who was invited by whom into what, and that an address changed, not what it was.
SELECT saas.audit_table('saas.team_invitations', '{}', '{email,token_hash}');
SELECT saas.audit_table(
    'saas.addresses',
    '{updated_at}',
    '{label,recipient,company,line1,line2,city,region,postal_code,phone}'
);
