-- What each table and column of payouts that we make is, with its data classification.
COMMENT ON TABLE saas.payout_holds IS 'What keeps a team''s payouts back: while one of them is open, nothing is sent.';
COMMENT ON COLUMN saas.payout_holds.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.payout_holds.id IS 'Identifier within the team. [internal]';
COMMENT ON COLUMN saas.payout_holds.reason IS 'kyc, dispute, integrity, aml or manual. [internal]';
COMMENT ON COLUMN saas.payout_holds.note IS 'Why, in words. [confidential]';
COMMENT ON COLUMN saas.payout_holds.ref_table IS 'Table of the row that is the cause; NULL when none is. [internal]';
COMMENT ON COLUMN saas.payout_holds.ref_id IS 'The row that is the cause. [internal]';
COMMENT ON COLUMN saas.payout_holds.placed_by IS 'The user who placed it; NULL for a worker, and when deleted. [internal]';
COMMENT ON COLUMN saas.payout_holds.placed_at IS 'From when on it holds. [internal]';
COMMENT ON COLUMN saas.payout_holds.released_by IS 'The user who released it; NULL for a worker, and when deleted. [internal]';
COMMENT ON COLUMN saas.payout_holds.released_at IS 'When it was released; NULL while it is open. [internal]';
COMMENT ON COLUMN saas.payout_holds.release_note IS 'Why it was released, in words. [confidential]';
