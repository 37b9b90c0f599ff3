package xml

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Error is a document that cannot be read.
type Error struct {
	Line, Column int // of the place, in characters, from 1
	Message      string
}

func (e *Error) Error() string {
	return fmt.Sprintf("XML line %d, column %d: %s", e.Line, e.Column, e.Message)
}

// Parse reads a document. Its error is a *Error.
func Parse(text string, limits Limits) (*Element, error) {
	limits = limits.normal()
	p := parser{text: text, limits: limits, scope: newScope()}
	if len(text) > limits.Bytes {
		return nil, p.fail(0, "the document has %d bytes, more than the limit of %d", len(text), limits.Bytes)
	}
	skipped := len(text) - len(strings.TrimPrefix(text, "\ufeff"))
	p.skipped = skipped
	p.decoder = xml.NewDecoder(strings.NewReader(text[skipped:]))
	p.decoder.CharsetReader = func(_ string, input io.Reader) (io.Reader, error) {
		return input, nil // the text is decoded already, whatever its declaration says
	}
	for {
		at := p.offset()
		token, err := p.decoder.RawToken()
		if errors.Is(err, io.EOF) {
			return p.end()
		}
		if err != nil {
			return nil, p.broken(err)
		}
		if err := p.take(token, at); err != nil {
			return nil, err
		}
	}
}

type parser struct {
	text    string
	skipped int // bytes of a byte order mark
	limits  Limits
	decoder *xml.Decoder
	scope   scope
	root    *Element
	open    []*Element
	nodes   int
	begun   bool // something other than white space has come
}

func (p *parser) offset() int { return p.skipped + int(p.decoder.InputOffset()) }

func (p *parser) fail(offset int, format string, args ...any) error {
	return failAt(p.text, offset, format, args...)
}

// failAt is an error at an offset of a text.
func failAt(text string, offset int, format string, args ...any) error {
	before := text[:min(offset, len(text))]
	start := strings.LastIndexByte(before, '\n') + 1
	return &Error{
		Line: 1 + strings.Count(before, "\n"), Column: 1 + utf8.RuneCountInString(before[start:]),
		Message: fmt.Sprintf(format, args...),
	}
}

// broken turns the tokenizer's error into one with line and column.
func (p *parser) broken(err error) error {
	message := err.Error()
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		message = syntax.Msg
	}
	message = strings.TrimPrefix(message, "xml: ")
	if strings.HasPrefix(message, "invalid character entity") {
		message += ": only &lt; &gt; &amp; &quot; &apos; and character references are known; write a lone & as &amp;"
	}
	return p.fail(p.offset(), "%s", message)
}

func (p *parser) take(token xml.Token, at int) error {
	switch t := token.(type) {
	case xml.StartElement:
		return p.start(t, at)
	case xml.EndElement:
		return p.close(join(t.Name), at)
	case xml.CharData:
		return p.chars(string(t), at)
	case xml.Directive:
		return p.fail(at, errDocumentType)
	case xml.ProcInst:
		if strings.EqualFold(t.Target, "xml") && p.begun {
			return p.fail(at, "the XML declaration may stand at the beginning only")
		}
	}
	p.begun = true
	return nil
}

func (p *parser) start(t xml.StartElement, at int) error {
	p.begun = true
	e := &Element{Name: join(t.Name)}
	if p.nodes += 1 + len(t.Attr); p.nodes > p.limits.Nodes {
		return p.fail(at, "more than %d elements and attributes", p.limits.Nodes)
	}
	if len(p.open) >= p.limits.Depth {
		return p.fail(at, "elements nested deeper than %d", p.limits.Depth)
	}
	if len(t.Attr) > p.limits.Attrs {
		return p.fail(at, "more than %d attributes on an element", p.limits.Attrs)
	}
	for _, a := range t.Attr {
		e.Attr = append(e.Attr, Attr{Name: join(a.Name), Value: a.Value})
	}
	if err := checkNames(e); err != nil {
		return p.fail(at, "%v", err)
	}
	if err := p.scope.enter(e); err != nil {
		return p.fail(at, "%v", err)
	}
	switch {
	case len(p.open) > 0:
		parent := p.open[len(p.open)-1]
		parent.Children = append(parent.Children, Node{Element: e})
	case p.root != nil:
		return p.fail(at, "a second root element <%s> after <%s>", e.Name, p.root.Name)
	default:
		p.root = e
	}
	p.open = append(p.open, e)
	return nil
}

func checkNames(e *Element) error {
	err := checkName(e.Name)
	for _, a := range e.Attr {
		err = errors.Join(err, checkName(a.Name))
	}
	return err
}

func (p *parser) close(name string, at int) error {
	if len(p.open) == 0 {
		return p.fail(at, "</%s> closes nothing", name)
	}
	e := p.open[len(p.open)-1]
	if e.Name != name {
		return p.fail(at, "</%s> where </%s> is expected", name, e.Name)
	}
	p.open = p.open[:len(p.open)-1]
	p.scope.leave(e)
	e.tidy()
	return nil
}

func (p *parser) chars(text string, at int) error {
	if len(p.open) == 0 {
		if strings.TrimLeft(text, " \t\r\n") != "" {
			return p.fail(at, "text outside of the root element")
		}
		return nil
	}
	if text != "" {
		e := p.open[len(p.open)-1]
		e.Children = append(e.Children, Node{Text: text})
	}
	return nil
}

// tidy drops the indentation between child elements and joins pieces of text
// that a CDATA section or a comment divided.
func (e *Element) tidy() {
	indentation := e.hasElements() && !slices.ContainsFunc(e.Children, func(n Node) bool { return strings.Trim(n.Text, " \t\r\n") != "" })
	kept := e.Children[:0]
	for i := 0; i < len(e.Children); i++ {
		if e.Children[i].Element != nil {
			kept = append(kept, e.Children[i])
			continue
		}
		end := i + 1
		for end < len(e.Children) && e.Children[end].Element == nil {
			end++
		}
		if !indentation {
			joined := Element{Children: e.Children[i:end]}
			kept = append(kept, Node{Text: joined.text()})
		}
		i = end - 1
	}
	clear(e.Children[len(kept):])
	e.Children = kept
}

func (p *parser) end() (*Element, error) {
	switch {
	case len(p.open) > 0:
		return nil, p.fail(len(p.text), "the document ends inside of <%s>", p.open[len(p.open)-1].Name)
	case p.root == nil:
		return nil, p.fail(len(p.text), "the document has no element")
	}
	return p.root, nil
}

func join(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}
