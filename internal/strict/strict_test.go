package strict_test

import (
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/fault"
	"junctor/internal/strict"
	"junctor/internal/unit"
)

type base struct {
	Comment string `json:"comment"`
}

type door struct {
	base
	Name    string            `json:"name" strict:"required"`
	Width   int               `json:"width"`
	Small   uint8             `json:"small"`
	Weight  *float64          `json:"weight"`
	Open    bool              `json:"open"`
	Timeout unit.Duration     `json:"timeout"`
	Locks   []lock            `json:"locks"`
	Labels  map[string]string `json:"labels"`
	Raw     json.RawMessage   `json:"raw"`
	Any     any               `json:"any"`
	Net     netip.Prefix      `json:"net"`
	Odd     odd               `json:"odd"`
	Hidden  string            `json:"-"`
	Inner   *lock             `json:"body_limit"`
	secret  string            //nolint:unused // a field that no document may reach
}

type lock struct {
	Key string `json:"key" strict:"required"`
}

// odd refuses everything with places of its own.
type odd struct{}

func (*odd) UnmarshalJSON([]byte) error {
	return fault.New(fault.Invalid, "odd").WithFields(fault.Field{Pointer: "/x/0", Detail: "is odd"})
}

func TestDecodeTakesEverything(t *testing.T) {
	var got door
	found := strict.Decode([]byte(` {"comment":"c","name":"n","width":3,"small":255,"weight":1.5,"open":true,"timeout":"30s",
		"locks":[{"key":"a"},{"key":"b"}],"labels":{"a/b":"1"},"raw":{"x":[1]},"any":[1,"a"],"net":"10.0.0.0/8","body_limit":{"key":"i"}} `), &got)
	if found != nil {
		t.Fatal(found)
	}
	weight := 1.5
	want := door{
		base: base{Comment: "c"}, Name: "n", Width: 3, Small: 255, Weight: &weight, Open: true, Timeout: unit.Duration(30e9),
		Locks: []lock{{"a"}, {"b"}}, Labels: map[string]string{"a/b": "1"}, Raw: json.RawMessage(`{"x":[1]}`),
		Any: []any{1.0, "a"}, Net: netip.MustParsePrefix("10.0.0.0/8"), Inner: &lock{"i"},
	}
	compare := cmp.Options{cmp.AllowUnexported(door{}), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })}
	if diff := cmp.Diff(want, got, compare); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeNullIsNil(t *testing.T) {
	weight := 2.0
	got := door{Weight: &weight, Locks: []lock{{}}, Labels: map[string]string{"a": "b"}, Inner: &lock{}}
	if found := strict.Decode([]byte(`{"name":"n","weight":null,"locks":null,"labels":null,"raw":null,"body_limit":null}`), &got); found != nil {
		t.Fatal(found)
	}
	if got.Weight != nil || got.Locks != nil || got.Labels != nil || got.Inner != nil || string(got.Raw) != "null" {
		t.Errorf("not cleared: %+v", got)
	}
}

