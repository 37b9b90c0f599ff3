package record_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/fault"
	"junctor/internal/filter"
	"junctor/internal/record"
)

// A page ends when it has much to show, and the next goes on behind it: nothing is
// left out, whatever else bounds the page.
func TestPagesAreBoundedInBytes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		s := newShop(t, open(), record.Hooks{}, "papers", `{"columns":{"n":"integer","text":"text","next":"ref(papers)"}}`)
		long, ids := strings.Repeat("x", 1<<20), []string{}
		for i := range 20 {
			next := "null"
			if i > 0 {
				next = strconv.Quote(ids[i-1])
			}
			if _, err := s.tryCreate(admin, "papers", fmt.Sprintf(`{"id":"p%02d","n":%d,"text":%q,"next":%s}`, i, i, long, next)); err != nil {
				t.Fatalf("%.200v", err)
			}
			ids = append(ids, fmt.Sprintf("p%02d", i))
		}
		top := 15
		for name, c := range map[string]struct {
			query record.Query
			want  []string
			pages int
		}{
			"all":       {record.Query{}, ids, 3},
			"top":       {record.Query{Top: &top}, ids[:15], 2},
			"expanded":  {record.Query{Expand: []record.Expand{{Ref: "next"}}}, ids, 5},
			"selected":  {record.Query{Select: []string{"n"}}, ids, 1},
			"by 3":      {record.Query{Page: 3}, ids, 7},
			"tracked":   {record.Query{Page: 1000}, ids, 3},
			"by the n":  {record.Query{Order: order(t, "n desc")}, backwards(ids), 3},
			"by a text": {record.Query{Order: order(t, "text"), Select: []string{"n"}}, ids, 3},
		} {
			var got []string
			pages, q := 0, c.query
			q.Class = "papers"
			for pages < 50 {
				page, err := s.query(admin, q)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				for _, r := range page.Records {
					got = append(got, r.ID())
				}
				if pages++; page.Next == "" {
					break
				}
				if len(page.Records) == 0 {
					t.Fatalf("%s: a page has nothing", name)
				}
				q.Cursor = page.Next
			}
			if !slices.Equal(got, c.want) || pages != c.pages {
				t.Errorf("%s: %d pages with %d records, want %d with %d", name, pages, len(got), c.pages, len(c.want))
			}
		}
	})
}

func backwards(all []string) []string {
	all = slices.Clone(all)
	slices.Reverse(all)
	return all
}

// A filter of many parts is answered like one of few, and one that its parameters
// make too large is refused.
func TestLongFilters(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		s := newShop(t, open(), record.Hooks{}, "papers", `{"columns":{"n":"integer","text":"text"}}`)
		for i := range 20 {
			s.create("papers", fmt.Sprintf(`{"n":%d,"text":"T%d"}`, i, i))
		}
		many := func(part, word string) string {
			return strings.TrimSuffix(strings.Repeat(part+word, filter.MaxLength/len(part+word)), word)
		}
		for _, c := range []struct {
			text string
			want int
		}{
			{many("n eq 1", " or "), 1},
			{many("n ne 1", " and "), 19},
			{many("tolower(text) eq 't1'", " or "), 1},
			{many("n add 1 eq 2", " or "), 1},
			{many("not (tolower(text) eq 't1')", " and "), 19},
			{"not (" + strings.TrimSuffix(many("tolower(text) ne 't1' ", "and "), "and ") + ")", 1},
			{many("(n eq 1 or toupper(text) eq 'T2')", " and "), 2},
			{"n in (" + many("1", ",")[:16000] + "1)", 1},
		} {
			text := c.text
			if len(text) > filter.MaxLength {
				text = text[:strings.LastIndex(text[:filter.MaxLength-1], " and ")] + ")"
			}
			page, err := s.query(admin, record.Query{Class: "papers", Filter: expr(t, text)})
			if err != nil || len(page.Records) != c.want {
				t.Errorf("%.60s: %+v, %v, want %d records", text, page, err, c.want)
			}
		}
		_, err := s.query(admin, record.Query{
			Class: "papers", Filter: expr(t, many("@a", " or ")), Params: map[string]*filter.Expr{"a": expr(t, many("n eq 1", " or "))},
		})
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "parts") {
			t.Errorf("millions of parts: %v", err)
		}
	})
}
