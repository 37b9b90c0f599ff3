package xml

import (
	"encoding/json"
	"fmt"
)

// orderedNode reads a text, or {"name", "attributes", "children"}.
func (b *builder) orderedNode(depth int) (Node, error) {
	if err := b.count(); err != nil {
		return Node{}, err
	}
	token, err := b.decoder.Token()
	if err != nil {
		return Node{}, err
	}
	if token == json.Delim('[') {
		return Node{}, fmt.Errorf("%s: an element or a text is expected, not an array", b.path)
	}
	if token != json.Delim('{') {
		return Node{Text: scalar(token)}, nil
	}
	if depth >= b.depth {
		return Node{}, fmt.Errorf("elements nested deeper than %d, at %s", b.depth, b.path)
	}
	e, outside := &Element{}, len(b.path)
	defer func() { b.path = b.path[:outside] }()
	for b.decoder.More() {
		key, err := b.decoder.Token()
		if err != nil {
			return Node{}, err
		}
		switch key {
		case "name":
			e.Name, err = b.orderedName()
			b.path = append(b.path[:outside], e.Name)
		case "attributes":
			err = b.orderedAttrs(e)
		case "children":
			err = b.orderedChildren(e, depth)
		default:
			err = fmt.Errorf("%s: member %q is not one of name, attributes, children", b.path, key)
		}
		if err != nil {
			return Node{}, err
		}
	}
	_, err = b.decoder.Token()
	return Node{Element: e}, err
}

func (b *builder) orderedName() (string, error) {
	token, err := b.decoder.Token()
	name, ok := token.(string)
	if err == nil && !ok {
		err = fmt.Errorf("%s: name must be a text", b.path)
	}
	return name, err
}

func (b *builder) orderedAttrs(e *Element) error {
	token, err := b.decoder.Token()
	if err != nil || token == nil {
		return err
	}
	if token != json.Delim('{') {
		return fmt.Errorf("%s: attributes must be an object", b.path)
	}
	for b.decoder.More() {
		key, err := b.decoder.Token()
		if err != nil {
			return err
		}
		if err := b.attrMember(e, key.(string)); err != nil {
			return err
		}
	}
	_, err = b.decoder.Token()
	return err
}

func (b *builder) orderedChildren(e *Element, depth int) error {
	token, err := b.decoder.Token()
	if err != nil || token == nil {
		return err
	}
	if token != json.Delim('[') {
		return fmt.Errorf("%s: children must be an array", b.path)
	}
	for b.decoder.More() {
		node, err := b.orderedNode(depth + 1)
		if err != nil {
			return err
		}
		if node.Element != nil || node.Text != "" {
			e.Children = append(e.Children, node)
		}
	}
	_, err = b.decoder.Token()
	return err
}
