-- Who gets which events by webhook.
CREATE TABLE subscriptions (
  code          TEXT   NOT NULL PRIMARY KEY, -- of the configuration, or sub_... of one that was made with a channel's token
  channel       TEXT   NOT NULL, -- with whose token it was made; '': configured
  body          TEXT   NOT NULL, -- what is subscribed, JSON
  allowed       TEXT   NOT NULL, -- JSON array: the types of which the channel lets hear; '' for all
  held          BIGINT NOT NULL, -- 1: it, or its channel, is not enabled
  sealed        BYTEA,           -- its secret; NULL: the body names one
  old_sealed    BYTEA,           -- the secret before, which signs too
  old_until     BIGINT NOT NULL, -- until then
  version       BIGINT NOT NULL,
  created_at    BIGINT NOT NULL,
  state         TEXT   NOT NULL, -- active, disabled, ended
  reason        TEXT   NOT NULL, -- why it is not active
  succeeded_at  BIGINT NOT NULL, -- the last delivery that was taken; 0: none yet
  failing_since BIGINT NOT NULL, -- the first failure since; 0: none
  failed_at     BIGINT NOT NULL, -- the last failure
  failure       TEXT   NOT NULL
);
CREATE INDEX subscriptions_channel ON subscriptions (channel, code) WHERE channel <> '';

-- One row: how far the log has been read for all who have no place of their
-- own. generation rises with every change of who that is, and what they get.
CREATE TABLE subscription_head (
  id         BIGINT NOT NULL PRIMARY KEY,
  position   BIGINT NOT NULL,
  generation BIGINT NOT NULL
);
INSERT INTO subscription_head (id, position, generation) VALUES (1, 0, 1);

-- Who reads the log at a place of its own: a subscription that has just begun,
-- was stopped or cannot keep up, and what is sent again.
CREATE TABLE subscription_readers (
  id           TEXT   NOT NULL PRIMARY KEY, -- the subscription's code, or rpl_... of what is sent again
  subscription TEXT   NOT NULL,
  position     BIGINT NOT NULL,
  until        BIGINT NOT NULL, -- the last place of what is sent again; 0: it joins the others at the head
  types        TEXT   NOT NULL, -- JSON array, of what is sent again; '' for all
  filter       TEXT   NOT NULL
);
CREATE INDEX subscription_readers_of ON subscription_readers (subscription);

CREATE INDEX runs_source ON runs (source) WHERE finished_at IS NULL AND source <> '';
