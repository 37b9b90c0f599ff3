package soap

import (
	"net/http"
	"strings"
	"testing"
	"unicode/utf16"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/limit"
)

func sqlite(t *testing.T) *db.DB {
	t.Helper()
	return dbtest.SQLite(t)(nil)
}

const security = `<w:Security xmlns:w="` + wsSecurity + `" s:mustUnderstand="1"><w:UsernameToken><w:Username>admin</w:Username>`

func TestEnvelopesThatAreRefused(t *testing.T) {
	s := newSite(t, sqlite(t), classes)
	get := `<j:getOrders/>`
	for _, c := range []struct {
		name, body, says string
		status           int
		code             string
		header           []string
	}{
		{"no XML", "hello", "cannot be read", 500, "invalid", nil},
		{"nothing", "", "cannot be read", 500, "invalid", nil},
		{"no envelope", `<a/>`, "soap:VersionMismatch", 500, "invalid", nil},
		{"an envelope of nowhere", `<Envelope xmlns="urn:x"><Body/></Envelope>`, "soap:VersionMismatch", 500, "invalid", nil},
		{"a document type", `<!DOCTYPE a [<!ENTITY b "c">]>` + strings.TrimPrefix(envelope("", get), `<?xml version="1.0" encoding="utf-8"?>`), "document type", 500, "invalid", nil},
		{"a document type, declared as text", `<!DOCTYPE a>` + "<a/>", "document type", 500, "invalid", nil},
		{"not closed", strings.TrimSuffix(envelope("", get), "</s:Envelope>"), "ends inside", 500, "invalid", nil},
		{"an unknown prefix", envelope("", `<x:getOrders/>`), "prefix", 500, "invalid", nil},
		{"no body", `<s:Envelope xmlns:s="` + envelope11 + `"/>`, "no Body", 500, "invalid", nil},
		{"an empty body", envelope("", ""), "it has 0", 500, "invalid", nil},
		{"two operations", envelope("", get+get), "it has 2", 500, "invalid", nil},
		{"an element of another namespace", envelope("", `<getOrders xmlns="urn:other"/>`), "urn:junctor:v1", 500, "not-found", nil},
		{"an operation that is not there", envelope("", `<j:getOrder/>`), "getOrders", 500, "not-found", nil},
		{"a header that must be understood", envelope(`<a xmlns="urn:a" s:mustUnderstand="1"/>`, get), "soap:MustUnderstand", 500, "invalid", nil},
		{"a digest", envelope(security+`<w:Password Type="x#PasswordDigest">y</w:Password></w:UsernameToken></w:Security>`, get), "PasswordText", 500, "unauthorized", nil},
		{"a certificate", envelope(`<w:Security xmlns:w="`+wsSecurity+`"><w:BinarySecurityToken/></w:Security>`, get), "UsernameToken", 500, "unauthorized", nil},
		{"a wrong password", envelope(security+`<w:Password>y</w:Password></w:UsernameToken></w:Security>`, get), "faultstring", 500, "unauthorized", nil},
		{"a wrong token", envelope(`<j:Session>js_no</j:Session>`, get), "faultstring", 500, "unauthorized", nil},
		{"deep", envelope("", `<j:getOrders>`+strings.Repeat("<a>", 200)+strings.Repeat("</a>", 200)+`</j:getOrders>`), "nested deeper", 500, "invalid", nil},
		{"a long head", envelope(`<a xmlns="urn:a">`+strings.Repeat("x", headLimit)+`</a>`, get), "must begin within", 413, "too-large", nil},
		{"JSON", `{}`, "text/xml", 415, "unsupported-media", []string{"Content-Type", "application/json"}},
		{"compressed", `x`, "uncompressed", 415, "unsupported-media", []string{"Content-Encoding", "gzip"}},
		{"too large", envelope("", `<j:getOrders><filter>`+strings.Repeat(" ", bodyLimit)+`</filter></j:getOrders>`), "larger than", 413, "too-large", nil},
		{"an element that is not there", operationOf("getOrders", "<filters>x</filters>"), "filter", 500, "unprocessable", nil},
		{"an element twice", operationOf("getOrders", "<filter/><filter/>"), "/filter", 500, "unprocessable", nil},
		{"text between elements", operationOf("getOrders", "hello<filter/>"), "text between", 500, "unprocessable", nil},
		{"no number", operationOf("getOrders", "<top>many</top>"), "/top", 500, "unprocessable", nil},
		{"a page of nothing", operationOf("getOrders", "<pageSize>0</pageSize>"), "/pageSize", 500, "unprocessable", nil},
		{"no boolean", operationOf("getOrders", "<count>perhaps</count>"), "/count", 500, "unprocessable", nil},
		{"elements in a text", operationOf("getOrders", "<filter><a/></filter>"), "/filter", 500, "unprocessable", nil},
		{"a bad filter", operationOf("getOrders", "<filter>a b</filter>"), "/filter", 500, "unprocessable", nil},
		{"an unknown column", operationOf("getOrders", "<select>nothing</select>"), "nothing", 500, "invalid", nil},
		{"no delta", operationOf("getOrdersChanges", ""), "/delta", 500, "unprocessable", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := s.send("admin", c.body, c.header...)
			code, _ := got.refused(t)
			if got.status != c.status || code != c.code || !strings.Contains(got.body, c.says) {
				t.Errorf("answered %d %s", got.status, got.body)
			}
		})
	}
	if got := s.send("", envelope("", get)); got.status != http.StatusUnauthorized || len(got.header.Values("WWW-Authenticate")) != 2 {
		t.Errorf("nobody: %d %v", got.status, got.header)
	}
	if got := s.send("eve", envelope("", get)); got.status != http.StatusUnauthorized {
		t.Errorf("a stranger: %d", got.status)
	}
	if got := s.send("", envelope("", `<j:getOrders><j:filter>`+strings.Repeat(" ", headLimit)+`</j:filter></j:getOrders>`)); got.status != http.StatusUnauthorized {
		t.Errorf("nobody with much: %d", got.status)
	}
	for _, method := range []string{"PUT", "DELETE"} {
		r, err := http.NewRequest(method, s.base, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.do(r); got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") == "" {
			t.Errorf("%s: %d", method, got.status)
		}
	}
	for path, want := range map[string]int{"": 404, "?wsdl": 401, "?wsdl=%zz": 404} {
		r, err := http.NewRequest(http.MethodGet, s.base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.do(r); got.status != want {
			t.Errorf("GET %s: %d", path, got.status)
		}
	}
}

