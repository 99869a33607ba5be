ALTER TABLE saas.state_transitions NO FORCE ROW LEVEL SECURITY;
DELETE FROM saas.state_transitions WHERE machine = 'subscription';
ALTER TABLE saas.state_transitions FORCE ROW LEVEL SECURITY;
DROP TABLE IF EXISTS saas.subscription_changes;
DROP TABLE IF EXISTS saas.subscriptions;
DROP TABLE IF EXISTS saas.subscription_plans;
