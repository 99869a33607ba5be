DROP TABLE saas.state_transitions;
DROP TABLE saas.provider_currency_exponents;
DROP TABLE saas.currencies;
