package hub_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"junctor/internal/format/charset"
)

// serveFormats reads what comes in by ?read= and sends it back: by ?write= as
// that, in the charset of ?charset=.
func serveFormats(t *testing.T) *site {
	t.Helper()
	return serve(t, map[string]string{
		"junctor.yaml": "channels:\n  formats: { type: public, scenario: formats, await: true, subject: $.number }\n  strict: { type: public, scenario: formats, await: true, verify: { bearer: x } }\n  later: { type: public, scenario: formats }\n",
		"scenarios/formats.ts": `import { base64, csv, xml, type Request } from "junctor";
const plain = (part: any) => ({ ...part, body: base64.encode(part.body), text: part.text() });
export default (request: Request) => {
  const { read, write, charset } = request.query, to = (type: string) => ({ "content-type": charset ? type + "; charset=" + charset : type });
  switch (read) {
    case "json": return { json: request.json(), headers: to("application/json") };
    case "form": return write === "text" ? { text: request.form().text, headers: to("text/plain") } : { json: request.form() };
    case "text": return { text: request.startparam(4), headers: to("text/plain") };
    case "html": return { text: request.text(), headers: to("text/html") };
    case "xml": return write === "xml" ? { xml: request.xml(), headers: to("application/xml") } : { json: request.xml() };
    case "csv": return write === "csv" ? { body: csv.stringify(request.csv({ delimiter: ";" })), headers: to("text/csv") } : { json: request.csv({ delimiter: ";" }) };
    case "options": return { json: request.csv({ separator: ";" } as any) };
    case "parts": return { json: request.parts().map(plain) };
    case "body": return { body: request.body };
    case "sizes": return { json: request.parts().map((part) => part.body.length) };
    case "length": return { json: request.body.length };
  }
};`,
	})
}

