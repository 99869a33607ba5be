-- Audited tables of module billing; the history of subscriptions is append-only itself.
SELECT saas.audit_table('saas.subscription_plans', '{updated_at}');
SELECT saas.audit_table('saas.subscriptions', '{updated_at}');
