-- A node is one incarnation of a process: it gets a new row with every start.
CREATE TABLE nodes (
  id         TEXT   NOT NULL PRIMARY KEY,
  host       TEXT   NOT NULL,
  release    TEXT   NOT NULL,
  started_at BIGINT NOT NULL,
  seen_at    BIGINT NOT NULL, -- database time
  executing  BIGINT NOT NULL,
  gone       BIGINT NOT NULL  -- 1: stopped, or its runs have been taken over
);

-- A run row is its own queue entry: free and due when owner is '' and due_at
-- has come. owner is the node incarnation that holds the lease.
CREATE TABLE runs (
  id           TEXT   NOT NULL PRIMARY KEY,
  state        TEXT   NOT NULL,
  waiting_for  TEXT   NOT NULL,
  program      TEXT   NOT NULL,
  version      TEXT   NOT NULL,
  channel      TEXT   NOT NULL,
  subject      TEXT   NOT NULL,
  tags         TEXT   NOT NULL, -- JSON array, '' for none
  mode         TEXT   NOT NULL,
  input        BYTEA,
  output       BYTEA,
  error        TEXT   NOT NULL, -- JSON, '' for none
  seed         BIGINT NOT NULL,
  clock        BIGINT NOT NULL, -- the run's own time before its first completion
  created_at   BIGINT NOT NULL,
  due_at       BIGINT,
  finished_at  BIGINT,
  owner        TEXT   NOT NULL,
  epoch        BIGINT NOT NULL, -- rises with every acquisition: the fence
  attempt      BIGINT NOT NULL, -- failed tries, for the retry policy
  extra        BIGINT NOT NULL, -- attempts granted by hand beyond the policy
  crashes      BIGINT NOT NULL, -- processes that died in a turn of this run
  answered     BIGINT NOT NULL, -- 1: output is what respond() sent
  cancel       BIGINT NOT NULL, -- 1: ends at its next host call
  ordering_key TEXT   NOT NULL,
  ordering_seq BIGINT NOT NULL,
  origin       TEXT   NOT NULL, -- the run this one repeats
  parent       TEXT   NOT NULL,
  parent_seq   BIGINT NOT NULL,
  depth        BIGINT NOT NULL
);
CREATE INDEX runs_open ON runs (owner, due_at) WHERE finished_at IS NULL;
CREATE INDEX runs_subject ON runs (subject, id) WHERE subject <> '';
CREATE INDEX runs_failed ON runs (id) WHERE state = 'failed';
CREATE INDEX runs_parent ON runs (parent, parent_seq) WHERE parent <> '';
CREATE INDEX runs_order ON runs (channel, ordering_key, ordering_seq) WHERE ordering_key <> '';

-- The journal. seq is the number in Idempotency-Key and never stands for two
-- different calls; call is the number of the call within one execution.
CREATE TABLE steps (
  run         TEXT   NOT NULL,
  seq         BIGINT NOT NULL,
  call        BIGINT NOT NULL,
  name        TEXT   NOT NULL,
  digest      BYTEA  NOT NULL, -- of name and arguments
  since       BIGINT NOT NULL, -- number of the last completion delivered before the call
  arguments   BYTEA,
  result      BYTEA,
  error       TEXT   NOT NULL, -- JSON, '' for none
  done        BIGINT,          -- number of its completion; NULL while under way
  started_at  BIGINT NOT NULL,
  finished_at BIGINT,
  deadline    BIGINT,          -- of a wait
  dropped     BIGINT NOT NULL, -- 1: to be made again, kept for its number
  PRIMARY KEY (run, seq)
);

CREATE TABLE run_logs (
  run   TEXT   NOT NULL,
  n     BIGINT NOT NULL,
  at    BIGINT NOT NULL,
  level TEXT   NOT NULL,
  text  TEXT   NOT NULL,
  PRIMARY KEY (run, n)
);

CREATE TABLE run_tags (
  tag TEXT NOT NULL,
  run TEXT NOT NULL,
  PRIMARY KEY (tag, run)
);

-- Idempotency keys, bound to their run and to the digest of the body.
CREATE TABLE run_keys (
  scope      TEXT   NOT NULL,
  name       TEXT   NOT NULL,
  run        TEXT   NOT NULL,
  digest     BYTEA  NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (scope, name)
);
CREATE INDEX run_keys_run ON run_keys (run);
CREATE INDEX run_keys_expiry ON run_keys (expires_at);

-- One row per ordering key in use: who is at the head, who came last.
CREATE TABLE run_order (
  scope TEXT   NOT NULL,
  name  TEXT   NOT NULL,
  head  BIGINT NOT NULL,
  tail  BIGINT NOT NULL,
  PRIMARY KEY (scope, name)
);
