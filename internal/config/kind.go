package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"junctor/internal/access"
	"junctor/internal/channel"
	"junctor/internal/connection"
	"junctor/internal/connection/http"
	"junctor/internal/fault"
	"junctor/internal/function"
	"junctor/internal/packet"
	"junctor/internal/schedule"
	"junctor/internal/stored"
	"junctor/internal/strict"
	"junctor/internal/subscription"
)

// The kinds of configuration objects of this release.
const (
	Settings    = "settings" // one object, whose code is SettingsCode
	Connections = "connections"
	Scenarios   = "scenarios" // in a folder of their own
	Channels    = "channels"
	Functions   = "functions"
	Schedules   = "schedules"
	Classes     = "classes"
	Queries     = "queries"
	Packets     = "packets"

	Subscriptions = "subscriptions"

	Units        = access.Units
	Roles        = access.Roles
	Applications = access.Applications
	Accounts     = access.Accounts
)

// SettingsCode is the code of the one settings object.
const SettingsCode = "default"

// kind is all that this package knows of the objects of one kind. A new kind is
// one more of them in kinds. A member that is nil says that there is nothing to do.
type kind struct {
	name string // the key of junctor.yaml, and the noun of the admin API
	one  string // what one of them is called
	only string // the code of the one object that there is; "": a map of codes

	// check says what is wrong with a body by itself, and agree with all objects
	// what they get wrong about each other.
	check func(code string, body json.RawMessage) []fault.Field
	// refers lists the other objects that a body names. They have to be there, and
	// cannot be deleted while they are named.
	refers func(code string, body json.RawMessage) []reference
	// missing is what is said of an object that is named and is not there.
	missing string
	// caution is what a correct body is warned of, "" for nothing.
	caution func(code string, body json.RawMessage) string
	// take reads a body into the snapshot.
	take func(snap *Snapshot, code string, body json.RawMessage) []fault.Field

	// secrets are the members that hold a credential, as in channel.SecretMembers.
	secrets []string
	// isSecret tells a credential from what else may stand in such a member, and
	// beside whether one stands in a text with references.
	isSecret, beside func(member, text string) bool
}

// reference is a member of a body that names another object.
type reference struct {
	pointer, kind, code string
	agreed              bool // agree says so when it is not there
}

