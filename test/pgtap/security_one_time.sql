-- One-time passwords and Base32 in SQL: the vectors of RFC 6238 and RFC 4648.
BEGIN;
SELECT no_plan();
SELECT is(saas.totp_code(s.secret, to_timestamp(v.at), s.algorithm, 8), CASE s.algorithm WHEN 'SHA1' THEN v.sha1 WHEN 'SHA256' THEN v.sha256 ELSE v.sha512 END,
    format('RFC 6238, appendix B: %s at %s', s.algorithm, v.at))
FROM (VALUES (59, '94287082', '46119246', '90693936'), (1111111109, '07081804', '68084774', '25091201'), (1111111111, '14050471', '67062674', '99943326'),
    (1234567890, '89005924', '91819424', '93441116'), (2000000000, '69279037', '90698825', '38618901'), (20000000000, '65353130', '77737706', '47863826')) AS v (at, sha1, sha256, sha512)
CROSS JOIN (VALUES ('SHA1', '12345678901234567890'::bytea), ('SHA256', '12345678901234567890123456789012'),
    ('SHA512', '1234567890123456789012345678901234567890123456789012345678901234')) AS s (algorithm, secret);
SELECT is(saas.totp_step('12345678901234567890', saas.totp_code('12345678901234567890', to_timestamp(1000000000 + d.drift)), to_timestamp(1000000000), d.wide),
    CASE WHEN abs(d.drift) <= d.wide * 30 THEN (1000000000 + d.drift) / 30 END::bigint, format('a code of %s seconds away within %s steps', d.drift, d.wide))
FROM (VALUES (0, 0), (0, 1), (-30, 1), (30, 1), (-60, 1), (60, 1), (60, 2), (-30, 0)) AS d (drift, wide);
SELECT is(saas.totp_step('12345678901234567890', b.code), NULL, 'no code: ' || left(b.code, 12)) FROM (VALUES (''), ('12345'), ('1234567'), ('abcdef'), (repeat('1', 1000000))) AS b (code);
SELECT throws_ok(s.statement, '22023', NULL, s.statement)
FROM (VALUES ($$SELECT saas.totp_code('short')$$), ($$SELECT saas.totp_code(convert_to(repeat('x', 129), 'UTF8'))$$), ($$SELECT saas.totp_code('12345678901234567890', p_algorithm => 'MD5')$$),
    ($$SELECT saas.totp_code('12345678901234567890', p_digits => 5)$$), ($$SELECT saas.totp_code('12345678901234567890', p_digits => 9)$$),
    ($$SELECT saas.totp_code('12345678901234567890', p_period => 0)$$), ($$SELECT saas.totp_code('12345678901234567890', p_period => -30)$$),
    ($$SELECT saas.totp_code('12345678901234567890', 'infinity')$$), ($$SELECT saas.totp_step('12345678901234567890', '123456', p_window => -1)$$),
    ($$SELECT saas.totp_step('12345678901234567890', '123456', p_window => 11)$$)) AS s (statement);
SELECT is(saas.totp_uri('12345678901234567890', 'Red & Söhne', 'ann@example.com'),
    'otpauth://totp/Red%20%26%20S%C3%B6hne:ann%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Red%20%26%20S%C3%B6hne&algorithm=SHA1&digits=6&period=30', 'what a QR code shows');
SELECT is(saas.to_base32(convert_to(v.plain, 'UTF8')), v.encoded, 'RFC 4648: ' || v.plain)
FROM (VALUES ('', ''), ('f', 'MY======'), ('fo', 'MZXQ===='), ('foo', 'MZXW6==='), ('foob', 'MZXW6YQ='), ('fooba', 'MZXW6YTB'), ('foobar', 'MZXW6YTBOI======')) AS v (plain, encoded);
SELECT is(saas.from_base32(v.encoded), 'foobar'::bytea, v.encoded) FROM (VALUES ('MZXW6YTBOI======'), ('MZXW6YTBOI'), ('mzxw6ytboi')) AS v (encoded);
SELECT throws_ok(format('SELECT saas.from_base32(%L)', b.text), '22P02', NULL, 'no Base32: ' || b.text) FROM (VALUES ('M'), ('MZ======'), ('MY====='), ('1'), ('MZXW 6YTB'), ('ü')) AS b (text);
SELECT * FROM finish();
ROLLBACK;
