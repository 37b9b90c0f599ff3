package access

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"junctor/internal/fault"
)

func wantPointers(t *testing.T, what string, found []fault.Field, pointers ...string) {
	t.Helper()
	var got []string
	for _, f := range found {
		got = append(got, f.Pointer)
	}
	if fmt.Sprint(got) != fmt.Sprint(pointers) {
		t.Errorf("%s: mistakes at %q, want %q: %+v", what, got, pointers, found)
	}
}

func TestApplicationsAreRead(t *testing.T) {
	d, found := ParseApplication("eshop", json.RawMessage(`{
		"password":"${env:ESHOP_PASSWORD}","roles":["shop"],"allow":["10.0.0.0/8","192.0.2.7","::ffff:192.0.2.9"],
		"hours":["mon-fri 08:00-18:00"],"sessions":{"policy":"per-application","on_conflict":"replace"},"unit":"prague","label":"The shop","comment":"x"}`))
	wantPointers(t, "an application", found)
	if d.Login != "eshop" || d.Kind != Application || !d.Enabled || d.Password != "${env:ESHOP_PASSWORD}" || d.Unit != "prague" ||
		fmt.Sprint(d.Roles, d.Allow) != "[shop] [10.0.0.0/8 192.0.2.7/32 192.0.2.9/32]" ||
		d.Sessions != (Sharing{PerApplication, Replace}) || len(d.Hours) != 1 {
		t.Errorf("read as %+v", d)
	}
	if d, _ := ParseAccount("jana", json.RawMessage(`{"password":"x","enabled":false}`)); d.Kind != Person || d.Enabled {
		t.Errorf("a person is read as %+v", d)
	}
}

func TestApplicationsThatCannotBe(t *testing.T) {
	for body, pointers := range map[string][]string{
		`{}`:                      {"/password"},
		`{"password":null}`:       {"/password"},
		`{"password":""}`:         {"/password"},
		`{"password":7}`:          {"/password"},
		`{"password":"${env:9}"}`: {"/password"},
		`{"password":"` + strings.Repeat("x", 1025) + `"}`:                                    {"/password"},
		`{"password":"x","role":[]}`:                                                          {"/role"},
		`{"password":"x","roles":"shop"}`:                                                     {"/roles"},
		`{"password":"x","allow":["10.0.0.0/33","example.com","10.0.0.1","","fe80::1%eth0"]}`: {"/allow/0", "/allow/1", "/allow/3", "/allow/4"},
		`{"password":"x","hours":["8-18","mon 08:00-18:00"]}`:                                 {"/hours/0"},
		`{"password":"x","sessions":{"policy":"one","on_conflict":"kick"}}`:                   {"/sessions/policy", "/sessions/on_conflict"},
		`{"password":"x","sessions":{"idle":"5m"}}`:                                           {"/sessions/idle"},
		`[]`:       {""},
		`nonsense`: {""},
	} {
		_, found := ParseApplication("eshop", json.RawMessage(body))
		wantPointers(t, body, found, pointers...)
	}
	_, found := ParseAccount("jana", json.RawMessage(`{"password":"x","sessions":{}}`))
	wantPointers(t, "sessions of a person", found, "/sessions")
	_, found = ParseAccount("two words", json.RawMessage(`{"password":"x"}`))
	wantPointers(t, "a login", found, "")
}

func TestHours(t *testing.T) {
	monday := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	at := func(day int, clock string) time.Time {
		m, _ := minutes(clock)
		return monday.AddDate(0, 0, day).Add(time.Duration(m) * time.Minute)
	}
	for _, c := range []struct {
		hours string
		day   int // from Monday
		clock string
		want  bool
	}{
		{"mon-fri 08:00-18:00", 0, "08:00", true},
		{"mon-fri 08:00-18:00", 0, "07:59", false},
		{"mon-fri 08:00-18:00", 4, "17:59", true},
		{"mon-fri 08:00-18:00", 4, "18:00", false},
		{"mon-fri 08:00-18:00", 5, "12:00", false},
		{"SAT,sun 09:00-12:00", 6, "09:30", true},
		{"sat,sun 09:00-12:00", 0, "09:30", false},
		{"fri-mon 00:00-24:00", 6, "23:59", true},
		{"fri-mon 00:00-24:00", 1, "00:00", false},
		{"fri 22:00-06:00", 4, "23:00", true},
		{"fri 22:00-06:00", 5, "05:59", true},
		{"fri 22:00-06:00", 5, "06:00", false},
		{"fri 22:00-06:00", 4, "05:00", false},
		{"08:00-24:00", 2, "23:59", true},
		{"  sun   08:00-09:00 ", 6, "08:30", true},
	} {
		h, err := ParseHours(c.hours)
		if err != nil {
			t.Errorf("%q: %v", c.hours, err)
			continue
		}
		if got := h.contains(at(c.day, c.clock)); got != c.want {
			t.Errorf("%q on day %d at %s: %v", c.hours, c.day, c.clock, got)
		}
	}
	for _, bad := range []string{"", "mon", "mon 8:00-18:00", "mon 08:00", "mon 08:00-25:00", "mon 08:00-08:00", "24:00-08:00", "08:00-00:00", "mo 08:00-18:00", "mon- 08:00-18:00", "mon 08:00-18:00 x", "mon 08:61-18:00", "mon 08:00-18:00-19:00"} {
		if h, err := ParseHours(bad); err == nil {
			t.Errorf("%q is read as %+v", bad, h)
		}
	}
}

func FuzzParseHours(f *testing.F) {
	f.Add("mon-fri 08:00-18:00")
	f.Fuzz(func(_ *testing.T, text string) {
		h, _ := ParseHours(text)
		h.contains(time.Unix(1_800_000_000, 0))
	})
}
