package content

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"junctor/internal/fault"
)

func TestCheck(t *testing.T) {
	deep := func(n int) string { return strings.Repeat(`[`, n) + strings.Repeat(`]`, n) }
	wide := func(text string) string {
		var b strings.Builder
		for i := range len(text) {
			b.WriteString(text[i : i+1])
			b.WriteByte(0)
		}
		return b.String()
	}
	part := "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n"
	for _, c := range []struct {
		name, contentType, body string
		want                    fault.Code
		says                    string
	}{
		{"json", "application/json", `{"a":[1,"ž"]}`, "", ""},
		{"nothing", "application/json", ``, "", ""},
		{"json that is none", "application/json", `{"a":`, "", ""},
		{"json with a mark", "application/json", "\uFEFF{}", "", ""},
		{"json not UTF-8", "application/json", "{\"a\":\"\xff\"}", fault.Invalid, "byte 0xFF at offset 6"},
		{"json in another case", "Application/JSON ; x=y", "\xff", fault.Invalid, "offset 0"},
		{"json of a kind", "application/hal+json", "\xff", fault.Invalid, "offset 0"},
		{"json in a code page", "application/json; charset=windows-1250", "{\"a\":\"\x9e\"}", "", ""},
		{"json in UTF-16", "application/json; charset=utf-16", wide(`{"a":1}`), "", ""},
		{"json in UTF-16 and not said so", "application/json", "\xff\xfe" + wide(`{}`), fault.Invalid, "offset 0"},
		{"odd UTF-16", "application/json; charset=UTF-16LE", wide(`{}`) + "x", fault.Invalid, "5 bytes are not"},
		{"half a pair", "application/json; charset=utf-16le", "\"\x00\x3d\xd8\"\x00", fault.Invalid, "0xD83D, at offset 2"},
		{"unknown charset", "application/json; charset=ebcdic", `{}`, fault.Unsupported, `"ebcdic"`},
		{"a charset that hides", "text/plain; charset=utf-7", `x`, fault.Unsupported, `"utf-7"`},
		{"a charset of browsers", "application/json; charset=Shift_JIS", "\"\x83\x5c\"", "", ""},
		{"broken parameters", "application/json; charset=ebcdic; charset=utf-8", `{}`, fault.Unsupported, `"ebcdic"`},
		{"deep", "application/json", deep(1000), "", ""},
		{"too deep", "application/json", " " + deep(1001), fault.Invalid, "deeper than 1000 levels, at offset 1001"},
		{"far too deep", "application/json", deep(100_000), fault.Invalid, "1000 levels"},
		{"deep objects", "application/json", strings.Repeat(`{"a":`, 100_000), fault.Invalid, "1000 levels, at offset 5000"},
		{"too deep in UTF-16", "application/json; charset=utf-16le", wide(deep(1001)), fault.Invalid, "1000 levels"},
		{"too deep in a code page", "application/json; charset=windows-1250", deep(1001), fault.Invalid, "1000 levels"},
		{"many brackets", "application/json", "[" + strings.Repeat(`{},[],`, 5000) + "{}]", "", ""},
		{"brackets in texts", "application/json", `["` + strings.Repeat(`[{\"`, 5000) + `"]`, "", ""},
		{"a text without an end", "application/json", `"` + strings.Repeat(`[`, 5000) + `\`, "", ""},

		{"form", "application/x-www-form-urlencoded", "a=\xff", "", ""},
		{"form that names one", "application/x-www-form-urlencoded; charset=utf-8", "a=\xff", fault.Invalid, "offset 2"},
		{"text", "text/plain", "\xff", "", ""},
		{"text that names one", "text/plain; charset=\"utf-8\"", "ab\xff", fault.Invalid, "offset 2"},
		{"csv that names one", "text/csv; charset=utf-8", "ab\xff", fault.Invalid, "offset 2"},
		{"text of unknown charset", "text/csv; charset=x", "a", fault.Unsupported, `"x"`},
		{"ASCII that is none", "text/plain; charset=us-ascii", "\xff", "", ""},
		{"any other type", "application/octet-stream; charset=utf-8", "\xff", "", ""},
		{"no type", "", "\xff", "", ""},
		{"nonsense for a type", ";;;", "\xff", "", ""},

		{"xml", "application/xml", `<a b="1"/>`, "", ""},
		{"xml of its own encoding", "application/xml", "<?xml version='1.0' encoding='windows-1250'?><a>\x9e</a>", "", ""},
		{"xml not UTF-8 and not said so", "text/xml", "<a>\xff</a>", "", ""},
		{"xml not UTF-8", "application/soap+xml; charset=utf-8", "<a>\xff</a>", fault.Invalid, "offset 3"},
		{"xml whose mark counts more", "text/xml; charset=utf-8", "\xff\xfe" + wide("<a/>"), "", ""},
		{"xml whose mark counts more and lies", "text/xml; charset=utf-8", "\xff\xfe" + wide("<a/>") + "x", fault.Invalid, "UTF-16LE"},
		{"document type", "application/xml", `<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`, fault.Invalid, "line 1, column 1: a document type"},
		{"document type in UTF-16", "application/xml", wide(`<!DOCTYPE a><a/>`), fault.Invalid, "a document type"},
		{"deep xml", "application/rss+xml", strings.Repeat("<a>", 1001), fault.Invalid, "deeper than 1000"},

		{"multipart", "multipart/form-data; boundary=b", part + "--b--", "", ""},
		{"multipart without", "multipart/form-data", part + "--b--", fault.Invalid, "names no boundary"},
		{"multipart without end", "multipart/mixed; boundary=b", part, fault.Invalid, "--b--, is missing"},
		{"multipart with many", "multipart/form-data; boundary=b", strings.Repeat(part, 100_000) + "--b--", fault.Invalid, "more than 1000 parts"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := Check(c.contentType, []byte(c.body))
			if fault.CodeOf(err) != c.want || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %s %q", err, c.want, c.says)
			}
		})
	}
}

func TestText(t *testing.T) {
	for _, c := range []struct{ contentType, body, want string }{
		{"", "ž", "ž"},
		{"text/plain", "\uFEFFž\xff", "ž\uFFFD"},
		{"text/plain; charset=windows-1250", "\x9e\x81", "ž\uFFFD"},
		{"text/plain; charset=windows-1250", "\xc5\xbe", "Ĺľ"},
		{"text/plain; charset=iso-8859-1", "\x80", "\u0080"},
		{"text/plain; charset=UTF-16", "\xfe\xff\x01\x7e", "ž"},
		{"text/plain; charset=utf-16le", "\xff\xfe\x7e\x01x", "ž\uFFFD"},
		{"text/plain; charset=shift_jis", "\x83\x5c", "ソ"},
		{"text/plain; charset=us-ascii", "ž", "ž"},
		{"text/plain; charset=us-ascii", "\xff", "\uFFFD"},
		{"text/plain; charset=nobody", "ž", "ž"},
		{"text/xml", "<?xml version='1.0' encoding='windows-1250'?>\x9e", "<?xml version='1.0' encoding='windows-1250'?>ž"},
		{"text/xml", "\xfe\xff\x01\x7e", "ž"},
		{"text/xml; charset=iso-8859-2", "<?xml version='1.0' encoding='windows-1250'?>\xbe", "<?xml version='1.0' encoding='windows-1250'?>ž"},
	} {
		if got := Text(c.contentType, []byte(c.body)); got != c.want {
			t.Errorf("%q as %s: %q, want %q", c.body, c.contentType, got, c.want)
		}
	}
}

// FuzzCheck: no content makes trouble, and a check takes what it should.
func FuzzCheck(f *testing.F) {
	f.Add("application/json", []byte(`{"a":["\"[",{}]}`))
	f.Add("application/json; charset=utf-16", []byte("\xfe\xff\x00["))
	f.Add("text/xml; charset=\"windows-1250\"", []byte("<a><!-- --></a>"))
	f.Add("text/csv; charset=shift_jis", []byte("\x83\x5c"))
	f.Add("multipart/mixed; boundary=b", []byte("--b\n\n--b--"))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		err := Check(contentType, body)
		if code := fault.CodeOf(err); code != "" && code != fault.Invalid && code != fault.Unsupported {
			t.Errorf("%v", err)
		}
		if err != nil && len(err.Error()) > 1000 && len(contentType) < 100 {
			t.Errorf("%d characters for an error", len(err.Error()))
		}
		Text(contentType, body)
		if depth, ok := depthOf(body); ok && utf8.Valid(body) {
			if err := Check("application/json", body); (err != nil) != (depth > DeepestJSON) {
				t.Errorf("%d levels: %v", depth, err)
			}
		}
	})
}

// depthOf reads a JSON text to find how deep it goes; false when it is none.
func depthOf(text []byte) (deepest int, ok bool) {
	d := json.NewDecoder(bytes.NewReader(text))
	for depth := 0; ; {
		token, err := d.Token()
		switch {
		case err != nil:
			return deepest, errors.Is(err, io.EOF) && depth == 0
		case token == json.Delim('[') || token == json.Delim('{'):
			depth++
		case token == json.Delim(']') || token == json.Delim('}'):
			depth--
		}
		deepest = max(deepest, depth)
	}
}

func BenchmarkCheck(b *testing.B) {
	var order strings.Builder
	order.WriteString(`{"number":"4711","lines":[`)
	for i := range 16 {
		fmt.Fprintf(&order, `{"code":"A%d","name":"something","qty":%d,"price":12.5},`, i, i)
	}
	order.WriteString(`{}]}`)
	for _, contentType := range []string{"application/json", "application/json; charset=utf-8", "text/xml"} {
		b.Run(contentType, func(b *testing.B) {
			b.SetBytes(int64(order.Len()))
			body := []byte(order.String())
			for b.Loop() {
				if err := Check(contentType, body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
