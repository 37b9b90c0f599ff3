-- When each schedule comes next.
CREATE TABLE schedules (
  code     TEXT   NOT NULL PRIMARY KEY,
  body     TEXT   NOT NULL, -- JSON: the definition as it was applied
  zone     TEXT   NOT NULL, -- its time zone, or the domain's
  anchor   BIGINT NOT NULL, -- what an interval without a start counts from
  seed     BIGINT NOT NULL, -- of its jitter
  paused   BIGINT NOT NULL, -- 1: by hand
  next_at  BIGINT,          -- the next planned time; NULL: none
  due_at   BIGINT,          -- when to look: the planned time and its jitter
  previous BIGINT,          -- the last planned time for which a run was started
  last_run TEXT   NOT NULL  -- '' for none
);
CREATE INDEX schedules_due ON schedules (due_at) WHERE due_at IS NOT NULL;

-- How far scenarios have polled other systems.
CREATE TABLE polls (
  name      TEXT   NOT NULL PRIMARY KEY,
  version   BIGINT NOT NULL, -- rises with every poll
  cursor    TEXT,            -- JSON; NULL: none
  polled_at BIGINT NOT NULL
);
CREATE TABLE poll_seen (
  poll       TEXT   NOT NULL,
  key        TEXT   NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (poll, key)
);
CREATE INDEX poll_seen_expiry ON poll_seen (expires_at);
