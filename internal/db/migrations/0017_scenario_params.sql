-- What the parameters of a function may be: the JSON Schema that the version exports
-- as params, '' when it exports none.
ALTER TABLE scenario_versions ADD COLUMN params TEXT NOT NULL DEFAULT '';
