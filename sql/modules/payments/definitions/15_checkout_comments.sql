-- What each table and column of checkout sessions, payment methods and order numbers is, with its data
-- classification.
COMMENT ON TABLE saas.payment_sessions IS 'Checkout sessions: payment intents that customers may pay for a while.';
COMMENT ON COLUMN saas.payment_sessions.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.payment_sessions.id IS 'Identifier within the team. [internal]';
COMMENT ON COLUMN saas.payment_sessions.payment_intent_id IS 'The intent that is paid. [internal]';
COMMENT ON COLUMN saas.payment_sessions.status IS 'open, complete or expired. [internal]';
COMMENT ON COLUMN saas.payment_sessions.client_reference IS 'What the application calls it: a cart, an order. [confidential]';
COMMENT ON COLUMN saas.payment_sessions.success_url IS 'Where the customer goes after paying. [confidential]';
COMMENT ON COLUMN saas.payment_sessions.cancel_url IS 'Where the customer goes without paying. [confidential]';
COMMENT ON COLUMN saas.payment_sessions.metadata IS 'The application''s own. [confidential]';
COMMENT ON COLUMN saas.payment_sessions.expires_at IS 'Until when it is open. [internal]';
COMMENT ON COLUMN saas.payment_sessions.completed_at IS 'When it was completed. [internal]';
COMMENT ON COLUMN saas.payment_sessions.expired_at IS 'When it expired, also of one that was paid afterwards. [internal]';
COMMENT ON COLUMN saas.payment_sessions.created_at IS 'When the row was created. [internal]';
COMMENT ON COLUMN saas.payment_sessions.updated_at IS 'When the row last changed. [internal]';

COMMENT ON TABLE saas.payment_method_tokens IS 'Providers'' tokens of customers'' payment methods, with what may be shown of them.';
COMMENT ON COLUMN saas.payment_method_tokens.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.payment_method_tokens.id IS 'Identifier within the team. [internal]';
COMMENT ON COLUMN saas.payment_method_tokens.provider IS 'The provider. [internal]';
COMMENT ON COLUMN saas.payment_method_tokens.provider_customer_id IS 'The provider''s identifier of the customer. [confidential]';
COMMENT ON COLUMN saas.payment_method_tokens.token_ciphertext IS 'The token, encrypted for this row. [restricted]';
COMMENT ON COLUMN saas.payment_method_tokens.token_reference IS 'The token as it is, where it is not encrypted. [restricted]';
COMMENT ON COLUMN saas.payment_method_tokens.token_sha256 IS 'SHA-256 of the team and the token: whether it is known. [restricted]';
COMMENT ON COLUMN saas.payment_method_tokens.fingerprint IS 'The provider''s fingerprint of the card or account: the same one has the same. [confidential]';
COMMENT ON COLUMN saas.payment_method_tokens.brand IS 'visa, mastercard, sepa_debit, … [internal]';
COMMENT ON COLUMN saas.payment_method_tokens.last4 IS 'The last four digits. [confidential]';
COMMENT ON COLUMN saas.payment_method_tokens.exp_month IS 'Month until whose end it is valid. [internal]';
COMMENT ON COLUMN saas.payment_method_tokens.exp_year IS 'Year of that month. [internal]';
COMMENT ON COLUMN saas.payment_method_tokens.is_default IS 'Whether the customer pays with it unless told otherwise. [internal]';
COMMENT ON COLUMN saas.payment_method_tokens.detached_at IS 'Since when it is not to be used any more. [internal]';
COMMENT ON COLUMN saas.payment_method_tokens.metadata IS 'The application''s own. [confidential]';
COMMENT ON COLUMN saas.payment_method_tokens.created_at IS 'When the row was created. [internal]';
COMMENT ON COLUMN saas.payment_method_tokens.updated_at IS 'When the row last changed. [internal]';

COMMENT ON TABLE saas.order_numbers IS 'The last number that was given to an order, for each prefix and day.';
COMMENT ON COLUMN saas.order_numbers.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.order_numbers.prefix IS 'The prefix. [internal]';
COMMENT ON COLUMN saas.order_numbers.day IS 'The day, in the time zone that was asked for. [internal]';
COMMENT ON COLUMN saas.order_numbers.last_number IS 'The last number. [internal]';
