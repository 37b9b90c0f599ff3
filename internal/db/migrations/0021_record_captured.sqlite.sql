-- What foreign programs have written into class tables, until it is an event.
-- before and after are JSON objects of the row's columns as they are stored.
CREATE TABLE record_captured (
  seq       INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  class     TEXT    NOT NULL,
  record    TEXT    NOT NULL,
  operation TEXT    NOT NULL,
  before    TEXT,
  after     TEXT
) STRICT;
