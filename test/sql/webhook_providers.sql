-- saas.verify_webhook() for each provider but Stripe: the vectors of the providers' own libraries.
SET TIME ZONE 'UTC';
CREATE FUNCTION verify(provider text, headers jsonb, body text, url text, secrets text[], at timestamptz DEFAULT '2023-11-14')
RETURNS TABLE (ok boolean, reason text, secret_no integer, event_id text, signed_at timestamptz)
LANGUAGE sql AS $$
    SELECT v.*
    FROM saas.verify_webhook(
        provider, headers, convert_to(body, 'UTF8'), url,
        ARRAY(SELECT convert_to(s, 'UTF8') FROM unnest(secrets) WITH ORDINALITY AS u (s, n) ORDER BY n), at
    ) AS v
$$;

-- Square.
\set body '{"merchant_id":"MLEFBHHSJGVHD","type":"webhooks.test_notification","event_id":"ac3ac95b-f97d-458c-a6e6-18981597e05f","created_at":"2022-07-13T20:30:59.037339943Z","data":{"type":"webhooks","id":"bc368e64-01aa-407e-b46e-3231809b1129"}}'
\set url https://webhook.site/679a4f3a-dcfa-49ee-bac5-9d0edad886b9
SELECT * FROM verify('square', '{"X-Square-HmacSha256-Signature": "GF4YkrJgGBDZ9NIYbNXBnMzqb2HoL4RW/S6vkZ9/2N4="}', :'body', :'url', '{new,Ibxx_5AKakO-3qeNVR61Dw}');
SELECT * FROM verify('square', '{"x-square-hmacsha256-signature": "GF4YkrJgGBDZ9NIYbNXBnMzqb2HoL4RW/S6vkZ9/2N4="}', :'body', :'url' || '/', '{Ibxx_5AKakO-3qeNVR61Dw}');
SELECT reason FROM verify('square', '{"x-square-hmacsha256-signature": "GF4YkrJgGBDZ9NIYbNXBnMzqb2HoL4RW/S6vkZ9/2N4="}', :'body', NULL, '{Ibxx_5AKakO-3qeNVR61Dw}');
SELECT reason FROM verify('square', '{"x-square-signature": "x"}', :'body', :'url', '{Ibxx_5AKakO-3qeNVR61Dw}');

-- Razorpay: the event's id is a header.
SELECT * FROM verify('razorpay', '{"X-Razorpay-Signature": "2fe04e22977002e6c7cb553adab8b460cb9e2a4970d5953cb27a8472752e3bbc", "x-razorpay-event-id": "evt_1"}', '{"a":1,"b":2,"c":{"d":3}}', NULL, '{123456}');
SELECT reason FROM verify('razorpay', '{"X-Razorpay-Signature": "2fe04e22977002e6c7cb553adab8b460cb9e2a4970d5953cb27a8472752e3bbc", "x-razorpay-event-id": "evt_1"}', '{"b":2,"a":1,"c":{"d":3}}', NULL, '{123456}');
SELECT reason FROM verify('razorpay', '{"X-Razorpay-Signature": "2fe04e22977002e6c7cb553adab8b460cb9e2a4970d5953cb27a8472752e3bbc"}', '{"a":1,"b":2,"c":{"d":3}}', NULL, '{123456}');

-- Adyen: every item of the batch.
\set authorisation '{"NotificationRequestItem":{"pspReference":"7914073381342284","merchantAccountCode":"TestMerchant","merchantReference":"TestPayment-1407325143704","amount":{"value":1130,"currency":"EUR"},"eventCode":"AUTHORISATION","success":"true","additionalData":{"hmacSignature":"coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0="}}}'
\set refund '{"NotificationRequestItem":{"pspReference":"7914073381342284","merchantAccountCode":"TestMerchant","merchantReference":"TestPayment-1407325143704","amount":{"value":0,"currency":"EUR"},"eventCode":"REFUND","success":"true","additionalData":{"hmacSignature":"J7HhsgZo5KwqdB7LFZJV6rfQgp+RqC2kuYyw/3x3w+8="}}}'
\set key 44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056
SELECT * FROM verify('adyen', '{}', format('{"live":"false","notificationItems":[%s,%s]}', :'authorisation', :'refund'), NULL, ARRAY[:'key']);
SELECT * FROM verify('adyen', '{}', format('{"live":"false","notificationItems":[%s,%s]}', :'authorisation', replace(:'refund', '"value":0', '"value":5000')), NULL, ARRAY[:'key']);
SELECT reason FROM verify('adyen', '{}', '{"notificationItems":[]}', NULL, ARRAY[:'key']);
SELECT reason FROM verify('adyen', '{}', format('{"notificationItems":[%s]}', :'authorisation'), NULL, '{not hexadecimal}');
SELECT ok, reason, event_id
FROM verify('adyen', jsonb_build_object('HmacSignature', encode(hmac('{"id":"e1"}', decode(:'key', 'hex'), 'sha256'), 'base64')), '{"id":"e1"}', NULL, ARRAY[:'key']);
SELECT ok, reason FROM verify('adyen', '{"HmacSignature": "x"}', '{"id":"e1"}', NULL, ARRAY[:'key']);

