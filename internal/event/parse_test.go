package event_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/db/dbtest"
	"junctor/internal/event"
	"junctor/internal/fault"
)

// The events of the specification (JSON format 1.0.2, section 3.2, and the HTTP
// binding), and what they are afterwards.
func TestParse(t *testing.T) {
	for name, c := range map[string]struct{ doc, want string }{
		"the least":      {`{"specversion":"1.0","id":"1","source":"/s","type":"t"}`, ``},
		"text as data":   {`{"specversion":"1.0","type":"com.example.someevent","source":"/mycontext","subject":null,"id":"C234-1234-1234","time":"2018-04-05T17:31:00Z","comexampleextension1":"value","comexampleothervalue":5,"datacontenttype":"application/xml","data":"<much wow=\"xml\"/>"}`, `{"specversion":"1.0","id":"C234-1234-1234","source":"/mycontext","type":"com.example.someevent","time":"2018-04-05T17:31:00Z","datacontenttype":"application/xml","comexampleextension1":"value","comexampleothervalue":5,"data":"\u003cmuch wow=\"xml\"/\u003e"}`},
		"bytes":          {`{"specversion":"1.0","id":"1","source":"urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66","type":"t","datacontenttype":"application/octet-stream","data_base64":"AP8="}`, `{"specversion":"1.0","id":"1","source":"urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66","type":"t","datacontenttype":"application/octet-stream","data_base64":"AP8="}`},
		"null as data":   {`{"specversion":"1.0","id":"1","source":"mailto:cncf-wg-serverless@lists.cncf.io","type":"t","data":null}`, ``},
		"odd but right":  {`{"data":{"a":"\u0000"},"type":"ž 1","source":"1-555-123-4567","id":"\ud83d\ude00","specversion":"1.0","ok":true,"x":-2147483648}`, `{"specversion":"1.0","id":"😀","source":"1-555-123-4567","type":"ž 1","ok":true,"x":-2147483648,"data":{"a":"\u0000"}}`},
		"far in a chain": {`{"specversion":"1.0","id":"1","source":"/s","type":"t","junctorrun":"run_1","junctordepth":16}`, ``},
	} {
		t.Run(name, func(t *testing.T) {
			e, found := event.Parse([]byte(c.doc))
			if len(found) > 0 {
				t.Fatal(found)
			}
			got, err := json.Marshal(e)
			must(t, err)
			if c.want == "" {
				c.want = c.doc
			}
			if diff := cmp.Diff(c.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// pointers are the places of what was found.
func pointers(found []fault.Field) (all []string) {
	for _, f := range found {
		all = append(all, f.Pointer)
	}
	return all
}

func TestParseSaysEverythingThatIsWrong(t *testing.T) {
	with := func(more string) string {
		return `{"specversion":"1.0","id":"1","source":"/s","type":"t",` + more + `}`
	}
	long := strings.Repeat("x", 2000)
	for doc, want := range map[string][]string{
		``:     {""},
		`{`:    {""},
		`null`: {""},
		`[]`:   {""},
		`"x"`:  {""},
		"{\"specversion\":\"1.0\",\"id\":\"\xff\",\"source\":\"/s\",\"type\":\"t\"}": {""},
		`{}`: {"/specversion", "/id", "/source", "/type"},
		`{"specversion":"0.3","id":"","source":" ","type":null}`: {"/id", "/source", "/specversion", "/type"},
		`{"specversion":1.0,"id":7,"source":true,"type":{}}`:     {"/id", "/source", "/specversion", "/type"},
		with(`"id":"2"`):                     {"/id"},
		with(`"time":"yesterday"`):           {"/time"},
		with(`"time":"2026-11-22T08:00:00"`): {"/time"},
		with(`"time":"2026-11-22T8:00:00Z"`): {"/time"},
		with(`"data":` + strings.Repeat("[", 1001) + strings.Repeat("]", 1001)): {"/data"},
		with(`"time":"2026-11-22T08:00:00,5Z"`):                                 {"/time"},
		with(`"time":"2026-11-22T08:00:00+24:00"`):                              {"/time"},
		with(`"subject":""`):                                                    {"/subject"},
		with(`"subject":"a\nb"`):                                                {"/subject"},
		with(`"subject":"\uffff"`):                                              {"/subject"},
		with(`"subject":"` + long + `"`):                                        {"/subject"},
		with(`"dataschema":"/relative"`):                                        {"/dataschema"},
		with(`"datacontenttype":"json"`):                                        {"/datacontenttype"},
		with(`"Upper":"x","under_score":1,"a/b":1,"ž":"ž"`):                     {"/Upper", "/a~1b", "/under_score", "/ž"},
		with(`"` + strings.Repeat("n", 70) + `":"x"`):                           {"/" + strings.Repeat("n", 70)},
		with(`"x":{"a":1},"y":[1],"z":1.5,"q":2147483648`):                      {"/q", "/x", "/y", "/z"},
		with(`"x":1e400`):                                                       {"/x"},
		with(`"data_base64":"?"`):                                               {"/data_base64"},
		with(`"data_base64":7`):                                                 {"/data_base64"},
		with(`"data":1,"data_base64":"AA=="`):                                   {"/data_base64"},
		with(`"junctordepth":17`):                                               {"/junctordepth"},
		with(`"junctordepth":-1`):                                               {"/junctordepth"},
		with(`"junctorrun":1`):                                                  {"/junctorrun"},
	} {
		_, found := event.Parse([]byte(doc))
		if diff := cmp.Diff(want, pointers(found)); diff != "" {
			t.Errorf("%.100s: %v %s", doc, found, diff)
		}
	}
	_, found := event.ParseBatch([]byte(`[` + with(`"a":1`) + `,7,{},` + with(`"B":1`) + `]`))
	if diff := cmp.Diff([]string{"/1", "/2/specversion", "/2/id", "/2/source", "/2/type", "/3/B"}, pointers(found)); diff != "" {
		t.Error(diff)
	}
	for _, doc := range []string{``, `{}`, `null`, `[`} {
		if _, found := event.ParseBatch([]byte(doc)); len(found) != 1 {
			t.Errorf("%q: %v", doc, found)
		}
	}
	if list, found := event.ParseBatch([]byte(`[]`)); len(list) != 0 || len(found) != 0 {
		t.Errorf("an empty batch: %v", found)
	}
}

func headers(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

func TestFromHTTP(t *testing.T) {
	binary := func(more ...string) http.Header {
		return headers(append([]string{"ce-specversion", "1.0", "ce-id", "1", "ce-source", "/s", "ce-type", "t"}, more...)...)
	}
	const begin = `{"specversion":"1.0","id":"1","source":"/s","type":"t"`
	for name, c := range map[string]struct {
		h    http.Header
		body string
		want string
	}{
		"structured":       {headers("Content-Type", "application/cloudevents+json; charset=UTF-8"), begin + `,"data":1}`, begin + `,"data":1}`},
		"batch":            {headers("Content-Type", "application/cloudevents-batch+json"), `[` + begin + `},` + begin + `,"a":"b"}]`, begin + `}` + begin + `,"a":"b"}`},
		"empty batch":      {headers("Content-Type", "application/cloudevents-batch+json"), `[]`, ``},
		"no data":          {binary(), "", begin + `}`},
		"JSON":             {binary("Content-Type", "application/json"), `{"a": 1}`, begin + `,"datacontenttype":"application/json","data":{"a":1}}`},
		"JSON of a kind":   {binary("Content-Type", "application/vnd.order+json; v=1"), `1`, begin + `,"datacontenttype":"application/vnd.order+json; v=1","data":1}`},
		"text":             {binary("Content-Type", "text/plain; charset=utf-8"), `ž"`, begin + `,"datacontenttype":"text/plain; charset=utf-8","data":"ž\""}`},
		"XML":              {binary("Content-Type", "application/xml"), `<a/>`, begin + `,"datacontenttype":"application/xml","data":"\u003ca/\u003e"}`},
		"another charset":  {binary("Content-Type", "text/plain; charset=windows-1250"), "\x9e", begin + `,"datacontenttype":"text/plain; charset=windows-1250","data_base64":"ng=="}`},
		"bytes":            {binary("Content-Type", "image/png"), "\x00", begin + `,"datacontenttype":"image/png","data_base64":"AA=="}`},
		"of no type":       {binary(), "x", begin + `,"data_base64":"eA=="}`},
		"percent encoding": {binary("ce-subject", "Euro%20%E2%82%AC%20%F0%9F%98%80", "ce-x", `"quoted \"it\""`), "", begin + `,"subject":"Euro € 😀","x":"quoted \"it\""}`},
		"further":          {binary("ce-traceparent", "00-ab", "ce-junctordepth", "3", "ce-time", "2026-11-22T08:00:00Z"), "", begin + `,"time":"2026-11-22T08:00:00Z","junctordepth":3,"traceparent":"00-ab"}`},
	} {
		t.Run(name, func(t *testing.T) {
			events, err := event.FromHTTP(c.h, []byte(c.body))
			must(t, err)
			var got strings.Builder
			for _, e := range events {
				b, err := json.Marshal(e)
				must(t, err)
				got.Write(b)
			}
			if diff := cmp.Diff(c.want, got.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
	for name, c := range map[string]struct {
		h        http.Header
		body     string
		code     fault.Code
		pointers []string
	}{
		"nothing":          {headers(), "", fault.Unsupported, nil},
		"plain JSON":       {headers("Content-Type", "application/json"), `{}`, fault.Unsupported, nil},
		"another format":   {headers("Content-Type", "application/cloudevents+avro"), "x", fault.Unsupported, nil},
		"another charset":  {headers("Content-Type", "application/cloudevents+json; charset=utf-16"), "x", fault.Unsupported, nil},
		"no JSON":          {headers("Content-Type", "application/cloudevents+json"), "x", fault.Invalid, []string{""}},
		"mistakes":         {headers("Content-Type", "application/cloudevents-batch+json"), "[{}]", fault.Unprocessable, []string{"/0/specversion", "/0/id", "/0/source", "/0/type"}},
		"missing":          {headers("ce-specversion", "1.0"), "", fault.Unprocessable, []string{"/headers/ce-id", "/headers/ce-source", "/headers/ce-type"}},
		"an old version":   {headers("ce-specversion", "0.2", "ce-id", "1", "ce-source", "/", "ce-type", "t"), "", fault.Unprocessable, []string{"/headers/ce-specversion"}},
		"empty":            {headers("ce-specversion", "1.0", "ce-id", "", "ce-source", "/", "ce-type", "t"), "", fault.Unprocessable, []string{"/headers/ce-id"}},
		"twice":            {binary("ce-id", "2"), "", fault.Unprocessable, []string{"/headers/ce-id"}},
		"a bad percent":    {binary("ce-subject", "100%"), "", fault.Unprocessable, []string{"/headers/ce-subject"}},
		"bad bytes":        {binary("ce-subject", "%ff"), "", fault.Unprocessable, []string{"/headers/ce-subject"}},
		"a bad name":       {binary("ce-under_score", "x", "ce-data", "x"), "", fault.Unprocessable, []string{"/headers/ce-data", "/headers/ce-under_score"}},
		"a bad type":       {binary("Content-Type", "nonsense"), "x", fault.Unprocessable, []string{"/headers/content-type"}},
		"not what it says": {binary("Content-Type", "application/json"), "{", fault.Unprocessable, []string{""}},
		"a wrong depth":    {binary("ce-junctordepth", "many"), "", fault.Unprocessable, []string{"/headers/ce-junctordepth"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := event.FromHTTP(c.h, []byte(c.body))
			if !fault.Is(err, c.code) {
				t.Fatalf("%v, want %s", err, c.code)
			}
			var f *fault.Error
			if !errors.As(err, &f) || cmp.Diff(c.pointers, pointers(f.Fields)) != "" {
				t.Errorf("%v, want %v", err, c.pointers)
			}
		})
	}
}

func TestPatterns(t *testing.T) {
	for pattern, kinds := range map[string]map[string]bool{
		"a.b":   {"a.b": true, "a": false, "a.b.c": false, "a.bc": false},
		"a.*":   {"a.b": true, "a.": true, "a": false, "a.b.c": false, "b.b": false},
		"*.b":   {"a.b": true, "b": false, "a.b.b": false},
		"a.**":  {"a": false, "a.b": true, "a.b.c": true, "ab": false, "b.a": false},
		"**":    {"a": true, "a.b": true, "": true},
		"*":     {"a": true, "a.b": false},
		"*.**":  {"a": false, "a.b.c": true},
		"a.*.c": {"a.b.c": true, "a.c": false, "a.b.b.c": false},
	} {
		p := patterns(t, pattern)
		for kind, want := range kinds {
			if got := p.Match(kind); got != want {
				t.Errorf("%s fits %q: %v", pattern, kind, got)
			}
		}
	}
	if !patterns(t).Match("anything") || !patterns(t, "a", "b").Match("b") || patterns(t, "a", "b").Match("c") {
		t.Error("several patterns are united, and none is all")
	}
	for _, bad := range []string{"", "a.b*", "**.a", "a.**.b", "***", "a.*b.c", "a\x00b", "a.\n", "a\xff", strings.Repeat("x", 300)} {
		if _, err := event.ParsePatterns([]string{"a", bad}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	if _, err := event.ParsePatterns(make([]string, 101)); err == nil {
		t.Error("a hundred and one patterns are taken")
	}
}

func TestReservedTypes(t *testing.T) {
	for kind, want := range map[string]bool{
		"record.orders.created": true, "run.failed": true, "config": true, "session.begun": true, "order.created": false, "records.x": false, "recorder": false, "": false,
	} {
		if event.Reserved(kind) != want {
			t.Errorf("%q: %v", kind, !want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"a":[1,null]},"x":true,"time":"2026-11-22T08:00:00.5+01:00"}`,
		`{"specversion":"1.0","id":"1","source":"/s","type":"t","data_base64":"AP8=","datacontenttype":"a/b; c=d","dataschema":"x:y"}`,
		`[{}]`, `{"id":1}`, `null`, "\xff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		event.ParseBatch(doc)
		e, found := event.Parse(doc)
		if len(found) > 0 {
			return
		}
		written, err := json.Marshal(e)
		if err != nil {
			t.Fatalf("%q became no JSON: %v", doc, err)
		}
		again, found := event.Parse(written)
		if len(found) > 0 {
			t.Fatalf("%q became %s: %v", doc, written, found)
		}
		if twice, err := json.Marshal(again); err != nil || string(twice) != string(written) {
			t.Errorf("%s became %s", written, twice)
		}
	})
}

func FuzzFromHTTP(f *testing.F) {
	f.Add("application/json", "ce-subject", "a%20b", []byte("{}"))
	f.Add("text/plain; charset=x", "ce-x", `"q\"`, []byte("\xff"))
	f.Add("application/cloudevents+json", "ce-id", "", []byte(`{"specversion":"1.0","id":"1","source":"/s","type":"t"}`))
	f.Fuzz(func(t *testing.T, kind, name, text string, body []byte) {
		h := headers("ce-specversion", "1.0", "ce-id", "1", "ce-source", "/s", "ce-type", "t", "Content-Type", kind, name, text)
		events, err := event.FromHTTP(h, body)
		if err != nil {
			return
		}
		for _, e := range events {
			b, err := json.Marshal(e)
			if err != nil {
				t.Fatalf("%v", err)
			}
			if _, found := event.Parse(b); len(found) > 0 {
				t.Errorf("%s: %v", b, found)
			}
		}
	})
}

func FuzzCursor(f *testing.F) {
	n := open(f, dbtest.SQLite(f)(nil))
	f.Add(n.Cursor(0))
	f.Add(n.Cursor(1 << 60))
	f.Add("nonsense")
	f.Fuzz(func(t *testing.T, cursor string) {
		position, err := n.Position(cursor)
		if err == nil && n.Cursor(position) != cursor {
			t.Errorf("%q is taken for %d", cursor, position)
		}
	})
}

func FuzzPatterns(f *testing.F) {
	f.Add("a.*.**", "a.b.c")
	f.Fuzz(func(t *testing.T, pattern, kind string) {
		p, err := event.ParsePatterns([]string{pattern})
		if err == nil && !strings.Contains(pattern, "*") && p.Match(kind) != (pattern == kind) {
			t.Errorf("%q fits %q", pattern, kind)
		}
	})
}
