package script

import "modernc.org/libquickjs"

// sequence is a node of the tree: the object whose names are those from the root
// to here.
type sequence struct {
	key      string
	next     []*sequence
	seen     bool
	template libquickjs.TJSValue // an object, once one like it was seen twice
}

// Names without end are not kept.
const (
	maxNodes     = 1024 // in a machine
	maxTemplated = 1024 // names in all templates, which take of the engine's memory
	maxNames     = 64   // of an object with a template, and what may follow one name
	maxName      = 64   // bytes
)

// forgetNames lets go of everything the parser keeps in the engine.
func (p *jsonParser) forgetNames() {
	p.root.free(p.in)
	p.root, p.nodes, p.templated = &sequence{}, 0, 0
}

func (n *sequence) free(in *internals) {
	libquickjs.XFreeValue(in.tls, in.at(), n.template)
	for _, next := range n.next {
		next.free(in)
	}
}

// follow is the node for one more name, nil when none is kept.
func (p *jsonParser) follow(n *sequence, key []byte, length int) *sequence {
	if n == nil {
		return nil
	}
	for _, next := range n.next {
		if next.key == string(key) {
			return next
		}
	}
	if len(key) > maxName || length >= maxNames || len(n.next) >= maxNames || p.nodes >= maxNodes {
		return nil
	}
	next := &sequence{key: string(key)}
	n.next = append(n.next, next)
	p.nodes++
	return next
}

// template is an object with the names, if there is or should be one.
func (p *jsonParser) template(n *sequence, keys []span) (libquickjs.TJSValue, bool) {
	if n == nil || len(keys) == 0 {
		return jsUndefined, false
	}
	if n.template.Ftag == libquickjs.EJS_TAG_OBJECT {
		return n.template, true
	}
	if !n.seen || p.templated >= maxTemplated {
		n.seen = true
		return jsUndefined, false
	}
	object, ok := p.in.object()
	for _, key := range keys {
		ok = ok && p.in.define(object, p.text[key.from:key.to], jsUndefined)
	}
	if !ok {
		libquickjs.XFreeValue(p.in.tls, p.in.at(), object)
		return jsUndefined, false
	}
	n.template = object
	p.templated += len(keys)
	return object, true
}
