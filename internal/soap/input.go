package soap

import (
	"fmt"
	"strings"

	"junctor/internal/fault"
	"junctor/internal/strict"
	"junctor/internal/value"
)

// input reads the elements of an operation, by name. What is wrong with them is
// collected, with pointers.
type input struct {
	elements map[string][]*node
	found    []fault.Field
}

// read takes a call's elements; known are those that there are, of which many may
// come more than once.
func (c *call) read(known []element) *input {
	in := &input{elements: map[string][]*node{}}
	var listed []string
	for _, e := range known {
		listed = append(listed, e.name)
	}
	for _, child := range c.in.children {
		if !child.ours() {
			in.wrong(child.local, "is of the namespace %.200q; the elements of an operation are of %s", child.space, namespace)
			continue
		}
		at := -1
		for i, e := range known {
			if e.name == child.local {
				at = i
			}
		}
		switch {
		case at < 0:
			in.wrong(child.local, "%s", strict.Unknown(child.local, listed))
		case len(in.elements[child.local]) == 1 && !known[at].many:
			in.wrong(child.local, "%s", strict.Twice)
		default:
			in.elements[child.local] = append(in.elements[child.local], child)
		}
	}
	for _, e := range known {
		if !e.optional && in.elements[e.name] == nil {
			in.wrong(e.name, "is missing")
		}
	}
	if strings.TrimSpace(c.in.text) != "" {
		in.wrong("", "has text between its elements")
	}
	return in
}

// ours reports whether an element is one of the WSDL. Clients that leave out the
// namespace inside of the operation are understood.
func (n *node) ours() bool { return n.space == namespace || n.space == "" }

func (in *input) wrong(name, format string, args ...any) {
	pointer := ""
	if name != "" {
		pointer = strict.Pointer("", name)
	}
	in.found = append(in.found, fault.Field{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
}

// refused is everything that was wrong, nil when nothing was.
func (in *input) refused() error {
	if len(in.found) == 0 {
		return nil
	}
	return fault.New(fault.Unprocessable, "What is sent to the operation is not right.").WithFields(in.found...)
}

// text is an element's text; "" for one that is absent, nil or empty.
func (in *input) text(name string) string {
	all := in.elements[name]
	if len(all) == 0 || all[0].null {
		return ""
	}
	if len(all[0].children) > 0 {
		in.wrong(name, "must be a text")
		return ""
	}
	return all[0].text
}

// number is a whole number, nil for one that is absent.
func (in *input) number(name string, least, most int64) *int64 {
	text := strings.TrimSpace(in.text(name))
	if text == "" {
		return nil
	}
	v, err := value.FromXML(value.Integer, text)
	if err != nil || v.Int() < least || v.Int() > most {
		in.wrong(name, "must be a whole number from %d to %d, not %.100q", least, most, text)
		return nil
	}
	n := v.Int()
	return &n
}

// is reports whether a boolean is true; absent it is not.
func (in *input) is(name string) bool {
	text := strings.TrimSpace(in.text(name))
	if text == "" {
		return false
	}
	v, err := value.FromXML(value.Boolean, text)
	if err != nil {
		in.wrong(name, "must be true or false, not %.100q", text)
	}
	return v.IsTrue()
}
