package host

import (
	_ "embed"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"time"

	"junctor/internal/db"
	"junctor/internal/event"
	"junctor/internal/fault"
	"junctor/internal/link"
	"junctor/internal/run"
	"junctor/internal/scenario"
)

var (
	//go:embed links.js
	linksJS string
	//go:embed approval.js
	approvalJS string
)

// nowhere is where the links of trials lead.
const nowhere = "https://junctor.invalid" + link.Base

// LinkHandlers are the steps that make links and ask people. store is nil in a
// trial, where links lead nowhere.
func LinkHandlers(store func() *link.Store, scenarios Scenarios, now func() time.Time) run.Handlers {
	l := linker{store, scenarios, now}
	return run.Handlers{
		"links.event":       {Internal: l.event},
		"links.run":         {Internal: l.run},
		"links.revoke":      {Internal: l.revoke},
		"approval.open":     {Internal: l.open},
		"approval.decision": {Wait: l.decision()},
	}
}

type linker struct {
	store     func() *link.Store
	scenarios Scenarios
	now       func() time.Time
}

// end is when something ends: after so many milliseconds, or at a time.
type end struct {
	After float64    `json:"after"`
	At    *time.Time `json:"at"`
}

func (e *end) of(now time.Time) time.Time {
	if e.At != nil {
		return *e.At
	}
	return now.Add(time.Duration(min(e.After*float64(time.Millisecond), math.MaxInt64/2)))
}

// linkArgs is what every link is made of.
type linkArgs struct {
	link.Page
	Uses    int  `json:"uses"` // 0: any number
	Confirm bool `json:"confirm"`
	Expires end  `json:"expires"`
}

// linkedEvent and linkedRun are the content of a link.
type linkedEvent struct {
	Subject string          `json:"subject,omitempty"`
	Data    json.RawMessage `json:"data,omitempty"`
}

type linkedRun struct {
	Input   json.RawMessage `json:"input"`
	Subject string          `json:"subject,omitempty"`
	Tags    []string        `json:"tags,omitempty"`
	Mode    string          `json:"mode,omitempty"`
}

func (l linker) event(tx *db.Tx, c *run.Call) ([]byte, error) {
	var a struct {
		linkArgs
		linkedEvent
		Type json.RawMessage `json:"type"`
	}
	if err := arguments(c, &a); err != nil {
		return nil, err
	}
	members := map[string]json.RawMessage{"specversion": json.RawMessage(`"1.0"`), "id": json.RawMessage(`"link"`), "type": a.Type}
	if a.Subject != "" {
		subject, err := json.Marshal(a.Subject)
		if err != nil {
			return nil, err
		}
		members["subject"] = subject
	}
	if a.Data != nil {
		members["data"] = a.Data
	}
	e, err := publishable(c, members)
	if err != nil {
		return nil, refused(err)
	}
	return l.make(tx, c, a.linkArgs, link.Event, e.Type, linkedEvent{a.Subject, a.Data})
}

func (l linker) run(tx *db.Tx, c *run.Call) ([]byte, error) {
	var a struct {
		linkArgs
		linkedRun
		Scenario string `json:"scenario"`
	}
	if err := arguments(c, &a); err != nil {
		return nil, err
	}
	if l.scenarios != nil {
		if _, err := l.scenarios.Version(a.Scenario); err != nil {
			return nil, refused(err)
		}
	}
	a.Mode = c.Mode
	return l.make(tx, c, a.linkArgs, link.Run, a.Scenario, a.linkedRun)
}

// make keeps a link and answers its URL.
func (l linker) make(tx *db.Tx, c *run.Call, a linkArgs, kind link.Kind, target string, content any) ([]byte, error) {
	text, err := json.Marshal(content)
	if err != nil {
		return nil, err
	}
	made := link.Link{
		Kind: kind, Target: target, Content: text, Page: a.Page, Confirm: a.Confirm, Uses: a.Uses, From: c.Run, ExpiresAt: a.Expires.of(l.now()),
	}
	url := nowhere + c.Key()
	if l.store == nil {
		err = made.Check(l.now())
	} else {
		url, err = l.store().Make(tx, made)
	}
	if err != nil {
		return nil, named(c, err)
	}
	return json.Marshal(url)
}

// named is refused with what is wrong with which argument of the call.
func named(c *run.Call, err error) error {
	var f *fault.Error
	if errors.As(err, &f) && f.Code == fault.Unprocessable && len(f.Fields) > 0 {
		return &run.StepError{Name: "TypeError", Message: c.Name + ": " + wrongs(f.Fields), Permanent: true}
	}
	if fault.Is(err, fault.Internal) { // the key of links cannot be opened here: trying again does not help
		return &run.StepError{Name: "Error", Message: c.Name + ": " + err.Error(), Permanent: true}
	}
	return refused(err)
}

func (l linker) revoke(tx *db.Tx, c *run.Call) ([]byte, error) {
	var a struct {
		URL string `json:"url"`
	}
	if err := arguments(c, &a); err != nil {
		return nil, err
	}
	if l.store == nil {
		return []byte("true"), nil
	}
	ended, err := l.store().Revoke(tx, a.URL)
	return strconv.AppendBool(nil, ended), err
}

// LinkedEvent is the event of one use of a link. It comes from the run that has
// made the link, and begins a chain of its own: somebody has decided to use it.
func LinkedEvent(l *link.Link) (*event.Event, error) {
	var content linkedEvent
	err := json.Unmarshal(l.Content, &content)
	return &event.Event{
		ID: l.ID + "." + strconv.Itoa(l.Used), Type: l.Target, Subject: content.Subject, Data: content.Data, Run: l.From,
	}, err
}

// LinkedRun is the run of one use of a link, but for its program.
func LinkedRun(l *link.Link) (run.Start, error) {
	var content linkedRun
	err := json.Unmarshal(l.Content, &content)
	return run.Start{
		Source: "link:" + l.ID, Subject: content.Subject, Tags: content.Tags, Mode: content.Mode, Input: scenario.Input{Content: content.Input}.Encode(),
	}, err
}
