DROP TABLE saas.retention_policies;
DROP TABLE saas.legal_holds;
DROP TABLE saas.personal_data_proposals;
DROP TABLE saas.personal_data_columns;
DROP TABLE saas.personal_data_links;
