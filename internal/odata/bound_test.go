package odata_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/limit"
)

// A file is answered in ranges, and only as long as it is the same one.
func TestRangesOfAFile(t *testing.T) {
	each(t, func(s *site) {
		const at = "/orders/o1/paper"
		var b strings.Builder
		for i := range 60_000 {
			fmt.Fprintf(&b, "%05d", i)
		}
		content := b.String() // several chunks
		tag := fmt.Sprintf(`"%x"`, sha256.Sum256([]byte(content)))
		if got := s.do("PUT "+at+"/$value", content, "Content-Type", "text/plain"); got.status != 204 {
			s.Fatalf("%d %s", got.status, got.body)
		}
		for _, c := range []struct {
			header []string
			status int
			body   string
			sized  string // Content-Range
		}{
			{[]string{}, 200, content, ""},
			{[]string{"Range", "bytes=0-4"}, 206, "00000", "bytes 0-4/300000"},
			{[]string{"Range", "bytes=65530-65544"}, 206, content[65530:65545], "bytes 65530-65544/300000"},
			{[]string{"Range", "bytes=299990-"}, 206, content[299990:], "bytes 299990-299999/300000"},
			{[]string{"Range", "bytes=-5"}, 206, "59999", "bytes 299995-299999/300000"},
			{[]string{"Range", "bytes=0-4", "If-Range", tag}, 206, "00000", "bytes 0-4/300000"},
			{[]string{"Range", "bytes=0-4", "If-Range", `"another"`}, 200, content, ""},
			{[]string{"Range", "lines=0-4"}, 200, content, ""},
			{[]string{"Range", "bytes=-0"}, 200, content, ""},
			{[]string{"Range", "bytes=0-4, -00"}, 200, content, ""},
			{[]string{"Range", "bytes=300000-"}, 416, "", "bytes */300000"},
			{[]string{"Range", "bytes=" + strings.TrimSuffix(strings.Repeat("1-1,", 1000), ",")}, 200, content, ""},
			{[]string{"If-None-Match", tag}, 304, "", ""},
			{[]string{"If-Match", tag}, 200, content, ""},
			{[]string{"If-Match", `"another"`}, 412, "", ""},
		} {
			got := s.do("GET "+at, "", c.header...)
			if got.status != c.status || c.status < 400 && got.body != c.body || got.header.Get("Content-Range") != c.sized {
				s.Errorf("%.80v: %d, %d bytes, %q", c.header, got.status, len(got.body), got.header.Get("Content-Range"))
			}
			if c.status < 300 && (got.header.Get("ETag") != tag || got.header.Get("Accept-Ranges") != "bytes" || got.header.Get("Content-Type") != "text/plain") {
				s.Errorf("%.80v: %v", c.header, got.header)
			}
			if c.status >= 400 {
				if code, _, _ := got.failure(s); code != map[int]string{416: "no-range", 412: "stale"}[c.status] || got.header.Get("Content-Disposition") != "" || got.header.Get("Cache-Control") != "no-store" {
					s.Errorf("%.80v: %s %v", c.header, code, got.header)
				}
			}
		}
		s.must(204, "PUT /orders/o2/paper", "")
		for _, asked := range []string{"bytes=-1", "bytes=0-", "bytes=0-0", "bytes=-0"} {
			if got := s.do("GET /orders/o2/paper", "", "Range", asked); got.status != 200 || got.body != "" || got.header.Get("Content-Range") != "" {
				s.Errorf("%s of nothing: %d %v", asked, got.status, got.header)
			}
		}
		if got := s.do("GET "+at, "", "Range", "bytes=0-4,100-104"); got.status != 206 || !strings.Contains(got.body, "00000") || !strings.HasPrefix(got.header.Get("Content-Type"), "multipart/byteranges") {
			s.Errorf("two ranges: %d %v", got.status, got.header)
		}
		if got := s.do("HEAD "+at, ""); got.status != 200 || got.body != "" || got.header.Get("Content-Length") != "300000" {
			s.Errorf("HEAD: %d %v", got.status, got.header)
		}
		all := s.batch(`{"id":"#1","method":"GET","url":"orders/o1/paper"},{"id":"#2","method":"GET","url":"orders/o1/paper","headers":{"if-none-match":"` + strings.ReplaceAll(tag, `"`, `\"`) + `"}}`)
		if got := statuses(all, "#1", "#2"); got != "200 304" {
			s.Errorf("in a batch: %s", got)
		}
	})
}

