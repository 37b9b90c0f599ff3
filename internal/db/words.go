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

// Elements is a subquery over the texts of a JSON array that is handed over as
// the given placeholder.
func (tx *Tx) Elements(placeholder string) string {
	if tx.Postgres() {
		return "SELECT jsonb_array_elements_text(" + placeholder + "::jsonb)"
	}
	return "SELECT value FROM json_each(" + placeholder + ")"
}
