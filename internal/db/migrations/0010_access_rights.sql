-- What the configuration says of those who may come in, and who shares the
-- service. The meaning is package access.

-- definition: the object of junctor.yaml without its password, '' for an
-- administrator; password_ref: the references that the password was made of.
ALTER TABLE accounts ADD COLUMN definition TEXT NOT NULL DEFAULT '';
ALTER TABLE accounts ADD COLUMN password_ref TEXT NOT NULL DEFAULT '';

-- via: by what it was begun; place, epoch: what it holds, '' for nothing.
ALTER TABLE sessions ADD COLUMN via TEXT NOT NULL DEFAULT 'session';
ALTER TABLE sessions ADD COLUMN place TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0;

-- A place that one session has at a time. epoch rises with every holder.
CREATE TABLE session_places (
  place      TEXT PRIMARY KEY,
  epoch      BIGINT NOT NULL,
  session    TEXT NOT NULL,
  changed_at BIGINT NOT NULL
);

CREATE TABLE access_roles (
  code TEXT PRIMARY KEY,
  body TEXT NOT NULL
);

CREATE TABLE access_units (
  code TEXT PRIMARY KEY,
  body TEXT NOT NULL
);

-- One row, that rises with every change of rights.
CREATE TABLE access_epoch (
  id    BIGINT PRIMARY KEY,
  epoch BIGINT NOT NULL
);
INSERT INTO access_epoch (id, epoch) VALUES (1, 0);
