package run

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"

	"junctor/internal/db"
)

// row is a run as it stands in the table runs. Times are microseconds UTC, 0
// for none.
type row struct {
	id, program, version, channel, subject, mode string
	function, account, source                    string
	tags                                         []string
	state                                        State
	waitingFor                                   string
	input, output                                db.Blob
	err                                          *ErrorInfo
	seed, clock                                  int64
	createdAt, dueAt, finishedAt                 int64
	owner                                        string
	epoch                                        int64
	attempt, extra, crashes                      int
	answered, cancel                             bool
	orderingKey                                  string
	orderingSeq                                  int64
	origin, parent                               string
	parentSeq, depth                             int
	position                                     int64 // known once the row has been read; see inserts
	placed                                       bool  // position is to be written
	webhookID                                    string
}

// columns is the one list of the columns of runs, in the order of scan.
const columns = `id, state, waiting_for, program, version, channel, subject, tags, mode, input, output, error,
	seed, clock, created_at, due_at, finished_at, owner, epoch, attempt, extra, crashes, answered, cancel,
	ordering_key, ordering_seq, origin, parent, parent_seq, depth, function, account, source, position, webhook_id`

// qualified is columns, each of the row source r.
var qualified = regexp.MustCompile(`\w+`).ReplaceAllString(columns, "r.$0")

// scanner is what QueryRow and Rows have in common.
type scanner interface{ Scan(dest ...any) error }

func scan(s scanner) (*row, error) {
	var r row
	var state, tags, failure string
	var input, output []byte
	var due, finished *int64
	var answered, cancel int64
	err := s.Scan(&r.id, &state, &r.waitingFor, &r.program, &r.version, &r.channel, &r.subject, &tags, &r.mode,
		&input, &output, &failure, &r.seed, &r.clock, &r.createdAt, &due, &finished, &r.owner, &r.epoch, &r.attempt, &r.extra,
		&r.crashes, &answered, &cancel, &r.orderingKey, &r.orderingSeq, &r.origin, &r.parent, &r.parentSeq, &r.depth, &r.function, &r.account, &r.source, &r.position, &r.webhookID)
	if err != nil {
		return nil, err
	}
	r.state, r.input, r.output = State(state), input, output
	r.answered, r.cancel = answered == 1, cancel == 1
	if due != nil {
		r.dueAt = *due
	}
	if finished != nil {
		r.finishedAt = *finished
	}
	if tags != "" {
		if err := json.Unmarshal([]byte(tags), &r.tags); err != nil {
			return nil, err
		}
	}
	if failure != "" {
		r.err = new(ErrorInfo)
		if err := json.Unmarshal([]byte(failure), r.err); err != nil {
			return nil, err
		}
	}
	return &r, nil
}

// scope is in which the run's ordering key is one: what it came by.
func (r *row) scope() string { return cmp.Or(r.source, r.channel) }

// values is the row in the order of columns.
func (r *row) values() []any {
	return []any{
		r.id, string(r.state), r.waitingFor, r.program, r.version, r.channel, r.subject, tagText(r.tags), r.mode,
		bytesOrNull(r.input), bytesOrNull(r.output), errorText(r.err), r.seed, r.clock, r.createdAt, intOrNull(r.dueAt),
		intOrNull(r.finishedAt), r.owner, r.epoch, int64(r.attempt), int64(r.extra), int64(r.crashes), bit(r.answered),
		bit(r.cancel), r.orderingKey, r.orderingSeq, r.origin, r.parent, int64(r.parentSeq), int64(r.depth), r.function, r.account,
		r.source, r.place(), r.webhookID,
	}
}

// place is the position to write; nil for that of the moment.
func (r *row) place() any {
	if !r.placed {
		return nil
	}
	return r.position
}

// inserts are the statements that write new rows. Where a row has no position, it
// gets the one that an expression of the engine's has at that moment.
type inserts struct{ whole, plain *db.Stmt }

