package scenario_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/scenario"
)

func TestShow(t *testing.T) {
	for _, c := range []struct {
		name string
		in   scenario.Input
		want string
	}{
		{"data", scenario.Input{Content: []byte(`{"a":1}`)}, `{"a":1}`},
		{"nothing", scenario.Input{}, ``},
		{"message", scenario.Input{Source: []byte(`{"method":"POST"}`), Content: []byte("a\nb \"c\"")}, `{"body":"a\nb \"c\"","method":"POST"}`},
		{"message without content", scenario.Input{Source: []byte(`{"method":"GET"}`)}, `{"body":"","method":"GET"}`},
		{"bytes", scenario.Input{Source: []byte(`{"method":"POST","binary":true}`), Content: []byte{0xff, 0}}, `{"binary":true,"body":"/wA=","method":"POST"}`},
		{"source that is none", scenario.Input{Source: []byte(`{`), Content: []byte("x")}, `{`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, string(scenario.Show("scenario:x", c.in.Encode()))); d != "" {
				t.Error(d)
			}
		})
	}
}

// FuzzInput: what a run keeps is what it was started with, and can be shown.
func FuzzInput(f *testing.F) {
	f.Add([]byte("text\nof lines"))
	f.Add([]byte{0xff, '\n', 0})
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, source := range []string{``, `{"method":"POST"}`, `{"method":"POST","binary":true}`} {
			in := scenario.Input{Source: []byte(source), Content: content}
			kept := in.Encode()
			got := scenario.DecodeInput(kept)
			if !bytes.Equal(got.Source, in.Source) || !bytes.Equal(got.Content, content) {
				t.Errorf("%q became %q", in, got)
			}
			if shown := scenario.Show("scenario:x", kept); source != "" && !json.Valid(shown) {
				t.Errorf("shown as %q", shown)
			}
		}
	})
}