func TestDecodeFindsEverythingAtOnce(t *testing.T) {
	var got door
	found := strict.Decode([]byte(`{"widht":1,"Open":true,"body-limit":1,"secret":"s","Hidden":"","a/b~c":0,
		"width":"3","small":256,"weight":1e999,"open":null,"timeout":"soon","locks":[{"key":1},7,{"keys":"x"}],
		"labels":{"a":{},"a":"x"},"net":5,"odd":1,"body_limit":[],"comment":3,"comment":"x"}`), &got)
	want := []fault.Field{
		{Pointer: "/widht", Detail: `"widht" is not known here, did you mean "width"?`},
		{Pointer: "/Open", Detail: `"Open" is not known here, did you mean "open"?`},
		{Pointer: "/body-limit", Detail: `"body-limit" is not known here, did you mean "body_limit"?`},
		{Pointer: "/secret", Detail: `"secret" is not known here`},
		{Pointer: "/Hidden", Detail: `"Hidden" is not known here`},
		{Pointer: "/a~1b~0c", Detail: `"a/b~c" is not known here`},
		{Pointer: "/width", Detail: "must be a whole number, not a text"},
		{Pointer: "/small", Detail: "must be a whole number from 0 up, not 256"},
		{Pointer: "/weight", Detail: "1e999 is too large"},
		{Pointer: "/open", Detail: "must be true or false, not null"},
		{Pointer: "/timeout", Detail: `"soon" is not a duration: write it like 200ms, 30s, 5m, 1h30m or 3d`},
		{Pointer: "/locks/0/key", Detail: "must be a text, not a number"},
		{Pointer: "/locks/1", Detail: "must be an object, not a number"},
		{Pointer: "/locks/2/keys", Detail: `"keys" is not known here, did you mean "key"?`},
		{Pointer: "/locks/2/key", Detail: "is required"},
		{Pointer: "/labels/a", Detail: "must be a text, not an object"},
		{Pointer: "/labels/a", Detail: "is given twice"},
		{Pointer: "/net", Detail: "must be a text, not a number"},
		{Pointer: "/odd/x/0", Detail: "is odd"},
		{Pointer: "/body_limit", Detail: "must be an object, not a list"},
		{Pointer: "/comment", Detail: "must be a text, not a number"},
		{Pointer: "/comment", Detail: "is given twice"},
		{Pointer: "/name", Detail: "is required"},
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeSaysHowATimeIsWritten(t *testing.T) {
	for _, doc := range []string{`{"since":"yesterday"}`, `{"since":"2026-11-22"}`, `{"since":5}`} {
		var got struct {
			Since *time.Time `json:"since"`
		}
		want := []fault.Field{{Pointer: "/since", Detail: "must be a time like 2026-11-22T08:00:00Z (RFC 3339)"}}
		if diff := cmp.Diff(want, strict.Decode([]byte(doc), &got)); diff != "" {
			t.Errorf("%s: %s", doc, diff)
		}
	}
}

func TestDecodeWholeDocument(t *testing.T) {
	for name, c := range map[string]struct{ data, want string }{
		"empty":       {" \n", "is empty, JSON is expected"},
		"not UTF-8":   {"\"\xff\"", "is not UTF-8"},
		"syntax":      {"{\n \"é\": tru }", "is not JSON: line 2, column 10: invalid character ' ' in literal true (expecting 'e')"},
		"cut":         {`{"name":`, "is not JSON: line 1, column 8: unexpected end of JSON input"},
		"two":         {`{} {}`, "is not JSON: line 1, column 4: invalid character '{' after top-level value"},
		"other kind":  {`[]`, "must be an object, not a list"},
		"null":        {`null`, "must be an object, not null"},
		"very nested": {strings.Repeat("[", 20000), "is not JSON: line 1, column 10001: invalid character '[' exceeded max depth"},
	} {
		t.Run(name, func(t *testing.T) {
			var got door
			found := strict.Decode([]byte(c.data), &got)
			if len(found) != 1 || found[0].Pointer != "" || len(found[0].Detail) < len(c.want) || found[0].Detail[:len(c.want)] != c.want {
				t.Errorf("got %q, want %q", found, c.want)
			}
		})
	}
}

func TestRequiredNull(t *testing.T) {
	var got door
	want := []fault.Field{{Pointer: "/name", Detail: "is required"}}
	if diff := cmp.Diff(want, strict.Decode([]byte(`{"name":null}`), &got)); diff != "" {
		t.Error(diff)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"scenario", "subject", "await", "idempotency", "external"}
	for name, want := range map[string]string{
		"scenaro": "scenario", "Scenario": "scenario", "awiat": "await", "idempotancy": "idempotency",
		"xyz": "", "": "", "extern-al": "external", "a": "",
	} {
		if got := strict.Nearest(name, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestNone(t *testing.T) {
	for name, want := range map[string]string{
		"ordrs": `There is no class "ordrs", did you mean "orders"?`,
		"x":     `There is no class "x", possible: orders, lines.`,
	} {
		if got := strict.None("class", name, []string{"orders", "lines"}); got != want {
			t.Errorf("None(%q) = %q, want %q", name, got, want)
		}
	}
	if got, want := strict.None("class", "x", nil), `There is no class "x".`; got != want {
		t.Errorf("None of none = %q, want %q", got, want)
	}
}

func TestPanicsWithoutPointer(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a value that cannot be set was taken")
		}
	}()
	strict.Decode([]byte(`{}`), door{})
}

// What encoding/json refuses is refused, and what strict takes, encoding/json
// reads to the same value.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"name":"n","locks":[{"key":"a"}],"labels":{"x":"y"},"width":1}`))
	f.Add([]byte(`{"name":"n","weight":null,"any":{"a":[null]}}`))
	f.Add([]byte(`{"name":`))
	f.Fuzz(func(t *testing.T, data []byte) {
		type plain struct {
			Name   string            `json:"name"`
			Width  int               `json:"width"`
			Weight *float64          `json:"weight"`
			Locks  []lock            `json:"locks"`
			Labels map[string]string `json:"labels"`
			Any    any               `json:"any"`
		}
		var got, want plain
		found := strict.Decode(data, &got)
		err := json.Unmarshal(data, &want)
		var mismatch *json.UnmarshalTypeError
		if err != nil && !errors.As(err, &mismatch) && len(found) != 1 {
			t.Fatalf("encoding/json says %v, strict %v", err, found)
		}
		if found == nil {
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Fatal(err, diff)
			}
		}
	})
}
