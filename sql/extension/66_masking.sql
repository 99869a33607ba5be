-- What stands in the place of personal values.
CREATE OR REPLACE FUNCTION saas.mask_partial(
    p_value text,
    p_first integer,
    p_last integer,
    p_filler text DEFAULT '*'
)
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_mask_partial';
COMMENT ON FUNCTION saas.mask_partial(text, integer, integer, text) IS
'The first and last characters of a text with three fillers between, however many are hidden; nothing of a text that is too short to hide something.';

CREATE OR REPLACE FUNCTION saas.mask_email(p_value text)
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_mask_email';
COMMENT ON FUNCTION saas.mask_email(text) IS
'An e-mail address with its first letters and top-level domain alone: a***@e***.org.';

CREATE OR REPLACE FUNCTION saas.mask_pseudonym(p_value text, p_key bytea)
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_mask_pseudonym';
COMMENT ON FUNCTION saas.mask_pseudonym(text, bytea) IS
'A keyed hash of a text as 32 hexadecimal digits (HMAC-SHA256, halved): the same for the same text and key. Still personal data (GDPR Art. 4(5)) for whoever has the key.';

CREATE OR REPLACE FUNCTION saas.mask_uuid(p_value text, p_key bytea)
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_mask_uuid';
COMMENT ON FUNCTION saas.mask_uuid(text, bytea) IS
'As saas.mask_pseudonym(), in the form of a UUID (version 8).';

CREATE OR REPLACE FUNCTION saas.mask_fake(p_kind text, p_seed text, p_key bytea DEFAULT '')
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_mask_fake';
COMMENT ON FUNCTION saas.mask_fake(text, text, bytea) IS
'A believable value that belongs to nobody, the same for the same seed and key: first_name, last_name, full_name, email, url, company, street, city, postal_code, country, phone, ip or text.';
