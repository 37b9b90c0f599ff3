package soap

import (
	"fmt"
	"strconv"
	"strings"

	"junctor/internal/class"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/record"
)

// buttonOperation makes the operation that presses a button of a class.
func buttonOperation(name, typeName string, s *shape, b *class.Button) *operation {
	label := b.Label
	if label == "" {
		label = b.Code
	}
	in := []element{{name: "record", kind: "tns:" + typeName, many: true, comment: "named by its id or a key; with version, that one is demanded"}}
	return &operation{
		name: name, comment: fmt.Sprintf("%s: starts a run for each of some records of %s, all or none.", label, s.class.Code), in: func() []element { return in },
		out:     []element{{name: "run", kind: xsString, optional: true, many: true, comment: "the id of a run, in the order of the records"}},
		records: true, serve: func(c *call) ([]byte, error) { return c.press(c.shape(s.class), b.Code) },
	}
}

// press starts the runs of a button.
func (c *call) press(s *shape, button string) ([]byte, error) {
	in := c.read([]element{{name: "record", many: true}})
	if err := in.refused(); err != nil {
		return nil, err
	}
	records := in.elements["record"]
	at, matches := make([]record.Address, len(records)), make([]record.Match, len(records))
	for i, n := range records {
		var err error
		if at[i], err = s.address(n); err == nil {
			matches[i], err = matchOf(n)
		}
		if err != nil {
			return nil, below("/record/"+strconv.Itoa(i), err)
		}
	}
	var done record.Pressed
	var refused error
	err := c.commit(nil, func(tx *db.Tx) error {
		done, refused = c.Press(tx, c.model, c.actor, record.Pressing{
			Class: s.class.Code, Button: button, At: at, Matches: matches, Key: c.r.Header.Get("Idempotency-Key"),
		})
		if refused != nil && !harmless(refused) {
			return refused
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case fault.Is(refused, fault.NotFound), fault.Is(refused, fault.Stale), fault.Is(refused, fault.VersionRequired):
		return nil, below("/record/"+strconv.Itoa(done.Refused), refused)
	case refused != nil:
		return nil, refused
	}
	if done.Again {
		c.w.Header().Set("Junctor-Duplicate", "true")
	}
	var w writer
	for _, id := range done.Runs {
		w.text("run", id)
	}
	return w.Bytes(), nil
}

// titled is a code as it stands within the name of an operation.
func titled(code string) string { return strings.ToUpper(code[:1]) + code[1:] }
