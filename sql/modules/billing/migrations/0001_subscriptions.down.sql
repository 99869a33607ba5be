DELETE FROM saas.state_transitions WHERE machine = 'subscription';
DROP TABLE IF EXISTS saas.subscription_changes;
DROP TABLE IF EXISTS saas.subscriptions;
DROP TABLE IF EXISTS saas.subscription_plans;