// TestRequestsInTheirCharset: whatever a scenario reads by, the charset is the
// one that the Content-Type names.
func TestRequestsInTheirCharset(t *testing.T) {
	s := serveFormats(t)
	form := "multipart/form-data; boundary=b"
	parts := "--b\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nčaj\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\nContent-Type: text/csv; charset=windows-1250\r\nX-Kind: list\r\n\r\n\x9e;\x00\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"note\"\r\nContent-Type: text/plain; charset=iso-8859-2\r\n\r\n\xbe\r\n--b--\r\n"
	for _, c := range []struct{ name, read, contentType, body, want string }{
		{"json", "json", "application/json; charset=windows-1250", "{\"a\":\"\x9e\"}", `{"a":"ž"}`},
		{"json in UTF-16", "json", "application/json; charset=utf-16", "\xfe\xff\x00[\x01\x7e\x00]", ``},
		{"json in UTF-16 with a text", "json", "application/json; charset=utf-16be", "\x00[\x00\"\x01\x7e\x00\"\x00]", `["ž"]`},
		{"json with a mark", "json", "application/json", "\xef\xbb\xbf[1]", `[1]`},
		{"text", "text", "text/plain; charset=koi8-r", "\xf0", `П`},
		{"text that could be UTF-8", "text", "text/plain; charset=windows-1250", "\xc5\xbe", "Ĺľ"},
		{"text by ISO and not as browsers have it", "text", "text/plain; charset=iso-8859-1", "\x80", "\u0080"},
		{"text of Japan", "text", "text/plain; charset=Shift_JIS", "\x83\x5c", "ソ"},
		{"text that names nothing", "text", "text/plain", "a\xff", "a\uFFFD"},
		{"form", "form", "application/x-www-form-urlencoded; charset=windows-1250", "a=%9e+\x9e&b&a=2&=x&&c=%zz%4", `{"a":"ž ž","b":"","":"x","c":"%zz%4"}`},
		{"form in UTF-16", "form", "application/x-www-form-urlencoded; charset=utf-16le", "a\x00=\x00\x7e\x01%\x00C\x005\x00%\x00B\x00E\x00", `{"a":"žž"}`},
		{"form that names nothing", "form", "application/x-www-form-urlencoded", "a=%C5%BE+%FF", `{"a":"ž ` + "\uFFFD" + `"}`},
		{"form in parts", "form", form, parts, `{"note":"čaj"}`},
		{"parts", "parts", form, parts, `[{"name":"note","type":"text/plain","headers":{"content-disposition":"form-data; name=\"note\""},"body":"xI1hag==","text":"čaj"},` +
			`{"name":"file","filename":"a.csv","type":"text/csv; charset=windows-1250","headers":{"content-disposition":"form-data; name=\"file\"; filename=\"a.csv\"","content-type":"text/csv; charset=windows-1250","x-kind":"list"},"body":"njsA","text":"ž;\u0000"},` +
			`{"name":"note","type":"text/plain; charset=iso-8859-2","headers":{"content-disposition":"form-data; name=\"note\"","content-type":"text/plain; charset=iso-8859-2"},"body":"vg==","text":"ž"}]`},
		{"csv", "csv", "text/csv; charset=ibm852", "a;b\r\n\xa7;1\r\n", `[{"a":"ž","b":"1"}]`},
		{"xml by its declaration", "xml", "application/xml", "<?xml version='1.0' encoding='windows-1250'?><a>\x9e</a>", `{"a":"ž"}`},
		{"xml by its declaration, could be UTF-8", "xml", "text/xml", "<?xml version='1.0' encoding='windows-1250'?><a>\xc5\xbe</a>", `{"a":"Ĺľ"}`},
		{"xml by its type", "xml", "text/xml; charset=iso-8859-2", "<?xml version='1.0' encoding='windows-1250'?><a>\xbe</a>", `{"a":"ž"}`},
		{"xml by its mark", "xml", "text/xml; charset=iso-8859-2", "\xef\xbb\xbf<?xml version='1.0' encoding='windows-1250'?><a>ž</a>", `{"a":"ž"}`},
		{"xml in UTF-16", "xml", "application/xml", "\xff\xfe<\x00a\x00>\x00\x7e\x01<\x00/\x00a\x00>\x00", `{"a":"ž"}`},
		{"bytes", "body", "application/octet-stream; charset=utf-8", "\xff\x00", "\xff\x00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp, body := s.send("POST", "formats", "?read="+c.read, c.body, "Content-Type", c.contentType)
			if c.want == "" {
				if resp.StatusCode != 400 {
					t.Errorf("%d %s", resp.StatusCode, body)
				}
				return
			}
			if resp.StatusCode != 200 || body != c.want {
				t.Errorf("%d %s\nwant %s", resp.StatusCode, body, c.want)
			}
		})
	}
	resp, _ := s.send("POST", "formats", "?read=json", "{\"number\":\"\x9e\"}", "Content-Type", "application/json; charset=windows-1250")
	if info := s.ended(resp.Header.Get("Junctor-Run")); info.Subject != "ž" {
		t.Errorf("the subject is %q", info.Subject)
	}
}

