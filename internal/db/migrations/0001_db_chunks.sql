-- Large values: a value over db.InlineLimit is kept as numbered pieces, away
-- from the rows that are read and rewritten often.
CREATE TABLE large_values (
    id         TEXT   NOT NULL PRIMARY KEY,
    size       BIGINT NOT NULL,
    claimed    BIGINT NOT NULL,  -- 0 until the transaction that uses it has committed
    created_at BIGINT NOT NULL
);

CREATE INDEX large_values_orphans ON large_values (created_at) WHERE claimed = 0;

CREATE TABLE chunks (
    value_id TEXT   NOT NULL,
    seq      BIGINT NOT NULL,
    data     BYTEA  NOT NULL,
    PRIMARY KEY (value_id, seq)
);

-- One row for each connection that writes. Every transaction moves its
-- connection's mark, so that after a COMMIT of unknown outcome the row tells.
CREATE TABLE marks (
    name       TEXT   NOT NULL PRIMARY KEY,
    value      BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);
