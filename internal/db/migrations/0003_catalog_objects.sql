-- Configuration objects as they are now.
CREATE TABLE catalog_objects (
    kind       TEXT   NOT NULL,
    code       TEXT   NOT NULL,
    version    BIGINT NOT NULL, -- rises with every change, goes on after a deletion
    body       TEXT   NOT NULL, -- JSON
    author     TEXT   NOT NULL,
    origin     TEXT   NOT NULL, -- who made it first: files or api
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (kind, code)
);

-- Every version there has been.
CREATE TABLE catalog_history (
    kind       TEXT   NOT NULL,
    code       TEXT   NOT NULL,
    version    BIGINT NOT NULL,
    body       TEXT,            -- NULL: deleted
    author     TEXT   NOT NULL,
    origin     TEXT   NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (kind, code, version)
);

-- One row: its number rises with every change of any object, and its lock
-- makes writers of the configuration wait for each other.
CREATE TABLE catalog_revision (
    id       BIGINT NOT NULL PRIMARY KEY,
    revision BIGINT NOT NULL
);

INSERT INTO catalog_revision (id, revision) VALUES (1, 0);
