-- How far those have acknowledged who subscribe by websocket under a name.
CREATE TABLE subscription_names (
  channel  TEXT   NOT NULL,
  name     TEXT   NOT NULL,
  position BIGINT NOT NULL,
  used_at  BIGINT NOT NULL, -- last
  PRIMARY KEY (channel, name)
);
CREATE INDEX subscription_names_used ON subscription_names (used_at);
