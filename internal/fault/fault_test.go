package fault_test

import (
	"errors"
	"testing"

	"junctor/internal/fault"
)

func TestErrorIsOneSentence(t *testing.T) {
	cause := errors.New("no route")
	for want, err := range map[string]error{
		"It cannot be done.":           fault.New(fault.Invalid, "It cannot be done."),
		"It cannot be done: no route":  fault.Wrap(cause, fault.Invalid, "It cannot be done."),
		"it cannot be done: no route":  fault.Wrap(cause, fault.Invalid, "it cannot be done"),
		"Wrong: /a is odd: no route":   fault.Wrap(cause, fault.Invalid, "Wrong.").WithFields(fault.Field{Pointer: "/a", Detail: "is odd"}),
		"Wrong: /a is odd; /b is even": fault.New(fault.Invalid, "Wrong.").WithFields(fault.Field{Pointer: "/a", Detail: "is odd"}, fault.Field{Pointer: "/b", Detail: "is even"}),
	} {
		if got := err.Error(); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

func TestOnePlaceIsFoundOnce(t *testing.T) {
	var found fault.Found
	found.Add("/a", "is %d", 1)
	found.Add("/b", "is %d", 2)
	found.Add("/a", "is something else too")
	if len(found) != 2 || found[0] != (fault.Field{Pointer: "/a", Detail: "is 1"}) || found[1].Pointer != "/b" {
		t.Errorf("%+v", found)
	}
}
