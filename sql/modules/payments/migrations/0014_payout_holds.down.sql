DROP TABLE saas.payout_holds;
