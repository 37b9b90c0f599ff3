-- What has been captured of a record is looked for before Junctor writes it.
CREATE INDEX record_captured_record ON record_captured (class, record);