// TestContentIsRefusedAtTheDoor: what cannot be decoded, or is built to hurt, is
// answered before anything is stored, and others are served meanwhile.
func TestContentIsRefusedAtTheDoor(t *testing.T) {
	s := serveFormats(t)
	attributes := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, ` a%d=""`, i)
		}
		return b.String()
	}
	var laughs strings.Builder
	for i := 1; i < 10; i++ {
		fmt.Fprintf(&laughs, `<!ENTITY l%d "%s">`, i, strings.Repeat("&l"+strconv.Itoa(i-1)+";", 10))
	}
	part := "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n"
	const form, isJSON, isXML = "multipart/form-data; boundary=b", "application/json", "application/xml"
	cases := []struct {
		name, contentType, body string
		status                  int
		says                    string
	}{
		{"UTF-8 that is none", isJSON, "{\"a\":\"\xc3\x28\"}", 400, "byte 0xC3 at offset 6"},
		{"UTF-8 that is cut", "text/plain; charset=utf-8", "ab\xe2\x82", 400, "offset 2"},
		{"a surrogate in UTF-8", "text/csv; charset=utf-8", "\xed\xa0\x80", 400, "offset 0"},
		{"overlong UTF-8", "application/x-www-form-urlencoded; charset=utf-8", "a=\xc0\xaf", 400, "offset 2"},
		{"UTF-16 of odd length", "application/json; charset=utf-16le", "[\x00]", 400, "3 bytes"},
		{"half a pair", "text/xml; charset=utf-16be", "\x00<\xd8\x3d", 400, "offset 2"},
		{"a charset that nobody knows", "text/plain; charset=ebcdic-at-de", "x", 415, "ebcdic-at-de"},
		{"100,000 levels", isJSON, strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000), 400, "1000 levels, at offset 1000"},
		{"100,000 levels without an end", isJSON, strings.Repeat(`{"a":`, 100_000), 400, "1000 levels"},
		{"billion laughs", isXML, `<!DOCTYPE l [<!ENTITY l0 "lol">` + laughs.String() + `]><l>&l9;</l>`, 400, "document type"},
		{"external entity", isXML, `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>`, 400, "document type"},
		{"external entity in UTF-16", isXML, "\xff\xfe" + strings.Join(strings.Split(`<!DOCTYPE a SYSTEM "http://127.0.0.1/"><a/>`, ""), "\x00") + "\x00", 400, "document type"},
		{"10,000 attributes", isXML, "<a" + attributes(10_000) + "/>", 400, "1000 attributes"},
		{"100,000 elements deep", "application/soap+xml", strings.Repeat("<a>", 100_000), 400, "deeper than 1000"},
		{"100,000 parts", form, strings.Repeat(part, 100_000) + "--b--", 400, "1000 parts"},
		{"no boundary", "multipart/form-data", part + "--b--", 400, "boundary"},
		{"no last boundary", form, part + part, 400, "--b--"},
		{"no end of a part's header", form, "--b\r\nX: " + strings.Repeat("x", 1<<20), 400, "--b--"},
	}
	stop, peak := make(chan struct{}), int64(0)
	var others sync.WaitGroup
	others.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if resp, body := s.send("POST", "formats", "?read=json", `{"a":1}`, "Content-Type", isJSON); resp.StatusCode != 200 {
				t.Errorf("another: %d %s", resp.StatusCode, body)
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, int64(m.HeapAlloc))
		}
	})
	before := heap()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for _, channel := range []string{"formats", "later"} {
				resp, body := s.send("POST", channel, "", c.body, "Content-Type", c.contentType)
				if resp.StatusCode != c.status || !strings.Contains(body, c.says) || len(body) > 1000 || resp.Header.Get("Junctor-Run") != "" {
					t.Errorf("%d %.500s", resp.StatusCode, body)
				}
			}
			// Who may not come in is told nothing of what would be read.
			if resp, _ := s.send("POST", "strict", "", c.body, "Content-Type", c.contentType); resp.StatusCode != 401 {
				t.Errorf("without credentials: %d", resp.StatusCode)
			}
		})
	}
	close(stop)
	others.Wait()
	if grown, most := heap()-before, peak-before; grown > 16<<20 || most > 128<<20 {
		t.Errorf("the heap has grown by %d MiB, and by %d MiB meanwhile", grown>>20, most>>20)
	}
}

