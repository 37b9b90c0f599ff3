package charset

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func find(t testing.TB, label string) *Encoding {
	t.Helper()
	e, err := Find(label)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestKnownTexts(t *testing.T) {
	for _, tt := range []struct{ label, text, bytes string }{
		{"windows-1250", "Žluťoučký kůň €", "\x8elu\x9dou\xe8k\xfd k\xf9\xf2 \x80"},
		{"CP1250", "š", "\x9a"},
		{"iso-8859-2", "Žluťoučký", "\xaelu\xbbou\xe8k\xfd"},
		{"ISO-8859-1", "\u0080é", "\x80\xe9"},
		{"iso-8859-15", "€", "\xa4"},
		{"iso-8859-11", "\u0080ก", "\x80\xa1"},
		{"windows-1251", "Привет", "\xcf\xf0\xe8\xe2\xe5\xf2"},
		{"koi8-r", "Привет", "\xf0\xd2\xc9\xd7\xc5\xd4"},
		{"koi8-u", "їґ", "\xa7\xad"},
		{"windows-1252", "“€”", "\x93\x80\x94"},
		{"ibm852", "žluťoučký", "\xa7lu\x9cou\x9fk\xec"},
		{"IBM866", "Привет", "\x8f\xe0\xa8\xa2\xa5\xe2"},
		{"us-ascii", "plain\x00\x7f", "plain\x00\x7f"},
		{"utf-8", "ž😀", "\xc5\xbe\xf0\x9f\x98\x80"},
		{"utf-16le", "ž😀", "\x7e\x01\x3d\xd8\x00\xde"},
		{"utf-16be", "ž😀", "\x01\x7e\xd8\x3d\xde\x00"},
		{"utf-16", "a", "\xff\xfea\x00"},
	} {
		e := find(t, tt.label)
		if got, err := e.Encode(tt.text, Options{}); err != nil || string(got) != tt.bytes {
			t.Errorf("%s: encoded % x, %v; want % x", tt.label, got, err, tt.bytes)
		}
		if got, err := e.Decode([]byte(tt.bytes), Options{}); err != nil || got != tt.text {
			t.Errorf("%s: decoded %q, %v; want %q", tt.label, got, err, tt.text)
		}
	}
}

func TestByteOrderMarks(t *testing.T) {
	for _, tt := range []struct{ label, bytes, want string }{
		{"utf-8", "\xef\xbb\xbfa", "a"}, {"utf-16", "\xff\xfea\x00", "a"}, {"utf-16", "\xfe\xff\x00a", "a"}, {"utf-16", "a\x00", "a"},
		{"utf-16le", "\xff\xfea\x00", "a"}, {"utf-16be", "\xfe\xff\x00a", "a"}, {"utf-16le", "\xfe\xff", "\ufffe"},
		{"utf-16", "", ""}, {"utf-8", "\xef\xbb\xbf\xef\xbb\xbf", "\ufeff"},
	} {
		if got, err := find(t, tt.label).Decode([]byte(tt.bytes), Options{}); err != nil || got != tt.want {
			t.Errorf("%s % x: %q, %v", tt.label, tt.bytes, got, err)
		}
	}
	for label, want := range map[string]string{"utf-8": "\xef\xbb\xbfa", "utf-16le": "\xff\xfea\x00", "utf-16be": "\xfe\xff\x00a", "utf-16": "\xff\xfea\x00"} {
		if got, err := find(t, label).Encode("a", Options{BOM: true}); err != nil || string(got) != want {
			t.Errorf("%s: % x, %v", label, got, err)
		}
	}
	if _, err := find(t, "windows-1250").Encode("a", Options{BOM: true}); err == nil {
		t.Error("windows-1250 has a byte order mark")
	}
}

func TestTroubleIsNamedOrReplaced(t *testing.T) {
	for _, tt := range []struct{ label, bytes, want, replaced string }{
		{"windows-1250", "ab\x81", "byte 0x81 at offset 2", "ab\ufffd"},
		{"us-ascii", "a\xe9", "byte 0xE9 at offset 1", "a\ufffd"},
		{"iso-8859-6", "\xa1", "byte 0xA1 at offset 0", "\ufffd"},
		{"utf-8", "\xef\xbb\xbfa\xff", "byte 0xFF at offset 4", "a\ufffd"},
		{"utf-8", "\xed\xa0\x80", "byte 0xED at offset 0", "\ufffd"},
		{"utf-16le", "a\x00b", "is cut", "a\ufffd"},
		{"utf-16le", "\x3d\xd8a\x00", "surrogate pair, 0xD83D, at offset 0", "\ufffda"},
		{"utf-16be", "\xde\x00", "surrogate pair", "\ufffd"},
	} {
		e := find(t, tt.label)
		if got, err := e.Decode([]byte(tt.bytes), Options{}); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.label) {
			t.Errorf("%s % x: %q, %v; want %q", tt.label, tt.bytes, got, err, tt.want)
		}
		if got, err := e.Decode([]byte(tt.bytes), Options{Replace: true}); err != nil || got != tt.replaced {
			t.Errorf("%s % x replaced: %q, %v", tt.label, tt.bytes, got, err)
		}
	}
	for _, tt := range []struct{ label, text, want, replaced string }{
		{"windows-1250", "žα", `character 2, 'α' (U+03B1)`, "\x9e?"},
		{"iso-8859-1", "5 €", `character 3, '€'`, "5 ?"},
		{"us-ascii", "é", `character 1`, "?"},
		{"windows-1252", "a\ufffd", `character 2, '�'`, "a?"},
		{"windows-1252", "a\xff", "not UTF-8 at character 2", "a?"},
		{"utf-8", "ž\xff", "not UTF-8 at character 2", "\xc5\xbe?"},
		{"utf-16be", "\xff", "not UTF-8 at character 1", "\x00?"},
	} {
		e := find(t, tt.label)
		if got, err := e.Encode(tt.text, Options{}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s %q: % x, %v; want %q", tt.label, tt.text, got, err, tt.want)
		}
		if got, err := e.Encode(tt.text, Options{Replace: true}); err != nil || string(got) != tt.replaced {
			t.Errorf("%s %q replaced: % x, %v", tt.label, tt.text, got, err)
		}
	}
}