// kinds are all of them, each after those that it may refer to.
var kinds = []*kind{
	{
		name: Settings, one: "settings", only: SettingsCode,
		check: checked(func(_ string, body json.RawMessage) (DomainSettings, []fault.Field) { return ParseSettings(body) }),
		take: func(snap *Snapshot, _ string, body json.RawMessage) (found []fault.Field) {
			snap.Settings, found = ParseSettings(body)
			return found
		},
	},
	{
		name: Connections, one: "connection", check: checkConnection,
		take: func(snap *Snapshot, code string, body json.RawMessage) []fault.Field {
			c, found := http.Parse(code, body)
			if len(found) == 0 {
				snap.Connections[code] = c
			}
			return found
		},
		secrets: http.SecretMembers(), isSecret: http.IsSecret, beside: http.TellsBeside,
	},
	{
		name: Scenarios, one: "scenario", missing: "it would be scenarios/%s.ts",
		take: func(snap *Snapshot, code string, body json.RawMessage) (found []fault.Field) {
			var err error
			if snap.Scenarios[code], err = versionIn(body); err != nil {
				found = []fault.Field{{Detail: err.Error()}}
			}
			return found
		},
	},
	{name: Classes, one: "class", check: checkClass, refers: classRefers},
	{
		name: Subscriptions, one: "subscription", check: checked(subscription.Parse),
		refers: func(code string, body json.RawMessage) []reference {
			c, _ := subscription.Parse(code, body)
			return []reference{{pointer: "/connection", kind: Connections, code: c.Connection}}
		},
		secrets: subscription.SecretMembers(),
	},
	{
		name: Functions, one: "function", check: checked(function.Parse),
		refers: func(code string, body json.RawMessage) []reference {
			c, _ := function.Parse(code, body)
			return []reference{{pointer: "/scenario", kind: Scenarios, code: c.Scenario}}
		},
		take: taken(function.Parse, func(snap *Snapshot, c function.Config) { snap.Functions[c.Code] = &function.Function{Config: c} }),
	},
	{
		name: Schedules, one: "schedule", check: checked(schedule.Parse),
		refers: func(code string, body json.RawMessage) []reference {
			c, _ := schedule.Parse(code, body)
			return []reference{{pointer: "/scenario", kind: Scenarios, code: c.Scenario}}
		},
		caution: func(code string, body json.RawMessage) string {
			c, found := schedule.Parse(code, body)
			if len(found) > 0 {
				return ""
			}
			return c.Caution(time.Now())
		},
		take: taken(schedule.Parse, func(snap *Snapshot, c schedule.Config) { snap.Schedules[c.Code] = c }),
	},
	{
		name: Queries, one: "stored query", check: checked(stored.Parse),
		take: taken(stored.Parse, func(snap *Snapshot, q *stored.Query) { snap.Queries[q.Code] = q }),
	},
	{
		name: Packets, one: "packet", check: checked(packet.Parse), refers: packetRefers,
		take: taken(packet.Parse, func(snap *Snapshot, p *packet.Packet) { snap.Packets[p.Code] = p }),
	},
	{
		name: Units, one: "unit", check: checked(access.ParseUnit),
		refers: func(code string, body json.RawMessage) []reference {
			u, _ := access.ParseUnit(code, body)
			return []reference{{"/parent", Units, u.Parent, true}}
		},
	},
	{name: Roles, one: "role", check: checked(access.ParseRole), refers: roleRefers},
	{
		name: Channels, one: "channel", check: checkChannel,
		refers: func(code string, body json.RawMessage) []reference {
			c, _ := channel.Parse(code, body)
			return channelRefers(c)
		},
		caution: func(code string, body json.RawMessage) string {
			c, _ := channel.Parse(code, body)
			return c.Caution()
		},
		take:    taken(channel.Parse, func(snap *Snapshot, c channel.Config) { snap.Channels[c.Code] = &Channel{Config: c} }),
		secrets: channel.SecretMembers(),
	},
	{
		name: Applications, one: "application", check: checked(access.ParseApplication), refers: accountRefers(access.ParseApplication),
		secrets: access.SecretMembers(),
	},
	{
		name: Accounts, one: "account", check: checked(access.ParseAccount), refers: accountRefers(access.ParseAccount),
		secrets: access.SecretMembers(),
	},
}

// checkChannel also says whether the types of an eventing channel are patterns.
func checkChannel(code string, body json.RawMessage) []fault.Field {
	c, found := channel.Parse(code, body)
	if _, err := subscription.NewAllowed(c.Types); err != nil {
		found = append(found, fault.Field{Pointer: "/types", Detail: err.Error()})
	}
	return found
}

// checked is a parser of which only the findings are wanted.
func checked[C any](parse func(string, json.RawMessage) (C, []fault.Field)) func(string, json.RawMessage) []fault.Field {
	return func(code string, body json.RawMessage) []fault.Field {
		_, found := parse(code, body)
		return found
	}
}

// taken puts what a parser gives into the snapshot, when nothing is wrong with it.
func taken[C any](parse func(string, json.RawMessage) (C, []fault.Field), put func(*Snapshot, C)) func(*Snapshot, string, json.RawMessage) []fault.Field {
	return func(snap *Snapshot, code string, body json.RawMessage) []fault.Field {
		c, found := parse(code, body)
		if len(found) == 0 {
			put(snap, c)
		}
		return found
	}
}

// Kinds lists the kinds, each after those that it may refer to.
func Kinds() []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	return names
}

