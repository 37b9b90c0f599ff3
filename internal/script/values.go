package script

import (
	"unsafe"

	"modernc.org/libc"
	"modernc.org/libquickjs"
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

func float(f float64) libquickjs.TJSValue {
	if n := int32(f); float64(n) == f && (n != 0 || 1/f > 0) {
		return libquickjs.XNewInt32(nil, 0, n)
	}
	v := libquickjs.TJSValue{Ftag: libquickjs.EJS_TAG_FLOAT64}
	*(*float64)(unsafe.Pointer(&v)) = f
	return v
}

// pointer is what an address in C memory points at.
func pointer(at uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&at)) }

// addressOf is for bytes in C memory or on the heap, never on the stack, which moves.
func addressOf(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }

func objectOf(v libquickjs.TJSValue) *libquickjs.TJSObject {
	return (*libquickjs.TJSObject)(pointer(*(*uintptr)(unsafe.Pointer(&v))))
}

// block is the header that the engine's allocator keeps before what it gives out.
func block(at uintptr) *libquickjs.TJSMallocBlockHeader {
	return (*libquickjs.TJSMallocBlockHeader)(pointer(at - unsafe.Sizeof(libquickjs.TJSMallocBlockHeader{})))
}

// member is where a union's member, which the translator writes as an empty
// array, begins.
func member[T any](m *[0]T) *T { return (*T)(unsafe.Pointer(m)) }

// at is the address of the context.
func (in *internals) at() uintptr { return uintptr(unsafe.Pointer(in.context)) }

// property of an object, to be freed by the caller.
func (in *internals) property(object libquickjs.TJSValue, name string) libquickjs.TJSValue {
	text := cString(name)
	defer libc.Xfree(in.tls, text)
	return libquickjs.XJS_GetPropertyStr(in.tls, in.at(), object, text)
}

func cString(s string) uintptr {
	text, err := libc.CString(s)
	if err != nil {
		panic("script: out of memory")
	}
	return text
}

// object is a new {}; false when there is no memory.
func (in *internals) object() (libquickjs.TJSValue, bool) {
	v := libquickjs.XJS_NewObject(in.tls, in.at())
	return v, v.Ftag != libquickjs.EJS_TAG_EXCEPTION
}

// define gives an object a property, as JSON.parse does, and takes the value
// over, also when it answers false.
func (in *internals) define(object libquickjs.TJSValue, name []byte, v libquickjs.TJSValue) bool {
	atom := libquickjs.XJS_NewAtomLen(in.tls, in.at(), addressOf(name), libquickjs.Tsize_t(len(name)))
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
