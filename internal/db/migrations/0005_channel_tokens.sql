-- The token of every channel that there is or was.
CREATE TABLE channel_tokens (
    code       TEXT   NOT NULL PRIMARY KEY,
    token      TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX channel_tokens_token ON channel_tokens (token);
