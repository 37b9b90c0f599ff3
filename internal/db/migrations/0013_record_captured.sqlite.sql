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

-- Records that were written while their table was copied: to be copied again. A
-- writer adds a row and never looks at another's, so that none waits for one.
CREATE TABLE record_touched (
  seq    INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  class  TEXT    NOT NULL,
  record TEXT    NOT NULL
) STRICT;
