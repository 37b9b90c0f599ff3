package db

// What SQLite and PostgreSQL say differently, as fragments to put into a
// statement. This list is closed: a difference that is not here, in Stmt or in
// a migration pair does not exist.

// SkipLocked ends a subquery that chooses rows to change, so that several nodes
// choose different ones. SQLite has one writer and needs no word for it.
func (tx *Tx) SkipLocked() string {
	if tx.Postgres() {
		return "FOR UPDATE SKIP LOCKED"
	}
	return ""
}

// LockRows ends a query whose rows must not change before the transaction ends.
func (tx *Tx) LockRows() string {
	if tx.Postgres() {
		return "FOR NO KEY UPDATE"
	}
	return ""
}

// Among is the condition that a value is one of the texts of a JSON array; both
// are SQL. The array is one value for PostgreSQL, which looks up its texts in an
// index then, whatever it believes about the table; a subquery in its place is
// joined, and a table that grew since it was analyzed is read as a whole for it.
func (tx *Tx) Among(value, array string) string {
	if tx.Postgres() {
		return value + " = ANY (ARRAY(SELECT jsonb_array_elements_text(" + array + "::jsonb)))"
	}
	return value + " IN (SELECT value FROM json_each(" + array + "))"
}