// Nothing is left of a file whose sender breaks off, or of one that the record does
// not take in the end.
func TestBrokenOffUploadsLeaveNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		s := newSite(t, d)
		s.fill()
		stored := func() (n int) {
			err := d.Read(t.Context(), func(tx *db.Tx) error {
				return tx.QueryRow(`SELECT (SELECT count(*) FROM large_values) + (SELECT count(*) FROM chunks) + (SELECT count(*) FROM record_files)`).Scan(&n)
			})
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		until := func(there bool) {
			t.Helper()
			for deadline := time.Now().Add(30 * time.Second); (stored() > 0) != there; <-time.After(5 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("%d rows are stored", stored())
				}
			}
		}
		address, err := url.Parse(s.base)
		if err != nil {
			t.Fatal(err)
		}
		for _, framing := range []string{"Content-Length: 9000000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n500000\r\n"} {
			conn, err := net.Dial("tcp", address.Host)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(conn, "PUT /api/v1/data/orders/o1/paper HTTP/1.1\r\nHost: h\r\nAuthorization: Basic YWRtaW46eA==\r\nContent-Type: image/png\r\n%s", framing)
			conn.Write(make([]byte, 3<<20)) //nolint:errcheck // what is stored tells
			until(true)
			conn.Close()
			until(false)
		}
		content := strings.Repeat("x", 200_000)
		if got := s.do("PUT /orders/o1/paper", content, "If-Match", `W/"99"`); got.status != 412 {
			t.Errorf("of a stale record: %d %s", got.status, got.body)
		}
		until(false)
		if got := s.do("PUT /orders/o1/paper", content); got.status != 204 {
			t.Errorf("afterwards: %d %s", got.status, got.body)
		}
	})
}

// Lists are not read while everybody who writes waits.
func TestNoListsInAGroup(t *testing.T) {
	each(t, func(s *site) {
		for _, address := range []string{"orders", "orders?$filter=state eq 'new'", "orders/$count"} {
			all := s.batch(`{"id":"#1","atomicityGroup":"g","method":"POST","url":"orders","body":{"number":"G"}},{"id":"#2","atomicityGroup":"g","method":"GET","url":"`+address+`"},
				{"id":"#3","method":"GET","url":"`+address+`"}`, "Prefer", goOn)
			if got := statuses(all, "#1", "#2", "#3"); got != "424 400 200" {
				s.Errorf("%s: %s", address, got)
			}
		}
	})
}

// A list ends early when it has much to show; its link leads to the rest.
func TestAListIsBoundedInBytes(t *testing.T) {
	each(t, func(s *site) {
		long := `"` + strings.Repeat("x", 900<<10) + `"`
		delta := s.must(200, "GET /orders?$filter=note%20eq%20'long'", "", "Prefer", "track-changes")["@odata.deltaLink"].(string)
		for i := range 12 {
			s.must(204, "POST /orders", fmt.Sprintf(`{"number":"L%d","note":%s,"extra":[%s]}`, i, `"long"`, long), "Prefer", "return=minimal")
		}
		seen, pages, at := 0, 0, s.base+"/orders?$filter=note%20eq%20'long'&$top=11"
		for ; at != ""; pages++ {
			got := s.must(200, "GET "+at, "")
			list, _ := got["value"].([]any)
			seen += len(list)
			at, _ = got["@odata.nextLink"].(string)
		}
		if seen != 11 || pages != 2 {
			s.Errorf("%d records on %d pages", seen, pages)
		}
		changed := map[any]bool{}
		for pages, at = 0, delta; at != "" && pages < 20; pages++ {
			got := s.must(200, "GET "+at, "")
			for _, one := range got["value"].([]any) {
				changed[one.(map[string]any)["number"]] = true
			}
			at, _ = got["@odata.nextLink"].(string)
		}
		if len(changed) != 12 || pages < 2 || pages > 12 {
			s.Errorf("%d changed records on %d pages", len(changed), pages)
		}
	})
}

