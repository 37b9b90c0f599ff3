package odata_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestCSV(t *testing.T) {
	each(t, func(s *site) {
		csv := []string{"Accept", "text/csv"}
		got := s.do("GET /orders?$select=number,total,note,customer&$expand=customer($select=name)&$orderby=number", "", csv...)
		want := "number,total,note,customer_id,customer/name\r\n" +
			"1,10.10,,c1,Ann\r\n2,20.20,,c2,Bob\r\n3,30.30,'=1+1,c1,Ann\r\n4,40.00,,,\r\n5,,,c2,Bob\r\n"
		if got.status != 200 || got.body != want || !strings.HasPrefix(got.header.Get("Content-Type"), "text/csv") {
			s.Errorf("%d %v\n%s", got.status, got.header, got.body)
		}
		for _, evil := range []string{"=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", " =1"} {
			body := `{"note":` + quoted(evil) + `,"total":-5}`
			s.must(204, "PATCH /orders/o1", body)
			got := s.do("GET /orders/o1?$select=note,total", "", csv...)
			_, row, _ := strings.Cut(got.body, "\r\n")
			if field := strings.TrimLeft(strings.TrimPrefix(row, `"`), " "); !strings.HasPrefix(field, "'") || !strings.HasSuffix(row, ",-5.00\r\n") {
				s.Errorf("%q became %q", evil, row)
			}
		}
		got = s.do("GET /orders?$filter=number%20eq%20'none'&$select=number", "", csv...)
		if got.body != "number\r\n" {
			s.Errorf("no records: %q", got.body)
		}
		got = s.do("GET /orders?$select=number&$orderby=number", "", "Accept", "text/csv", "Prefer", "maxpagesize=3")
		link := got.header.Get("Link")
		if !strings.HasSuffix(link, `>; rel="next"`) {
			s.Fatalf("Link: %s", link)
		}
		got = s.do("GET "+strings.TrimSuffix(strings.TrimPrefix(link, "<"), `>; rel="next"`), "", csv...)
		if got.body != "number\r\n4\r\n5\r\n" {
			s.Errorf("the next page: %q", got.body)
		}
		got = s.do("GET /orders?$apply=groupby((customer/code),aggregate(total%20with%20sum%20as%20sum))", "", csv...)
		if got.body != "customer/code,sum\r\n,40.00\r\nC1,25.30\r\nC2,20.20\r\n" {
			s.Errorf("groups: %q", got.body)
		}
	})
}

func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\t", `\t`, "\r", `\r`).Replace(text) + `"`
}

func TestXML(t *testing.T) {
	each(t, func(s *site) {
		s.must(204, "PATCH /orders/o1", `{"note":"a<b>&\"c\" \u0001\u000b\ufffe ]]> ž 😀","extra":{"list":[1,[2]]}}`)
		got := s.do("GET /orders?$expand=customer&$orderby=number", "", "Accept", "application/xml")
		if got.status != 200 || !strings.Contains(got.body, "<code>C1</code>") || strings.Contains(got.body, "odata") {
			s.Errorf("%d %s", got.status, got.body)
		}
		d := xml.NewDecoder(strings.NewReader(got.body))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				s.Fatalf("%v in %s", err, got.body)
			}
		}
	})
}

func TestOneColumnByAccept(t *testing.T) {
	each(t, func(s *site) {
		s.must(204, "PATCH /orders/o1", `{"note":"=1 & <2>","extra":{"a":[1]}}`)
		for _, c := range [][3]string{
			{"total", "application/xml", `<answer><value>10.10</value></answer>`}, {"note", "text/xml", `<answer><value>=1 &amp; &lt;2&gt;</value></answer>`},
			{"note", "text/csv", "note\r\n'=1 & <2>\r\n"}, {"extra", "application/xml", `<answer><value><a>1</a></value></answer>`}, {"total", "application/json", `"value":10.10}`},
		} {
			got := s.do("GET /orders/o1/"+c[0], "", "Accept", c[1])
			if got.status != 200 || !strings.Contains(got.body, c[2]) || strings.Contains(c[1], "xml") && !strings.HasPrefix(got.header.Get("Content-Type"), "application/xml") {
				s.Errorf("%v: %d %s", c, got.status, got.body)
			}
		}
		for request, status := range map[string]int{"GET /orders/o1/total": 406, "GET /orders/o1/none": 406, "GET /orders/o1/total/$value": 200, "GET /orders/o1/paper": 204} {
			if got := s.do(request, "", "Accept", "image/png"); got.status != status {
				s.Errorf("%s: %d %s", request, got.status, got.body)
			}
		}
		if got := s.do("GET /orders/o5/total", "", "Accept", "application/xml"); got.status != 204 {
			s.Errorf("null: %d %s", got.status, got.body)
		}
	})
}

func TestMetadata(t *testing.T) {
	each(t, func(s *site) {
		got := s.do("GET /$metadata", "")
		for _, part := range []string{
			`<EntityType Name="orders">`, `<PropertyRef Name="id"/>`, `<Property Name="total" Type="Edm.Decimal" Precision="12" Scale="2"/>`,
			`<Property Name="lines" Type="Edm.Int64"/>`, `<Property Name="number" Type="Edm.String" Nullable="false" MaxLength="20"/>`,
			`<Property Name="paper" Type="Edm.Stream"/>`, `<Property Name="due" Type="Edm.Date"/>`, `<Property Name="customer_id" Type="Edm.String"/>`,
			`<NavigationProperty Name="customer" Type="junctor.customers" Nullable="true">`, `<EntitySet Name="orders" EntityType="junctor.orders">`,
			`<NavigationPropertyBinding Path="customer" Target="customers"/>`, `who buys`, `DefaultValue="new"`, `Core.AlternateKeys`,
		} {
			if !strings.Contains(got.body, part) {
				s.Errorf("no %s", part)
			}
		}
		if !strings.HasPrefix(got.header.Get("Content-Type"), "application/xml") {
			s.Error(got.header)
		}
		if err := xml.Unmarshal([]byte(got.body), new(struct{})); err != nil {
			s.Error(err)
		}
		all := s.must(200, "GET /$metadata?$format=json", "")
		orders := all["junctor"].(map[string]any)["orders"].(map[string]any)
		if total := orders["total"].(map[string]any); total["$Type"] != "Edm.Decimal" || total["$Scale"] != 2.0 || total["$Nullable"] != true {
			s.Errorf("%v", total)
		}
	})
}
