-- Which function was called, and by which account; '' for neither.
ALTER TABLE runs ADD COLUMN function TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN account TEXT NOT NULL DEFAULT '';
