package host

import (
	"encoding/json"
	"errors"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/run"
)

type decisionArgs struct {
	ID    string    `json:"id"`
	Until time.Time `json:"until"`
}

// decision waits for what people decide. The approval is the wait's row.
func (l linker) decision() *run.Wait {
	return &run.Wait{
		Timeout: func(c *run.Call) (time.Duration, error) {
			var a decisionArgs
			err := arguments(c, &a)
			return max(a.Until.Sub(l.now()), time.Millisecond), err
		},
		Begin: func(tx *db.Tx, calls []*run.Call) error {
			for _, c := range calls {
				var a decisionArgs
				if err := arguments(c, &a); err != nil {
					return err
				}
				if err := l.store().Await(tx, a.ID, c.Run, c.Seq); err != nil {
					return err
				}
			}
			return nil
		},
		Look: func(tx *db.Tx, calls []*run.Call) (map[*run.Call]run.Came, error) {
			results := map[*run.Call]run.Came{}
			for _, c := range calls {
				d, ended, err := l.store().Ended(tx, c.Run, c.Seq)
				var f *fault.Error
				if errors.As(err, &f) && f.Code == fault.Gone {
					results[c] = run.Came{Err: &run.StepError{Name: "ApprovalGone", Message: f.Detail, Permanent: true}}
					continue
				}
				if err != nil {
					return nil, err
				}
				if !ended {
					continue
				}
				result, err := json.Marshal(d)
				if err != nil {
					return nil, err
				}
				results[c] = run.Came{Result: result}
			}
			return results, nil
		},
		Expire: func(tx *db.Tx, c *run.Call) error { return l.store().GiveUp(tx, c.Run, c.Seq) },
		Drop:   func(tx *db.Tx, run string, seq int) error { return l.store().Leave(tx, run, seq) },
	}
}
