package host

import (
	_ "embed"
	"encoding/json"
	"strings"
	"time"

	"junctor/internal/db"
	"junctor/internal/event"
	"junctor/internal/fault"
	"junctor/internal/run"
)

//go:embed events.js
var eventsJS string

// publish appends a run's event. Its id, where the scenario gives none, is the
// step's key: a step that a retry makes again tells nothing twice.
func publish(now func() time.Time) step {
	return func(tx *db.Tx, c *run.Call) ([]byte, error) {
		e, err := published(c)
		if err == nil {
			err = event.Append(tx, now(), e)
		}
		if err != nil {
			return nil, refused(err)
		}
		return json.Marshal(struct {
			ID string `json:"id"`
		}{e.ID})
	}
}

// published is the event of a call, whose arguments are its attributes and data.
func published(c *run.Call) (*event.Event, error) {
	var members map[string]json.RawMessage
	if err := arguments(c, &members); err != nil {
		return nil, err
	}
	members["specversion"] = json.RawMessage(`"1.0"`)
	if members["id"] == nil {
		members["id"] = json.RawMessage(`"` + c.Key() + `"`)
	}
	e, err := publishable(c, members)
	if err != nil {
		return nil, err
	}
	e.Run, e.Depth = c.Run, c.Depth+1
	return e, nil
}

// publishable makes an event that a scenario may publish of its members; one
// without a source is the domain's own.
func publishable(c *run.Call, members map[string]json.RawMessage) (*event.Event, error) {
	foreign := members["source"] != nil
	if !foreign {
		members["source"] = json.RawMessage(`"/"`) // in the place of the domain's own
	}
	doc, err := json.Marshal(members)
	if err != nil {
		return nil, err
	}
	e, found := event.Parse(doc)
	if len(found) == 0 && event.Reserved(e.Type) {
		found = append(found, fault.Field{Pointer: "/type", Detail: "begins with a word that is kept for what Junctor itself tells"})
	}
	if len(found) > 0 {
		return nil, fault.New(fault.Unprocessable, "%s: %s", c.Name, wrongs(found))
	}
	if !foreign {
		e.Source = ""
	}
	return e, nil
}

// wrongs is what is wrong with the members of a call, in words.
func wrongs(found []fault.Field) string {
	all := make([]string, len(found))
	for i, f := range found {
		all[i] = strings.TrimSpace(strings.TrimPrefix(f.Pointer, "/") + " " + f.Detail)
	}
	return strings.Join(all, "; ")
}
