package weburl_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/script/realm/weburl"
)

func TestParse(t *testing.T) {
	for _, c := range []struct{ text, base, want string }{
		{"HTTP://User:p@ss@EXAMPLE.com:80/a/./b/../c?q#f", "", "http://User:p%40ss@example.com/a/c?q#f"},
		{"../x?y", "https://h/a/b/c", "https://h/a/x?y"},
		{"//other/x", "https://h/a", "https://other/x"},
		{"?n", "https://h/a?o#f", "https://h/a?n"},
		{"http://0x7f.1/", "", "http://127.0.0.1/"},
		{"http://[2001:DB8::0:1]:8080", "", "http://[2001:db8::1]:8080/"},
		{"http://[::ffff:1.2.3.4]/", "", "http://[::ffff:102:304]/"},
		{"https://háčky-čárky.cz/č", "", "https://xn--hky-rky-hwad05bd.cz/%C4%8D"},
		{"file:///C|/a/../..", "", "file:///C:/"},
		{"mailto:a@b.cz", "", "mailto:a@b.cz"},
	} {
		var base *weburl.URL
		if c.base != "" {
			var err error
			if base, err = weburl.Parse(c.base, nil); err != nil {
				t.Fatal(err)
			}
		}
		u, err := weburl.Parse(c.text, base)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if u.String() != c.want {
			t.Errorf("%s: %s, not %s", c.text, u, c.want)
		}
	}
	for _, text := range []string{"", "x", "/x", "http://", "http://h:x", "http://h:65536", "http://a b", "http://[::1", "http://1.2.3.4.5", "http://256.0.0.1", "http://a%00", "http://user@"} {
		if u, err := weburl.Parse(text, nil); err == nil {
			t.Errorf("%q was taken as %s", text, u)
		}
	}
}

// What was parsed and written is parsed to the same again.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"http://u:p@h:81/a?b#c", "file:///C:/x", "foo:/..//x", "mailto:x y", "http://[::1]/", "//h", "http://0x.0x.0", "foo://h", "web+x:/.//p", "http://č/"} {
		f.Add(seed, "http://base/a/b?c")
	}
	f.Fuzz(func(t *testing.T, text, baseText string) {
		base, err := weburl.Parse(baseText, nil)
		if err != nil {
			base = nil
		}
		u, err := weburl.Parse(text, base)
		if err != nil {
			return
		}
		again, err := weburl.Parse(u.String(), nil)
		if err != nil {
			t.Fatalf("%q on %q gave %q, which is no URL: %v", text, baseText, u, err)
		}
		if again.String() != u.String() {
			t.Errorf("%q on %q: %q, and again %q", text, baseText, u, again)
		}
	})
}

func FuzzForm(f *testing.F) {
	f.Add("a=1&b=%20+č&=&c")
	f.Fuzz(func(t *testing.T, text string) {
		pairs := weburl.ParseForm(text)
		if diff := cmp.Diff(pairs, weburl.ParseForm(weburl.Form(pairs))); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	})
}
