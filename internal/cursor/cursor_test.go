package cursor_test

import (
	"testing"

	"junctor/internal/cursor"
	"junctor/internal/fault"
)

type form struct {
	Name string `json:"n"`
	At   int    `json:"a,omitempty"`
}

func TestACursorComesBack(t *testing.T) {
	want, got := form{Name: "ž\"", At: -3}, form{}
	if err := cursor.Decode(cursor.Encode(want), &got); err != nil || got != want {
		t.Errorf("%+v %v", got, err)
	}
}

func TestDamagedCursors(t *testing.T) {
	whole := cursor.Encode(form{Name: "orders", At: 100})
	bad := []string{"", "x", "?", whole + "A", "A" + whole, cursor.Encode(map[string]int{"unknown": 1}), cursor.Encode(5)}
	for i := range whole {
		bad = append(bad, whole[:i], whole[:i]+whole[i+1:])
	}
	for _, text := range bad {
		if err := cursor.Decode(text, &form{}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(cursor.Encode(form{Name: "orders", At: 100}))
	f.Fuzz(func(t *testing.T, text string) {
		var got form
		if err := cursor.Decode(text, &got); err != nil && !fault.Is(err, fault.Invalid) {
			t.Error(err)
		}
	})
}
