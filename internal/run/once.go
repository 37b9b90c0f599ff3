package run

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
)

// Once binds an idempotency key to one run and to the message's content.
type Once struct {
	Scope  string // keys of one say nothing in another; the run's channel when empty
	Key    string
	Digest []byte // of the content: the same key with another one is refused
	Window time.Duration
}

// scope is in which the key is one.
func (o *Once) scope(channel string) string { return cmp.Or(o.Scope, channel) }

// name is the key as it is stored: a digest of one that no database takes as it is.
func (o *Once) name() string {
	if clean(o.Key, longestKey) == o.Key {
		return o.Key
	}
	sum := sha256.Sum256([]byte(o.Key))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// longestKey is in bytes.
const longestKey = 255

func (o *Once) op(r *row) db.Op {
	return db.Op{Stmt: stmtKey, Row: []any{o.scope(r.channel), o.name(), r.id, o.Digest, r.createdAt + o.Window.Microseconds()}}
}

// clear makes room for a key whose window has passed.
func (o *Once) clear(tx *db.Tx, scope string, now int64) error {
	_, err := tx.Exec(`DELETE FROM run_keys WHERE scope = $1 AND name = $2 AND expires_at <= $3`, scope, o.name(), now)
	return err
}

// busy is the answer while the first message with the key is not through.
func (e *Engine) busy(o *Once) error {
	return fault.New(fault.Conflict, "A message with the idempotency key %q is still being processed.", o.name()).
		WithRetryAfter(time.Second)
}

// enter keeps two messages with one key from being accepted at the same time
// on this node; between nodes the table's primary key does.
func (e *Engine) enter(scope string, o *Once) (leave func(), err error) {
	key := scope + "\x00" + o.name()
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, taken := e.keys[key]; taken {
		return nil, e.busy(o)
	}
	e.keys[key] = struct{}{}
	return func() {
		e.mu.Lock()
		delete(e.keys, key)
		e.mu.Unlock()
	}, nil
}

// first enters the key and finds the run that has it already, nil when there
// is none. leave is called when the new run's key is on disk, or will not be.
// Without a key there is nothing to do.
func (e *Engine) first(ctx context.Context, channel string, o *Once) (earlier *row, leave func(), err error) {
	if o == nil {
		return nil, func() {}, nil
	}
	scope := o.scope(channel)
	if leave, err = e.enter(scope, o); err != nil {
		return nil, nil, err
	}
	if earlier, err = e.earlier(ctx, scope, o); err != nil {
		leave()
		return nil, nil, err
	}
	return earlier, leave, nil
}

// earlier finds the run that has the key, nil when there is none.
func (e *Engine) earlier(ctx context.Context, scope string, o *Once) (*row, error) {
	var r *row
	err := e.db.Read(ctx, func(tx *db.Tx) error {
		r = nil
		id, err := e.holder(tx, scope, o)
		if err == nil && id != "" {
			r, err = scan(tx.QueryRow(`SELECT `+columns+` FROM runs WHERE id = $1`, id))
		}
		return err
	})
	if errors.Is(err, db.ErrNoRows) { // purged: the key is free again
		return nil, nil
	}
	return r, err
}

// Earlier finds the run that has the key, for what starts runs by Insert: "" when
// there is none. Errors: fault.Unprocessable when its content was another one.
func (e *Engine) Earlier(tx *db.Tx, o *Once) (string, error) { return e.holder(tx, o.Scope, o) }

func (e *Engine) holder(tx *db.Tx, scope string, o *Once) (id string, err error) {
	var sum []byte
	err = tx.QueryRow(`SELECT run, digest FROM run_keys WHERE scope = $1 AND name = $2 AND expires_at > $3`, scope, o.name(), e.now()).Scan(&id, &sum)
	switch {
	case errors.Is(err, db.ErrNoRows):
		return "", nil
	case err != nil:
		return "", err
	case !bytes.Equal(sum, o.Digest):
		return "", fault.New(fault.Unprocessable,
			"The idempotency key %q was used before with another content; send a new key with a new message.", o.name())
	}
	return id, nil
}

// repeat answers a repeated message that nobody awaits.
func (e *Engine) repeat(ctx context.Context, r *row, s Start) (Accepted, error) {
	if r.state == Failed && r.waitingFor == waitingForErased {
		return Accepted{}, erased(r)
	}
	if err := s.repeats(ctx); err != nil {
		return Accepted{}, err
	}
	if r.state == Failed {
		if _, err := e.Retry(ctx, r.id); err != nil && !fault.Is(err, fault.Conflict) {
			return Accepted{}, err
		}
	}
	return Accepted{Run: r.id, Duplicate: true}, nil
}

// again answers a repeated message that is awaited: the first answer, or the
// result of retrying a run that failed.
func (e *Engine) again(ctx context.Context, r *row, s Start, deadline time.Time) (Result, error) {
	if r.waitingFor == waitingForErased {
		return Result{}, erased(r)
	}
	if r.state == Succeeded || r.answered {
		if err := s.repeats(ctx); err != nil {
			return Result{}, err
		}
		res, err := e.result(ctx, r)
		res.Duplicate = true
		return res, err
	}
	if r.state != Failed {
		busy := fault.New(fault.Conflict, "The first message with this idempotency key is still being processed.").
			WithRetryAfter(time.Second)
		if r.state == Cancelled {
			busy = fault.New(fault.Conflict, "The run of the first message with this idempotency key was cancelled; send a new key.")
		}
		busy.Run = r.id
		return Result{}, busy
	}
	if err := s.repeats(ctx); err != nil {
		return Result{}, err
	}
	told := e.listen(r.id)
	defer e.unlisten(r.id, told)
	if _, err := e.Retry(ctx, r.id); err != nil {
		return Result{}, err
	}
	x := e.execution(r, newJournal())
	defer x.off()
	x.stored = true
	res, err := e.receive(ctx, x, told, nil, deadline)
	res.Duplicate = err == nil
	return res, err
}
