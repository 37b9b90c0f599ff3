package host

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzForm: a form of UTF-8 is read as others read it, and one of any charset
// gives text.
func FuzzForm(f *testing.F) {
	f.Add("a=%C5%BE+b&c&=d&a=2", "windows-1250")
	f.Add("%", "utf-16le")
	f.Add("a=%zz%4&&&=", "shift_jis")
	f.Fuzz(func(t *testing.T, text, charset string) {
		for _, pair := range formPairs([]byte(text), "application/x-www-form-urlencoded; charset="+charset) {
			if !utf8.ValidString(pair[0]) || !utf8.ValidString(pair[1]) {
				t.Errorf("%q", pair)
			}
		}
		want, err := url.ParseQuery(text)
		if err != nil {
			return
		}
		got := url.Values{}
		for _, pair := range formPairs([]byte(text), "") {
			got.Add(pair[0], pair[1])
		}
		for name, values := range want {
			if plain := utf8.ValidString(name+strings.Join(values, "")) && !strings.Contains(name+strings.Join(values, ""), "\uFEFF"); plain && !slices.Equal(got[name], values) {
				t.Errorf("%q: %q, others read %q", name, got[name], values)
			}
		}
	})
}