const notAvailable = "is not available in this release"

// kindOf is the kind of a name, nil when there is none.
func kindOf(name string) *kind {
	if i := slices.IndexFunc(kinds, func(k *kind) bool { return k.name == name }); i >= 0 {
		return kinds[i]
	}
	return nil
}

// written reports whether the objects stand in junctor.yaml.
func (k *kind) written() bool { return k.name != Scenarios }

// mapped reports whether they stand there below their codes.
func (k *kind) mapped() bool { return k.written() && k.only == "" }

func unknownKind(name string) string {
	possible := []string{"domain"}
	for _, k := range kinds {
		if k.written() {
			possible = append(possible, k.name)
		}
	}
	return strict.Unknown(name, possible)
}

// body checks a body by itself. Secrets that are left out are not missed here: the
// server may have them.
func (k *kind) body(code string, body json.RawMessage) []fault.Field {
	if k.check == nil {
		return nil
	}
	whole := k.whole(code, body)
	found := k.check(code, whole)
	if !bytes.Equal(whole, body) {
		found = append(found, slices.DeleteFunc(k.check(code, body), func(f fault.Field) bool { return f.Detail != strict.Twice })...)
	}
	return append(found, k.mixedSecrets(body)...)
}

// references are the named objects of a body that may be faulty.
func (k *kind) references(code string, body json.RawMessage) []reference {
	if k.refers == nil {
		return nil
	}
	return slices.DeleteFunc(k.refers(code, k.whole(code, body)), func(r reference) bool { return r.code == "" })
}

// lacks says that there is no object of the kind with the code; known are those
// that there are.
func (k *kind) lacks(code string, known []string) string {
	text := fmt.Sprintf("there is no %s %q", k.one, code)
	if near := strict.Nearest(code, known); near != "" {
		return text + fmt.Sprintf(", did you mean %q?", near)
	}
	if k.missing != "" {
		return text + ": " + fmt.Sprintf(k.missing, code)
	}
	return text
}

// sentence begins one about an object: Scenario "order".
func (k *kind) sentence(code string) string {
	return fmt.Sprintf("%s%s %q", strings.ToUpper(k.one[:1]), k.one[1:], code)
}

// laterConnections are the types that belong to a coming release.
const laterConnections = " ftp sftp smtp imap sql amqp mqtt nats kafka "

func checkConnection(name string, body json.RawMessage) []fault.Field {
	var kind struct {
		Type *string `json:"type"`
	}
	if err := json.Unmarshal(body, &kind); err == nil { // otherwise Parse says so
		switch {
		case kind.Type == nil:
			_, found := http.Parse(name, body)
			return append(found, fault.Field{Pointer: "/type", Detail: "is required; in this release it is http"})
		case strings.Contains(laterConnections, " "+*kind.Type+" "):
			return []fault.Field{{Pointer: "/type", Detail: fmt.Sprintf("%q %s; http is", *kind.Type, notAvailable)}}
		case *kind.Type != "http":
			return []fault.Field{{Pointer: "/type", Detail: strict.Unknown(*kind.Type, []string{"http"})}}
		}
	}
	_, found := http.Parse(name, body)
	return found
}

// tellsBeside reports whether a secret, or part of one, stands beside a reference.
func (k *kind) tellsBeside(member, text string) bool {
	if k.beside != nil {
		return k.beside(member, text)
	}
	return slices.ContainsFunc(connection.Beside(text), connection.IsWord)
}

// channelRefers lists what a channel needs.
func channelRefers(c channel.Config) (all []reference) {
	for _, r := range []reference{
		{pointer: "/scenario", kind: Scenarios, code: c.Scenario},
		{pointer: "/websocket_scenario", kind: Scenarios, code: c.WebsocketScenario},
		{pointer: "/websocket_role", kind: Roles, code: c.WebsocketRole},
	} {
		if r.code != "" {
			all = append(all, r)
		}
	}
	return all
}
