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
		Begin: func(tx *db.Tx, c *run.Call) error {
			var a decisionArgs
			if err := arguments(c, &a); err != nil {
				return err
			}
			return l.store().Await(tx, a.ID, c.Run, c.Seq)
		},
		Look: func(tx *db.Tx, c *run.Call) ([]byte, bool, error) {
			d, ended, err := l.store().Ended(tx, c.Run, c.Seq)
			var f *fault.Error
			if errors.As(err, &f) && f.Code == fault.Gone {
				err = &run.StepError{Name: "ApprovalGone", Message: f.Detail, Permanent: true}
			}
			if err != nil || !ended {
				return nil, false, err
			}
			result, err := json.Marshal(d)
			return result, true, err
		},
		Expire: func(tx *db.Tx, c *run.Call) error { return l.store().GiveUp(tx, c.Run, c.Seq) },
		Drop:   func(tx *db.Tx, run string, seq int) error { return l.store().Leave(tx, run, seq) },
	}
}
