-- Before a foreign write: what every change of a record does, and what PostgreSQL
-- has in its types and Junctor could not read is refused: NaN, infinity, and years
-- that are not those from 1 to 9999. (json_each reads every text, and there is no
-- text for some escapes of JSON: they become others, which matters to nobody.)
CREATE OR REPLACE FUNCTION junctor_foreign() RETURNS trigger LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
  field TEXT;
BEGIN
  IF TG_OP = 'INSERT' THEN
    NEW.version := 1;
  ELSE
    IF NEW.id <> OLD.id THEN
      RAISE EXCEPTION 'the id of a record does not change';
    END IF;
    NEW.version := OLD.version + 1;
    NEW.modified_at := clock_timestamp();
    NEW.modified_by := 'database';
  END IF;
  SELECT a.attname INTO field
    FROM pg_catalog.json_each(pg_catalog.replace(pg_catalog.row_to_json(NEW)::text, E'\\u', E'\\b')::json) AS v
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = TG_RELID AND a.attname = v.key
    WHERE a.atttypid = 'numeric'::regtype AND v.value::text = '"NaN"'
      OR a.atttypid IN ('date'::regtype, 'timestamptz'::regtype) AND v.value::text !~ '^(null$|"[0-9]{4}-[^B]*$)'
    LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION '%.%: not a value of the column''s type: NaN, infinity and years outside 1 to 9999 cannot be kept', TG_TABLE_NAME, field;
  END IF;
  RETURN NEW;
END $$;

-- What is remembered of a row has its moments in UTC: long ago a zone could be
-- seconds off, which no moment of JSON is.
ALTER FUNCTION junctor_capture() SET timezone = 'UTC';
