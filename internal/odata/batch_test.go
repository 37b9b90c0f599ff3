package odata_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
)

type batched struct {
	ID      string
	Group   string `json:"atomicityGroup"`
	Status  int
	Headers map[string]string
	Body    json.RawMessage
}

// batch sends a batch in JSON; requests are its items.
func (s *site) batch(requests string, pairs ...string) map[string]batched {
	s.Helper()
	got := s.do("POST /$batch", `{"requests":[`+requests+`]}`, pairs...)
	if got.status != 200 {
		s.Fatalf("%d %s", got.status, got.body)
	}
	var all struct{ Responses []batched }
	if err := json.Unmarshal([]byte(got.body), &all); err != nil {
		s.Fatal(err)
	}
	byID := map[string]batched{}
	for _, r := range all.Responses {
		byID[r.ID] = r
	}
	if len(byID) != strings.Count(requests, `"id":"#`) {
		s.Errorf("%d answers: %s", len(byID), got.body)
	}
	return byID
}

// statuses are the answers' in the order of the ids.
func statuses(all map[string]batched, ids ...string) string {
	var list []string
	for _, id := range ids {
		list = append(list, fmt.Sprint(all[id].Status))
	}
	return strings.Join(list, " ")
}

const goOn = "odata.continue-on-error"

func TestBatch(t *testing.T) {
	each(t, func(s *site) {
		all := s.batch(`
			{"id":"#1","method":"GET","url":"orders/o1?$select=number"},
			{"id":"#2","method":"post","url":"/customers","body":{"id":"c9","code":"C9"}},
			{"id":"#3","method":"POST","url":"` + s.base + `/orders","body":{"id":"o9","number":"9","customer@odata.bind":"$#2"},"dependsOn":["#2"]},
			{"id":"#4","method":"GET","url":"$#3/customer","dependsOn":["#3"]},
			{"id":"#5","method":"PATCH","url":"$#3","headers":{"If-Match":"$#3","Prefer":"return=representation"},"body":{"note":"x"},"dependsOn":["#3"]},
			{"id":"#6","method":"GET","url":"/api/v1/data/orders/$count?$filter=customer/code eq 'C9'"},
			{"id":"#7","method":"GET","url":"orders?$top=1","headers":{"accept":"text/csv"}},
			{"id":"#8","method":"PUT","url":"orders/o9/note/$value","headers":{"content-type":"text/plain"},"body":"text"},
			{"id":"#9","method":"DELETE","url":"orders/o9"}`)
		if got := statuses(all, "#1", "#2", "#3", "#4", "#5", "#6", "#7", "#8", "#9"); got != "200 201 201 200 200 200 200 204 204" {
			s.Errorf("%s %+v", got, all)
		}
		if !strings.Contains(string(all["#4"].Body), `"C9"`) || string(all["#6"].Body) != `"1"` || all["#3"].Headers["location"] != s.base+"/orders('o9')" || all["#5"].Headers["etag"] != `W/"2"` {
			s.Errorf("%s %s %v", all["#4"].Body, all["#6"].Body, all["#3"].Headers)
		}

		all = s.batch(`{"id":"#1","method":"GET","url":"orders/nobody"},{"id":"#2","method":"GET","url":"orders/o1"}`)
		if got := statuses(all, "#1", "#2"); got != "404 424" || !strings.Contains(string(all["#2"].Body), `"failed-dependency"`) {
			s.Errorf("stops at the first error: %s %s", got, all["#2"].Body)
		}
		all = s.batch(`
			{"id":"#1","method":"GET","url":"orders/nobody"},
			{"id":"#2","method":"GET","url":"orders/o1"},
			{"id":"#3","method":"GET","url":"orders/o1","dependsOn":["#1"]},
			{"id":"#4","method":"GET","url":"orders/o1","dependsOn":["#1"],"if":"not $#1/$succeeded"},
			{"id":"#5","method":"GET","url":"orders/o1","if":"$#2/$succeeded and $#1/$succeeded"},
			{"id":"#6","method":"POST","url":"$batch","body":{"requests":[]}},
			{"id":"#7","method":"GET","url":"$nothing"},
			{"id":"#8","method":"BREW","url":"orders"}`, "Prefer", goOn)
		if got := statuses(all, "#1", "#2", "#3", "#4", "#5", "#6", "#7", "#8"); got != "404 200 424 200 424 400 400 405" {
			s.Errorf("continue-on-error: %s", got)
		}

		all = s.batch(`
			{"id":"#1","atomicityGroup":"g","method":"POST","url":"customers","body":{"id":"g1","code":"G1"}},
			{"id":"#2","atomicityGroup":"g","method":"POST","url":"orders","body":{"id":"g2","number":"G2","customer@odata.bind":"$#1"}},
			{"id":"#3","atomicityGroup":"g","method":"GET","url":"$#2/customer/code/$value"},
			{"id":"#4","method":"GET","url":"orders/g2","dependsOn":["g"]}`)
		if got := statuses(all, "#1", "#2", "#3", "#4"); got != "201 201 200 200" || all["#2"].Group != "g" || string(all["#3"].Body) != `"G1"` {
			s.Errorf("a group: %s %+v", got, all)
		}
		all = s.batch(`
			{"id":"#1","atomicityGroup":"g","method":"POST","url":"customers","body":{"id":"h1","code":"H1"}},
			{"id":"#2","atomicityGroup":"g","method":"POST","url":"orders","body":{"number":"1"}},
			{"id":"#3","atomicityGroup":"g","method":"DELETE","url":"orders/o1"},
			{"id":"#4","method":"GET","url":"customers/h1","dependsOn":["g"]},
			{"id":"#5","method":"GET","url":"customers/h1"}`, "Prefer", goOn)
		if got := statuses(all, "#1", "#2", "#3", "#4", "#5"); got != "424 409 424 424 404" {
			s.Errorf("a group that fails: %s", got)
		}
	})
}

