-- An erasure finds the repetitions of a run.
CREATE INDEX runs_origin ON runs (origin) WHERE origin <> '';
