package script

import (
	"math"
	"strconv"
	"unicode/utf8"
	"unsafe"

	"modernc.org/libc"
	"modernc.org/libquickjs"
)

// jsonWriter is JSON.stringify for plain data. Whatever could call something,
// such as a getter or toJSON, and all that is unusual it leaves to the engine's.
type jsonWriter struct {
	in       *internals
	original nativeFunction // the engine's JSON.stringify
	// The engine's C memory points at this, the garbage collector must not take it.
	function nativeFunction
	buffer   []byte
}

// replaceJSONStringify puts the writer in the place of the engine's JSON.stringify.
func replaceJSONStringify(in *internals) *jsonWriter {
	w := &jsonWriter{in: in}
	w.function = w.call
	w.original = in.replace("JSON", "stringify", 3, &w.function)
	return w
}

// call is JSON.stringify as the engine calls it.
func (w *jsonWriter) call(tls *libc.TLS, context uintptr, this libquickjs.TJSValue, argc int32, argv uintptr) libquickjs.TJSValue {
	if argc == 1 {
		w.buffer = emptied(w.buffer)
		if w.value(*(*libquickjs.TJSValue)(pointer(argv)), deepestJSON) {
			return w.in.string(w.buffer)
		}
	}
	return w.original(tls, context, this, argc, argv)
}

// maxWritten bounds what is not yet the engine's, which would count it.
const maxWritten = 1 << 20

// value appends a value; false if it is not for this writer.
func (w *jsonWriter) value(v libquickjs.TJSValue, depth int) bool {
	if depth == 0 || len(w.buffer) > maxWritten {
		return false
	}
	switch v.Ftag {
	case libquickjs.EJS_TAG_INT:
		w.buffer = strconv.AppendInt(w.buffer, int64(int32(payload(v))), 10)
	case libquickjs.EJS_TAG_FLOAT64:
		w.number(math.Float64frombits(payload(v)))
	case libquickjs.EJS_TAG_BOOL:
		w.buffer = strconv.AppendBool(w.buffer, payload(v) != 0)
	case libquickjs.EJS_TAG_NULL:
		w.buffer = append(w.buffer, "null"...)
	case libquickjs.EJS_TAG_STRING:
		return w.string(v)
	case libquickjs.EJS_TAG_OBJECT:
		object := objectOf(v)
		shape := (*libquickjs.TJSShape)(pointer(object.Fshape))
		switch class := libquickjs.TJSClassID(object.Fclass_id); {
		case class == libquickjs.EJS_CLASS_OBJECT && (shape.Fproto == 0 || shape.Fproto == w.in.prototype(class)):
			return w.object(object, shape, depth-1)
		case class == libquickjs.EJS_CLASS_ARRAY && shape.Fproto == w.in.prototype(class) && shape.Fprop_count == 1 && isFast(object):
			return w.array(object, depth-1)
		}
		return false
	default:
		return false
	}
	return true
}

// number writes as ECMA-262 does, Number::toString.
func (w *jsonWriter) number(f float64) {
	switch size := math.Abs(f); {
	case math.IsNaN(f) || math.IsInf(f, 0):
		w.buffer = append(w.buffer, "null"...)
	case f == 0: // -0 as well
		w.buffer = append(w.buffer, '0')
	case size >= 1e-6 && size < 1e21:
		w.buffer = strconv.AppendFloat(w.buffer, f, 'f', -1, 64)
	default:
		w.buffer = strconv.AppendFloat(w.buffer, f, 'e', -1, 64)
		if n := len(w.buffer); size < 1 && w.buffer[n-3] == '-' && w.buffer[n-2] == '0' { // 1e-07 is written 1e-7
			w.buffer = append(w.buffer[:n-2], w.buffer[n-1])
		}
	}
}

func (w *jsonWriter) string(v libquickjs.TJSValue) bool {
	tls, context := w.in.tls, w.in.at()
	length := tls.Alloc(8)
	defer tls.Free(8)
	at := libquickjs.XJS_ToCStringLen2(tls, context, length, v, 0)
	if at == 0 {
		return false
	}
	defer libquickjs.XJS_FreeCString(tls, context, at)
	text := unsafe.Slice((*byte)(pointer(at)), *(*libquickjs.Tsize_t)(pointer(length)))
	if len(text) > maxWritten || !utf8.Valid(text) { // half a surrogate pair
		return false
	}
	w.quote(text)
	return true
}

const hexDigits = "0123456789abcdef"

func (w *jsonWriter) quote(text []byte) {
	w.buffer = append(w.buffer, '"')
	from := 0
	for i, c := range text {
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		w.buffer = append(append(w.buffer, text[from:i]...), '\\')
		from = i + 1
		switch c {
		case '"', '\\':
			w.buffer = append(w.buffer, c)
		case '\b':
			w.buffer = append(w.buffer, 'b')
		case '\f':
			w.buffer = append(w.buffer, 'f')
		case '\n':
			w.buffer = append(w.buffer, 'n')
		case '\r':
			w.buffer = append(w.buffer, 'r')
		case '\t':
			w.buffer = append(w.buffer, 't')
		default:
			w.buffer = append(w.buffer, 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	w.buffer = append(append(w.buffer, text[from:]...), '"')
}

func (w *jsonWriter) array(object *libquickjs.TJSObject, depth int) bool {
	w.buffer = append(w.buffer, '[')
	array := member(&object.Fu.Farray)
	if length := *(*libquickjs.TJSValue)(pointer(object.Fprop)); payload(length) != uint64(array.Fcount) {
		return false // it ends in holes
	}
	if array.Fcount > 0 {
		for i, v := range unsafe.Slice((*libquickjs.TJSValue)(pointer(array.Fu.Fvalues)), array.Fcount) {
			if i > 0 {
				w.buffer = append(w.buffer, ',')
			}
			if v.Ftag == libquickjs.EJS_TAG_UNDEFINED {
				v = jsNull
			}
			if !w.value(v, depth) {
				return false
			}
		}
	}
	w.buffer = append(w.buffer, ']')
	return true
}

func (w *jsonWriter) object(object *libquickjs.TJSObject, shape *libquickjs.TJSShape, depth int) bool {
	w.buffer = append(w.buffer, '{')
	empty := true
	values := unsafe.Slice((*libquickjs.TJSValue)(pointer(object.Fprop)), shape.Fprop_count)
	for i, p := range propertiesOf(shape) {
		name, ok := w.in.name(p)
		if !ok || p.Fatom == libquickjs.EJS_ATOM_toJSON || len(name) > maxOpen {
			return false
		}
		v := values[i]
		if v.Ftag == libquickjs.EJS_TAG_UNDEFINED {
			continue
		}
		if !empty {
			w.buffer = append(w.buffer, ',')
		}
		empty = false
		w.quote(name)
		w.buffer = append(w.buffer, ':')
		if !w.value(v, depth) {
			return false
		}
	}
	w.buffer = append(w.buffer, '}')
	return true
}