func TestLabels(t *testing.T) {
	var missing []string
	for n := 1250; n <= 1258; n++ {
		missing = append(missing, fmt.Sprintf("Windows-%d", n), fmt.Sprintf("cp%d", n))
	}
	for n := 1; n <= 16; n++ {
		if n != 12 { // never published
			missing = append(missing, fmt.Sprintf("ISO-8859-%d", n))
		}
	}
	for _, label := range append(missing, "KOI8-R", "koi8-U", "IBM852", "cp866", " UTF-8 ", "Latin2") {
		if _, err := Find(label); err != nil {
			t.Error(err)
		}
	}
	if _, err := Find("ebcdic"); err == nil || !strings.Contains(err.Error(), "windows-1250") {
		t.Errorf("unknown label: %v", err)
	}
	seen := map[string]bool{}
	for _, e := range table {
		for _, l := range e.labels {
			if seen[l] || l != strings.ToLower(l) {
				t.Errorf("label %q is there twice or not in lower case", l)
			}
			seen[l] = true
		}
	}
	if !slices.Contains(Names(), "utf-16be") {
		t.Error("Names is not complete")
	}
}

// Every byte that a single-byte encoding knows comes back as itself.
func TestEveryByteComesBack(t *testing.T) {
	for _, name := range Names() {
		if strings.HasPrefix(name, "utf") {
			continue
		}
		e := find(t, name)
		for b := range 256 {
			text, err := e.Decode([]byte{byte(b)}, Options{})
			if err != nil {
				continue
			}
			if back, err := e.Encode(text, Options{}); err != nil || !bytes.Equal(back, []byte{byte(b)}) {
				t.Errorf("%s: 0x%02X is %q and comes back as % x, %v", name, b, text, back, err)
			}
		}
	}
}

func FuzzRoundTrip(f *testing.F) {
	f.Add("windows-1250", []byte("Žluťoučký"))
	f.Add("utf-16", []byte("\xfe\xff\x00a\xd8\x3d"))
	f.Add("utf-8", []byte("\xef\xbb\xbf\xff"))
	f.Fuzz(func(t *testing.T, label string, data []byte) {
		e, err := Find(label)
		if err != nil {
			e = find(t, Names()[len(data)%len(Names())])
		}
		lossy, err := e.Decode(data, Options{Replace: true})
		if err != nil || !utf8.ValidString(lossy) {
			t.Fatalf("%s % x: %q, %v", e.Name(), data, lossy, err)
		}
		if _, err := e.Encode(string(data), Options{Replace: true}); err != nil {
			t.Fatalf("%s: %v", e.Name(), err)
		}
		text, err := e.Decode(data, Options{})
		if err != nil {
			return
		}
		encoded, err := e.Encode(text, Options{})
		if err != nil {
			t.Fatalf("%s: what was decoded, %q, cannot be encoded: %v", e.Name(), text, err)
		}
		again, err := e.Decode(encoded, Options{})
		if err != nil || again != text && !strings.HasPrefix(text, "\ufeff") {
			t.Fatalf("%s: %q comes back as %q, %v", e.Name(), text, again, err)
		}
	})
}
