-- What runs wait for. An event fits whose type and subject do, and that the
-- filter in condition chooses. topic is what is looked up: the type up to its first *, and the subject.
CREATE TABLE event_waits (
  run       TEXT   NOT NULL,
  seq       BIGINT NOT NULL, -- the step
  topic     TEXT   NOT NULL,
  type      TEXT   NOT NULL, -- a pattern
  subject   TEXT   NOT NULL, -- '': any
  condition TEXT   NOT NULL, -- '': any
  seen      BIGINT NOT NULL, -- up to this position no event fits that the run has not had
  state     BIGINT NOT NULL, -- 0 begun, 1 known to who matches, 2 come, 3 expired, 4 lost
  event     BIGINT,          -- the position of what came
  PRIMARY KEY (run, seq)
);
CREATE INDEX event_waits_open ON event_waits (topic) WHERE state < 2;

-- Up to here events have been matched with waits; it may be further.
ALTER TABLE event_log ADD COLUMN matched BIGINT NOT NULL DEFAULT 0;
