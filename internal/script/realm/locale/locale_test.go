package locale_test

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/script/realm/locale"
)

func TestNumber(t *testing.T) {
	s := locale.New(time.UTC)
	for _, c := range []struct{ tag, options, value, want string }{
		{"cs-CZ", `{"style":"currency","currency":"CZK"}`, "1234567.5", "1\u00a0234\u00a0567,50\u00a0Kč"},
		{"de", `{"style":"percent","maximumFractionDigits":1}`, "0.1234", "12,3\u00a0%"},
		{"pl", `{}`, "1234.5", "1234,5"},
		{"pl", `{}`, "12345.5", "12\u00a0345,5"},
		{"en", `{"maximumFractionDigits":2}`, "1.005", "1.01"},
		{"en", `{"maximumFractionDigits":0}`, "-0.4", "-0"},
		{"en", `{"maximumFractionDigits":2}`, "1e-300", "0"},
		{"en", `{"notation":"compact"}`, "999999", "1M"},
		{"en", `{}`, "123456789012345678901234567890", "123,456,789,012,345,678,901,234,567,890"},
		{"fr", `{}`, "1234.5", "1,234.5"},
	} {
		resolved, err := s.ResolveNumber([]string{c.tag}, c.options)
		if err != nil {
			t.Fatalf("%s %s: %v", c.tag, c.options, err)
		}
		parts, err := s.Number(resolved, c.value)
		if err != nil {
			t.Fatalf("%s %s %s: %v", c.tag, c.options, c.value, err)
		}
		if got := locale.Text(parts); got != c.want {
			t.Errorf("%s %s %s: %q, not %q", c.tag, c.options, c.value, got, c.want)
		}
	}
}

func TestOptionsOutOfRange(t *testing.T) {
	s := locale.New(time.UTC)
	for _, options := range []string{`{"style":"x"}`, `{"maximumFractionDigits":101}`, `{"maximumFractionDigits":null}`, `{"minimumFractionDigits":5,"maximumFractionDigits":2}`, `{"notation":"scientific"}`, `{"style":"currency","currency":"12"}`, `{"style":"unit","unit":"furlong"}`} {
		var outside *locale.RangeError
		if out, err := s.ResolveNumber(nil, options); !errors.As(err, &outside) {
			t.Errorf("%s: %s, %v instead of a RangeError", options, out, err)
		}
	}
	resolved, err := s.ResolveNumber(nil, `{}`)
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"", "x", "1.2.3", "1e99999", "0x10", strings.Repeat("9", 20000)} {
		if parts, err := s.Number(resolved, value); err == nil {
			t.Errorf("%.20q was formatted as %.20q", value, locale.Text(parts))
		}
	}
	for _, options := range []string{`{"timeZone":"Mars/Base"}`, `{"timeZone":""}`, `{"timeZone":"Local"}`, `{"timeZone":"../../etc/passwd"}`, `{"timeZone":"+99:00"}`, `{"month":"huge"}`, `{"dayPeriod":"long"}`} {
		var outside *locale.RangeError
		if out, err := s.ResolveDate(nil, options, "any", "date"); !errors.As(err, &outside) {
			t.Errorf("%s: %s, %v instead of a RangeError", options, out, err)
		}
	}
}

func TestDateUsesTheGivenZone(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Prague")
	if err != nil {
		t.Fatal(err)
	}
	s := locale.New(zone)
	for options, want := range map[string]string{`{}`: "1. 7. 2025 0:30:00", `{"timeZone":"UTC"}`: "30. 6. 2025 22:30:00", `{"timeZone":"-02:30"}`: "30. 6. 2025 20:00:00"} {
		resolved, err := s.ResolveDate([]string{"cs"}, options, "any", "all")
		if err != nil {
			t.Fatal(err)
		}
		parts, err := s.Date(resolved, time.Date(2025, 6, 30, 22, 30, 0, 0, time.UTC).UnixMilli())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, locale.Text(parts)); diff != "" {
			t.Errorf("%s: %s", options, diff)
		}
	}
}

// One Set serves all machines of a pool at once.
func TestManyAtOnce(t *testing.T) {
	s := locale.New(time.UTC)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			tag := []string{"cs", "de", "en", "ru"}[i%4]
			number, err := s.ResolveNumber([]string{tag}, `{}`)
			if err != nil {
				t.Error(err)
				return
			}
			collator, err := s.ResolveText("collator", []string{tag}, `{"sensitivity":"case"}`)
			if err != nil {
				t.Error(err)
				return
			}
			for range 200 {
				if _, err := s.Number(number, "1234.5"); err != nil {
					t.Error(err)
				}
				if order, err := s.Compare(collator, "a", "A"); err != nil || order >= 0 {
					t.Errorf("a and A: %d, %v", order, err)
				}
			}
		})
	}
	all.Wait()
}

// A number formatted and read again is the number, whatever the digits.
func FuzzNumber(f *testing.F) {
	for _, seed := range []string{"0", "-0", "1e21", "1.5e-7", "123456.789", "NaN", "-Infinity", "", "1e", ".", "1.2.3", "1e99999"} {
		f.Add(seed, 3)
	}
	s := locale.New(time.UTC)
	f.Fuzz(func(t *testing.T, value string, digits int) {
		options, err := json.Marshal(map[string]any{"maximumFractionDigits": digits, "useGrouping": false})
		if err != nil {
			t.Fatal(err)
		}
		resolved, err := s.ResolveNumber([]string{"en"}, string(options))
		if err != nil {
			return // out of range
		}
		parts, err := s.Number(resolved, value)
		if err != nil {
			return // no number
		}
		again, err := s.Number(resolved, number(parts))
		if err != nil {
			t.Fatalf("%q became %q, which is no number: %v", value, locale.Text(parts), err)
		}
		if locale.Text(again) != locale.Text(parts) {
			t.Errorf("%q: first %q, then %q", value, locale.Text(parts), locale.Text(again))
		}
	})
}

// number writes parts as JavaScript would write the number.
func number(parts []locale.Part) string {
	text := locale.Text(parts)
	switch text {
	case "∞":
		return "Infinity"
	case "-∞":
		return "-Infinity"
	}
	return text
}
