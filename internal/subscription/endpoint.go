package subscription

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"junctor/internal/connection"
	"junctor/internal/connection/http"
	"junctor/internal/db"
	"junctor/internal/limit"
	"junctor/internal/unit"
)

// endpoint is where a version of a subscription sends to.
type endpoint struct {
	version int64
	mu      sync.Mutex
	private bool
	conn    *http.Conn
	pace    *limit.Bucket // nil: none yet
	epoch   int64         // of the secrets that the keys were read at
	keys    [][]byte      // nil: not read
	old     []byte        // signs until the row's oldUntil
}

// connect is where the subscription sends to.
func (s *Store) connect(x *subscriber) (*http.Conn, error) {
	if x.config.Connection != "" {
		return s.Connection(x.config.Connection)
	}
	e := x.endpoint
	e.mu.Lock()
	defer e.mu.Unlock()
	private := s.Private()
	if e.conn != nil && e.private == private {
		return e.conn, nil
	}
	conn, err := http.Open(http.Config{
		Label: fmt.Sprintf("subscription %q", x.code), URL: x.config.URL, AllowPrivate: private, AllowedBy: "settings.allow_private_subscribers", Release: s.Release,
	}, s.Secret)
	if err != nil {
		return nil, err
	}
	if e.conn != nil {
		e.conn.Close() //nolint:errcheck // it drops idle connections; there is nothing to lose
	}
	e.conn, e.private = conn, private
	return conn, nil
}

// paced is what keeps to a rate, nil without one.
func (e *endpoint) paced(rate unit.Rate, now func() time.Time) *limit.Bucket {
	if rate.Count == 0 {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.pace == nil {
		e.pace = limit.NewBucket(limit.Rule{Size: 1, Refill: rate.Per / time.Duration(rate.Count)}, now)
	}
	return e.pace
}

// keys are what a delivery is signed with now: the present secret first.
func (s *Store) keys(x *subscriber, now time.Time) ([][]byte, error) {
	e, epoch := x.endpoint, s.secrets.Load()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.keys == nil || e.epoch != epoch {
		var err error
		if e.keys, e.old, err = s.readKeys(x); err != nil {
			return nil, err
		}
		e.epoch = epoch
	}
	if e.old != nil && db.Micros(now) < x.oldUntil {
		return append(slices.Clip(e.keys), e.old), nil
	}
	return e.keys, nil
}

// readKeys reads the keys of a subscription, and the one that holds until oldUntil.
func (s *Store) readKeys(x *subscriber) (keys [][]byte, old []byte, err error) {
	opened := func(sealed []byte) (key []byte, err error) {
		plain, err := s.Open(place(x.code), sealed)
		if err == nil {
			key, err = parseSecret(string(plain))
		}
		return key, err
	}
	expand := connection.NewExpander(s.Secret)
	for _, text := range []string{x.config.Secret, x.config.OldSecret} {
		if text == "" {
			continue
		}
		plain, err := expand.Expand(text)
		if err != nil {
			return nil, nil, err
		}
		key, err := parseSecret(plain)
		if err != nil {
			return nil, nil, fmt.Errorf("its secret %w", err)
		}
		keys = append(keys, key)
	}
	if x.config.Secret == "" && x.sealed != nil {
		key, err := opened(x.sealed)
		if err != nil {
			return nil, nil, err
		}
		keys = append([][]byte{key}, keys...)
		if x.oldSealed != nil {
			if old, err = opened(x.oldSealed); err != nil {
				return nil, nil, err
			}
		}
	}
	return keys, old, nil
}

// SecretsChanged says that what references stand for may have changed.
func (s *Store) SecretsChanged() { s.secrets.Add(1) }
