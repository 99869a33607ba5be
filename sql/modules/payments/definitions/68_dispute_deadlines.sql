-- Disputes that wait for an answer, and until when.
CREATE OR REPLACE VIEW saas.dispute_deadlines
WITH (security_invoker = true) AS
SELECT
    d.team_id,
    d.id AS payment_dispute_id,
    d.payment_id,
    d.provider,
    d.stage,
    d.status,
    d.amount,
    d.currency,
    d.reason,
    d.evidence_due_at,
    d.evidence_due_at - now() AS time_left,
    COALESCE(d.evidence_due_at <= now(), false) AS is_overdue,
    e.pieces,
    EXISTS (
        SELECT FROM saas.provider_requests AS r
        WHERE r.team_id = d.team_id AND r.payment_dispute_id = d.id AND r.status IN ('queued', 'claimed')
    ) AS is_being_submitted
FROM saas.payment_disputes AS d
CROSS JOIN LATERAL (
    SELECT count(*) AS pieces
    FROM saas.dispute_evidence AS x
    WHERE x.team_id = d.team_id
        AND x.payment_dispute_id = d.id
        AND x.stage = d.stage
        AND x.removed_at IS NULL
) AS e
WHERE d.status IN ('warning_needs_response', 'needs_response');
COMMENT ON VIEW saas.dispute_deadlines IS 'Disputes that wait for an answer, with what is there of it and how long there is.';
COMMENT ON COLUMN saas.dispute_deadlines.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.dispute_deadlines.payment_dispute_id IS 'The dispute. [internal]';
COMMENT ON COLUMN saas.dispute_deadlines.payment_id IS 'The payment. [internal]';
COMMENT ON COLUMN saas.dispute_deadlines.provider IS 'The provider. [internal]';
COMMENT ON COLUMN saas.dispute_deadlines.stage IS 'Stage of the dispute. [internal]';
COMMENT ON COLUMN saas.dispute_deadlines.status IS 'State within the stage. [internal]';
COMMENT ON COLUMN saas.dispute_deadlines.amount IS 'Amount in dispute, in minor units. [internal]';
COMMENT ON COLUMN saas.dispute_deadlines.currency IS 'Currency of the amount. [internal]';
COMMENT ON COLUMN saas.dispute_deadlines.reason IS 'Reason in the provider''s words. [internal]';
COMMENT ON COLUMN saas.dispute_deadlines.evidence_due_at IS 'Until when evidence is accepted. [internal]';
COMMENT ON COLUMN saas.dispute_deadlines.time_left IS 'How long that is from now; negative when it has passed. [internal]';
COMMENT ON COLUMN saas.dispute_deadlines.is_overdue IS 'Whether it has passed. [internal]';
COMMENT ON COLUMN saas.dispute_deadlines.pieces IS 'How many pieces of evidence there are for the stage. [internal]';
COMMENT ON COLUMN saas.dispute_deadlines.is_being_submitted IS 'Whether the provider is being asked to take it. [internal]';
GRANT SELECT ON saas.dispute_deadlines TO saas_app, saas_analyst, saas_service;