func TestEnvelopesThatAreTaken(t *testing.T) {
	s := newSite(t, sqlite(t), classes)
	password := `<w:Password Type="` + passwordText + `">` + adminPassword + `</w:Password></w:UsernameToken></w:Security>`
	twelve := strings.ReplaceAll(envelope("", `<j:getOrders/>`), envelope11, envelope12)
	wide := utf16.Encode([]rune(strings.Replace(envelope("", `<j:getOrders/>`), "utf-8", "utf-16", 1)))
	bytes := []byte{0xff, 0xfe}
	for _, u := range wide {
		bytes = append(bytes, byte(u), byte(u>>8))
	}
	for _, c := range []struct{ name, login, body, kind string }{
		{"by HTTP", "admin", envelope("", `<j:getOrders/>`), ""},
		{"without prefixes", "admin", `<Envelope xmlns="` + envelope11 + `"><Body><getOrders xmlns="` + namespace + `"><top>1</top></getOrders></Body></Envelope>`, ""},
		{"without a namespace inside", "admin", envelope("", `<j:getOrders><top>1</top></j:getOrders>`), ""},
		{"by UsernameToken", "", envelope(security+password, `<j:getOrders/>`), ""},
		{"the header counts, not HTTP", "eve", envelope(security+password, `<j:getOrders/>`), ""},
		{"a header that may be passed over", "admin", envelope(`<a xmlns="urn:a"/>`, `<j:getOrders/>`), ""},
		{"a header for others", "admin", envelope(`<a xmlns="urn:a" s:mustUnderstand="1" s:actor="urn:somebody"/>`, `<j:getOrders/>`), ""},
		{"SOAP 1.2", "admin", twelve, "application/soap+xml; charset=utf-8; action=\"x\""},
		{"SOAP 1.2 as text/xml", "admin", twelve, ""},
		{"UTF-16", "admin", string(bytes), "text/xml"},
		{"a mark, a comment and an instruction", "admin", "\ufeff" + strings.Replace(envelope("", `<!-- a --><j:getOrders/>`), "?>", "?><?a b?><!-- c -->", 1), ""},
		{"nil and empty are absent", "admin", operationOf("getOrders", `<top xsi:nil="true"/><filter/><count></count>`), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			kind := c.kind
			if kind == "" {
				kind = "text/xml; charset=utf-8"
			}
			got := s.send(c.login, c.body, "Content-Type", kind)
			if got.status != http.StatusOK || !strings.Contains(got.body, `<getOrdersResponse xmlns="urn:junctor:v1"><page></page></getOrdersResponse>`) {
				t.Fatalf("answered %d %s", got.status, got.body)
			}
			if is12 := strings.HasPrefix(got.header.Get("Content-Type"), "application/soap+xml"); is12 != strings.HasPrefix(c.name, "SOAP 1.2") || is12 != strings.Contains(got.body, envelope12) {
				t.Errorf("answered in another version: %s %s", got.header.Get("Content-Type"), got.body)
			}
		})
	}
	got := s.send("admin", strings.ReplaceAll(envelope("", `<j:nothing/>`), envelope11, envelope12), "Content-Type", "application/soap+xml")
	if got.status != http.StatusBadRequest || !strings.Contains(got.body, "<soap:Value>soap:Sender</soap:Value><soap:Subcode><soap:Value>j:not-found</soap:Value>") {
		t.Errorf("a fault of SOAP 1.2: %d %s", got.status, got.body)
	}
}

