-- Links that are handed out, and what somebody is asked to decide. The meaning
-- of both tables is package link.

-- handle: random; the text of a link is the handle and its signature.
-- kind: event, run, choice. content: JSON, of the kind. page: JSON, what is shown.
-- uses: how many there are, 0 for any number.
CREATE TABLE links (
  id         TEXT   PRIMARY KEY,
  handle     BYTEA  NOT NULL UNIQUE,
  kind       TEXT   NOT NULL,
  target     TEXT   NOT NULL,
  content    BYTEA  NOT NULL,
  page       TEXT   NOT NULL,
  confirm    BIGINT NOT NULL,
  uses       BIGINT NOT NULL,
  used       BIGINT NOT NULL,
  run        TEXT   NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at    BIGINT,
  revoked_at BIGINT
);
CREATE INDEX links_expiry ON links (expires_at);
CREATE INDEX links_run ON links (run);

-- state: open, decided, expired, cancelled. choices, assignees: JSON.
-- run, seq: that asks, and the step that waits for the decision, 0 for none.
-- via: link or api.
CREATE TABLE approvals (
  id         TEXT   PRIMARY KEY,
  state      TEXT   NOT NULL,
  subject    TEXT   NOT NULL,
  title      TEXT   NOT NULL,
  body       TEXT   NOT NULL,
  choices    TEXT   NOT NULL,
  assignees  TEXT   NOT NULL,
  run        TEXT   NOT NULL,
  seq        BIGINT NOT NULL,
  choice     TEXT   NOT NULL,
  comment    TEXT   NOT NULL,
  decided_by TEXT   NOT NULL,
  via        TEXT   NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  ended_at   BIGINT
);
CREATE INDEX approvals_open ON approvals (expires_at) WHERE state = 'open';
CREATE INDEX approvals_ended ON approvals (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX approvals_subject ON approvals (subject);
CREATE INDEX approvals_run ON approvals (run);
