package xml

import (
	"fmt"
	"strings"
)

// WriteOptions are the form of a document.
type WriteOptions struct {
	Declaration bool   // begin with <?xml version="1.0" encoding="..."?>
	Encoding    string // what the declaration says; UTF-8 when empty. The caller encodes.
	Indent      string // put before child elements, once per level; "" writes no line ends
	Limits      Limits
}

// Write writes a document. The error names the element by its path (/a/b).
func Write(root *Element, o WriteOptions) (string, error) {
	w := writer{WriteOptions: o, limits: o.Limits.normal(), scope: newScope()}
	if o.Declaration {
		encoding := o.Encoding
		if encoding == "" {
			encoding = "UTF-8"
		}
		w.WriteString(`<?xml version="1.0" encoding="` + escapeAttr.Replace(encoding) + `"?>` + "\n")
	}
	if err := w.element(root, 0); err != nil {
		return "", err
	}
	if o.Indent != "" {
		w.WriteByte('\n')
	}
	return w.String(), nil
}

type writer struct {
	WriteOptions
	strings.Builder
	limits Limits
	scope  scope
	nodes  int
	path   path
}

var (
	escapeText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#13;")
	escapeAttr = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "\t", "&#9;", "\n", "&#10;", "\r", "&#13;")
)

func (w *writer) element(e *Element, depth int) error {
	w.path = append(w.path, e.Name)
	defer w.path.pop()
	if depth >= w.limits.Depth {
		return fmt.Errorf("elements nested deeper than %d, at %s", w.limits.Depth, w.path)
	}
	if err := w.tooLong(); err != nil {
		return err
	}
	if err := w.open(e); err != nil {
		return fmt.Errorf("%s: %w", w.path, err)
	}
	defer w.scope.leave(e)
	if len(e.Children) == 0 {
		w.WriteString("/>")
		return nil
	}
	w.WriteByte('>')
	mixed := e.hasText() // white space is content there
	for _, c := range e.Children {
		if c.Element == nil {
			if r, bad := badChar(c.Text); bad {
				return fmt.Errorf("%s: XML cannot hold the character U+%04X", w.path, r)
			}
			w.WriteString(escapeText.Replace(c.Text))
			continue
		}
		w.line(depth+1, mixed)
		if err := w.element(c.Element, depth+1); err != nil {
			return err
		}
	}
	w.line(depth, mixed)
	w.WriteString("</" + e.Name + ">")
	return w.tooLong()
}

// open writes the start tag up to before its end.
func (w *writer) open(e *Element) error {
	if w.nodes += 1 + len(e.Attr); w.nodes > w.limits.Nodes {
		return fmt.Errorf("more than %d elements and attributes", w.limits.Nodes)
	}
	if err := checkNames(e); err != nil {
		return err
	}
	w.WriteString("<" + e.Name)
	for _, a := range e.Attr {
		if r, bad := badChar(a.Value); bad {
			return fmt.Errorf("attribute %s: XML cannot hold the character U+%04X", a.Name, r)
		}
		w.WriteString(" " + a.Name + `="` + escapeAttr.Replace(a.Value) + `"`)
	}
	return w.scope.enter(e)
}

func (w *writer) line(depth int, mixed bool) {
	if w.Indent != "" && !mixed {
		w.WriteString("\n" + strings.Repeat(w.Indent, depth))
	}
}

func (w *writer) tooLong() error {
	if w.Len() > w.limits.Bytes {
		return fmt.Errorf("the document would be longer than %d bytes", w.limits.Bytes)
	}
	return nil
}
