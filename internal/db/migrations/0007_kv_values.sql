CREATE TABLE kv_values (
  name       TEXT   NOT NULL PRIMARY KEY,
  value      TEXT   NOT NULL, -- JSON
  expires_at BIGINT           -- NULL: never
);
CREATE INDEX kv_values_expiry ON kv_values (expires_at) WHERE expires_at IS NOT NULL;
