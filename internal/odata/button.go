package odata

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"junctor/internal/class"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/record"
	"junctor/internal/strict"
)

// runs is where a caller follows the run that he has started.
const runs = "/api/v1/runs/"

// button is the name of the button that a segment behind a class or a record
// means: one with its namespace, or one alone where the caller may press some.
func (q *request) button(c *class.Class, segment string) (name string, is bool) {
	if name, qualified := strings.CutPrefix(segment, namespace+"."); qualified {
		return name, true
	}
	return segment, !strings.HasPrefix(segment, "$") && len(c.Offered(q.actor.Rights.Class(c.Code))) > 0
}

func (q *request) presses(c *class.Class, name string) bool {
	return slices.ContainsFunc(c.Offered(q.actor.Rights.Class(c.Code)), func(b *class.Button) bool { return b.Code == name })
}

// press starts the run of a button for the record that the address names.
func (q *request) press(tx *db.Tx) (*answer, error) {
	if err := q.wantsJSON(); err != nil {
		return nil, err
	}
	var given map[string]json.RawMessage
	if len(bytes.TrimSpace(q.body)) > 0 && (json.Unmarshal(q.body, &given) != nil || len(given) > 0) {
		return nil, fault.New(fault.Invalid, "A button takes no parameters: leave the body empty, or send {}.")
	}
	if _, err := record.Pressable(q.model, q.actor, q.target.end.Code, q.target.button); err != nil {
		return nil, err
	}
	match, mustNot, err := q.match()
	if err == nil && mustNot {
		err = fault.New(fault.Invalid, "If-None-Match makes no sense for a button.")
	}
	if err != nil {
		return nil, err
	}
	at, err := q.there(tx)
	if err != nil {
		return nil, err
	}
	return q.pressed(tx, []record.Address{at}, []record.Match{match}, func(b []byte, started []string) []byte {
		return appendText(append(q.context(b, "#Edm.String"), `"value":`...), started[0])
	})
}

// pressMany starts the runs of a button for the records that the body names, all
// or none.
func (q *request) pressMany(tx *db.Tx) (*answer, error) {
	if err := q.wantsJSON(); err != nil {
		return nil, err
	}
	if _, err := record.Pressable(q.model, q.actor, q.target.class.Code, q.target.button); err != nil {
		return nil, err
	}
	at, matches, err := q.named()
	if err != nil {
		return nil, err
	}
	return q.pressed(tx, at, matches, func(b []byte, started []string) []byte {
		b = append(q.context(b, "#Collection(Edm.String)"), `"value":[`...)
		for i, id := range started {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendText(b, id)
		}
		return append(b, ']')
	})
}

// named reads the records of a body, each with the version that it is to have.
func (q *request) named() (at []record.Address, matches []record.Match, err error) {
	const wanted = `The body must be {"records": [...]}, with ids of records or objects with their keys.`
	all, mustNot, err := q.match()
	switch {
	case err != nil:
		return nil, nil, err
	case mustNot || all.Given && !all.Any:
		return nil, nil, fault.New(fault.Invalid, `If-Match of a button for several records can only be *: give each its own as "@odata.etag" beside its key.`)
	}
	var body struct {
		Records []json.RawMessage `json:"records" strict:"required"`
	}
	if !json.Valid(q.body) {
		return nil, nil, fault.New(fault.Invalid, wanted)
	}
	if found := strict.Decode(q.body, &body); found != nil {
		return nil, nil, fault.New(fault.Unprocessable, wanted).WithFields(found...)
	}
	var wrong []fault.Field
	c := q.target.class
	for i, raw := range body.Records {
		match := all
		one, err := record.ParseNamed(c, q.actor.Rights.Class(c.Code), raw)
		if err != nil {
			wrong = append(wrong, fault.Field{Pointer: "/records/" + strconv.Itoa(i), Detail: err.Error()})
		}
		var tagged struct {
			Tag   string `json:"@odata.etag"`
			Short string `json:"@etag"`
		}
		if json.Unmarshal(raw, &tagged) == nil && tagged.Tag+tagged.Short != "" {
			match = matchOf([]string{tagged.Tag, tagged.Short})
		}
		at, matches = append(at, one), append(matches, match)
	}
	if wrong != nil {
		return nil, nil, fault.New(fault.Unprocessable, "The records that are meant cannot be read.").WithFields(wrong...)
	}
	return at, matches, nil
}

// pressed starts a run for each of the records. write writes their ids.
func (q *request) pressed(tx *db.Tx, at []record.Address, matches []record.Match, write func(b []byte, started []string) []byte) (*answer, error) {
	done, err := q.door.Press(tx, q.model, q.actor, record.Pressing{
		Class: q.target.end.Code, Button: q.target.button, At: at, Matches: matches, Key: q.header.Get("Idempotency-Key"),
	})
	switch {
	case fault.Is(err, fault.Stale):
		return nil, &staleError{err, done.Current}
	case err != nil:
		return nil, err
	}
	a := q.json(append(write([]byte("{"), done.Runs), '}'))
	a.status = http.StatusAccepted
	if len(done.Runs) == 1 {
		a.header.Set("Location", runs+done.Runs[0])
		a.header.Set("Junctor-Run", done.Runs[0])
	}
	if done.Again {
		a.header.Set("Junctor-Duplicate", "true")
	}
	return a, nil
}
