-- What each column of the fraud models is, with its data classification.
COMMENT ON TABLE saas.fraud_models IS 'Fraud models of the teams, one row a version. What was imported does not change (SA064).';
COMMENT ON COLUMN saas.fraud_models.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.fraud_models.id IS 'Identifier within the team. [internal]';
COMMENT ON COLUMN saas.fraud_models.name IS 'Name of the model, as in model_score(''name''). [internal]';
COMMENT ON COLUMN saas.fraud_models.version IS 'Version of that name, from 1 on. [internal]';
COMMENT ON COLUMN saas.fraud_models.format IS 'xgboost_json, lightgbm_text, lightgbm_json or logistic. [internal]';
COMMENT ON COLUMN saas.fraud_models.state IS 'champion (the version in force), challenger (scored beside it) or inactive. [internal]';
COMMENT ON COLUMN saas.fraud_models.model IS 'The file as it was imported. [confidential]';
COMMENT ON COLUMN saas.fraud_models.checksum IS 'SHA-256 of the file. [internal]';
COMMENT ON COLUMN saas.fraud_models.features IS 'From the names of features to attributes, types and categories. [internal]';
COMMENT ON COLUMN saas.fraud_models.options IS 'How many iterations count. [internal]';
COMMENT ON COLUMN saas.fraud_models.objective IS 'What the model was trained for, as the file says it. [internal]';
COMMENT ON COLUMN saas.fraud_models.trees IS 'Trees that count; 0 for a logistic regression. [internal]';
COMMENT ON COLUMN saas.fraud_models.inputs IS 'The features in the model''s order: feature, attribute, whether a category. [internal]';
COMMENT ON COLUMN saas.fraud_models.champion_periods IS 'When this version was the champion of its name. [internal]';
COMMENT ON COLUMN saas.fraud_models.created_by IS 'The user who imported the version; NULL when unknown or deleted. [internal]';
COMMENT ON COLUMN saas.fraud_models.created_at IS 'When the version was imported. [internal]';
COMMENT ON COLUMN saas.fraud_models.updated_at IS 'When the state last changed. [internal]';
