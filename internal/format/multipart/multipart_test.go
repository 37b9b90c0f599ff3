package multipart

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

const form = "multipart/form-data; boundary=b"

func TestParse(t *testing.T) {
	body := "preamble\r\n--b\r\nContent-Disposition: form-data; name=\"number\"\r\n\r\n4711\r\n" +
		"--b  \r\nContent-Disposition: form-data; name=\"file\"; filename=\"..\\\\../etc/pass wd.csv\"\r\nContent-Type: text/csv; charset=windows-1250\r\nX-A: 1\r\nX-A: 2\r\n\r\n\x9e;--b\r\n\x00\r\n" +
		"--b\r\n\r\n\r\n--b--\r\nepilogue --b\r\n"
	parts, err := Parse(form, []byte(body))
	if err != nil || len(parts) != 3 {
		t.Fatal(parts, err)
	}
	got := ""
	for _, p := range parts {
		got += fmt.Sprintf("%q %q %q %q %v\n", p.Name, p.Filename, p.Type, p.Body, p.Names())
	}
	want := `"number" "" "text/plain" "4711" [Content-Disposition]` + "\n" +
		`"file" "pass wd.csv" "text/csv; charset=windows-1250" "\x9e;--b\r\n\x00" [Content-Disposition Content-Type X-A]` + "\n" +
		`"" "" "text/plain" "" []` + "\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestRefused(t *testing.T) {
	part := "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n"
	for _, c := range []struct{ name, contentType, body, want string }{
		{"another type", "application/json", "{}", "not one of multipart"},
		{"no boundary", "multipart/form-data", part + "--b--", "names no boundary"},
		{"empty boundary", `multipart/form-data; boundary=""`, part + "--b--", "names no boundary"},
		{"long boundary", "multipart/form-data; boundary=" + strings.Repeat("b", 71), "x", "1 to 70"},
		{"odd boundary", `multipart/form-data; boundary="a;b"`, "x", "1 to 70"},
		{"other boundary", "multipart/form-data; boundary=c", part + "--b--", "does not begin a part"},
		{"nothing like it", form, "{}", "does not begin a part"},
		{"no end", form, part, "--b--, is missing"},
		{"no end of the header", form, "--b\r\nContent-Disposition: form-data; name=a", "--b--, is missing"},
		{"many parts", form, strings.Repeat(part, MaxParts+1) + "--b--", "more than 1000 parts, at offset"},
		{"no header at all", form, "--b\r\nnonsense\r\n\r\nx\r\n--b--", "part 1"},
		{"endless header", form, "--b\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\nx\r\n--b--", "longer than 65536 bytes"},
		{"nothing", form, "", "empty"},
	} {
		if parts, err := Parse(c.contentType, []byte(c.body)); err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 300 {
			t.Errorf("%s: %d parts, %.300v; want %q", c.name, len(parts), err, c.want)
		}
	}
	if err := Check(form, nil); err != nil {
		t.Errorf("an empty body: %v", err)
	}
}

// FuzzParse: what the check lets in is taken apart or refused, what it refuses
// is not taken apart.
func FuzzParse(f *testing.F) {
	f.Add(form, []byte("--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--b--"))
	f.Add(form, []byte("--b\n\n\n--b--"))
	f.Add("multipart/mixed; boundary=\"a b\"", []byte("--a b\r\n\r\n--a b \t\r\n: x\r\n\r\n--a b--"))
	f.Add(form, []byte("--b--b\r\n--b--"))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		parts, err := Parse(contentType, body)
		if err != nil {
			return
		}
		if err := Check(contentType, body); err != nil {
			t.Errorf("taken apart and refused: %v", err)
		}
		size := 0
		for _, p := range parts {
			size += len(p.Body)
			if !bytes.Contains(body, p.Body) || strings.ContainsAny(p.Filename, "/") {
				t.Errorf("%+v", p)
			}
		}
		if size > len(body) {
			t.Error("more came out than was in")
		}
	})
}
