-- Login roles of the demo, the shops' Stripe secrets, and their fraud rules. Variables: coffee, ines,
-- coffee_secret, books, freja, books_secret.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'demo_backend') THEN
        CREATE ROLE demo_backend LOGIN;
        CREATE ROLE demo_worker LOGIN;
    END IF;
END
$$;
GRANT saas_app, saas_service TO demo_backend;
GRANT saas_service TO demo_worker;

-- Inés in her shop, as a backend would act for her.
BEGIN;
SELECT saas.set_context(p_team => :'coffee', p_user => :'ines');
SET LOCAL ROLE saas_app;
SELECT saas.configure_payment_provider(:'coffee', 'stripe', ARRAY[:'coffee_secret'::bytea]);
INSERT INTO saas.fraud_detection_rules (team_id, name, rule)
VALUES
    (:'coffee', 'sanctioned country', 'BLOCK IF :shipping_country: IN (''KP'', ''IR'')'),
    (:'coffee', 'very large order', 'REVIEW IF :amount: > 400000'),
    (:'coffee', 'throw-away mailbox', 'SCORE +40 IF :email_domain: IN (''mailinator.com'', ''guerrillamail.com'')'),
    (:'coffee', 'large for coffee', 'SCORE +25 IF :amount: >= 3500 AND :currency: = ''EUR'''),
    (:'coffee', 'far away', 'SCORE +15 IF NOT :shipping_country: IN (''DE'', ''AT'', ''CH'', ''FR'')');
COMMIT;

-- Freja in hers.
BEGIN;
SELECT saas.set_context(p_team => :'books', p_user => :'freja');
SET LOCAL ROLE saas_app;
SELECT saas.configure_payment_provider(:'books', 'stripe', ARRAY[:'books_secret'::bytea]);
INSERT INTO saas.fraud_detection_rules (team_id, name, rule)
VALUES
    (:'books', 'embargo', 'BLOCK IF :shipping_country: = ''KP'''),
    (:'books', 'a whole library', 'REVIEW IF :amount: > 300000 OR (:currency: = ''KWD'' AND :amount: > 60000)'),
    (:'books', 'throw-away mailbox', 'CHALLENGE IF :email_domain: LIKE ''mailinator.%'''),
    (:'books', 'dear book', 'SCORE +20 IF :amount: > 8000'),
    (:'books', 'tried out: overseas', 'SHADOW REVIEW IF :shipping_country: = ''US''');
COMMIT;
