package config

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
	_ "time/tzdata" // zones by name, also where the system has none

	"junctor/internal/fault"
	"junctor/internal/strict"
	"junctor/internal/unit"
)

// DomainSettings are the settings of a domain with every default filled in.
type DomainSettings struct {
	Timezone                *time.Location // what scenarios and schedules count in; UTC by default
	Sessions                Sessions
	AllowPrivateSubscribers bool
	MetricsByToken          bool          // /metrics needs a credential
	KeepEvents              time.Duration // retention of the event log; 0: for ever
	Websockets              Websockets
	TellSucceeded           bool // runs that have succeeded are events too
}

// defaultKeepEvents is the event log's retention when the settings say nothing.
const defaultKeepEvents = 30 * 24 * time.Hour

// Websockets bounds the websockets of one node.
type Websockets struct {
	Connections int   // at the same time; 0: as many as the server takes by itself
	Message     int64 // bytes of the longest message; 0: as above
	Compress    bool  // messages may be compressed
}

// Sessions says how applications share the service.
type Sessions struct {
	Policy     string        // exclusive, per-application or unlimited
	OnConflict string        // reject or replace the holder
	Idle, Age  time.Duration // when a session ends
}

// The bounds of the settings for websockets.
const (
	mostConnections = 1_000_000
	longestMessage  = 64 << 20
)

// ParseSettings reads the settings' body; empty means all defaults. What is
// wrong has pointers into the body.
func ParseSettings(body json.RawMessage) (DomainSettings, []fault.Field) {
	s := DomainSettings{
		Timezone:   time.UTC,
		Sessions:   Sessions{Policy: "unlimited", OnConflict: "reject", Idle: 30 * time.Minute, Age: 12 * time.Hour},
		KeepEvents: defaultKeepEvents,
	}
	if len(body) == 0 {
		return s, nil
	}
	var w struct {
		Timezone string `json:"timezone"`
		Sessions struct {
			Policy     string        `json:"policy"`
			OnConflict string        `json:"on_conflict"`
			Idle       unit.Duration `json:"idle"`
			Age        unit.Duration `json:"age"`
		} `json:"sessions"`
		AllowPrivateSubscribers bool   `json:"allow_private_subscribers"`
		Metrics                 string `json:"metrics"`
		Events                  struct {
			Keep      *unit.Duration `json:"keep"`
			Succeeded bool           `json:"succeeded"`
		} `json:"events"`
		Websockets struct {
			Connections *int       `json:"connections"`
			Message     *unit.Size `json:"message"`
			Compress    bool       `json:"compress"`
		} `json:"websockets"`
	}
	found := strict.Decode(body, &w)
	word := func(pointer, given string, into *string, possible ...string) {
		switch {
		case given == "":
		case slices.Contains(possible, given):
			*into = given
		default:
			found = append(found, fault.Field{Pointer: pointer, Detail: strict.Unknown(given, possible)})
		}
	}
	word("/sessions/policy", w.Sessions.Policy, &s.Sessions.Policy, "exclusive", "per-application", "unlimited")
	word("/sessions/on_conflict", w.Sessions.OnConflict, &s.Sessions.OnConflict, "reject", "replace")
	if w.Sessions.Idle > 0 {
		s.Sessions.Idle = time.Duration(w.Sessions.Idle)
	}
	if w.Sessions.Age > 0 {
		s.Sessions.Age = time.Duration(w.Sessions.Age)
	}
	metrics := "open"
	word("/metrics", w.Metrics, &metrics, "open", "token")
	s.MetricsByToken = metrics == "token"
	s.AllowPrivateSubscribers = w.AllowPrivateSubscribers
	s.TellSucceeded = w.Events.Succeeded
	if w.Events.Keep != nil {
		s.KeepEvents = time.Duration(*w.Events.Keep)
	}
	s.Websockets.Compress = w.Websockets.Compress
	if n := w.Websockets.Connections; n != nil {
		if s.Websockets.Connections = *n; *n < 1 || *n > mostConnections {
			found = append(found, fault.Field{Pointer: "/websockets/connections", Detail: fmt.Sprintf("must be from 1 to %d", mostConnections)})
		}
	}
	if n := w.Websockets.Message; n != nil {
		if s.Websockets.Message = int64(*n); *n < 1 || *n > longestMessage {
			found = append(found, fault.Field{Pointer: "/websockets/message", Detail: "must be from 1B to " + unit.FormatSize(longestMessage)})
		}
	}
	if w.Timezone != "" {
		zone, err := time.LoadLocation(w.Timezone)
		if err != nil || w.Timezone == "Local" {
			found = append(found, fault.Field{Pointer: "/timezone", Detail: fmt.Sprintf("%q is not a time zone like Europe/Prague or UTC", w.Timezone)})
		} else {
			s.Timezone = zone
		}
	}
	return s, found
}