func newInserts(position string) inserts {
	return inserts{
		whole: db.NewStmt(10, `INSERT INTO runs (`+columns+`) SELECT `+
			strings.Replace(qualified, "r.position", "coalesce(r.position, "+position+")", 1)+` FROM {rows} AS r`, rowColumns...),
		plain: db.NewStmt(11, `INSERT INTO runs (`+columns+`)
			SELECT r.id, r.state, '', r.program, r.version, r.channel, r.subject, '', r.mode, r.input, r.output, '',
				r.seed, r.clock, r.created_at, NULL, r.finished_at, r.owner, r.epoch, 0, 0, 0, 0, 0, '', 0, '', '', 0, 0, '', '', '', `+position+`, ''
			FROM {rows} AS r`,
			db.Text("id"), db.Text("state"), db.Text("program"), db.Text("version"), db.Text("channel"), db.Text("subject"),
			db.Text("mode"), db.Bytes("input"), db.Bytes("output"), db.Int("seed"), db.Int("clock"), db.Int("created_at"),
			db.Int("finished_at"), db.Text("owner"), db.Int("epoch")),
	}
}

// of writes the whole row. Most rows are plain when they are written, and half of
// the values need not travel.
func (i inserts) of(r *row) db.Op {
	plain := r.waitingFor == "" && len(r.tags) == 0 && r.err == nil && r.dueAt == 0 && r.attempt == 0 && r.extra == 0 &&
		r.crashes == 0 && !r.answered && !r.cancel && r.orderingKey == "" && r.origin == "" && r.parent == "" && r.depth == 0 &&
		r.function == "" && r.account == "" && r.source == "" && !r.placed && r.webhookID == ""
	if !plain {
		return db.Op{Stmt: i.whole, Row: r.values()}
	}
	return db.Op{Stmt: i.plain, Row: []any{
		r.id, string(r.state), r.program, r.version, r.channel, r.subject, r.mode, bytesOrNull(r.input), bytesOrNull(r.output),
		r.seed, r.clock, r.createdAt, intOrNull(r.finishedAt), r.owner, r.epoch,
	}}
}

// progress is what changes of a row while it is executed, in the order of stmtProgress.
func (r *row) progress() []any {
	return []any{
		r.id, string(r.state), r.waitingFor, r.subject, tagText(r.tags), bytesOrNull(r.output), errorText(r.err),
		intOrNull(r.dueAt), intOrNull(r.finishedAt), r.owner, int64(r.attempt), int64(r.crashes), bit(r.answered),
	}
}

var rowColumns = []db.Column{
	db.Text("id"), db.Text("state"), db.Text("waiting_for"), db.Text("program"), db.Text("version"), db.Text("channel"),
	db.Text("subject"), db.Text("tags"), db.Text("mode"), db.Bytes("input"), db.Bytes("output"), db.Text("error"),
	db.Int("seed"), db.Int("clock"), db.Int("created_at"), db.Int("due_at"), db.Int("finished_at"), db.Text("owner"), db.Int("epoch"),
	db.Int("attempt"), db.Int("extra"), db.Int("crashes"), db.Int("answered"), db.Int("cancel"), db.Text("ordering_key"),
	db.Int("ordering_seq"), db.Text("origin"), db.Text("parent"), db.Int("parent_seq"), db.Int("depth"), db.Text("function"), db.Text("account"),
	db.Text("source"), db.Int("position"), db.Text("webhook_id"),
}

