package hub_test

import (
	"fmt"
	"strings"
	"testing"
)

// What one call answers is bounded in bytes at every door: pages end and go on, and
// a packet that is too large is refused.
func TestAnswersAreBoundedAtEveryDoor(t *testing.T) {
	s := serve(t, map[string]string{"junctor.yaml": `classes:
  papers: { columns: { n: integer!, text: text } }
packets:
  whole: { parts: { papers: { class: papers } } }
  few: { parts: { papers: { class: papers, top: 3 } } }
`})
	const many = 36
	long := strings.Repeat("x", 1<<20)
	for i := range many {
		if resp, body := s.call("POST", "/api/v1/data/papers", fmt.Sprintf(`{"n":%d,"text":%q}`, i, long), "Prefer", "return=minimal"); resp.StatusCode != 204 {
			t.Fatalf("%d %.300s", resp.StatusCode, body)
		}
	}
	if code, body := s.callAs("GET", "/api/v1/packets/whole", "", "admin:"+adminPassword); code != 422 || !strings.Contains(body, "bytes") {
		t.Errorf("a packet of %d MiB: %d %.300s", many, code, body)
	}
	if code, body := s.callAs("GET", "/api/v1/packets/few", "", "admin:"+adminPassword); code != 200 || len(body) < 3<<20 {
		t.Errorf("a packet of 3 MiB: %d, %d bytes", code, len(body))
	}
	resp, body := s.call("POST", "/soap/v1", `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><getPapers xmlns="urn:junctor:v1"/></e:Body></e:Envelope>`, "Content-Type", "text/xml")
	if n := strings.Count(body, "<record>"); resp.StatusCode != 200 || n == 0 || n > 9 || !strings.Contains(body, "<next>") {
		t.Errorf("a page of SOAP: %d, %d records, %d bytes", resp.StatusCode, n, len(body))
	}
	resp, body = s.call("GET", "/api/v1/data/papers?$top=1000", "")
	if n := strings.Count(body, `"n":`); resp.StatusCode != 200 || n == 0 || n > 9 || !strings.Contains(body, "@odata.nextLink") {
		t.Errorf("a page of OData: %d, %d records, %d bytes", resp.StatusCode, n, len(body))
	}
}