func TestBatchRefuses(t *testing.T) {
	s := newSite(t, dbtest.SQLite(t)(nil))
	one := `{"id":"a","method":"GET","url":"orders"}`
	for _, body := range []string{
		``, `[]`, `{}`, `{"requests":[]}`, `{"requests":{}}`, `{"requests":[1]}`, `{"requests":[{"method":"GET","url":"orders"}]}`,
		`{"requests":[` + one + `,` + one + `]}`, `{"requests":[{"id":"a","method":"GET","url":"orders","dependsOn":["b"]}]}`,
		`{"requests":[{"id":"a","method":"GET","url":"orders","more":1}]}`,
		`{"requests":[{"id":"a","method":"GET","url":"orders","if":"$b eq 1"}]}`,
		`{"requests":[{"id":"a","atomicityGroup":"g","method":"GET","url":"orders"},{"id":"b","method":"GET","url":"orders"},{"id":"c","atomicityGroup":"g","method":"GET","url":"orders"}]}`,
		`{"requests":[{"id":"a","atomicityGroup":"a","method":"GET","url":"orders"}]}`,
		`{"requests":[{"id":"a","method":"PUT","url":"orders/x/paper","headers":{"content-type":"image/png"},"body":"!"}]}`,
	} {
		if got := s.do("POST /$batch", body, "Content-Type", "application/json"); got.status != 400 {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	many := make([]string, 1001)
	for i := range many {
		many[i] = fmt.Sprintf(`{"id":"%d","method":"GET","url":"orders"}`, i)
	}
	if got := s.do("POST /$batch", `{"requests":[`+strings.Join(many, ",")+`]}`); got.status != 413 {
		t.Errorf("1001 requests: %d", got.status)
	}
	if got := s.do("POST /$batch", `{"requests":["`+strings.Repeat("x", 17<<20)+`"]}`); got.status != 413 {
		t.Errorf("17 MiB: %d", got.status)
	}
	if got := s.do("POST /$batch", "x", "Content-Type", "text/plain"); got.status != 415 {
		t.Errorf("text: %d", got.status)
	}
	for _, body := range []string{"", "--b--", "--b\r\n\r\nx", "--b\r\nContent-Type: text/plain\r\n\r\nGET orders HTTP/1.1\r\n--b--", "--b\r\nContent-Type: application/http\r\n\r\nGET\r\n--b--",
		"--b\r\nContent-Type: application/http\r\n\r\nGET orders HTTP/1.1\r\nno header\r\n\r\n--b--",
		"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Type: application/http\r\n\r\nGET orders HTTP/1.1\r\n\r\n--c--\r\n--b--"} {
		if got := s.do("POST /$batch", body, "Content-Type", "multipart/mixed; boundary=b"); got.status != 400 {
			t.Errorf("%q: %d %s", body, got.status, got.body)
		}
	}
}

const sets = `--b
Content-Type: application/http
Content-Transfer-Encoding: binary

GET orders?$filter=number eq '1'&$select=number HTTP/1.1
Accept: application/json


--b
Content-Type: multipart/mixed; boundary=c

--c
Content-Type: application/http
Content-ID: 1

POST customers HTTP/1.1
Content-Type: application/json

{"id":"m1","code":"M1"}
--c
Content-Type: application/http
Content-ID: 2

POST /api/v1/data/orders HTTP/1.1
Content-Type: application/json

{"id":"m2","number":"%s","customer@odata.bind":"$1"}
--c--
--b
Content-Type: application/http

GET customers/m1 HTTP/1.1


--b--
`

func TestBatchMultipart(t *testing.T) {
	each(t, func(s *site) {
		form := []string{"Content-Type", "multipart/mixed;boundary=b", "Accept", "multipart/mixed", "Prefer", goOn}
		got := s.do("POST /$batch", fmt.Sprintf(sets, "1"), form...)
		if got.status != 200 || strings.Count(got.body, "HTTP/1.1 409 ") != 1 || strings.Count(got.body, "HTTP/1.1 ") != 3 || !strings.Contains(got.body, "HTTP/1.1 404 ") || strings.Contains(got.body, "changeset") {
			s.Errorf("a change set that fails: %d %s", got.status, got.body)
		}
		got = s.do("POST /$batch", strings.ReplaceAll(fmt.Sprintf(sets, "M2"), "\n", "\r\n"), form...)
		if got.status != 200 || strings.Count(got.body, "HTTP/1.1 201 Created\r\n") != 2 || !strings.Contains(got.body, `"customer_id":"m1"`) ||
			!strings.Contains(got.body, "Content-ID: 2\r\n") || strings.Count(got.body, "HTTP/1.1 200 OK") != 2 || !strings.Contains(got.header.Get("Content-Type"), "multipart/mixed; boundary=batchresponse_") {
			s.Errorf("a change set: %d %s", got.status, got.body)
		}
	})
}

// TestBatchCrash lets the process die before and after every commit of a batch:
// afterwards there is all of a group, or nothing.
func TestBatchCrash(t *testing.T) {
	dbtest.EachHooked(t, func(t *testing.T, open func(db.Hooks) *db.DB) {
		first := open(nil)
		newSite(t, first).close()
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		requests := func(round int) string {
			var all []string
			for g := range 3 {
				for i := range 3 {
					all = append(all, fmt.Sprintf(`{"id":"%d.%d","atomicityGroup":"g%d","method":"POST","url":"orders","body":{"number":"%d-%d-%d"}}`, g, i, g, round, g, i))
				}
			}
			return `{"requests":[` + strings.Join(all, ",") + `]}`
		}
		round := 0
		for at := int64(1); ; at++ {
			died := false
			for _, after := range []bool{false, true} {
				round++
				hooks := &crash{at: at, after: after}
				d := open(hooks)
				s := newSiteOn(t, d)
				hooks.armed = true
				s.do("POST /$batch", requests(round), "Prefer", goOn)
				died = died || hooks.died
				s.close()
				d.Close() //nolint:errcheck // it is dead
				d = open(nil)
				s = newSiteOn(t, d)
				for g := range 3 {
					got := s.do(fmt.Sprintf("GET /orders/$count?$filter=startswith(number,'%d-%d-')", round, g), "")
					if got.body != "0" && got.body != "3" {
						t.Errorf("at commit %d, after it: %v: group %d has %s records", at, after, g, got.body)
					}
				}
				s.close()
				if err := d.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if !died {
				if at < 3 {
					t.Errorf("only %d commits", at-1)
				}
				return
			}
		}
	})
}

// crash dies at the n-th commit since it was armed.
type crash struct {
	at, seen           int64
	armed, after, died bool
}

var errCrash = errors.New("the process dies")

func (c *crash) BeforeCommit(int64) error {
	if !c.armed {
		return nil
	}
	if c.seen++; c.seen == c.at && !c.after {
		c.died = true
		return errCrash
	}
	return nil
}

func (c *crash) AfterCommit(int64) error {
	if c.armed && c.seen == c.at && c.after {
		c.died = true
		return errCrash
	}
	return nil
}

func TestBatchAnswersAreBounded(t *testing.T) {
	s := newSite(t, dbtest.SQLite(t)(nil))
	s.must(201, "POST /orders", `{"id":"o1","number":"1","note":"`+strings.Repeat("x", 1<<20)+`"}`)
	var all, ids []string
	for i := range 40 {
		id := fmt.Sprintf("#%d", i)
		ids = append(ids, id)
		all = append(all, `{"id":"`+id+`","method":"GET","url":"orders/o1"}`)
	}
	got := strings.Fields(statuses(s.batch(strings.Join(all, ",")), ids...))
	if got[0] != "200" || got[20] != "200" || got[39] != "424" {
		t.Error(got)
	}
}
