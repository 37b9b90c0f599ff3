package demo_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"junctor/internal/demo"
)

const order = `<salesOrder><externalNumber>S-1</externalNumber><currency>EUR</currency><buyer><name>Ada</name></buyer>
<items><item><code>P-1</code><quantity>2</quantity></item></items><total>91.00</total></salesOrder>`

func startERP(t *testing.T) (url string, told func() string) {
	t.Helper()
	var mu sync.Mutex
	var lines []string
	s := httptest.NewServer(demo.NewERP(func(line string) {
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, line)
	}).Handler())
	t.Cleanup(s.Close)
	return s.URL, func() string {
		mu.Lock()
		defer mu.Unlock()
		return strings.Join(lines, "\n")
	}
}

func post(t *testing.T, url, body, key string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Idempotency-Key", key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

// arrived reads one of the ERP's lists.
func arrived(t *testing.T, url string) (items []demo.Arrival) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct{ Items []demo.Arrival }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return answer.Items
}

func TestERPBooksOnceForEachKey(t *testing.T) {
	url, told := startERP(t)
	for _, key := range []string{"run_1.1", "run_1.1", "run_2.1"} {
		if status, body := post(t, url+"/orders", order, key); status != http.StatusCreated || !strings.Contains(body, "<number>ERP-00000") {
			t.Fatalf("%d %s", status, body)
		}
	}
	items := arrived(t, url+"/orders")
	if len(items) != 2 || items[0].Times != 2 || items[1].Times != 1 || items[0].Number != "ERP-000001" || items[0].Subject != "S-1" {
		t.Errorf("arrived: %+v", items)
	}
	if !strings.Contains(told(), "already booked as ERP-000001") {
		t.Errorf("told:\n%s", told())
	}
}

func TestERPTakesStock(t *testing.T) {
	url, _ := startERP(t)
	if status, body := post(t, url+"/stock", `{"item":"P-1","delta":-2,"location":"MAIN","reason":"sold"}`, "k"); status != 200 || !strings.Contains(body, "MOV-000001") {
		t.Fatalf("%d %s", status, body)
	}
	if items := arrived(t, url+"/stock"); len(items) != 1 || items[0].Detail != "-2 at MAIN, sold" {
		t.Errorf("arrived: %+v", items)
	}
}

func TestERPFailsAsTold(t *testing.T) {
	url, _ := startERP(t)
	for _, c := range []struct {
		mode   string
		status int // 0: no answer
	}{{"500", 500}, {"refuse", 0}, {"off", 201}} {
		if status, body := post(t, url+"/_demo/fail?mode="+c.mode, "", ""); status != 200 {
			t.Fatalf("%d %s", status, body)
		}
		if status, body := post(t, url+"/orders", order, "key-"+c.mode); status != c.status {
			t.Errorf("mode %s: %d %s, want %d", c.mode, status, body, c.status)
		}
	}
	if items := arrived(t, url+"/orders"); len(items) != 1 {
		t.Errorf("a failing ERP has booked: %+v", items)
	}
}

func TestERPRefusesWhatItCannotBook(t *testing.T) {
	url, _ := startERP(t)
	for name, c := range map[string]struct {
		path, body string
		status     int
	}{
		"no XML":       {"/orders", "{}", 400},
		"other XML":    {"/orders", "<invoice/>", 400},
		"no items":     {"/orders", "<salesOrder><externalNumber>1</externalNumber></salesOrder>", 422},
		"no number":    {"/orders", strings.Replace(order, "S-1", "", 1), 422},
		"old item":     {"/orders", strings.Replace(order, "P-1", "OLD-1", 1), 422},
		"no JSON":      {"/stock", "<x/>", 400},
		"no item":      {"/stock", `{"delta":1}`, 400},
		"unknown mode": {"/_demo/fail?mode=sideways", "", 400},
	} {
		if status, body := post(t, url+c.path, c.body, name); status != c.status {
			t.Errorf("%s: %d %s, want %d", name, status, body, c.status)
		}
	}
	if n := len(arrived(t, url+"/orders")) + len(arrived(t, url+"/stock")); n != 0 {
		t.Errorf("%d things were booked", n)
	}
}
