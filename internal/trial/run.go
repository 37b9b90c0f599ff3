package trial

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"junctor/internal/channel"
	"junctor/internal/run"
	"junctor/internal/scenario"
	"junctor/internal/script"
)

// Run is one execution of a scenario. Next leads it to the next step that only
// a mock can answer, Answer answers it, and when there is none left Report says
// what came of it.
type Run struct {
	world   *World
	code    string
	channel *channel.Config
	id      string
	exec    *script.Exec // nil when the run did not get so far
	turn    *script.Turn
	fresh   []script.Call // called and not yet made
	asked   *run.Call     // waits for Answer
	landed  []landing     // made, in the order of their completion
	asleep  []landing     // that complete later
	report  *Report
	output  string // what respond sent
}

// landing is a step whose outcome the scenario does not have yet.
type landing struct {
	step int // its index in the report
	done done
	at   time.Time
}

// Start executes a scenario's validate, where the input is a request, and then
// the scenario itself up to its first step. Errors: fault.NotFound;
// fault.Unprocessable for one that does not compile.
func (w *World) Start(ctx context.Context, code string, in Input) (*Run, error) {
	program, err := w.lab.program(code)
	if err != nil {
		return nil, err
	}
	r := &Run{world: w, code: code, channel: w.lab.channel(code), id: w.id(), report: newReport(code)}
	if w.lab.bySchedule(code, in) {
		in.Schedule = json.RawMessage("{}")
	}
	if in.Change != nil || in.Schedule != nil {
		var handed scenario.Input
		if in.Change != nil {
			handed, err = w.lab.options.Change(in.Change)
		} else {
			handed, err = w.scheduled(code, in.Schedule)
		}
		if err != nil {
			return nil, err
		}
		source, content, form := handed.Arguments()
		return r, r.begin(ctx, w.lab.pool, script.Start{Program: program, Entry: "default", Args: []string{source, content, r.id, "1", form}})
	}
	in.onSocket(code, r.channel)
	seen, kept, err := in.started(r.channel)
	if err != nil { // as a server would answer
		r.report.problem(err)
		return r, nil
	}
	if source, content, form := seen.Arguments(); source != "" && in.Params == nil {
		r.report.Subject = in.message(r.channel).Find(r.channel.Subject)
		if slices.Contains(program.Exports(), "validate") {
			refused, err := r.validate(ctx, program, source, content, form)
			if refused || err != nil {
				return r, err
			}
		}
	}
	source, content, form := kept.Arguments()
	return r, r.begin(ctx, w.lab.pool, script.Start{Program: program, Entry: "default", Args: []string{source, content, r.id, "1", form}})
}

func (r *Run) begin(ctx context.Context, pool *script.Pool, start script.Start) (err error) {
	start.Seed, start.Now = 1, r.world.now
	r.exec, r.turn, err = pool.Start(ctx, start)
	if err == nil {
		r.note()
	}
	return err
}

// channel is the one that requests to the scenario are said to come by.
func (l *Lab) channel(code string) *channel.Config {
	if c, ok := l.options.Channels[code]; ok {
		return &c
	}
	return &channel.Config{Code: "trial", Type: channel.Public}
}

// Next executes up to a step that needs a mock, one that only a mock can answer
// or whose name is mocked, and returns it; nil when the run is over.
func (r *Run) Next(ctx context.Context, mocked func(step string) bool) (*run.Call, error) {
	for r.exec != nil {
		if r.asked != nil {
			return r.asked, nil
		}
		if len(r.fresh) > 0 {
			if err := r.make(ctx, mocked); err != nil {
				return nil, err
			}
			continue
		}
		if r.turn.Done {
			r.conclude()
			return nil, nil
		}
		r.turn = r.exec.Resume(r.land())
		r.note()
	}
	return nil, nil
}

// make makes the next step, or leaves it to be asked for.
func (r *Run) make(ctx context.Context, mocked func(string) bool) error {
	c := r.fresh[0]
	r.fresh = r.fresh[1:]
	call := &run.Call{
		Run: r.id, Program: scenario.ProgramName(r.code), Channel: r.channel.Code, Mode: "production",
		Seq: c.ID, Name: c.Name, Args: []byte(c.Args),
	}
	r.report.Steps = append(r.report.Steps, run.Step{Seq: c.ID, Name: c.Name, Arguments: json.RawMessage(c.Args), StartedAt: r.world.now})
	if r.world.outside(c.Name) || mocked(c.Name) {
		r.asked = call
		return nil
	}
	return r.perform(ctx, call)
}

// perform makes a step that needs no mock.
func (r *Run) perform(ctx context.Context, c *run.Call) error {
	r.asked = nil
	if h := r.world.handlers[c.Name]; h.End != nil {
		return r.end(c, h)
	}
	d, err := r.world.do(ctx, c)
	if err == nil {
		r.made(c.Seq, d)
	}
	return err
}

// end ends sleeps and waits that the scenario wants no more.
func (r *Run) end(c *run.Call, h run.Handler) error {
	calls, err := h.End(c)
	if err != nil {
		return err
	}
	r.asleep = slices.DeleteFunc(r.asleep, func(l landing) bool {
		unwanted := slices.Contains(calls, l.step+1)
		if unwanted {
			r.landed = append(r.landed, landing{step: l.step, done: done{result: []byte("null")}, at: r.world.now})
		}
		return unwanted
	})
	r.made(c.Seq, done{result: []byte("null")})
	return nil
}

// Answer settles the step that Next returned.
func (r *Run) Answer(reply Reply) error {
	d, err := r.world.settle(r.asked, reply)
	if err != nil {
		return err
	}
	r.made(r.asked.Seq, d)
	r.asked = nil
	return nil
}

func (r *Run) made(seq int, d done) {
	l := landing{step: seq - 1, done: d, at: r.world.now.Add(d.after)}
	if d.after <= 0 {
		r.landed = append(r.landed, l)
		return
	}
	r.asleep = append(r.asleep, l)
	slices.SortStableFunc(r.asleep, func(a, b landing) int { return a.at.Compare(b.at) })
}

// land hands the next outcome over. When only sleeps are left, time passes.
// The script engine sees to it that there is one.
func (r *Run) land() script.Settle {
	from := &r.landed
	if len(r.landed) == 0 {
		from = &r.asleep
	}
	l := (*from)[0]
	*from = (*from)[1:]
	if l.at.After(r.world.now) {
		r.world.now = l.at
	}
	step, at := &r.report.Steps[l.step], r.world.now
	step.FinishedAt = &at
	settled := script.Settle{ID: step.Seq, OK: l.done.failed == nil, Value: string(l.done.result), Now: at}
	if l.done.failed == nil {
		step.Result = shown(l.done.result)
		return settled
	}
	value, err := json.Marshal(l.done.failed)
	if err != nil {
		value = []byte(`{"name":"Error","message":"the step failed"}`)
	}
	step.Error, settled.Value = value, string(value)
	return settled
}

// Abort ends the run because the trial cannot go on with it.
func (r *Run) Abort(name, message string) {
	r.report.fail(run.ErrorInfo{Name: name, Message: message, Permanent: true})
	r.Close()
}

// Close ends the run, if it has not ended.
func (r *Run) Close() {
	if r.exec != nil {
		r.exec.Close()
		r.exec, r.asked = nil, nil
	}
}

// Report is what came of the run.
func (r *Run) Report() *Report { return r.report }
