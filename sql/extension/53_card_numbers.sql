-- Card numbers in text. What anybody may ask: nothing is read but the argument.
CREATE OR REPLACE FUNCTION saas.contains_card_number(p_text text)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_contains_card_number';
COMMENT ON FUNCTION saas.contains_card_number(text) IS
'Whether a text holds what looks like the number of a card: 12 to 19 digits of a range and length that a card network issues, with a right check digit (Luhn), alone, in groups with single separators (spaces of any kind, hyphens, dots, tabs, line breaks, commas, slashes, underscores) or digit by digit, in ASCII or full width. Digits that are part of a word, an identifier (pi_4242), a UUID, a decimal fraction or a telephone number with a plus are none.';

CREATE OR REPLACE FUNCTION saas.mask_card_numbers(p_text text)
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_mask_card_numbers';
COMMENT ON FUNCTION saas.mask_card_numbers(text) IS
'The text with zeros in what looks like the numbers of cards, but for the first digit and the last four. The text of JSON stays JSON.';
