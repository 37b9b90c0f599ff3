-- Versions of scenarios, named by their content and never changed. Only seq
-- moves: a version that is saved again is the latest again.
CREATE TABLE scenario_versions (
    code       TEXT   NOT NULL,
    version    TEXT   NOT NULL,
    seq        BIGINT NOT NULL,
    hash       TEXT   NOT NULL,
    content    BYTEA  NOT NULL, -- gzip of JSON: sources, bundle, source map
    author     TEXT   NOT NULL, -- who saved it first
    created_at BIGINT NOT NULL,
    PRIMARY KEY (code, version)
);

CREATE UNIQUE INDEX scenario_versions_order ON scenario_versions (code, seq);
