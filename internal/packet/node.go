package packet

import (
	"encoding/json"
	"strconv"

	"junctor/internal/filter"
	"junctor/internal/value"
)

type valueOf = value.Value

// node is a piece of the answer: raw as it is, a list or one of items, or an
// object of a record's own members and further ones.
type node struct {
	raw     json.RawMessage
	list    bool
	items   []*node
	own     []byte // a JSON object
	members []member
}

type member struct {
	name string
	node *node
}

func (n *node) appendJSON(b []byte) []byte {
	switch {
	case n.raw != nil:
		return append(b, n.raw...)
	case n.list:
		b = append(b, '[')
		for i, item := range n.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = item.appendJSON(b)
		}
		return append(b, ']')
	case len(n.items) > 0:
		return n.items[0].appendJSON(b)
	}
	b = append(b, '{')
	if len(n.own) > 2 {
		b = append(b, n.own[1:len(n.own)-1]...)
	}
	for i, m := range n.members {
		if i > 0 || len(n.own) > 2 {
			b = append(b, ',')
		}
		b = strconv.AppendQuote(b, m.name)
		b = append(b, ':')
		b = m.node.appendJSON(b)
	}
	return append(b, '}')
}

func literal(v value.Value) *filter.Expr { return &filter.Expr{Op: filter.Literal, Value: v} }

// jsonOf is what an account's parameter comes to.
func jsonOf(e *filter.Expr) json.RawMessage {
	if e.Op != filter.List {
		if e.Value.IsNull() {
			return json.RawMessage("null")
		}
		return e.Value.AppendJSON(nil)
	}
	b := []byte{'['}
	for i, arg := range e.Args {
		if i > 0 {
			b = append(b, ',')
		}
		b = arg.Value.AppendJSON(b)
	}
	return append(b, ']')
}

// plain is a JSON value as it stands in a URL.
func plain(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	if string(raw) == "null" {
		return ""
	}
	return string(raw)
}