// What is received and answered at the same time finds room, or comes again.
func TestRoomForBodiesAndAnswers(t *testing.T) {
	d := dbtest.SQLite(t)(nil)
	newSite(t, d).close()
	s := newSiteIn(t, d, limit.NewRoom(1<<20))
	t.Cleanup(s.close)
	s.fill()
	s.rights["other"] = everything
	big := strings.Repeat("x", 100<<10)
	record := `{"number":"B","extra":"` + strings.Repeat("x", 600<<10) + `"}`
	if got := s.do("POST /orders", record); got.status != 503 || got.header.Get("Retry-After") != "1" {
		s.Errorf("more than an account may have: %d %v %s", got.status, got.header, got.body)
	}
	// What was answered a moment ago may still have its place.
	again := func(request, body string, pairs ...string) reply {
		for tries := 1; ; tries++ {
			if got := s.do(request, body, pairs...); got.status != 503 || tries == 2000 {
				return got
			}
			<-time.After(5 * time.Millisecond)
		}
	}
	if got := again("POST /orders", strings.Replace(record, strings.Repeat("x", 300<<10), "", 1)); got.status != 201 {
		s.Errorf("what is written is answered: %d %s", got.status, got.body)
	}
	if got := again("GET /orders?$filter=number%20eq%20'B'", ""); got.status != 200 {
		s.Errorf("a list: %d", got.status)
	}
	if got := again("POST /orders", strings.Replace(strings.Replace(record, `"B"`, `"C"`, 1), strings.Repeat("x", 300<<10), "", 1), "Prefer", "return=minimal"); got.status != 204 {
		s.Errorf("another: %d %s", got.status, got.body)
	}
	if got := s.do("GET /orders", ""); got.status != 503 || got.header.Get("Retry-After") != "1" {
		s.Errorf("a list without room: %d %v", got.status, got.header)
	}
	if got := s.do("GET /orders?$select=number", ""); got.status != 200 {
		s.Errorf("a small list: %d %s", got.status, got.body)
	}
	// Who sends slowly takes his account's part; its others are told so until he
	// leaves. He may be refused himself while an answer before him is on its way.
	status := func() int { return s.do("PUT /orders/o1/note/$value", big, "Content-Type", "text/plain").status }
	hold := func() net.Conn {
		held, err := net.Dial("tcp", strings.Split(strings.TrimPrefix(s.base, "http://"), "/")[0])
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(held, "POST /api/v1/data/orders HTTP/1.1\r\nHost: h\r\nAuthorization: Basic YWRtaW46eA==\r\nContent-Type: application/json\r\nContent-Length: 450000\r\n\r\n%s", strings.Repeat(" ", 250<<10))
		return held
	}
	held := hold()
	for tries := 1; status() != 503; tries++ {
		if <-time.After(5 * time.Millisecond); tries%20 == 0 {
			held.Close()
			held = hold()
		}
		if tries == 2000 {
			t.Fatal("everybody finds room")
		}
	}
	if got := s.do("PATCH /orders/o1", `{"note":"small"}`); got.status >= 300 {
		s.Errorf("a small one: %d %s", got.status, got.body)
	}
	if got := s.as("other", "PUT /orders/o2/note/$value", big, "Content-Type", "text/plain"); got.status >= 300 {
		s.Errorf("another account: %d %s", got.status, got.body)
	}
	held.Close()
	for tries := 1; status() != 204; tries++ {
		if <-time.After(5 * time.Millisecond); tries == 2000 {
			t.Fatal("nobody finds room again")
		}
	}
}

