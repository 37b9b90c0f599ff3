package odata_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// follow reads a list to its end by its links.
func (s *site) follow(request string, pairs ...string) (numbers []string, delta string) {
	s.Helper()
	for n := 0; ; n++ {
		page := s.must(200, request, "", pairs...)
		for _, one := range page["value"].([]any) {
			one := one.(map[string]any)
			switch {
			case one["number"] != nil:
				numbers = append(numbers, one["number"].(string))
			case one["reason"] != nil:
				numbers = append(numbers, "-"+one["id"].(string)+" "+one["reason"].(string))
			}
		}
		if delta, ok := page["@odata.deltaLink"].(string); ok {
			return numbers, delta
		}
		next, ok := page["@odata.nextLink"].(string)
		if !ok {
			return numbers, ""
		}
		if n > 100 {
			s.Fatal("pages without end")
		}
		request, pairs = "GET "+next, nil // a link carries everything
	}
}

func TestPages(t *testing.T) {
	each(t, func(s *site) {
		size := []string{"Prefer", "odata.maxpagesize=2"}
		for request, want := range map[string]string{
			"GET /orders?$orderby=number":                             "1 2 3 4 5",
			"GET /orders?$orderby=total%20desc,number&$select=number": "4 3 2 1 5",
			"GET /orders?$orderby=customer/name&$select=number":       "4 1 3 2 5",
			"GET /orders?$top=3&$orderby=number":                      "1 2 3",
			"GET /orders?$skip=1&$top=3&$orderby=number%20desc":       "4 3 2",
			"GET /orders?$top=0":                                      "",
			"GET /orders?$filter=total%20gt%2010.10&$orderby=number":  "2 3 4",
		} {
			numbers, _ := s.follow(request, size...)
			if got := strings.Join(numbers, " "); got != want {
				s.Errorf("%s: %s, want %s", request, got, want)
			}
		}
		got := s.do("GET /orders?$orderby=number&$count=true&$select=number", "", size...)
		if !strings.Contains(got.body, "nextLink") || got.header.Get("Preference-Applied") != "odata.maxpagesize=2" {
			s.Errorf("%s %v", got.body, got.header)
		}
		for i := range 3 { // what comes before the place moves nothing
			s.must(201, "POST /orders", fmt.Sprintf(`{"number":"0%d"}`, i))
		}
		var page map[string]any
		if err := json.Unmarshal([]byte(got.body), &page); err != nil {
			s.Fatal(err)
		}
		next, _ := page["@odata.nextLink"].(string)
		numbers, _ := s.follow("GET " + next)
		if got := strings.Join(numbers, " "); got != "3 4 5" {
			s.Errorf("after inserts: %s", got)
		}
		if got := s.do("GET "+strings.Replace(next, "$orderby=number", "$orderby=total", 1), ""); got.status != 400 {
			s.Errorf("a cursor of another query: %d", got.status)
		}
	})
}

func TestDelta(t *testing.T) {
	each(t, func(s *site) {
		_, link := s.follow("GET /orders?$filter=total%20gt%2015&$select=number", "Prefer", "odata.track-changes,odata.maxpagesize=1")
		if link == "" {
			s.Fatal("no deltaLink")
		}
		s.must(204, "PATCH /orders/o3", `{"note":"other"}`)
		s.must(204, "PATCH /orders/o2", `{"total":1}`)
		s.must(204, "DELETE /orders/o4", "")
		s.must(201, "POST /orders", `{"number":"7","total":70}`)
		numbers, again := s.follow("GET " + link)
		want := "3|7|-orders('o2') changed|-orders('o4') deleted"
		if got := sorted(numbers); got != sorted(strings.Split(want, "|")) {
			s.Errorf("%s, want %s", got, want)
		}
		if numbers, _ := s.follow("GET " + again); numbers != nil {
			s.Errorf("again: %v", numbers)
		}
		got := s.do("GET "+link, "", "OData-MaxVersion", "4.01", "Prefer", "odata.maxpagesize=100")
		if !strings.Contains(got.body, `"@odata.removed":{"reason":"deleted"}`) && !strings.Contains(got.body, "@odata.nextLink") {
			s.Errorf("4.01: %s", got.body)
		}
		if got := s.do("GET "+strings.Replace(link, "%2015", "%2016", 1), ""); got.status != 400 {
			s.Errorf("a delta of another query: %d %s", got.status, got.body)
		}
		if got := s.do("GET "+link, "", "Accept", "text/csv"); got.status != 406 {
			s.Errorf("as CSV: %d", got.status)
		}
		if u, err := url.Parse(link); err != nil || u.Query().Get("$deltatoken") == "" {
			s.Errorf("the link %s", link)
		}
	})
}

func sorted(list []string) string {
	list = append([]string(nil), list...)
	for i := range list {
		for j := i; j > 0 && list[j] < list[j-1]; j-- {
			list[j], list[j-1] = list[j-1], list[j]
		}
	}
	return strings.Join(list, "|")
}
