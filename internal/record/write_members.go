package record

import (
	"encoding/json"
	"strings"
)

// members calls f with each member of a valid JSON object, in its order.
func members(raw []byte, f func(name string, value []byte)) {
	i := blank(raw, 1)
	for raw[i] != '}' {
		end := skip(raw, i)
		name := string(raw[i+1 : end-1])
		if strings.IndexByte(name, '\\') >= 0 {
			json.Unmarshal(raw[i:end], &name) //nolint:errcheck // it is valid
		}
		i = blank(raw, blank(raw, end)+1) // behind the colon
		end = skip(raw, i)
		f(name, raw[i:end])
		if i = blank(raw, end); raw[i] == ',' {
			i = blank(raw, i+1)
		}
	}
}

// blank is where the white space from i on ends.
func blank(raw []byte, i int) int {
	for raw[i] == ' ' || raw[i] == '\n' || raw[i] == '\t' || raw[i] == '\r' {
		i++
	}
	return i
}

// skip is where the value at i ends.
func skip(raw []byte, i int) int {
	switch raw[i] {
	case '"':
		for i++; raw[i] != '"'; i++ {
			if raw[i] == '\\' {
				i++
			}
		}
		return i + 1
	case '{', '[':
		for depth := 0; ; i++ {
			switch raw[i] {
			case '"':
				i = skip(raw, i) - 1
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
	}
	for i < len(raw) && !strings.ContainsRune(",]} \n\t\r", rune(raw[i])) {
		i++
	}
	return i
}
