package script

import (
	"slices"
	"strings"
	"unicode/utf8"
	"unsafe"

	"modernc.org/libc"
	"modernc.org/libquickjs"
	"modernc.org/quickjs"
)

// What the engine's values are made of, for the parts that go below its API.

var (
	jsUndefined = libquickjs.TJSValue{Ftag: libquickjs.EJS_TAG_UNDEFINED}
	jsNull      = libquickjs.TJSValue{Ftag: libquickjs.EJS_TAG_NULL}
	jsException = libquickjs.TJSValue{Ftag: libquickjs.EJS_TAG_EXCEPTION}
)

func boolean(b bool) libquickjs.TJSValue {
	v := libquickjs.XNewInt32(nil, 0, libc.BoolInt32(b))
	v.Ftag = libquickjs.EJS_TAG_BOOL
	return v
}

func number(f float64) libquickjs.TJSValue {
	if n := int32(f); float64(n) == f && (n != 0 || 1/f > 0) {
		return libquickjs.XNewInt32(nil, 0, n)
	}
	v := libquickjs.TJSValue{Ftag: libquickjs.EJS_TAG_FLOAT64}
	*(*float64)(unsafe.Pointer(&v)) = f
	return v
}

// payload is what a value holds beside its tag.
func payload(v libquickjs.TJSValue) uint64 { return *(*uint64)(unsafe.Pointer(&v)) }

// pointer is what an address in C memory points at.
func pointer(at uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&at)) }

func objectOf(v libquickjs.TJSValue) *libquickjs.TJSObject {
	return (*libquickjs.TJSObject)(pointer(uintptr(payload(v))))
}

// block is the header that the engine's allocator keeps before what it gives out.
func block(at uintptr) *libquickjs.TJSMallocBlockHeader {
	return (*libquickjs.TJSMallocBlockHeader)(pointer(at - unsafe.Sizeof(libquickjs.TJSMallocBlockHeader{})))
}

// member is where a union's member, which the translator writes as an empty
// array, begins.
func member[T any](m *[0]T) *T { return (*T)(unsafe.Pointer(m)) }

// isFast reports whether an array keeps its elements one after another, without
// holes: TJSObject's bit fast_array, which has no name after translation.
func isFast(o *libquickjs.TJSObject) bool { return o.F__ccgo16&0x08 != 0 }

// propertiesOf are the names and attributes of a shape's properties, which are
// kept behind it and its table of hashes.
func propertiesOf(s *libquickjs.TJSShape) []libquickjs.TJSShapeProperty {
	hashes := (uintptr(s.Fprop_hash_mask) + 1) * unsafe.Sizeof(uint32(0))
	first := unsafe.Add(unsafe.Pointer(s), unsafe.Sizeof(*s)+hashes)
	return unsafe.Slice((*libquickjs.TJSShapeProperty)(first), s.Fprop_count)
}

// name of an ordinary property that is enumerable and has a value; false for a
// getter, a symbol, an index, a deleted property, a name that is not ASCII.
func (in *internals) name(p libquickjs.TJSShapeProperty) ([]byte, bool) {
	const attributes, kind = 26, libquickjs.MJS_PROP_TMASK | libquickjs.MJS_PROP_ENUMERABLE
	if p.F__ccgo0>>attributes&kind != libquickjs.MJS_PROP_ENUMERABLE || p.Fatom == libquickjs.MJS_ATOM_NULL || p.Fatom&libquickjs.MJS_ATOM_TAG_INT != 0 {
		return nil, false
	}
	atom := *(**libquickjs.TJSAtomStruct)(pointer(in.runtime.Fatom_array + uintptr(p.Fatom)*unsafe.Sizeof(uintptr(0))))
	const wide, typeOf = 1 << 31, 30
	if atom.F__ccgo0&wide != 0 || atom.F__ccgo4>>typeOf != libquickjs.EJS_ATOM_TYPE_STRING {
		return nil, false
	}
	text := unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(atom), unsafe.Sizeof(*atom))), atom.F__ccgo0&^wide)
	if len(text) > 0 && text[0]-'0' <= 9 {
		return nil, false // an index may be too large for the form of one
	}
	for _, c := range text {
		if c >= utf8.RuneSelf {
			return nil, false
		}
	}
	return text, true
}

