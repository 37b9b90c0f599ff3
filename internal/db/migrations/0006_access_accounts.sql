-- Who may come in, by what, and who changed what. The meaning of every table
-- is package access.

-- kind: 'admin' in this release; people and applications are further kinds.
-- password: an argon2id PHC string.
CREATE TABLE accounts (
  id         TEXT PRIMARY KEY,
  kind       TEXT NOT NULL,
  login      TEXT NOT NULL UNIQUE,
  password   TEXT NOT NULL,
  enabled    BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL
);

-- digest: SHA-256 of the token, which is shown once and kept nowhere.
CREATE TABLE sessions (
  id         TEXT PRIMARY KEY,
  digest     BYTEA NOT NULL UNIQUE,
  account    TEXT NOT NULL,
  address    TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  seen_at    BIGINT NOT NULL
);
CREATE INDEX sessions_account ON sessions (account);

CREATE TABLE api_tokens (
  id         TEXT PRIMARY KEY,
  digest     BYTEA NOT NULL UNIQUE,
  name       TEXT NOT NULL,
  account    TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT,
  used_at    BIGINT,
  revoked_at BIGINT
);
-- A revoked token stays to be read about; its name is free again.
CREATE UNIQUE INDEX api_tokens_name ON api_tokens (name) WHERE revoked_at IS NULL;

-- sealed: XChaCha20-Poly1305 under the master key, bound to the name.
CREATE TABLE secrets (
  name       TEXT PRIMARY KEY,
  sealed     BYTEA NOT NULL,
  author     TEXT NOT NULL,
  changed_at BIGINT NOT NULL
);

-- Append-only: no statement in Junctor changes or deletes a row.
CREATE TABLE audit (
  id      TEXT PRIMARY KEY,
  at      BIGINT NOT NULL,
  author  TEXT NOT NULL,
  address TEXT NOT NULL,
  action  TEXT NOT NULL,
  object  TEXT NOT NULL,
  detail  TEXT NOT NULL
);
CREATE INDEX audit_at ON audit (at, id);
