DROP TABLE IF EXISTS saas.state_transitions;
DROP TABLE IF EXISTS saas.provider_currency_exponents;
DROP TABLE IF EXISTS saas.currencies;