// TestScenariosRefuseContent: what came in and cannot be read is the sender's
// mistake, a wrong option the scenario's.
func TestScenariosRefuseContent(t *testing.T) {
	s := serveFormats(t)
	for _, c := range []struct {
		name, read, contentType, body string
		status                        int
		says                          string
	}{
		{"json", "json", "application/json", "{", 400, "The body is not valid JSON"},
		{"xml", "xml", "application/xml", "<a>", 400, "The body is not valid XML"},
		{"xml with a type that says nothing", "xml", "application/octet-stream", "<!DOCTYPE a><a/>", 400, "document type"},
		{"deep xml with a type that says nothing", "xml", "", strings.Repeat("<a>", 100_000), 400, "deeper than 1000"},
		{"deep json with a type that says nothing", "json", "", strings.Repeat("[", 1<<20), 400, "not valid JSON"},
		{"xml in an encoding of nobody", "xml", "application/xml", "<?xml version='1.0' encoding='ebcdic'?><a/>", 400, "ebcdic"},
		{"csv", "csv", "text/csv", "a;b\n1\n", 400, "line 2 has 1 field"},
		{"csv that is cut", "csv", "text/csv", "a\n\"x", 400, "The body is not valid CSV"},
		{"parts of a form that has none", "parts", "application/x-www-form-urlencoded", "a=1", 400, "The body is not valid multipart"},
		{"parts of nothing", "parts", "multipart/form-data; boundary=b", "", 400, "empty"},
		{"a part without a header", "parts", "multipart/form-data; boundary=b", "--b\r\nnonsense\r\n\r\n--b--", 400, "part 1"},
		{"a form in broken parts", "form", "multipart/form-data; boundary=b", "--b\r\nnonsense\r\n\r\n--b--", 400, "part 1"},
		{"a header too long", "parts", "multipart/form-data; boundary=b", "--b\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n\r\n--b--", 400, "65536 bytes"},
		{"a wrong option", "options", "text/csv", "a", 502, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp, body := s.send("POST", "formats", "?read="+c.read, c.body, "Content-Type", c.contentType)
			if resp.StatusCode != c.status || !strings.Contains(body, c.says) || len(body) > 2000 || resp.Header.Get("Junctor-Run") == "" {
				t.Errorf("%d %.500s", resp.StatusCode, body)
			}
		})
	}
	// Files of the largest size there is.
	const header = "--b\r\nContent-Disposition: form-data; name=a; filename=f\r\n\r\n"
	for _, bytes := range []string{"\xff\x00", "ab"} {
		file := strings.Repeat(bytes, 5<<19-200)
		resp, body := s.send("POST", "formats", "?read=sizes", header+file+"\r\n"+header+file+"\r\n--b--", "Content-Type", "multipart/form-data; boundary=b")
		if want := fmt.Sprintf("[%d,%d]", len(file), len(file)); resp.StatusCode != 200 || body != want {
			t.Errorf("10 MiB: %d %s, want %s", resp.StatusCode, body, want)
		}
	}
}

// endless is the beginning of a gzip stream of so many bytes, which holds nothing.
func endless(n int) string {
	return "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03" + strings.Repeat("\x00\x00\x00\xff\xff", n/5)
}

// TestCompressedContent: what is broken is said, and a bomb within a bomb is none.
func TestCompressedContent(t *testing.T) {
	s := serveFormats(t)
	const isJSON = "application/json"
	deep := strings.Repeat("[", 100_000)
	for _, c := range []struct {
		name, encoding, body string
		status               int
	}{
		{"gzip", "gzip", packed("gzip", `{"a":1}`), 200},
		{"gzip of gzip, said once", "gzip", packed("gzip", packed("gzip", `{"a":1}`)), 400},
		{"gzip of gzip, said twice", "gzip, gzip", packed("gzip", packed("gzip", `{"a":1}`)), 200},
		{"much of little, and little of much", "gzip, gzip", packed("gzip", endless(20<<20)), 413},
		{"gzip that is cut", "gzip", packed("gzip", strings.Repeat(`{"a":1}`, 1000))[:30], 400},
		{"deflate of nothing like it", "deflate", "garbage, and more of it", 400},
		{"deep JSON inside", "deflate", packed("zlib", deep), 400},
	} {
		if resp, body := s.send("POST", "formats", "?read=json", c.body, "Content-Type", isJSON, "Content-Encoding", c.encoding); resp.StatusCode != c.status {
			t.Errorf("%s: %d %s", c.name, resp.StatusCode, body)
		}
	}
}

