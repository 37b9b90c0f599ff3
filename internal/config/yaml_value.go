package config

import (
	"encoding/json"
	"math/big"
	"strconv"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"junctor/internal/strict"
)

// reader turns a syntax tree into JSON values and notes where they stand.
type reader struct {
	*document
	anchors map[string]ast.Node // the latest of each name so far
	open    map[string]bool     // the anchors whose value is being read
	size    int                 // of what was read, in values of up to 64 bytes
	stopped bool                // it grew too large: the rest is not read
}

// grow counts what is read and reports whether it may go on.
func (r *reader) grow(n ast.Node, bytes, depth int) bool {
	r.size += 1 + bytes/64
	if !r.stopped && (r.size > maxValues || depth > maxDepth) {
		r.add(position(n), "with all aliases expanded this is larger than %d values or deeper than %d levels", maxValues, maxDepth)
		r.stopped = true
	}
	return !r.stopped
}

// value reads a node. It returns nil for what it cannot read, after noting why.
func (r *reader) value(n ast.Node, pointer string, depth int) any {
	if !r.grow(n, len(n.GetToken().Value), depth) {
		return nil
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		return r.mapping(n.Values, pointer, depth)
	case *ast.MappingValueNode:
		return r.mapping([]*ast.MappingValueNode{n}, pointer, depth)
	case *ast.SequenceNode:
		return r.sequence(n, pointer, depth)
	case *ast.AnchorNode:
		return r.anchor(n, pointer, depth)
	case *ast.AliasNode:
		return r.alias(n, pointer, depth)
	case *ast.TagNode:
		r.add(position(n), "tags like %s are not used here; a text in quotes is a text", n.Start.Value)
		return r.value(n.Value, pointer, depth)
	}
	return r.scalar(n)
}

func (r *reader) scalar(n ast.Node) any {
	switch n := n.(type) {
	case *ast.NullNode:
		return nil
	case *ast.BoolNode:
		return n.Value
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return n.Value.Value
	case *ast.IntegerNode:
		switch v := n.Value.(type) {
		case int64:
			return json.Number(strconv.FormatInt(v, 10))
		case uint64:
			return json.Number(strconv.FormatUint(v, 10))
		case *big.Int:
			return json.Number(v.String())
		}
	case *ast.FloatNode:
		if text, err := json.Marshal(n.Value); err == nil {
			return json.Number(text)
		}
	}
	r.add(position(n), "%q is no value that can stand here", n.GetToken().Value)
	return nil
}

func (r *reader) mapping(members []*ast.MappingValueNode, pointer string, depth int) any {
	m, lines := map[string]any{}, map[string]int{}
	for _, member := range members { // first what << takes in, so that the map's own members win
		if member.Key.Type() == ast.MergeKeyType {
			r.merge(m, member.Value, pointer, depth)
		}
	}
	for _, member := range members {
		name, ok := r.key(member.Key)
		if !ok || !r.grow(member.Key, len(name), depth) {
			continue
		}
		at := strict.Pointer(pointer, name)
		if line, twice := lines[name]; twice {
			r.add(position(member.Key), "%s", sentence(at, "is given twice, first in line "+strconv.Itoa(line)))
			continue
		}
		lines[name] = position(member.Key).Line
		r.places[at] = place{key: position(member.Key), value: valuePosition(member)}
		m[name] = r.value(member.Value, at, depth+1)
	}
	return m
}

// merge adds the members behind a << that the map does not have yet.
func (r *reader) merge(m map[string]any, n ast.Node, pointer string, depth int) {
	if list, ok := n.(*ast.SequenceNode); ok {
		for _, item := range list.Values {
			r.merge(m, item, pointer, depth+1)
		}
		return
	}
	from, ok := r.value(n, pointer, depth+1).(map[string]any)
	if !ok {
		r.add(position(n), "<< takes in a map, or a list of maps")
	}
	for name, v := range from {
		if _, has := m[name]; !has {
			m[name] = v
		}
	}
}

// key reads the name of a member. Numbers and the like are names as they are
// written.
func (r *reader) key(n ast.MapKeyNode) (string, bool) {
	switch n := n.(type) {
	case *ast.MergeKeyNode: // done before
		return "", false
	case *ast.StringNode:
		return n.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	r.add(position(n), "a key must be a text")
	return "", false
}

func (r *reader) sequence(n *ast.SequenceNode, pointer string, depth int) any {
	list := make([]any, len(n.Values))
	for i, item := range n.Values {
		at := pointer + "/" + strconv.Itoa(i)
		r.places[at] = place{value: position(item)}
		list[i] = r.value(item, at, depth+1)
	}
	return list
}

func (r *reader) anchor(n *ast.AnchorNode, pointer string, depth int) any {
	name := n.Name.GetToken().Value
	r.open[name] = true
	v := r.value(n.Value, pointer, depth)
	delete(r.open, name)
	r.anchors[name] = n.Value
	return v
}

func (r *reader) alias(n *ast.AliasNode, pointer string, depth int) any {
	name := n.Value.GetToken().Value
	target, known := r.anchors[name]
	switch {
	case r.open[name]:
		r.add(position(n), "*%s stands within &%s itself", name, name)
	case !known:
		r.add(position(n), "there is no &%s before this", name)
	default:
		r.open[name] = true // its value was read before, so it has no alias of its own in it
		v := r.value(target, pointer, depth+1)
		delete(r.open, name)
		return v
	}
	return nil
}

// position is where a node begins: a map in indented lines begins at its first
// key, not at that key's colon.
func position(n ast.Node) *token.Position {
	switch n := n.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return position(n.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return position(n.Key)
	}
	if t := n.GetToken(); t != nil {
		return t.Position
	}
	return start
}

// valuePosition is where people look for a member's value: at its key, when
// the value is an indented block below or nothing at all.
func valuePosition(n *ast.MappingValueNode) *token.Position {
	switch v := n.Value.(type) {
	case *ast.MappingNode:
		if !v.IsFlowStyle {
			return position(n.Key)
		}
	case *ast.SequenceNode:
		if !v.IsFlowStyle {
			return position(n.Key)
		}
	case *ast.MappingValueNode, *ast.NullNode:
		return position(n.Key)
	}
	return position(n.Value)
}
