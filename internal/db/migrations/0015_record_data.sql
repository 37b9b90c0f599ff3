-- The next values of autonumber columns, by class and column.
CREATE TABLE record_counters (
	class TEXT NOT NULL,
	column_code TEXT NOT NULL,
	value BIGINT NOT NULL,
	PRIMARY KEY (class, column_code)
);

-- What the file columns of records hold. A file that no record names yet has no class.
CREATE TABLE record_files (
	id TEXT NOT NULL PRIMARY KEY,
	class TEXT,
	record_id TEXT,
	name TEXT NOT NULL,
	media_type TEXT NOT NULL,
	size BIGINT NOT NULL,
	sha256 TEXT NOT NULL,
	content BYTEA NOT NULL,
	created_at BIGINT NOT NULL
);
CREATE INDEX record_files_unclaimed ON record_files (created_at) WHERE class IS NULL;
CREATE INDEX record_files_by_record ON record_files (record_id);
