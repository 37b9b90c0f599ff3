package odata

import (
	"strings"
	"testing"

	"junctor/internal/record"
)

// FuzzURL reads addresses and queries: whatever they are, there is an answer, and
// no panic.
func FuzzURL(f *testing.F) {
	for _, seed := range [][2]string{
		{"/orders('o1')/customer/region", "$filter=total gt 1&$expand=customer($select=name;$expand=region)"},
		{"/orders(number='4711',b=2)", "$select=a,b&$top=1&@x=1"}, {"/orders/$count", "$apply=groupby((a),aggregate(b with sum as c))"},
		{"/$entity", "$id=orders('x')"}, {"/orders(%27a%2Fb%27)/x/$value", "$skiptoken=t2.abc"}, {"//", "&&=&$=;"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, path, query string) {
		segments, err := splitPath(path)
		if err == nil && len(segments) > 0 {
			if _, at, keyed, err := splitKey(segments[0]); err == nil && keyed && at.ID == "" && at.Key == nil && !strings.Contains(segments[0], "''") && !strings.Contains(segments[0], "id=") {
				t.Errorf("%q has a key that names nothing", segments[0])
			}
		}
		for _, version := range []string{version40, version401} {
			q := &request{query: query, version: version, door: &door{routes: routes()}}
			o, err := q.readOptions(lists)
			if err == nil {
				q.options = o
				q.from("$skiptoken", "x")
				if o.skip < 0 || o.top != nil && *o.top < 0 || o.page > record.MaxPage {
					t.Errorf("%q: %+v", query, o)
				}
			}
		}
		below(path)
	})
}

// FuzzBatch reads batches of both kinds.
func FuzzBatch(f *testing.F) {
	f.Add(`{"requests":[{"id":"1","method":"GET","url":"orders","if":"not $1/$succeeded and $2/$succeeded"}]}`, "")
	f.Add("--b\r\nContent-Type: application/http\r\n\r\nGET orders HTTP/1.1\r\nA: b\r\n\r\nx\r\n--b--", "multipart/mixed; boundary=b")
	f.Add("--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Type: application/http\r\nContent-ID: 1\r\n\r\nPOST orders\r\n\r\n{}\r\n--c--\r\n--b--", "multipart/mixed; boundary=b")
	f.Fuzz(func(t *testing.T, body, kind string) {
		read := func() ([]*item, error) { return readBatch([]byte(body)) }
		if kind != "" {
			read = func() ([]*item, error) { return readMultipart(kind, []byte(body)) }
		}
		items, err := read()
		if err != nil {
			return
		}
		if len(items) == 0 || len(items) > batchItems {
			t.Fatalf("%d items", len(items))
		}
		b := &running{request: &request{}, known: map[string]*item{"1": {answer: &answer{entity: "orders('x')"}}}}
		for _, i := range items {
			b.resolveBody(i.body)
			if path, err := b.resolvePath(i.url); err == nil && !strings.HasPrefix(path, "/") {
				t.Errorf("%q became %q", i.url, path)
			}
			readPreferences(i.header)
			versionOf(i.header) //nolint:errcheck // it is not to panic
			(&request{header: i.header}).match()
			mediaType(i.header)
		}
	})
}