// TestRoundTrips is a property: text in any charset that is offered comes back
// from a scenario in the same bytes, through every format.
func TestRoundTrips(t *testing.T) {
	s := serveFormats(t)
	alphabets := map[string][]rune{}
	for _, name := range charset.Names() {
		e, err := charset.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		for r := rune(' '); r < 0x2600; r++ {
			if r == 0x7f || r >= 0x80 && r < 0xA0 || r == 0x2028 || r == 0x2029 || r == ';' || r == '"' {
				continue
			}
			if _, err := e.Encode(string(r), charset.Options{}); err == nil {
				alphabets[name] = append(alphabets[name], r)
			}
		}
		if strings.HasPrefix(name, "utf") {
			alphabets[name] = append(alphabets[name], '😀', '\uFFFD', '漢')
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.SampledFrom(charset.Names()).Draw(rt, "charset")
		text := "x" + rapid.StringOfN(rapid.SampledFrom(alphabets[name]), 0, 40, -1).Draw(rt, "text") + "x"
		e, err := charset.Find(name)
		if err != nil {
			rt.Fatal(err)
		}
		encode := func(text string) string {
			data, err := e.Encode(text, charset.Options{})
			if err != nil {
				rt.Fatal(err)
			}
			return string(data)
		}
		inJSON := `{"text":"` + strings.ReplaceAll(text, `\`, `\\`) + `"}` // as JSON.stringify writes it
		declared := name
		if name == "utf-8" {
			declared = "UTF-8" // as xml.stringify has it
		}
		inXML := `<?xml version="1.0" encoding="` + declared + `"?>` + "\n<a>" + strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text) + "</a>"
		var inForm strings.Builder
		for _, b := range []byte(encode(text)) {
			fmt.Fprintf(&inForm, "%%%02x", b)
		}
		formBody := "text=" + inForm.String()
		if strings.HasPrefix(name, "utf-16") {
			formBody = encode("text=" + escapedForm(text))
		}
		type trip struct{ query, contentType, body, want string }
		trips := []trip{
			{"read=text", "text/plain", encode(text), ""},
			{"read=html", "text/html", encode(text), ""},
			{"read=json", "application/json", encode(inJSON), ""},
			{"read=xml&write=xml", "application/xml", encode(inXML), ""},
			{"read=csv&write=csv", "text/csv", encode("a;b\r\n" + text + ";1\r\n"), encode("a,b\r\n" + csvField(text) + ",1\r\n")},
			{"read=form&write=text", "application/x-www-form-urlencoded", formBody, encode(text)},
			{"read=body", "text/plain", encode(text), ""},
		}
		for _, c := range trips {
			if c.want == "" {
				c.want = c.body
			}
			resp, body := s.send("POST", "formats", "?"+c.query+"&charset="+name, c.body, "Content-Type", c.contentType+"; charset="+name)
			if resp.StatusCode != http.StatusOK || body != c.want {
				rt.Fatalf("%s in %s: %d\n%s\nfor\n%s", c.query, name, resp.StatusCode, base64.StdEncoding.EncodeToString([]byte(body)), base64.StdEncoding.EncodeToString([]byte(c.want)))
			}
		}
	})
}

// csvField is a field as csv.stringify writes it.
func csvField(text string) string {
	if strings.ContainsAny(text, ",\"\r\n") || strings.TrimSpace(text) != text {
		return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
	}
	return text
}

// escapedForm is text in a form of a wide charset, whose escapes are UTF-8.
func escapedForm(text string) string {
	return strings.NewReplacer("%", "%25", "&", "%26", "+", "%2B", "=", "%3D").Replace(text)
}
