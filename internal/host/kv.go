package host

import (
	"encoding/json"
	"strconv"
	"time"

	"junctor/internal/db"
	"junctor/internal/kv"
	"junctor/internal/run"
)

type kvArgs struct {
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
	By    int64           `json:"by"`
	TTL   float64         `json:"ttl"` // milliseconds; 0: for ever
}

func (a *kvArgs) ttl() time.Duration { return time.Duration(a.TTL * float64(time.Millisecond)) }

// step is what handlers of the database have in common.
type step = func(*db.Tx, *run.Call) ([]byte, error)

func kvStep(do func(*db.Tx, *kvArgs) ([]byte, error)) step {
	return func(tx *db.Tx, c *run.Call) ([]byte, error) {
		var a kvArgs
		if err := arguments(c, &a); err != nil {
			return nil, err
		}
		result, err := do(tx, &a)
		return result, refused(err)
	}
}

func kvGet(now func() time.Time) step {
	return kvStep(func(tx *db.Tx, a *kvArgs) ([]byte, error) {
		value, _, err := kv.Get(tx, a.Key, now())
		return value, err
	})
}

func kvSet(now func() time.Time) step {
	return kvStep(func(tx *db.Tx, a *kvArgs) ([]byte, error) {
		return nil, kv.Set(tx, a.Key, a.Value, a.ttl(), now())
	})
}

func kvDelete(now func() time.Time) step {
	return kvStep(func(tx *db.Tx, a *kvArgs) ([]byte, error) {
		had, err := kv.Delete(tx, a.Key, now())
		return strconv.AppendBool(nil, had), err
	})
}

func kvIncrement(now func() time.Time) step {
	return kvStep(func(tx *db.Tx, a *kvArgs) ([]byte, error) {
		sum, err := kv.Increment(tx, a.Key, a.By, a.ttl(), now())
		return strconv.AppendInt(nil, sum, 10), err
	})
}
