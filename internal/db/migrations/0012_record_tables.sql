-- The classes as their tables are, and what they are to become.
CREATE TABLE record_tables (
  class      TEXT   NOT NULL PRIMARY KEY,
  body       TEXT   NOT NULL, -- JSON: the definition that the table has now
  generation BIGINT NOT NULL, -- of the table: names its indexes
  change     BIGINT NOT NULL, -- rises with every wish; a run that works for an older one ends
  wanted     TEXT,            -- JSON: the definition that a run is bringing the table to; '' to be dropped; NULL: none
  position   TEXT,            -- the last id that has been copied; NULL: copying has not begun
  copied     BIGINT NOT NULL, -- rows
  changed_at BIGINT NOT NULL
);

-- Tables that nobody reads any more and that are removed bit by bit.
CREATE TABLE record_garbage (
  name TEXT NOT NULL PRIMARY KEY
);