// peak is the most memory that is in use while f works, beyond what was before.
func peak(f func()) int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before, most := int64(m.HeapAlloc), int64(0)
	done, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		for {
			runtime.ReadMemStats(&m)
			most = max(most, int64(m.HeapAlloc)-before)
			select {
			case <-done:
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	f()
	close(done)
	<-over
	return most
}

// Many large files at once, sent and read, take a piece of memory each.
func TestManyLargeFilesAtOnce(t *testing.T) {
	const many, size = 8, 16 << 20
	s := newSite(t, dbtest.SQLite(t)(nil))
	for i := range many {
		s.must(201, "POST /orders", fmt.Sprintf(`{"id":"f%d","number":"F%d"}`, i, i))
	}
	each := func(f func(i int) error) {
		var all sync.WaitGroup
		for i := range many {
			all.Go(func() {
				if err := f(i); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	call := func(method string, i int, body io.Reader) (*http.Response, error) {
		r, err := http.NewRequest(method, fmt.Sprintf("%s/orders/f%d/paper", s.base, i), body)
		if err != nil {
			return nil, err
		}
		r.SetBasicAuth("admin", "x")
		return http.DefaultClient.Do(r)
	}
	used := peak(func() {
		each(func(i int) error {
			resp, err := call("PUT", i, io.LimitReader(zeros{}, size))
			if err != nil || resp.StatusCode != 204 {
				return fmt.Errorf("sent: %+v, %w", resp, err)
			}
			return resp.Body.Close()
		})
		each(func(i int) error {
			resp, err := call("GET", i, nil)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			n, err := io.Copy(io.Discard, resp.Body)
			if err != nil || n != size {
				return fmt.Errorf("read: %d bytes, %w", n, err)
			}
			return nil
		})
	})
	if t.Logf("%d MiB", used>>20); used > many*size/2 {
		t.Errorf("%d files of %d MiB need %d MiB of memory", many, size>>20, used>>20)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// However many large batches come at once, those that find room are answered and
// the others come again.
func TestManyLargeBatchesAtOnce(t *testing.T) {
	const many, size = 40, 8 << 20
	d := dbtest.SQLite(t)(nil)
	newSite(t, d).close()
	s := newSiteIn(t, d, limit.NewRoom(64<<20))
	t.Cleanup(s.close)
	body := []byte(`{"requests":[{"id":"1","method":"GET","url":"orders"` + strings.Repeat(" ", size) + `}]}`)
	var taken, later atomic.Int32
	used := peak(func() {
		var all sync.WaitGroup
		for range many {
			all.Go(func() {
				r, err := http.NewRequest("POST", s.base+"/$batch", bytes.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				r.SetBasicAuth("admin", "x")
				r.Header.Set("Content-Type", "application/json")
				resp, err := http.DefaultClient.Do(r)
				if err != nil { // it was told while it was sending
					later.Add(1)
					return
				}
				resp.Body.Close()
				switch resp.StatusCode {
				case 200:
					taken.Add(1)
				case 503:
					later.Add(1)
				default:
					t.Errorf("answered %d", resp.StatusCode)
				}
			})
		}
		all.Wait()
	})
	t.Logf("%d MiB, %d taken, %d later", used>>20, taken.Load(), later.Load())
	if used > many*size || taken.Load() == 0 {
		t.Errorf("%d batches of %d MiB need %d MiB of memory; %d were taken, %d told to come again", many, size>>20, used>>20, taken.Load(), later.Load())
	}
}

// An account that reads what takes long does so in a few transactions at a time:
// others go on reading.
func TestNobodyKeepsOthersFromReading(t *testing.T) {
	d := dbtest.SQLite(t)(nil)
	s := newSite(t, d)
	s.fill()
	s.rights["other"] = everything
	err := d.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)
			INSERT INTO class_regions (id, version, created_at, created_by, modified_at, modified_by, code, name) SELECT 'r' || i, 1, 0, '', 0, '', 'r' || i, 'x' FROM n`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	part := "tolower(name) eq 'y' or "
	slow := url.QueryEscape(strings.Repeat(part, 600) + "name eq 'y'")
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if got := s.do("POST /regions/$query", "$filter="+slow, "Content-Type", "text/plain"); got.status != 503 {
				t.Errorf("what takes long: %d %.300s", got.status, got.body)
			}
		})
	}
	for range 20 {
		if got := s.as("other", "GET /orders", ""); got.status != 200 {
			t.Errorf("somebody else: %d %s", got.status, got.body)
		}
	}
	all.Wait()
}