// prototype is the address of a class's own.
func (in *internals) prototype(class libquickjs.TJSClassID) uintptr {
	at := in.context.Fclass_proto + uintptr(class)*unsafe.Sizeof(jsNull)
	return uintptr(payload(*(*libquickjs.TJSValue)(pointer(at))))
}

// nativeFunction is a function in the form in which the engine calls it. The
// arguments are as many as it says it has, at least.
type nativeFunction func(tls *libc.TLS, context uintptr, this libquickjs.TJSValue, argc int32, argv uintptr) libquickjs.TJSValue

// replace puts a function in the place of a global object's, which it returns.
// Called directly, that one is no frame more, neither in a stack that a script
// sees nor on the engine's. The engine's C memory points at f: somebody must keep it.
func (in *internals) replace(object, name string, arguments int32, f *nativeFunction) (original nativeFunction) {
	tls, context := in.tls, in.at()
	global := libquickjs.XJS_GetGlobalObject(tls, context)
	defer libquickjs.XFreeValue(tls, context, global)
	of := in.property(global, object)
	defer libquickjs.XFreeValue(tls, context, of)
	replaced := in.property(of, name)
	defer libquickjs.XFreeValue(tls, context, replaced)
	at := member(&objectOf(replaced).Fu.Fcfunc).Fc_function.Fgeneric
	original = *(*nativeFunction)(unsafe.Pointer(&at))
	text := in.cString(name)
	function := libquickjs.XJS_NewCFunction2(tls, context, *(*uintptr)(unsafe.Pointer(f)), text, arguments, libquickjs.EJS_CFUNC_generic, 0)
	const hidden = libquickjs.MJS_PROP_WRITABLE | libquickjs.MJS_PROP_CONFIGURABLE
	libquickjs.XJS_DefinePropertyValueStr(tls, context, of, text, function, hidden)
	return original
}

// at is the address of the context.
func (in *internals) at() uintptr { return uintptr(unsafe.Pointer(in.context)) }

// property of an object, to be freed by the caller.
func (in *internals) property(object libquickjs.TJSValue, name string) libquickjs.TJSValue {
	return libquickjs.XJS_GetPropertyStr(in.tls, in.at(), object, in.cString(name))
}

// cString is a short name as C has it, good until the scratch memory is used again.
func (in *internals) cString(name string) uintptr {
	copy(unsafe.Slice((*byte)(pointer(in.scratch)), scratchSize), name+"\x00")
	return in.scratch
}

// text is a string of the engine's, to be freed by the caller or handed on; an
// exception when there is no memory. What is no UTF-8 becomes U+FFFD.
func (in *internals) text(s string) libquickjs.TJSValue {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return in.string(unsafe.Slice(unsafe.StringData(s), len(s)))
}

// string is text of UTF-8. The engine reads it from C memory only: what is on
// Go's heap or stack may move.
func (in *internals) string(b []byte) libquickjs.TJSValue {
	at := in.scratch
	if len(b) > scratchSize {
		if at = libc.Xmalloc(in.tls, libquickjs.Tsize_t(len(b))); at == 0 {
			return libquickjs.XJS_ThrowOutOfMemory(in.tls, in.at())
		}
		defer libc.Xfree(in.tls, at)
	}
	copy(unsafe.Slice((*byte)(pointer(at)), len(b)), b)
	return libquickjs.XJS_NewStringLen(in.tls, in.at(), at, libquickjs.Tsize_t(len(b)))
}

// scratchSize is enough for most texts, in bytes.
const scratchSize = 16 << 10

// dup is the value once more, to be freed or handed on.
func (in *internals) dup(v *quickjs.Value) libquickjs.TJSValue {
	return libquickjs.XDupValue(in.tls, in.at(), *bare(v))
}

// call calls a function with arguments, which it takes over. The package quickjs
// does the same with more allocations behind the C library's one lock.
func (in *internals) call(f *quickjs.Value, arguments ...libquickjs.TJSValue) (quickjs.Value, error) {
	argv := unsafe.Slice((*libquickjs.TJSValue)(pointer(in.argv)), maxArguments)
	n := copy(argv, arguments)
	result := *f
	if slices.ContainsFunc(arguments, func(v libquickjs.TJSValue) bool { return v.Ftag == libquickjs.EJS_TAG_EXCEPTION }) {
		*bare(&result) = jsException // there was no memory for one
	} else {
		*bare(&result) = libquickjs.XJS_Call(in.tls, in.at(), *bare(f), jsUndefined, int32(n), in.argv)
	}
	for _, v := range arguments {
		libquickjs.XFreeValue(in.tls, in.at(), v)
	}
	if bare(&result).Ftag != libquickjs.EJS_TAG_EXCEPTION {
		return result, nil
	}
	*bare(&result) = libquickjs.XJS_GetException(in.tls, in.at())
	defer result.Free()
	return quickjs.Value{}, quickjs.ErrorFromValue(result) // goes on with a panic of a native
}

