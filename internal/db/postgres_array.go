package db

import "encoding/binary"

// The object ids of PostgreSQL's own types never change.
var elementType = [...]uint32{textColumn: 25, intColumn: 20, bytesColumn: 17}

// appendArray encodes one column of rows as PostgreSQL's binary array:
// dimensions, whether there are NULLs, the element's type, length, lower
// bound, then each element with its length.
func appendArray(b []byte, kind columnKind, rows [][]any, column int) []byte {
	hasNull := uint32(0)
	size := 20
	for _, row := range rows {
		switch v := row[column].(type) {
		case nil:
			hasNull = 1
		case string:
			size += len(v)
		case []byte:
			size += len(v)
		case int64:
			size += 8
		}
		size += 4
	}
	if b == nil {
		b = make([]byte, 0, size)
	}
	for _, header := range []uint32{1, hasNull, elementType[kind], uint32(len(rows)), 1} {
		b = binary.BigEndian.AppendUint32(b, header)
	}
	for _, row := range rows {
		b = appendElement(b, row[column])
	}
	return b
}

func appendElement(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return append(binary.BigEndian.AppendUint32(b, uint32(len(v))), v...)
	case []byte:
		return append(binary.BigEndian.AppendUint32(b, uint32(len(v))), v...)
	case int64:
		return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(b, 8), uint64(v))
	}
	return binary.BigEndian.AppendUint32(b, 0xffffffff) // NULL
}
