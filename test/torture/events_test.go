package main

import (
	"strings"
	"testing"

	"junctor/test/outside"
)

func TestExaminationFindsWhatTheLogLoses(t *testing.T) {
	published := func(keys ...string) (log []logged) {
		for _, key := range keys {
			log = append(log, logged{"/torture " + key, "torture.published", "publisher " + key[:1]})
		}
		return log
	}
	said := func(numbers ...string) (log []logged) {
		for _, n := range numbers {
			log = append(log, logged{"/junctor " + n, "talk.said", n})
		}
		return log
	}
	answered := []*message{{number: "talk-1-1", channel: talked, fate: acknowledged}, {number: "talk-1-2", channel: talked}, {number: "talk-1-3", channel: talked, fate: acknowledged}}
	told := map[string]bool{"/torture 0-0": true, "/torture 0-1": true}
	for name, c := range map[string]struct {
		log  []logged
		want string // "" when all is well
	}{
		"all":                  {published("0-0", "1-0", "0-1"), ""},
		"one is missing":       {published("0-0"), "/torture 0-1 was acknowledged and is not in the log"},
		"the first is missing": {published("0-1"), "where that with the number 0"},
		"out of order":         {published("0-1", "0-0"), "where that with the number 0"},
		"twice":                {published("0-0", "0-1", "0-1"), "is in the log 2 times"},
		"a message too early":  {append(published("0-0", "0-1"), said("talk-1-3", "talk-1-1")...), "which was said later"},
		"nobody knows of it":   {append(published("0-0", "0-1"), said("talk-1-1", "talk-1-3", "talk-1-2", "talk-0-1")...), ""},
	} {
		f := &findings{}
		f.tellers(c.log, told)
		f.talk(c.log, answered)
		if got := strings.Join(f.wrong, "\n"); (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: found %q, want %q", name, got, c.want)
		}
	}
	good := map[string][]outside.Run{"talk-1-1": {{State: "succeeded"}}, "inside-1": {{State: "succeeded"}}}
	for want, log := range map[string][]logged{"talk-1-1 has told 0 events": nil, "talk-1-1 has told 2 events": said("talk-1-1", "talk-1-1"), "inside-1 has told 1 events": said("talk-1-1", "inside-1"), "": said("talk-1-1")} {
		f := &findings{}
		f.published(log, good)
		if got := strings.Join(f.wrong, "\n"); (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("found %q, want %q", got, want)
		}
	}
}

func TestExaminationFindsWhatFollowersMiss(t *testing.T) {
	log := []logged{{key: "a"}, {key: "b"}, {key: "c"}}
	for want, heard := range map[string]string{"": "a b c", "has heard 2 events of 3": "a b", "heard b at 0": "b c", "heard c at 1": "a c", "heard d, and the log has ended": "a b c d"} {
		f := &findings{}
		f.sequence("it", log, strings.Fields(heard))
		if got := strings.Join(f.wrong, "\n"); (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%s: found %q, want %q", heard, got, want)
		}
	}

	// A connection with a name begins between what is known to be kept and what was
	// acknowledged; every other event is the next one.
	for want, c := range map[string]struct {
		at    int
		heard string
	}{
		"":                             {3, "d e"},
		"heard b, at 1, where 3 comes": {3, "b"},
		"heard c, at 2, where 4 comes": {3, "d c"},
		"goes on with a, at 0":         {-1, "a b"},
		"goes on with d, at 3":         {-1, "d"},
	} {
		f := &follower{name: "x", at: c.at, heard: []string{"a", "b", "c"}, places: map[string]int{"a": 0, "b": 1, "c": 2}, sure: 1, acked: 2}
		wrong := ""
		for _, key := range strings.Fields(c.heard) {
			if w := f.take(key, ""); wrong == "" {
				wrong = w
			}
		}
		if (want == "") != (wrong == "") || !strings.HasPrefix(wrong, want) {
			t.Errorf("%s: found %q, want %q", c.heard, wrong, want)
		}
	}
	f := &follower{name: "x", at: -1, heard: []string{"a", "b", "c"}, places: map[string]int{"a": 0, "b": 1, "c": 2}, sure: 1, acked: 2}
	for _, key := range []string{"b", "c", "d"} {
		if w := f.take(key, ""); w != "" {
			t.Error(w)
		}
	}
}
