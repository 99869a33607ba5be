-- Rules as they are written for Stripe Radar, pasted as they are, over one payment.
BEGIN;
SELECT plan(54);
SELECT saas.create_user('radar@fraud.example') AS "user" \gset
SELECT saas.create_team('Radar', 'fraud-radar', :'user') AS team \gset
CREATE TEMPORARY TABLE radar (rule text, matches boolean) ON COMMIT DROP;
INSERT INTO radar (rule, matches) VALUES
    ('Block if :risk_level: = ''highest''', false),
    ('Block if :cvc_check: = ''fail''', true),
    ('Block if :address_zip_check: = ''fail''', false),
    ('Request 3D Secure if :card_3d_secure_support: = ''required''', true),
    ('Request 3D Secure if :card_3d_secure_support: = ''recommended''', false),
    ('Request 3D Secure if :risk_level: != ''normal''', true),
    ('Review if :risk_level: = ''elevated''', true),
    ('Block if :card_country: IN (''CA'', ''DE'', ''IE'')', false),
    ('Block if :card_country: NOT IN (''CA'', ''DE'', ''IE'')', true),
    ('Block if :amount_in_usd: >= 1200.00', true),
    ('Review if :amount_in_usd: > 1000 and :card_funding: = ''prepaid''', true),
    ('Allow if :ip_address: = ''192.168.13.7''', true),
    ('Review if :ip_country: != :card_country:', true),
    ('Review if not :ip_country: = ''CA''', false),
    ('Block if :email: INCLUDES ''fraud''', true),
    ('Block if :email: LIKE ''fraud%''', true),
    ('Block if :email_domain: LIKE ''%.test''', true),
    ('Block if :card_bin: LIKE ''4242%''', true),
    ('Review if is_missing(:email_domain:)', false),
    ('Review if !(is_missing(:ip_country:))', true),
    ('Block if is_missing(:ip_country:) OR :ip_country: != ''US''', true),
    ('Review if ::customer:Trusted:: = ''false''', true),
    ('Review if ::Customer Age:: < 30', false),
    ('Review if ::customer:Customer Age:: < 30', true),
    ('Block if ::Item ID:: = ''5A381D''', true),
    ('Review if ::Category:: = ''shoes'' or ::Category:: = ''groceries''', true),
    ('Review if ::destination:Category:: = ''news''', true),
    ('Block if ::Days until event:: <= 3', true),
    ('Request 3D Secure if :is_3d_secure: and not :is_3d_secure_authenticated: and :digital_wallet: != ''apple_pay''', false),
    ('Block if :is_anonymous_ip:', false),
    ('Block if :is_disposable_email: and :is_new_customer:', true),
    ('Review if :shipping_address_country: != :billing_address_country:', true),
    ('Allow if :risk_score: < 65 AND :card_country: = ''US''', false),
    ('Review if :total_charges_per_ip_address_hourly: > 1', false),
    ('Block if :declined_charges_per_card_number_daily: > 2', false),
    ('Block if :blocked_charges_per_email_weekly: > 1', false),
    ('Review if :hours_since_email_first_seen: < 1', false),
    ('Block if :card_count_for_email_daily: > 3', false),
    ('Block if :destination: IN (''acct_1'', ''acct_2'')', true),
    ('Review if (:card_country: = ''MX'' AND :card_funding: = ''prepaid'') OR :risk_score: > 90', true),
    ('Block if :amount_in_eur: > 10', false),
    ('Block if :card_country: != ''US'' and :ip_country: = ''US''', false),
    ('Review if :charge_description: INCLUDES ''order''', true),
    ('Block if :minutes_since_card_first_seen: < 10', false),
    ('Block if :is_my_login_ip:', false),
    ('Block if :hours_since_email_first_seen_on_stripe: < 12', false),
    ('Review if :card_brand: = ''Visa'' and :card_funding: <> ''credit''', true),
    ('Request credentials if :is_my_login_ip:', false),
    ('Review if :has_cryptogram:', false),
    ('Review if :average_usd_amount_attempted_on_card_all_time: > 100', false),
    ('Review if :distance_between_ip_and_billing_address_location: > 500', false),
    ('Block if :total_charges_per_card_number_all_time: > 10', false),
    ('Block if :seconds_since_customer_was_created: < 60', false);
INSERT INTO saas.fraud_detection_rules (team_id, name, rule) SELECT :'team', r.rule, r.rule FROM radar AS r;
CREATE TEMPORARY TABLE said ON COMMIT DROP AS
SELECT e.* FROM saas.evaluate_team_rules(:'team', '{
    "amount": 120000,
    "currency": "USD",
    "card_country": "MX",
    "card_funding": "prepaid",
    "email": "Fraud@Mail.test",
    "ip": "192.168.13.7",
    "ip_country": "CA",
    "card_bin": "424242",
    "card_brand": "visa",
    "cvc_check": "fail",
    "address_zip_check": "pass",
    "risk_level": "elevated",
    "risk_score": 70,
    "is_3d_secure": true,
    "is_3d_secure_authenticated": false,
    "digital_wallet": "apple_pay",
    "is_anonymous_ip": false,
    "is_disposable_email": true,
    "is_new_customer": true,
    "billing_country": "US",
    "shipping_country": "FR",
    "customer_metadata": {
        "Trusted": "false",
        "Customer Age": "22"
    },
    "metadata": {
        "Item ID": "5A381D",
        "Category": "shoes",
        "Days until event": "3"
    },
    "destination": "acct_1",
    "destination_metadata": {
        "Category": "news"
    },
    "card_3d_secure_support": "required",
    "is_off_session": false,
    "is_recurring": false,
    "is_setup_intent": false,
    "charge_description": "x",
    "description": "Order one",
    "statement_descriptor": "SHOP"
}') AS e;
SELECT is(s.errors, '[]', 'no rule fails') FROM said AS s;
SELECT is(
    EXISTS (SELECT FROM said AS s, jsonb_array_elements(s.matched) AS m (rule) WHERE m.rule ->> 'name' = r.rule),
    r.matches, r.rule
)
FROM radar AS r;
SELECT * FROM finish();
ROLLBACK;
