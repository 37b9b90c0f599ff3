-- The nonces that channels have taken, by their digests.
CREATE TABLE channel_nonces (
  channel    TEXT   NOT NULL,
  nonce      BYTEA  NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (channel, nonce)
);
CREATE INDEX channel_nonces_expiry ON channel_nonces (expires_at);
