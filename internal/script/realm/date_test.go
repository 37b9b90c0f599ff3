package realm_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"junctor/internal/script/realm"
)

// quote writes a string as JavaScript does.
func quote(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		panic(err) // a string always can
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// source is a script of testdata, run alike by Node and by the VM.
func source(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var zones = []string{"Europe/Prague", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC", "Africa/Casablanca", "Pacific/Apia"}

// zoneName is what Node writes after the offset and Junctor does not.
var zoneName = regexp.MustCompile(` \([A-Z][^()]*\)`)

func TestDateLikeNode(t *testing.T) {
	for _, zone := range zones {
		for _, script := range []string{"date_random.js", "date_cases.js"} {
			t.Run(zone+"/"+script, func(t *testing.T) {
				vm := newVM(t, zone, script == "date_cases.js")
				compare(t, vm, zone, source(t, script), func(node, ours string) bool {
					return zoneName.ReplaceAllString(node, "") == zoneName.ReplaceAllString(ours, "")
				})
			})
		}
	}
}

func TestDateShowsTheClockOfTheRun(t *testing.T) {
	vm := newVM(t, "Europe/Prague", true)
	for source, want := range map[string]any{
		`Date.now()`:                   float64(fixedNow),
		`+new Date()`:                  float64(fixedNow),
		`Date()`:                       "Tue Nov 25 2025 13:00:00 GMT+0100",
		`String(new Date(2026, 6, 1))`: "Wed Jul 01 2026 00:00:00 GMT+0200",
		`Date.call({}).slice(0, 3)`:    "Tue",
		`new (class extends Date {})() instanceof Date`: true,
	} {
		if got := number(eval(t, vm, source)); got != want {
			t.Errorf("%s: %v, not %v", source, got, want)
		}
	}
}

// number makes one type of the engine's numbers.
func number(v any) any {
	switch n := v.(type) {
	case int:
		return float64(n)
	case int32:
		return float64(n)
	case int64:
		return float64(n)
	}
	return v
}

func TestZone(t *testing.T) {
	loc, err := time.LoadLocation("Europe/Prague")
	if err != nil {
		t.Fatal(err)
	}
	transitions, offsets := realm.Zone(loc)
	if len(offsets) != len(transitions)+1 {
		t.Fatalf("%d offsets for %d changes", len(offsets), len(transitions))
	}
	if offsets[0] != 3464 { // local mean time of Prague: 0:57:44
		t.Errorf("before the first change %d seconds, not 3464", offsets[0])
	}
	for i, ms := range transitions {
		if i > 0 && ms <= transitions[i-1] {
			t.Fatalf("change %d is not after the one before it", i)
		}
		for _, at := range []struct{ ms, offset int64 }{{ms - 1, int64(offsets[i])}, {ms, int64(offsets[i+1])}} {
			if _, want := time.UnixMilli(at.ms).In(loc).Zone(); int64(want) != at.offset {
				t.Errorf("at %d: %d seconds, not %d", at.ms, at.offset, want)
			}
		}
	}
	if transitions, offsets := realm.Zone(time.UTC); len(transitions) != 0 || len(offsets) != 1 || offsets[0] != 0 {
		t.Errorf("UTC: %v %v", transitions, offsets)
	}
}
