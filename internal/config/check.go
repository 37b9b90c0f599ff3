package config

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"junctor/internal/channel"
	"junctor/internal/connection/http"
	"junctor/internal/fault"
	"junctor/internal/script"
	"junctor/internal/strict"
)

// Check finds everything that is wrong with a set, with pointers such as
// /channels/shop/scenario. It compiles the scenarios.
func Check(ctx context.Context, set *Set) []fault.Field {
	_, found := check(ctx, set)
	return found
}

// check is Check that hands on what was compiled.
func check(ctx context.Context, set *Set) (map[string]*script.Program, []fault.Field) {
	programs, found := checkScenarios(ctx, set.Scenarios)
	known := map[string]string{}
	for name := range set.Scenarios {
		known[name] = ""
	}
	return programs, append(found, checkObjects(set, known)...)
}

// checkObjects is Check for everything but the scenarios' own content. known
// has the scenarios that a channel may name; one with a reason exists but
// cannot be used, and the reason is the answer.
func checkObjects(set *Set, known map[string]string) []fault.Field {
	var c checker
	if set.Domain != "" && set.Domain != Domain {
		c.add("/domain", "this release has the domain %q only", Domain)
	}
	_, found := ParseSettings(set.Settings)
	c.below("/settings", found)
	for _, kind := range sorted(set.Objects) {
		if kind != Connections && kind != Channels {
			c.add("/"+kind, "%s", unknownKind(kind))
			continue
		}
		for _, name := range sorted(set.Objects[kind]) {
			pointer := strict.Pointer("/"+kind, name)
			if wrong := checkCode(name); wrong != "" {
				c.add(pointer, "%s", wrong)
			}
			c.object(pointer, kind, name, set.Objects[kind][name], known)
		}
	}
	return c.found
}

func unknownKind(kind string) string {
	for _, later := range laterKinds() {
		if kind == later {
			return notAvailable
		}
	}
	return strict.Unknown(kind, []string{"domain", Settings, Connections, Channels})
}

type checker struct{ found []fault.Field }

func (c *checker) add(pointer, format string, args ...any) {
	c.found = append(c.found, fault.Field{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
}

func (c *checker) below(pointer string, found []fault.Field) {
	for _, f := range found {
		c.add(pointer+f.Pointer, "%s", f.Detail)
	}
}

func (c *checker) object(pointer, kind, name string, body json.RawMessage, known map[string]string) {
	c.below(pointer, checkObject(kind, name, body))
	if kind == Connections {
		return
	}
	parsed, _ := channel.Parse(name, Whole(kind, name, body))
	if parsed.Scenario == "" {
		return
	}
	reason, exists := known[parsed.Scenario]
	switch {
	case !exists:
		c.add(pointer+"/scenario", "%s", missingScenario(parsed.Scenario, sorted(known)))
	case reason != "":
		c.add(pointer+"/scenario", "%s", reason)
	}
}

// checkObject checks a body by itself. Secrets that are left out are not missed
// here: the server may have them.
func checkObject(kind, name string, body json.RawMessage) []fault.Field {
	parse := checkConnection
	if kind == Channels {
		parse = func(name string, body json.RawMessage) []fault.Field {
			_, found := channel.Parse(name, body)
			return found
		}
	}
	whole := Whole(kind, name, body)
	found := parse(name, whole)
	if !bytes.Equal(whole, body) {
		found = append(found, slices.DeleteFunc(parse(name, body), func(f fault.Field) bool { return f.Detail != strict.Twice })...)
	}
	return append(found, mixedSecrets(kind, body)...)
}

func missingScenario(name string, known []string) string {
	if near := strict.Nearest(name, known); near != "" {
		return fmt.Sprintf("there is no scenario %q, did you mean %q?", name, near)
	}
	return fmt.Sprintf("there is no scenario %q: it would be scenarios/%s.ts", name, name)
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
