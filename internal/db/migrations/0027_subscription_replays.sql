-- What people are shown of what is sent again; of the subscriptions themselves
-- only sent is written, and means nothing.
ALTER TABLE subscription_readers ADD COLUMN began BIGINT NOT NULL DEFAULT 0; -- the place behind which it began
ALTER TABLE subscription_readers ADD COLUMN started_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE subscription_readers ADD COLUMN author TEXT NOT NULL DEFAULT ''; -- who has asked for it
ALTER TABLE subscription_readers ADD COLUMN counted BIGINT NOT NULL DEFAULT 0; -- events that were counted before it began
ALTER TABLE subscription_readers ADD COLUMN complete BIGINT NOT NULL DEFAULT 0; -- 1: all were counted
ALTER TABLE subscription_readers ADD COLUMN sent BIGINT NOT NULL DEFAULT 0; -- deliveries that it has begun
