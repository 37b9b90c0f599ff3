-- The open websockets of channels, at every node.
CREATE TABLE channel_connections (
  id        TEXT   NOT NULL PRIMARY KEY,
  channel   TEXT   NOT NULL,
  node      TEXT   NOT NULL, -- the incarnation that has it
  address   TEXT   NOT NULL, -- the peer's
  opened_at BIGINT NOT NULL
);
CREATE INDEX channel_connections_channel ON channel_connections (channel, id);
CREATE INDEX channel_connections_node ON channel_connections (node, id);

-- What one node asks another to do with connections that the other one has.
CREATE TABLE channel_orders (
  id         TEXT   NOT NULL, -- the step's key, or one of its own
  node       TEXT   NOT NULL, -- that is asked
  connection TEXT   NOT NULL, -- '': all those of channel
  channel    TEXT   NOT NULL,
  bytes      BIGINT NOT NULL, -- 1: data are bytes, not text
  data       BYTEA,
  code       BIGINT NOT NULL, -- of a close; 0: data are sent
  reason     TEXT   NOT NULL,
  at         BIGINT NOT NULL,
  PRIMARY KEY (id, node)
);
CREATE INDEX channel_orders_node ON channel_orders (node, at);
