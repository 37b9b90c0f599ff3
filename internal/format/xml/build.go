package xml

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// FromJSON makes an element of the JSON that the package comment describes; the
// order of members is kept. Errors name the place by its path.
func FromJSON(data []byte, ordered bool, limits Limits) (*Element, error) {
	b := builder{decoder: json.NewDecoder(bytes.NewReader(data)), depth: limits.normal().Depth, nodes: limits.normal().Nodes}
	b.decoder.UseNumber()
	root := &Element{}
	var err error
	if ordered {
		var node Node
		if node, err = b.orderedNode(0); node.Element == nil && err == nil {
			err = errors.New("the root is a text, not an element")
		}
		root = node.Element
	} else {
		err = b.root(root)
	}
	if err != nil {
		return nil, err
	}
	return root, nil
}

// DataForm says how FromData writes what XML has no form of its own for.
type DataForm struct {
	Root  string // the root element
	Space string // its namespace, "" for none
	Item  string // the elements for the items of arrays without a name
	Wrap  bool   // an array is one element with items in it, not a repeated one
}

// FromData makes an element of any JSON value, in the mapping that the package
// comment describes: an object is the content of the root element, and the
// items of an array that stands alone or within another one are elements named
// form.Item. Errors are a member whose name cannot stand in XML, and nesting
// deeper than the limit.
func FromData(data []byte, form DataForm, limits Limits) (*Element, error) {
	b := builder{decoder: json.NewDecoder(bytes.NewReader(data)), depth: limits.normal().Depth, form: form, nodes: limits.normal().Nodes}
	b.decoder.UseNumber()
	holder := &Element{}
	if err := b.child(holder, form.Root, 0, true); err != nil {
		return nil, err
	}
	root := holder.Children[0].Element
	if form.Space != "" {
		root.Attr = append([]Attr{{Name: "xmlns", Value: form.Space}}, root.Attr...)
	}
	return root, nil
}

// builder reads JSON token by token, which keeps the order of members.
type builder struct {
	decoder *json.Decoder
	depth   int
	path    path
	form    DataForm
	nodes   int // elements and attributes left
}

// count takes note of one more element or attribute.
func (b *builder) count() error {
	if b.nodes--; b.nodes < 0 {
		return fmt.Errorf("more elements and attributes than the limit, at %s", b.path)
	}
	return nil
}

var errRoot = errors.New(`one member is expected, the root element, as in {"order": {...}}`)

// root reads {"name": value} into the element.
func (b *builder) root(root *Element) error {
	holder := &Element{}
	token, err := b.decoder.Token()
	if err != nil {
		return err
	}
	if token != json.Delim('{') {
		return errRoot
	}
	if err := b.members(holder, 0); err != nil {
		return err
	}
	if len(holder.Children) != 1 || holder.Children[0].Element == nil || len(holder.Attr) > 0 {
		return errRoot
	}
	*root = *holder.Children[0].Element
	return nil
}

// members reads the members of an object, up to its end, into the element.
func (b *builder) members(e *Element, depth int) error {
	if depth > b.depth {
		return fmt.Errorf("elements nested deeper than %d, at %s", b.depth, b.path)
	}
	for b.decoder.More() {
		key, err := b.decoder.Token()
		if err != nil {
			return err
		}
		name := key.(string) // members have text names
		switch {
		case name == "#text":
			err = b.textMember(e)
		case len(name) > 0 && name[0] == '@':
			err = b.attrMember(e, name[1:])
		default:
			b.path = append(b.path, name)
			err = b.child(e, name, depth, false)
			b.path.pop()
		}
		if err != nil {
			return err
		}
	}
	_, err := b.decoder.Token()
	return err
}

// child reads a value as one element with this name, or one for each item.
func (b *builder) child(parent *Element, name string, depth int, inArray bool) error {
	if err := b.count(); err != nil {
		return err
	}
	token, err := b.decoder.Token()
	if err != nil {
		return err
	}
	if token == json.Delim('[') {
		if inArray && b.form.Item == "" {
			return fmt.Errorf("%s: an array within an array has no meaning in XML", b.path)
		}
		if inArray || b.form.Wrap {
			e := &Element{Name: name}
			parent.Children = append(parent.Children, Node{Element: e})
			parent, name, depth = e, b.form.Item, depth+1
		}
		return b.items(parent, name, depth)
	}
	e := &Element{Name: name}
	if token == json.Delim('{') {
		err = b.members(e, depth+1)
	} else if text := scalar(token); text != "" {
		e.Children = []Node{{Text: text}}
	}
	parent.Children = append(parent.Children, Node{Element: e})
	return err
}

// items reads the items of an array, up to its end, each as an element with
// this name.
func (b *builder) items(parent *Element, name string, depth int) error {
	if depth > b.depth {
		return fmt.Errorf("elements nested deeper than %d, at %s", b.depth, b.path)
	}
	for b.decoder.More() {
		if err := b.child(parent, name, depth, true); err != nil {
			return err
		}
	}
	_, err := b.decoder.Token()
	return err
}

func (b *builder) textMember(e *Element) error {
	token, err := b.decoder.Token()
	if err != nil {
		return err
	}
	if _, nested := token.(json.Delim); nested {
		return fmt.Errorf("%s/#text: a text, number or boolean is expected", b.path)
	}
	if text := scalar(token); text != "" {
		e.Children = append(e.Children, Node{Text: text})
	}
	return nil
}

func (b *builder) attrMember(e *Element, name string) error {
	if err := b.count(); err != nil {
		return err
	}
	token, err := b.decoder.Token()
	if err != nil {
		return err
	}
	if _, nested := token.(json.Delim); nested {
		return fmt.Errorf("%s/@%s: a text, number or boolean is expected", b.path, name)
	}
	if token != nil {
		e.Attr = append(e.Attr, Attr{Name: name, Value: scalar(token)})
	}
	return nil
}

// scalar is the text of a value that is neither object nor array.
func scalar(token json.Token) string {
	switch v := token.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return map[bool]string{true: "true", false: "false"}[v]
	}
	return "" // null
}
