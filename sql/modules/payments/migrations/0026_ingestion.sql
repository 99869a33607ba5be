-- Functions whose results change.
DROP FUNCTION IF EXISTS saas.lock_payment_snapshot(saas.payments, uuid);
