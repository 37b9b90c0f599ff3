package run

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"junctor/internal/db"
	"junctor/internal/fault"
)

const (
	eraseBatch = 100    // runs in one transaction
	eraseMost  = 10_000 // runs in one call, so that it ends before someone gives up waiting
	eraseTells = 100    // how many of those that are left are named
)

// waitingForErased marks a run whose content was erased; it waits for nothing.
const waitingForErased = "erased"

// Erased is what Erase has done, or would do.
type Erased struct {
	Count    int64  // runs with the subject before anything was done
	Done     int64  // erased, children included
	Left     []Kept // not touched; the first hundred
	Complete bool   // false: there are more; call again
}

// Kept is a run that was not erased.
type Kept struct{ Run, Reason string }

// Audit is what the audit log may say of it: whose runs they were is to be
// forgotten too, and a digest still answers whether it was done.
func (e Erased) Audit(subject string) string {
	return fmt.Sprintf("erase: %d runs, subject sha256:%x", e.Done, sha256.Sum256([]byte(clean(subject, maxSubject))))
}

// settled is the condition on a run that has ended, and that nothing waits for
// in its ordering key.
func settled(alias string) string {
	return strings.ReplaceAll(` (R.finished_at IS NOT NULL AND NOT (R.state = 'failed' AND R.ordering_key <> '' AND EXISTS (
		SELECT 1 FROM run_order WHERE scope = `+scopeOf("R")+` AND name = R.ordering_key AND head = R.ordering_seq)))`, "R.", alias+".")
}

// kin is the condition on a run that goes with another one: a child of it, or a
// repetition, without a subject of its own.
const kin = ` (kin.parent = above.id AND kin.parent <> '' OR kin.origin = above.id AND kin.origin <> '') AND kin.subject = ''`

// unsettledBelow is the first run that would go with this one and cannot yet:
// when this one has lost its subject, nothing would lead there.
var unsettledBelow = `(WITH RECURSIVE above(id) AS (
		SELECT runs.id UNION SELECT kin.id FROM runs AS kin JOIN above ON` + kin + `)
	SELECT min(kin.id) FROM above JOIN runs AS kin ON kin.id = above.id WHERE kin.id <> runs.id AND NOT` + settled("kin") + `)`

// erasable is the condition on runs that may be erased: ended, and so has what
// goes with them, and nothing waits for them.
var erasable = settled("runs") + `
	AND NOT EXISTS (SELECT 1 FROM runs AS above WHERE above.id = runs.parent AND above.finished_at IS NULL)
	AND ` + unsettledBelow + ` IS NULL`

// Erase takes the content out of the runs with exactly this subject, and out of
// their children and reruns that have no subject of their own: input, output,
// steps, error, logs, tags, subject and ordering key. What stays is the bare row,
// so that counts and idempotency keys stay right. Runs that have not ended are not
// touched, nor are those with such a child or rerun. A run that another one has
// started without waiting for it is erased for its own subject only. At last the
// database forgets what it has deleted (db.DB.Compact).
//
// It may be called again at any time: what was broken off is finished then.
// Errors: fault.Unprocessable without a subject.
func (e *Engine) Erase(ctx context.Context, subject string, dryRun bool) (Erased, error) {
	subject = clean(subject, maxSubject)
	if subject == "" {
		return Erased{}, fault.New(fault.Unprocessable, "Say whose runs are to be erased.").
			WithFields(fault.Field{Pointer: "/filter/subject", Detail: "is required"})
	}
	erased := Erased{Complete: true}
	err := e.db.Read(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(`SELECT count(*) FROM runs WHERE subject = $1 AND subject <> ''`, subject).Scan(&erased.Count)
	})
	for n := int64(eraseBatch); err == nil && !dryRun && n > 0; {
		if erased.Done >= eraseMost {
			erased.Complete = false
			return erased, nil
		}
		if n, err = e.eraseSome(ctx, subject); err == nil {
			erased.Done += n
		}
	}
	if err == nil {
		erased.Left, err = e.left(ctx, subject)
	}
	if err == nil && !dryRun {
		err = e.db.Compact(ctx)
	}
	if err != nil {
		return erased, fmt.Errorf("erase the runs of a subject: %w", err)
	}
	return erased, nil
}

