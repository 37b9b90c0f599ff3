package run

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"sort"

	"junctor/internal/db"
)

// step is an entry of the journal.
type step struct {
	seq, call  int
	name       string
	digest     []byte
	since      int // number of the last completion delivered before the call
	arguments  db.Blob
	result     db.Blob
	err        *StepError
	done       int // number of its completion; 0 while under way
	startedAt  int64
	finishedAt int64
	deadline   int64
	dropped    bool
	underWay   bool       // begun by this execution: nothing has to begin it again
	unsaved    bool       // its start is not on disk, and goes there with its end
	armed      bool       // of a Wait: by this execution
	sought     bool       // and that has searched for it
	came       *Came      // of a Wait, when it is known that it is over
	refused    *StepError // see Again.Fails
}

// journal is what is known of a run's steps, by call and by number.
type journal struct {
	byCall  map[int]*step // not dropped
	bySeq   map[int]*step // all
	maxSeq  int
	maxDone int
}

func newJournal() *journal { return &journal{} }

const stepColumns = `seq, call, name, digest, since, arguments, result, error, done, started_at, finished_at, deadline, dropped`

// loadJournal reads a run's steps.
func loadJournal(tx *db.Tx, run string) (*journal, error) {
	journals, err := loadJournals(tx, []string{run})
	return journals[run], err
}

// loadJournals reads the steps of runs; each of them gets a journal.
func loadJournals(tx *db.Tx, runs []string) (map[string]*journal, error) {
	list, err := json.Marshal(runs)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(`SELECT run, `+stepColumns+` FROM steps WHERE `+tx.Among("run", "$1")+` ORDER BY run, seq`, string(list))
	if err != nil {
		return nil, fmt.Errorf("read the journals of %d runs: %w", len(runs), err)
	}
	defer rows.Close()
	journals := make(map[string]*journal, len(runs))
	for _, run := range runs {
		journals[run] = newJournal()
	}
	for rows.Next() {
		run, s, err := scanStep(rows)
		if err != nil {
			return nil, fmt.Errorf("read the journals of %d runs: %w", len(runs), err)
		}
		journals[run].add(s)
	}
	return journals, rows.Err()
}

func scanStep(rows scanner) (run string, _ *step, _ error) {
	var s step
	var arguments, result []byte
	var failure string
	var done, finished, deadline *int64
	var dropped int64
	if err := rows.Scan(&run, &s.seq, &s.call, &s.name, &s.digest, &s.since, &arguments, &result, &failure, &done,
		&s.startedAt, &finished, &deadline, &dropped); err != nil {
		return "", nil, err
	}
	s.arguments, s.result, s.dropped = arguments, result, dropped == 1
	if done != nil {
		s.done = int(*done)
	}
	if finished != nil {
		s.finishedAt = *finished
	}
	if deadline != nil {
		s.deadline = *deadline
	}
	if failure != "" {
		s.err = new(StepError)
		if err := json.Unmarshal([]byte(failure), s.err); err != nil {
			return "", nil, err
		}
	}
	return run, &s, nil
}

func (j *journal) add(s *step) {
	if j.bySeq == nil { // most runs have no steps
		j.byCall, j.bySeq = map[int]*step{}, map[int]*step{}
	}
	j.bySeq[s.seq] = s
	j.maxSeq = max(j.maxSeq, s.seq)
	j.maxDone = max(j.maxDone, s.done)
	if !s.dropped {
		j.byCall[s.call] = s
	}
}

// recorded lists the completed steps in the order of their completions.
func (j *journal) recorded() []*step {
	var done []*step
	for _, s := range j.byCall {
		if s.done > 0 {
			done = append(done, s)
		}
	}
	sort.Slice(done, func(a, b int) bool { return done[a].done < done[b].done })
	return done
}

// number gives a new call its seq: its own number, unless another call has had
// it. A dropped step that is the same call again keeps its number, and so its
// idempotency key.
func (j *journal) number(call int, digest []byte) int {
	had, taken := j.bySeq[call]
	if !taken || (had.dropped && string(had.digest) == string(digest)) {
		return call
	}
	for seq := call + 1; seq <= j.maxSeq; seq++ {
		if s, ok := j.bySeq[seq]; ok && s.dropped && s.call == call && string(s.digest) == string(digest) {
			return seq
		}
	}
	return j.maxSeq + 1
}

// lastExternal is the last completed step that reached outside, nil for none.
func (j *journal) lastExternal(external func(name string) bool) *step {
	var last *step
	for _, s := range j.byCall {
		if s.done > 0 && external(s.name) && (last == nil || s.done > last.done) {
			last = s
		}
	}
	return last
}

// drop lists what a retry makes again: the given steps, and every step called
// after the first of their completions was delivered.
func (j *journal) drop(from []*step) []*step {
	first := 0
	chosen := map[*step]bool{}
	for _, s := range from {
		chosen[s] = true
		if s.done > 0 && (first == 0 || s.done < first) {
			first = s.done
		}
	}
	for _, s := range j.byCall {
		if first > 0 && s.since >= first {
			chosen[s] = true
		}
	}
	var dropped []*step
	for s := range chosen {
		dropped = append(dropped, s)
	}
	sort.Slice(dropped, func(a, b int) bool { return dropped[a].seq < dropped[b].seq })
	return dropped
}

// digest identifies a call: the same name with the same arguments.
func digest(name string, args []byte) []byte {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(name), {0}, args} {
		h.Write(part) //nolint:errcheck // a hash never fails
	}
	return h.Sum(nil)[:16]
}

func (s *step) startOp(run string) db.Op {
	var done, finished any
	if s.done > 0 {
		done, finished = int64(s.done), s.finishedAt
	}
	return db.Op{Stmt: stmtStep, Row: []any{
		run, int64(s.seq), int64(s.call), s.name, s.digest, int64(s.since), bytesOrNull(s.arguments), bytesOrNull(s.result),
		stepErrorText(s.err), done, s.startedAt, finished, intOrNull(s.deadline),
	}}
}

func (s *step) doneOp(run string) db.Op {
	return db.Op{Stmt: stmtStepDone, Row: []any{
		run, int64(s.seq), bytesOrNull(s.result), stepErrorText(s.err), int64(s.done), s.finishedAt,
	}}
}

func stepErrorText(e *StepError) string {
	if e == nil {
		return ""
	}
	b, err := json.Marshal(e)
	if err != nil { // Data was not JSON
		b, _ = json.Marshal(StepError{Name: e.Name, Message: e.Message, Permanent: e.Permanent}) //nolint:errcheck // texts always marshal
	}
	return string(b)
}