func TestASession(t *testing.T) {
	s := newSite(t, sqlite(t), classes)
	login := func(password string) reply {
		return s.send("", operationOf("login", "<login>admin</login><password>"+password+"</password>"))
	}
	got := login("wrong")
	if code, _ := got.refused(t); code != "unauthorized" || got.status != 500 || got.header.Get("WWW-Authenticate") != "" {
		t.Errorf("a wrong password: %d %s", got.status, got.body)
	}
	got = s.send("", operationOf("login", "<login>admin</login>"))
	if code, pointers := got.refused(t); code != "unprocessable" || pointers != "/password" {
		t.Errorf("no password: %s", got.body)
	}
	got = login(adminPassword)
	root, err := parse(got.body)
	if err != nil || got.status != 200 {
		t.Fatal(got.status, got.body)
	}
	token := `<j:Session>` + root.find("token").text + `</j:Session>`
	if got := s.send("", envelope(token, `<j:getOrders/>`)); got.status != 200 {
		t.Errorf("with the token: %d %s", got.status, got.body)
	}
	if got := s.send("", envelope(token, `<j:logout/>`)); got.status != 200 || !strings.Contains(got.body, "logoutResponse") {
		t.Errorf("the end: %d %s", got.status, got.body)
	}
	if got := s.send("", envelope(token, `<j:getOrders/>`)); got.status != 500 {
		t.Errorf("after the end: %d %s", got.status, got.body)
	}
}

// Whatever comes in is read or refused; what is read up to the body and what is
// read to its end are of one version.
func FuzzEnvelope(f *testing.F) {
	f.Add(envelope("<j:Session>x</j:Session>", "<j:getOrders/>"))
	f.Add(envelope(security+`<w:Password>y</w:Password></w:UsernameToken></w:Security>`, operationOf("a", "<b>c</b>")))
	f.Add(`<Envelope xmlns="` + envelope12 + `"><Body><getOrders xmlns="` + namespace + `"/></Body></Envelope>`)
	f.Add("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>")
	f.Add("<a:b xmlns:a='c'><a:Body/></a:b>")
	f.Fuzz(func(t *testing.T, text string) {
		h, headErr := readHead(text, len(text)%2 == 0)
		in, bodyErr := readBody(text)
		if headErr == nil && h.version == 0 {
			t.Error("an envelope of no version")
		}
		if bodyErr == nil && in.space != namespace {
			t.Errorf("an operation of %q", in.space)
		}
		if strings.Contains(text, "<!DOCTYPE") && !strings.Contains(text, "<!--") && !strings.Contains(text, "CDATA") && !strings.Contains(text, "<?") && headErr == nil && bodyErr == nil {
			t.Error("a document type passes")
		}
	})
}

// Every text comes back as it was, as far as XML can hold it.
func FuzzText(f *testing.F) {
	f.Add("a & <b> ]]> \"'\t\r\n")
	f.Add("\x00\x01\ufffe\U0001F600")
	f.Fuzz(func(t *testing.T, text string) {
		var w writer
		w.open("a", "b", text)
		w.text("c", text)
		w.close("a")
		root, err := parse(w.String())
		if err != nil {
			t.Fatalf("%q: %v", w.String(), err)
		}
		want := strings.Map(func(r rune) rune {
			if r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
				return 0xFFFD
			}
			return r
		}, strings.ToValidUTF8(text, "\ufffd"))
		got := root.child("", "c").text
		if strings.ReplaceAll(got, "\ufffd", "") != strings.ReplaceAll(want, "\ufffd", "") {
			t.Errorf("%q came back as %q", text, got)
		}
	})
}

// A large envelope finds room for what it becomes in memory, or comes again; a small
// one needs none.
func TestRoomForEnvelopes(t *testing.T) {
	s := newSite(t, sqlite(t), classes)
	s.door.Room = limit.NewRoom(4 << 20)
	padded := func(n int) string { return operationOf("getOrders", strings.Repeat(" ", n)) }
	for range 20 { // nobody keeps what he has left
		if got := s.send("admin", padded(100<<10)); got.status != 200 {
			t.Fatalf("100 KiB: %d %s", got.status, got.body)
		}
	}
	got := s.send("admin", padded(600<<10))
	if code, _ := got.refused(t); code != "unavailable" || !strings.Contains(got.body, "retryAfter") {
		t.Errorf("600 KiB: %d %s", got.status, got.body)
	}
	s.door.Room = limit.NewRoom(1)
	if got := s.send("admin", padded(0)); got.status != 200 {
		t.Errorf("a small one: %d %s", got.status, got.body)
	}
}
