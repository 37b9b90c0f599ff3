package script

import (
	"strconv"
	"unsafe"

	"modernc.org/libc"
	"modernc.org/libquickjs"
)

// jsonParser is JSON.parse for the documents that come in every day: it takes
// a third of the time of the engine's, and most of what many scenarios compute is
// this. What is unusual in any way, errors included, it leaves to the engine's.
//
// It gives an object the names of an earlier one at once: root begins a tree of
// the sequences of names seen, whose nodes keep an object as a template.
type jsonParser struct {
	in       *internals
	original nativeFunction // the engine's JSON.parse
	// The engine's C memory points at this, the garbage collector must not take it.
	function nativeFunction

	root      *sequence
	nodes     int // below root
	templated int // names in templates

	// Of the document.
	text   []byte
	at     int
	values []libquickjs.TJSValue // of the open arrays and objects, owned
	keys   []span                // of the open objects
	buffer []byte                // of a string with escapes
}

type span struct{ from, to int }

const (
	deepestJSON = 100
	// longestNumber is well below where the engine begins to round otherwise than Go.
	longestNumber = 30
	maxOpen       = 64 << 10 // values and bytes that are not yet the engine's, which would count them
)

// replaceJSONParse puts the parser in the place of the engine's JSON.parse.
func replaceJSONParse(in *internals) *jsonParser {
	p := &jsonParser{in: in, root: &sequence{}}
	p.function = p.call
	p.original = in.replace("JSON", "parse", 2, &p.function)
	return p
}

// call is JSON.parse as the engine calls it.
func (p *jsonParser) call(tls *libc.TLS, context uintptr, this libquickjs.TJSValue, argc int32, argv uintptr) libquickjs.TJSValue {
	if argc == 1 {
		text := (*libquickjs.TJSValue)(pointer(argv))
		if text.Ftag == libquickjs.EJS_TAG_STRING {
			if value, ok := p.document(*text); ok {
				return value
			}
			if libquickjs.XJS_HasException(tls, context) != 0 {
				return jsException // there was no memory
			}
		}
	}
	return p.original(tls, context, this, argc, argv)
}

// document parses a text; false if it is not for this parser.
func (p *jsonParser) document(text libquickjs.TJSValue) (libquickjs.TJSValue, bool) {
	tls, context := p.in.tls, p.in.at()
	length := tls.Alloc(8)
	defer tls.Free(8)
	bytes := libquickjs.XJS_ToCStringLen2(tls, context, length, text, 0)
	if bytes == 0 {
		return text, false
	}
	defer libquickjs.XJS_FreeCString(tls, context, bytes)
	p.text = unsafe.Slice((*byte)(pointer(bytes)), *(*libquickjs.Tsize_t)(pointer(length)))
	p.at, p.values, p.keys, p.buffer = 0, emptied(p.values), emptied(p.keys), emptied(p.buffer)
	if p.nodes >= maxNodes || p.templated >= maxTemplated {
		p.forgetNames()
	}
	ok := p.value(deepestJSON)
	p.blank()
	if ok && p.at == len(p.text) {
		return p.pop(), true
	}
	p.drop()
	return text, false
}

// emptied is for use again, unless it has become large: a machine is kept.
func emptied[T any](s []T) []T {
	const large = 16 << 10
	if cap(s) > large {
		return nil
	}
	return s[:0]
}

func (p *jsonParser) pop() libquickjs.TJSValue {
	last := len(p.values) - 1
	v := p.values[last]
	p.values = p.values[:last]
	return v
}

// drop frees all values.
func (p *jsonParser) drop() {
	for _, v := range p.values {
		libquickjs.XFreeValue(p.in.tls, p.in.at(), v)
	}
	p.values = p.values[:0]
}

// push takes the value, false for an exception.
func (p *jsonParser) push(v libquickjs.TJSValue) bool {
	if v.Ftag == libquickjs.EJS_TAG_EXCEPTION {
		return false
	}
	p.values = append(p.values, v)
	return true
}

func (p *jsonParser) blank() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case ' ', '\t', '\r', '\n':
			p.at++
		default:
			return
		}
	}
}

