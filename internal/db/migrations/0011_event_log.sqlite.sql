-- The event log of the domain. seq is the order; the newest row is never
-- deleted, so that a number does not come again.
CREATE TABLE events (
    seq        INTEGER NOT NULL PRIMARY KEY,
    id         TEXT    NOT NULL,
    source     TEXT    NOT NULL, -- '': the domain itself
    type       TEXT    NOT NULL,
    subject    TEXT    NOT NULL, -- '': none
    at         INTEGER NOT NULL, -- when it came into the log
    attributes TEXT    NOT NULL, -- all further ones as JSON members, each behind a comma
    form       INTEGER NOT NULL, -- of data; 1: bytes, not JSON; 2: kept in chunks
    data       BLOB              -- NULL: none
) STRICT;

CREATE UNIQUE INDEX events_id ON events (id, source);

-- One row: what makes cursors of this log its own, and where it begins.
CREATE TABLE event_log (
    id    INTEGER NOT NULL PRIMARY KEY,
    name  TEXT    NOT NULL,
    floor INTEGER NOT NULL -- the last number that has been removed, 0 for none
) STRICT;

INSERT INTO event_log (id, name, floor) VALUES (1, lower(hex(randomblob(16))), 0);
