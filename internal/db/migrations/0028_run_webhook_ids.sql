-- Under which webhook-id a delivery is known to its receiver; '' for other runs.
ALTER TABLE runs ADD COLUMN webhook_id TEXT NOT NULL DEFAULT '';
CREATE INDEX runs_webhook_id ON runs (webhook_id) WHERE webhook_id <> '';
