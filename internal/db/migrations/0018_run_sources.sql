-- What started a run besides a channel or a function ('' for nothing else), and
-- the end of the event log when the run's row was written.
ALTER TABLE runs ADD COLUMN source TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN position BIGINT NOT NULL DEFAULT 0;
