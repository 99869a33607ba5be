-- What the tables of lists and exchange rates are, with their data classification.
COMMENT ON COLUMN saas.fraud_detection_rules.warnings IS 'What the check had to say when the rule was saved: message, position, and for an index that is missing the statement that makes it. [internal]';

COMMENT ON TABLE saas.fraud_lists IS 'Lists of values that fraud rules name as @alias.';
COMMENT ON COLUMN saas.fraud_lists.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.fraud_lists.id IS 'Identifier within the team. [internal]';
COMMENT ON COLUMN saas.fraud_lists.alias IS 'Name in rules, without the @; unique within the team. [internal]';
COMMENT ON COLUMN saas.fraud_lists.kind IS 'What the entries are: string, case_sensitive_string, email, domain (with its subdomains), ip (addresses and networks), country, bin (leading digits of a card number), card_fingerprint, customer. [internal]';
COMMENT ON COLUMN saas.fraud_lists.description IS 'What the list is for. [internal]';
COMMENT ON COLUMN saas.fraud_lists.created_by IS 'The user who made the list; NULL when unknown or deleted. [internal]';
COMMENT ON COLUMN saas.fraud_lists.created_at IS 'When the list was made. [internal]';
COMMENT ON COLUMN saas.fraud_lists.updated_at IS 'When the row last changed. [internal]';

COMMENT ON TABLE saas.fraud_list_items IS 'Entries of the lists, each once, in the form that saas.normalize_list_value() gives.';
COMMENT ON COLUMN saas.fraud_list_items.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.fraud_list_items.id IS 'Identifier within the team. [internal]';
COMMENT ON COLUMN saas.fraud_list_items.list_id IS 'The list. [internal]';
COMMENT ON COLUMN saas.fraud_list_items.value IS 'The entry: an address, a domain, a network, … [confidential]';
COMMENT ON COLUMN saas.fraud_list_items.reason IS 'Why it is on the list. [confidential]';
COMMENT ON COLUMN saas.fraud_list_items.expires_at IS 'From then on the entry counts no more; NULL is never. [internal]';
COMMENT ON COLUMN saas.fraud_list_items.created_by IS 'The user who added the entry; NULL when unknown or deleted. [internal]';
COMMENT ON COLUMN saas.fraud_list_items.created_at IS 'When the entry was added. [internal]';

COMMENT ON TABLE saas.fraud_list_changes IS 'Every change of an entry of a list, written by triggers. Append-only.';
COMMENT ON COLUMN saas.fraud_list_changes.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.fraud_list_changes.id IS 'Identifier within the team, in the order of the changes of an entry. [internal]';
COMMENT ON COLUMN saas.fraud_list_changes.list_id IS 'The list. [internal]';
COMMENT ON COLUMN saas.fraud_list_changes.value IS 'The entry. [confidential]';
COMMENT ON COLUMN saas.fraud_list_changes.present IS 'Whether the entry is on the list from then on. [internal]';
COMMENT ON COLUMN saas.fraud_list_changes.expires_at IS 'Until when it counts; NULL is for good. [internal]';
COMMENT ON COLUMN saas.fraud_list_changes.xact_id IS 'The transaction that made the change. [internal]';
COMMENT ON COLUMN saas.fraud_list_changes.changed_at IS 'When that transaction began. [internal]';

COMMENT ON TABLE saas.exchange_rates IS 'Exchange rates: one unit of the base currency is so many of the quote currency, from a moment on.';
COMMENT ON COLUMN saas.exchange_rates.base_currency IS 'ISO 4217 code of the currency that is priced. [public]';
COMMENT ON COLUMN saas.exchange_rates.quote_currency IS 'ISO 4217 code of the currency in which it is priced. [public]';
COMMENT ON COLUMN saas.exchange_rates.as_of IS 'From when on the rate holds. [public]';
COMMENT ON COLUMN saas.exchange_rates.rate IS 'Units of the quote currency for one of the base currency. [public]';
COMMENT ON COLUMN saas.exchange_rates.source IS 'Who publishes the rate. [public]';
COMMENT ON COLUMN saas.exchange_rates.created_at IS 'When the rate was recorded. [public]';