-- Standard Webhooks and Svix.
SELECT *
FROM verify('standard', '{"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330", "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}', '{"test": 2432232314}', NULL, '{whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}', to_timestamp(1614265330));
SELECT *
FROM verify('svix', '{"svix-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "svix-timestamp": "1614265330", "svix-signature": "v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag=="}', '{"test": 2432232314}', NULL, '{whpk_ZlN4eg7dSSqi0moX9hQUk3orrOouK3QVQSlJa248c/g=}', to_timestamp(1614265330));
SELECT reason, secret_no
FROM verify('standard', '{"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330", "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}', '{"test": 2432232314}', NULL, '{whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}', to_timestamp(1614265631));
SELECT reason FROM verify('standard', '{"webhook-id": "msg_1"}', '{}', NULL, '{whsec_AAAA}');

-- PayPal: deliveries of its sandbox. The authority that issued the certificate vouches no more, so that
-- the certificate is trusted itself.
\set paypal `cat test/data/paypal_webhooks.json`
CREATE TABLE delivery AS
SELECT
    d.value,
    j ->> 'certificate' AS certificate,
    replace(j ->> 'certificate', ' CERTIFICATE-', ' TRUSTED CERTIFICATE-') AS trusted,
    jsonb_build_object(
        'PAYPAL-TRANSMISSION-ID', d.value ->> 'transmission_id', 'PAYPAL-TRANSMISSION-TIME', d.value ->> 'transmission_time',
        'PAYPAL-TRANSMISSION-SIG', d.value ->> 'signature', 'PAYPAL-AUTH-ALGO', 'SHA256withRSA',
        'PAYPAL-CERT-URL', 'https://api.sandbox.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-a5cafa77'
    ) AS headers,
    (d.value ->> 'transmission_time')::timestamptz AS at
FROM (SELECT :'paypal'::jsonb) AS f (j), jsonb_array_elements(j -> 'deliveries') AS d;
SELECT v.*
FROM delivery AS d, verify('paypal', d.headers, d.value ->> 'body', NULL, ARRAY['WH-0', d.value ->> 'webhook_id', d.certificate, d.trusted], d.at) AS v
ORDER BY v.signed_at;
SELECT v.reason
FROM delivery AS d, verify('paypal', d.headers, d.value ->> 'body', NULL, ARRAY[d.value ->> 'webhook_id', d.trusted], d.at) AS v;
SELECT v.reason
FROM delivery AS d, verify('paypal', d.headers, d.value ->> 'body', NULL, ARRAY[d.value ->> 'webhook_id', d.certificate], d.at) AS v;
SELECT v.reason, v.event_id
FROM delivery AS d, verify('paypal', d.headers, (d.value ->> 'body') || ' ', NULL, ARRAY[d.value ->> 'webhook_id', d.certificate, d.trusted], d.at) AS v;
SELECT v.reason
FROM delivery AS d, verify('paypal', d.headers || '{"PAYPAL-CERT-URL": "https://evil.example/cert"}', d.value ->> 'body', NULL, ARRAY[d.value ->> 'webhook_id', d.trusted], d.at) AS v;
SELECT v.reason
FROM delivery AS d, verify('paypal', d.headers, d.value ->> 'body', NULL, ARRAY[d.value ->> 'webhook_id', d.certificate, d.trusted]) AS v;
DROP TABLE delivery;
DROP FUNCTION verify(text, jsonb, text, text, text[], timestamptz);