// The statements of the hot path behind inserts, in the order in which a batch
// makes them.
var (
	stmtStep = db.NewStmt(20, `INSERT INTO steps (run, seq, call, name, digest, since, arguments, result, error, done,
			started_at, finished_at, deadline, dropped)
		SELECT r.run, r.seq, r.call, r.name, r.digest, r.since, r.arguments, r.result, r.error, r.done, r.started_at,
			r.finished_at, r.deadline, 0
		FROM {rows} AS r WHERE true
		ON CONFLICT (run, seq) DO UPDATE SET call = excluded.call, since = excluded.since, arguments = excluded.arguments,
			result = excluded.result, error = excluded.error, done = excluded.done, started_at = excluded.started_at,
			finished_at = excluded.finished_at, deadline = excluded.deadline, dropped = 0`,
		db.Text("run").Key(), db.Int("seq").Key(), db.Int("call"), db.Text("name"), db.Bytes("digest"), db.Int("since"),
		db.Bytes("arguments"), db.Bytes("result"), db.Text("error"), db.Int("done"), db.Int("started_at"),
		db.Int("finished_at"), db.Int("deadline"))

	stmtStepDone = db.NewStmt(30, `UPDATE steps SET result = r.result, error = r.error, done = r.done,
			finished_at = r.finished_at
		FROM {rows} AS r WHERE steps.run = r.run AND steps.seq = r.seq`,
		db.Text("run").Key(), db.Int("seq").Key(), db.Bytes("result"), db.Text("error"), db.Int("done"), db.Int("finished_at"))

	stmtStepDrop = db.NewStmt(35, `UPDATE steps SET dropped = 1, done = NULL, finished_at = NULL, result = NULL, error = ''
		FROM {rows} AS r WHERE steps.run = r.run AND steps.seq = r.seq`,
		db.Text("run").Key(), db.Int("seq").Key())

	stmtLog = db.NewStmt(40, `INSERT INTO run_logs (run, n, at, level, text)
		SELECT r.run, r.n, r.at, r.level, r.text FROM {rows} AS r WHERE true ON CONFLICT (run, n) DO NOTHING`,
		db.Text("run").Key(), db.Int("n").Key(), db.Int("at"), db.Text("level"), db.Text("text"))

	stmtTag = db.NewStmt(41, `INSERT INTO run_tags (tag, run)
		SELECT r.tag, r.run FROM {rows} AS r WHERE true ON CONFLICT (tag, run) DO NOTHING`,
		db.Text("tag").Key(), db.Text("run").Key())

	stmtKey = db.NewStmt(42, `INSERT INTO run_keys (scope, name, run, digest, expires_at)
		SELECT r.scope, r.name, r.run, r.digest, r.expires_at FROM {rows} AS r`,
		db.Text("scope"), db.Text("name"), db.Text("run"), db.Bytes("digest"), db.Int("expires_at"))

	stmtProgress = db.NewStmt(50, `UPDATE runs SET state = r.state, waiting_for = r.waiting_for, subject = r.subject,
			tags = r.tags, output = r.output, error = r.error, due_at = r.due_at, finished_at = r.finished_at,
			owner = r.owner, attempt = r.attempt, crashes = r.crashes, answered = r.answered
		FROM {rows} AS r WHERE runs.id = r.id`,
		db.Text("id"), db.Text("state"), db.Text("waiting_for"), db.Text("subject"), db.Text("tags"), db.Bytes("output"),
		db.Text("error"), db.Int("due_at"), db.Int("finished_at"), db.Text("owner"), db.Int("attempt"), db.Int("crashes"),
		db.Int("answered"))

	stmtForget = db.NewStmt(60, `UPDATE runs SET input = NULL FROM {rows} AS r WHERE runs.id = r.id`,
		db.Text("id"))
	stmtForgetSteps = db.NewStmt(61, `DELETE FROM steps WHERE run IN (SELECT r.id FROM {rows} AS r)`, db.Text("id"))
	stmtForgetLogs  = db.NewStmt(62, `DELETE FROM run_logs WHERE run IN (SELECT r.id FROM {rows} AS r)`, db.Text("id"))
)

func tagText(tags []string) string {
	if len(tags) == 0 {
		return ""
	}
	b, _ := json.Marshal(tags) //nolint:errcheck // strings always marshal
	return string(b)
}

func errorText(e *ErrorInfo) string {
	if e == nil {
		return ""
	}
	b, _ := json.Marshal(e) //nolint:errcheck // strings always marshal
	return string(b)
}

func bytesOrNull(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}

func intOrNull(n int64) any {
	if n == 0 {
		return nil
	}
	return n
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// The bounds of a run's subject and tags.
const (
	maxSubject   = 200 // bytes
	maxTags      = 20
	maxTagLength = 100 // bytes
)

// tag adds a word, once, and returns it as it is kept; "" when it is not new,
// empty, or one too many.
func (r *row) tag(word string) string {
	word = clean(word, maxTagLength)
	if word == "" || len(r.tags) >= maxTags || slices.Contains(r.tags, word) {
		return ""
	}
	r.tags = append(r.tags, word)
	return word
}

// info is the row as people see it, without content.
func (r *row) info() Info {
	at := func(us int64) *time.Time {
		if us == 0 {
			return nil
		}
		t := db.Time(us)
		return &t
	}
	waitingFor, erased := r.waitingFor, r.waitingFor == waitingForErased
	if erased {
		waitingFor = ""
	}
	return Info{
		ID: r.id, State: r.state, WaitingFor: waitingFor, Erased: erased, Program: r.program, Version: r.version, Channel: r.channel,
		Function: r.function, Account: r.account, Source: r.source, WebhookID: r.webhookID,
		Subject: r.subject, Tags: r.tags, Mode: r.mode, Attempt: r.attempt + 1, Origin: r.origin, Parent: r.parent,
		Key: r.orderingKey, CreatedAt: db.Time(r.createdAt), DueAt: at(r.dueAt), FinishedAt: at(r.finishedAt), Error: r.err,
	}
}