// take goes past c if it comes next, blanks aside.
func (p *jsonParser) take(c byte) bool {
	if p.at < len(p.text) && p.text[p.at] <= ' ' {
		p.blank()
	}
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

// value pushes the value that comes next.
func (p *jsonParser) value(depth int) bool {
	if p.at < len(p.text) && p.text[p.at] <= ' ' {
		p.blank()
	}
	if p.at == len(p.text) || depth == 0 || len(p.values) >= maxOpen {
		return false
	}
	switch c := p.text[p.at]; c {
	case '{':
		p.at++
		return p.object(depth - 1)
	case '[':
		p.at++
		return p.array(depth - 1)
	case '"':
		p.at++
		return p.string()
	case 't':
		return p.word("true", boolean(true))
	case 'f':
		return p.word("false", boolean(false))
	case 'n':
		return p.word("null", jsNull)
	default:
		return p.number()
	}
}

func (p *jsonParser) word(word string, v libquickjs.TJSValue) bool {
	end := p.at + len(word)
	if end > len(p.text) || string(p.text[p.at:end]) != word {
		return false
	}
	p.at = end
	return p.push(v)
}

func (p *jsonParser) digits() int {
	from := p.at
	for p.at < len(p.text) && p.text[p.at]-'0' <= 9 {
		p.at++
	}
	return p.at - from
}

// number follows RFC 8259, section 6.
func (p *jsonParser) number() bool {
	from := p.at
	if p.text[p.at] == '-' {
		p.at++
	}
	first := p.at
	n := p.digits()
	if n == 0 || n > 1 && p.text[first] == '0' {
		return false
	}
	whole := true
	if p.at < len(p.text) && p.text[p.at] == '.' {
		p.at++
		whole = false
		if p.digits() == 0 {
			return false
		}
	}
	if p.at < len(p.text) && p.text[p.at]|0x20 == 'e' {
		p.at++
		whole = false
		if p.at < len(p.text) && (p.text[p.at] == '+' || p.text[p.at] == '-') {
			p.at++
		}
		if p.digits() == 0 {
			return false
		}
	}
	if whole && n <= 9 && first == from {
		i := int32(0)
		for _, d := range p.text[first:p.at] {
			i = i*10 + int32(d-'0')
		}
		return p.push(libquickjs.XNewInt32(nil, 0, i))
	}
	if p.at-from > longestNumber {
		return false
	}
	f, err := strconv.ParseFloat(unsafe.String(&p.text[from], p.at-from), 64)
	return err == nil && p.push(number(f))
}

// quoted goes past a string whose opening quote is behind. plain: what it stands
// for is what is written.
func (p *jsonParser) quoted() (s span, plain, ok bool) {
	text, at := p.text, p.at
	s.from, plain = at, true
	for at < len(text) {
		c := text[at]
		at++
		if c > '"' && c != '\\' {
			continue
		}
		switch {
		case c == '"':
			s.to, p.at = at-1, at
			return s, plain, true
		case c == '\\':
			plain = false
			at++
		case c < ' ':
			return s, false, false
		}
	}
	return s, false, false
}

func (p *jsonParser) string() bool {
	s, plain, ok := p.quoted()
	if !ok {
		return false
	}
	text := p.text[s.from:s.to]
	if plain { // it is in C memory
		at := uintptr(unsafe.Pointer(unsafe.SliceData(text)))
		return p.push(libquickjs.XJS_NewStringLen(p.in.tls, p.in.at(), at, libquickjs.Tsize_t(len(text))))
	}
	if len(text) > maxOpen {
		return false
	}
	if text, ok = p.unescape(text); !ok {
		return false
	}
	return p.push(p.in.string(text))
}

// unescape leaves \u to the engine's parser.
func (p *jsonParser) unescape(text []byte) ([]byte, bool) {
	p.buffer = p.buffer[:0]
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '\\' {
			i++
			switch c = text[i]; c {
			case '"', '\\', '/':
			case 'b':
				c = '\b'
			case 'f':
				c = '\f'
			case 'n':
				c = '\n'
			case 'r':
				c = '\r'
			case 't':
				c = '\t'
			default:
				return nil, false
			}
		}
		p.buffer = append(p.buffer, c)
	}
	return p.buffer, true
}

func (p *jsonParser) array(depth int) bool {
	first := len(p.values)
	if !p.take(']') {
		for {
			if !p.value(depth) {
				return false
			}
			if p.take(']') {
				break
			}
			if !p.take(',') {
				return false
			}
		}
	}
	return p.close(first, p.in.array(p.values[first:]))
}

func (p *jsonParser) object(depth int) bool {
	first, firstKey := len(p.values), len(p.keys)
	node := p.root
	if !p.take('}') {
		for {
			if !p.take('"') {
				return false
			}
			key, plain, ok := p.quoted()
			if !ok || !plain || !p.take(':') {
				return false
			}
			node = p.follow(node, p.text[key.from:key.to], len(p.keys)-firstKey)
			p.keys = append(p.keys, key)
			if !p.value(depth) {
				return false
			}
			if p.take('}') {
				break
			}
			if !p.take(',') {
				return false
			}
		}
	}
	keys := p.keys[firstKey:]
	p.keys = p.keys[:firstKey]
	if template, ok := p.template(node, keys); ok {
		if object, ok := p.in.like(template, p.values[first:]); ok {
			return p.close(first, object)
		}
	}
	object, ok := p.in.object()
	if !ok {
		return false
	}
	for i, v := range p.values[first:] {
		if !p.in.define(object, p.text[keys[i].from:keys[i].to], v) {
			p.values = append(p.values[:first], p.values[first+i+1:]...)
			libquickjs.XFreeValue(p.in.tls, p.in.at(), object)
			return false
		}
	}
	return p.close(first, object)
}

// close puts an array or object in the place of its values, which it owns now.
func (p *jsonParser) close(first int, v libquickjs.TJSValue) bool {
	if v.Ftag == libquickjs.EJS_TAG_EXCEPTION {
		return false
	}
	p.values = append(p.values[:first], v)
	return true
}
