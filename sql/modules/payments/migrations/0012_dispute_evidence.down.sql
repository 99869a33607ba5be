DROP TABLE saas.dispute_evidence;
