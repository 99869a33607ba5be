DROP TABLE saas.jwt_keys;
DROP TABLE saas.jwt_issuers;
