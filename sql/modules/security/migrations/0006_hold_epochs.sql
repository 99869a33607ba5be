-- A backup may hold a key as it was wrapped while it was under legal hold: the proof of its destruction asks for that
-- epoch as well. Of keys whose hold has ended nothing is known any more: all that may have been held count.
ALTER TABLE saas.encryption_keys
    ADD COLUMN hold_epoch integer,
    ADD CONSTRAINT encryption_keys_hold_epoch_check CHECK (hold_epoch >= 1);
UPDATE saas.encryption_keys AS k
SET hold_epoch = e.epoch
FROM (
    SELECT h.team_id, max(h.epoch) AS epoch
    FROM saas.encryption_key_epochs AS h
    WHERE h.purpose = 'hold'
    GROUP BY h.team_id
) AS e
WHERE e.team_id = k.team_id AND k.kind = 'subject';