// eraseSome erases the next runs and returns how many.
func (e *Engine) eraseSome(ctx context.Context, subject string) (n int64, err error) {
	for err = errMoved; errors.Is(err, errMoved); {
		err = e.db.Write(ctx, func(tx *db.Tx) error {
			gone, err := family(tx, subject)
			if err != nil || len(gone) == 0 {
				n = 0
				return err
			}
			// Until they are locked, one of them may be retried by hand, or repeated.
			ids := idsOf(gone)
			if _, err := textsOf(tx, ids, `SELECT id FROM runs WHERE `+tx.Among("id", "$1")+` ORDER BY id `+tx.LockRows()); err != nil {
				return err
			}
			if gone, err = family(tx, subject); err == nil && !slices.Equal(idsOf(gone), ids) {
				err = errMoved
			}
			if err != nil {
				return err
			}
			for _, r := range gone {
				if err := e.erase(tx, r); err != nil {
					return err
				}
			}
			n = int64(len(gone))
			return nil
		})
	}
	return n, err
}

// errMoved is an erasure that has to look again.
var errMoved = errors.New("the runs to erase have changed meanwhile")

func idsOf(list []*row) []string {
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = list[i].id
	}
	return ids
}

// family is the next runs to be erased, with those that go with them, by id.
func family(tx *db.Tx, subject string) ([]*row, error) {
	return doomed(tx, fmt.Sprintf(`WITH RECURSIVE next(id) AS (SELECT id FROM runs WHERE subject = $1 AND subject <> '' AND%s ORDER BY id LIMIT %d),
		above(id) AS (SELECT id FROM next UNION SELECT kin.id FROM runs AS kin JOIN above ON%s AND kin.waiting_for <> '%s')
		SELECT runs.id, runs.input, runs.output FROM runs JOIN above ON above.id = runs.id ORDER BY runs.id`,
		erasable, eraseBatch, kin, waitingForErased), []any{subject})
}

// left are the runs that are not touched.
func (e *Engine) left(ctx context.Context, subject string) (all []Kept, err error) {
	err = e.db.Read(ctx, func(tx *db.Tx) error {
		all = nil
		rows, err := tx.Query(fmt.Sprintf(`SELECT id, state, finished_at IS NOT NULL, COALESCE(%s, '') FROM runs WHERE subject = $1 AND subject <> '' AND NOT (%s) ORDER BY id LIMIT %d`, unsettledBelow, erasable, eraseTells), subject)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id, state, below string
			var ended bool
			if err := rows.Scan(&id, &state, &ended, &below); err != nil {
				return err
			}
			reason := fmt.Sprintf("The run is %s; cancel it or wait for its end, then erase again.", state)
			switch {
			case ended && below != "":
				reason = fmt.Sprintf("The run has ended (%s), and %s, which it or a run below it has called, or which repeats one of these, and which has no subject of its own, has not, or holds its ordering key. Cancel that one or wait for its end, then erase again.", state, below)
			case ended:
				reason = fmt.Sprintf("The run has ended (%s), and others wait for it: its parent, or those behind it in its ordering key. Wait for the parent's end, or retry or cancel it, then erase again.", state)
			}
			all = append(all, Kept{id, reason})
		}
		return rows.Err()
	})
	return all, err
}

// erase leaves the bare row.
func (e *Engine) erase(tx *db.Tx, r *row) error {
	if err := e.strip(tx, r); err != nil {
		return err
	}
	if e.opts.Erased != nil {
		if err := e.opts.Erased(tx, r.id); err != nil {
			return err
		}
	}
	_, err := tx.Exec(`UPDATE runs SET input = NULL, output = NULL, error = '', subject = '', tags = '', ordering_key = '',
		ordering_seq = 0, waiting_for = '`+waitingForErased+`' WHERE id = $1`, r.id)
	return err
}

// erased is the refusal of what would need the content.
func erased(r *row) error {
	refusal := fault.New(fault.Conflict, "The run of the first message with this idempotency key was erased; send a new key.")
	refusal.Run = r.id
	return refusal
}
