package odata_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
)

func TestFile(t *testing.T) {
	each(t, func(s *site) {
		const at = "/orders/o1/paper"
		content := "PNG\x00\xff" + strings.Repeat("x", 200_000)
		tag := fmt.Sprintf(`"%x"`, sha256.Sum256([]byte(content)))
		if got := s.do("GET "+at, ""); got.status != 204 {
			s.Errorf("none yet: %d %s", got.status, got.body)
		}
		got := s.do("PUT "+at, content, "Content-Type", "image/png", "Content-Disposition", `attachment; filename="../a b.png"`)
		if got.status != 204 || got.header.Get("ETag") != tag {
			s.Fatalf("%d %v %s", got.status, got.header, got.body)
		}
		for _, address := range []string{at, at + "/$value"} {
			got = s.do("GET "+address, "")
			if got.status != 200 || got.body != content || got.header.Get("Content-Type") != "image/png" || got.header.Get("ETag") != tag || got.header.Get("Content-Length") != "200005" ||
				got.header.Get("Content-Disposition") != `attachment; filename="a b.png"` || got.header.Get("Repr-Digest") == "" {
				s.Errorf("%s: %d %v, %d bytes", address, got.status, got.header, len(got.body))
			}
		}
		got = s.do("GET /orders/o1", "")
		for _, part := range []string{`"paper@odata.mediaContentType":"image/png"`, `"paper@junctor.size":200005`, `"paper@odata.mediaReadLink":"orders('o1')/paper"`, `"paper@junctor.name":"a b.png"`} {
			if !strings.Contains(got.body, part) {
				s.Errorf("no %s in %s", part, got.body)
			}
		}
		if strings.Contains(got.body, `"paper":`) {
			s.Errorf("a stream is no part of the record: %s", got.body)
		}
		if got := s.do("GET "+at, "", "If-None-Match", tag); got.status != 304 || got.body != "" {
			s.Errorf("unmodified: %d", got.status)
		}
		if got := s.do("PUT "+at, "new", "Content-Type", "text/plain", "If-Match", fmt.Sprintf(`"%x"`, sha256.Sum256(nil))); got.status != 412 {
			s.Errorf("If-Match of another file: %d %s", got.status, got.body)
		}
		if got := s.do("PUT "+at, "new", "Content-Type", "text/plain", "If-Match", tag); got.status != 204 {
			s.Errorf("If-Match: %d %s", got.status, got.body)
		}
		if got := s.do("GET "+at, ""); got.body != "new" {
			s.Errorf("%q", got.body)
		}
		if got := s.do("PUT /orders/nobody/paper", "x"); got.status != 404 {
			s.Errorf("of no record: %d", got.status)
		}
		if got := s.do("DELETE "+at, ""); got.status != 204 {
			s.Errorf("delete: %d %s", got.status, got.body)
		}
		if got := s.do("GET "+at, ""); got.status != 204 {
			s.Errorf("deleted: %d", got.status)
		}
		if got := s.do("PUT "+at, ""); got.status != 204 {
			s.Errorf("an empty file: %d %s", got.status, got.body)
		}
		all := s.batch(`{"id":"#1","method":"PUT","url":"orders/o2/paper","headers":{"content-type":"image/png"},"body":"AP8"},{"id":"#2","method":"GET","url":"orders/o2/paper"}`)
		if got := statuses(all, "#1", "#2"); got != "204 200" || !bytes.Equal(all["#2"].Body, []byte(`"AP8"`)) {
			s.Errorf("in a batch: %s %s", got, all["#2"].Body)
		}
	})
}