// maxArguments bounds a call by Go.
const maxArguments = 16

// object is a new {}; false when there is no memory.
func (in *internals) object() (libquickjs.TJSValue, bool) {
	v := libquickjs.XJS_NewObject(in.tls, in.at())
	return v, v.Ftag != libquickjs.EJS_TAG_EXCEPTION
}

// define gives an object a property, as JSON.parse does, and takes the value
// over, also when it answers false. The name is in C memory.
func (in *internals) define(object libquickjs.TJSValue, name []byte, v libquickjs.TJSValue) bool {
	atom := libquickjs.XJS_NewAtomLen(in.tls, in.at(), uintptr(unsafe.Pointer(unsafe.SliceData(name))), libquickjs.Tsize_t(len(name)))
	if atom == libquickjs.MJS_ATOM_NULL {
		libquickjs.XFreeValue(in.tls, in.at(), v)
		return false
	}
	defined := libquickjs.XJS_DefinePropertyValue(in.tls, in.at(), object, atom, v, libquickjs.MJS_PROP_C_W_E)
	libquickjs.XJS_FreeAtom(in.tls, in.at(), atom)
	return defined >= 0
}

// like is an object with the template's properties in their order, which it
// takes over. False, with nothing taken over, when the template is not as it
// should be or there is no memory.
func (in *internals) like(template libquickjs.TJSValue, values []libquickjs.TJSValue) (libquickjs.TJSValue, bool) {
	shapeAt := objectOf(template).Fshape
	shape := (*libquickjs.TJSShape)(pointer(shapeAt))
	if int(shape.Fprop_count) != len(values) || shape.Fdeleted_prop_count != 0 {
		return jsUndefined, false // a name came twice
	}
	v, ok := in.object()
	if !ok {
		return v, false
	}
	object := objectOf(v)
	if block(object.Fshape).Fref_count == 1 { // nobody else's: it would have to be freed
		libquickjs.XFreeValue(in.tls, in.at(), v)
		return v, false
	}
	room := libquickjs.Tsize_t(shape.Fprop_size) * libquickjs.Tsize_t(unsafe.Sizeof(libquickjs.TJSProperty{}))
	properties := libquickjs.Xjs_realloc(in.tls, in.at(), object.Fprop, room)
	if properties == 0 {
		libquickjs.XFreeValue(in.tls, in.at(), v)
		return v, false
	}
	block(object.Fshape).Fref_count--
	block(shapeAt).Fref_count++
	object.Fshape, object.Fprop = shapeAt, properties
	copy(unsafe.Slice((*libquickjs.TJSValue)(pointer(properties)), len(values)), values)
	return v, true
}

// array is a new array of the values, which it takes over unless it answers an
// exception.
func (in *internals) array(values []libquickjs.TJSValue) libquickjs.TJSValue {
	v := libquickjs.XJS_NewArray(in.tls, in.at())
	if v.Ftag == libquickjs.EJS_TAG_EXCEPTION || len(values) == 0 {
		return v
	}
	room := uintptr(len(values)) * unsafe.Sizeof(values[0])
	elements := libquickjs.Xjs_malloc(in.tls, in.at(), libquickjs.Tsize_t(room))
	if elements == 0 {
		libquickjs.XFreeValue(in.tls, in.at(), v)
		return jsException
	}
	copy(unsafe.Slice((*libquickjs.TJSValue)(pointer(elements)), len(values)), values)
	object := objectOf(v)
	array := member(&object.Fu.Farray)
	array.Fu1.Fsize, array.Fcount, array.Fu.Fvalues = uint32(len(values)), uint32(len(values)), elements
	*(*libquickjs.TJSValue)(pointer(object.Fprop)) = libquickjs.XNewInt32(nil, 0, int32(len(values))) // its length
	return v
}
