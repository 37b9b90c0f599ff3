package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"junctor/internal/channel"
	"junctor/internal/connection"
	"junctor/internal/connection/http"
	"junctor/internal/fault"
	"junctor/internal/run"
)

// Connections finds open connections; the hub keeps them.
type Connections interface {
	// HTTP is the connection with the code. Errors: fault.NotFound.
	HTTP(code string) (*http.Conn, error)
	// External is the outgoing URL of a channel. Errors: fault.NotFound.
	External(channel string) (*External, error)
}

// External is a channel's way out.
type External struct {
	Conn                         *http.Conn
	PrimaryToken, SecondaryToken string
}

// Scenarios knows which version a new run of a scenario takes.
type Scenarios interface {
	// Version of the scenario with the code. Errors: fault.NotFound.
	Version(code string) (string, error)
}

// Handlers lists how every step of the module is done.
func Handlers(connections Connections, scenarios Scenarios, records Records, now func() time.Time) run.Handlers {
	all := run.Handlers{
		"http.request":   {External: httpRequest(connections)},
		"kv.get":         {Read: kvGet(now)},
		"kv.set":         {Internal: kvSet(now)},
		"kv.delete":      {Internal: kvDelete(now)},
		"kv.increment":   {Internal: kvIncrement(now)},
		"events.publish": {Internal: publish(now)},
		"packets":        PacketHandlers(nil)["packets"], // which hub fills
		"sockets.send":   SocketHandlers(nil)["sockets.send"],
		"sockets.close":  SocketHandlers(nil)["sockets.close"],
		"sockets.list":   SocketHandlers(nil)["sockets.list"],
		"runs.start":     {Spawn: child(scenarios)},
		"runs.call":      {Child: child(scenarios)},
		"sleep":          {Sleep: sleep},
		"now":            {Now: tell},
	}
	maps.Copy(all, WaitHandlers(nil)) // which hub fills
	maps.Copy(all, recordSteps(records))
	maps.Copy(all, LinkHandlers(nil, scenarios, now)) // of a trial; hub fills them
	maps.Copy(all, ScheduleHandlers(nil))             // which hub fills
	maps.Copy(all, PollHandlers(nil, scenarios, now)) // the same
	return all
}

// ValidateHandlers are the steps that a channel's own check may make.
func ValidateHandlers(all run.Handlers) run.Handlers {
	kv := run.Handlers{}
	for _, name := range []string{"kv.get", "kv.set", "kv.delete", "kv.increment"} {
		kv[name] = all[name]
	}
	return kv
}

// OpenExternal opens a channel's outgoing URL and reads its tokens (O8).
func OpenExternal(code string, c channel.External, release string, secrets connection.Secrets) (*External, error) {
	conn, err := http.Open(http.Config{
		Label: fmt.Sprintf("outgoing URL of channel %q", code), URL: c.URL, AllowPrivate: c.AllowPrivate, Release: release,
	}, secrets)
	if err != nil {
		return nil, err
	}
	x := &External{Conn: conn}
	expand := connection.NewExpander(secrets)
	if x.PrimaryToken, err = expand.Expand(c.PrimaryToken); err != nil {
		return nil, err
	}
	x.SecondaryToken, err = expand.Expand(c.SecondaryToken)
	conn.Conceal(x.PrimaryToken, x.SecondaryToken)
	return x, err
}

// arguments reads a call's arguments, which the module's own JavaScript made.
func arguments(c *run.Call, into any) error {
	if err := json.Unmarshal(c.Args, into); err != nil {
		return &run.StepError{Name: "TypeError", Message: fmt.Sprintf("%s: %v", c.Name, err), Permanent: true}
	}
	return nil
}

// refused makes the step's failure of an error that has a code for people, and
// leaves any other as it is: the storage's, after which the run goes on later.
func refused(err error) error {
	var f *fault.Error
	if errors.As(err, &f) && f.Code == fault.Unprocessable || fault.Is(err, fault.NotFound) {
		step := &run.StepError{Name: "TypeError", Message: f.Detail, Permanent: true}
		var c *connection.Error
		if errors.As(err, &c) {
			step.Message = c.Message // it says where in which connection
		}
		return step
	}
	return err
}
