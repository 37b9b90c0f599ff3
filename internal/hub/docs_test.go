package hub_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"junctor/internal/db/dbtest"
)

var documented = map[string]string{
	"junctor.yaml": `classes:
  customers:
    comment: who buys
    key: code
    columns:
      code: { type: text!, pattern: "[A-Z]{2}-[0-9]{4}", comment: "of the ERP" }
      name: text!
      email: { type: text, length: 60 }
      vip: boolean
      margin: "decimal(12,2)"
      since: date
  orders:
    key: [year, number]
    require_match: true
    columns:
      year: { type: integer!, min: 2020, max: 2030 }
      number: text!
      customer: ref(customers)!
      total: { type: "decimal(12,2)", max: 100 }
      state: { type: "enum(new,sent)", default: new }
      placed: datetime
      extra: json
      double: { type: "decimal(14,2)", computed: "total mul 2" }
      locked: text
    buttons:
      approve: { scenario: approve, label: Approve }
      secret: { scenario: approve }
queries:
  joined: { comment: who has come, params: { since: date!, vip: boolean }, sql: "SELECT code, name, since FROM api_customers WHERE since >= :since AND (:vip IS NULL OR vip = :vip)" }
  hidden_rows: { sql: "SELECT code FROM api_customers" }
functions:
  placeOrder: { scenario: place, comment: "places an 'order'" }
  other: { scenario: place }
packets:
  customer_card:
    params: { code: text!, since: date }
    parts:
      customer: { class: customers, filter: "code eq @code", one: true }
      orders: { class: orders, filter: "customer/code eq @code", select: [year, number], top: 5 }
      rating: { function: placeOrder, params: { number: "@code", lines: [{ qty: 1 }] } }
  hidden_card: { parts: { all: { class: orders } } }
roles:
  shop:
    classes:
      customers: { read: true, create: true, update: true, delete: true, hide: [margin] }
      orders: { read: true, create: true, update: true, delete: true, readonly: [locked], buttons: [approve] }
    functions: [placeOrder]
    queries: [joined]
    packets: [customer_card]
  reader:
    classes: { customers: { read: "code eq 'x'" } }
applications:
  eshop: { password: open sesame, roles: [shop] }
  reader: { password: open sesame, roles: [reader] }
  nobody: { password: open sesame }
`,
	"scenarios/approve.ts": `export default () => "approved";`,
	"scenarios/place.ts": `import type { Request } from "junctor";
export const params = {
  type: "object", required: ["number", "lines"], additionalProperties: false,
  properties: {
    number: { type: "string", minLength: 1 }, due: { type: "string", format: "date" }, note: { type: "string", description: "for <people>" },
    lines: { type: "array", minItems: 1, items: { type: "object", required: ["qty"], properties: { qty: { type: "integer", minimum: 1 } } } },
  },
} as const;
export default async (request: Request<any>) => ({ number: request.params.number, by: request.account?.login });`,
}

type manual struct {
	Topics []struct{ Kind, Code, Path string }
}

type manualPage struct {
	Kind, Code string
	Fields     []struct {
		Name, Type, Access string
		Required           bool
	}
	Requests []struct {
		Name, Method, Path string
		Status             int
		Body, Answer       json.RawMessage
		Programs           []struct{ Language, Text string }
	}
}

func (s *site) manual(login string) (pages []manualPage) {
	s.t.Helper()
	resp, body := s.as(login, "GET", "/docs", "", "Accept", "application/json")
	var all manual
	if err := json.Unmarshal([]byte(body), &all); err != nil || resp.StatusCode != 200 {
		s.t.Fatalf("%d %s", resp.StatusCode, body)
	}
	for _, topic := range all.Topics {
		_, body := s.as(login, "GET", topic.Path, "", "Accept", "application/json")
		var page manualPage
		if err := json.Unmarshal([]byte(body), &page); err != nil {
			s.t.Fatal(err, body)
		}
		pages = append(pages, page)
	}
	return pages
}

// The documentation shows what the caller may use, and nothing else.
func TestDocsByRights(t *testing.T) {
	s := serve(t, documented)
	seen := func(login string) (all []string) {
		for _, page := range s.manual(login) {
			names := ""
			for _, r := range page.Requests {
				names += " " + r.Name
			}
			all = append(all, page.Kind+"/"+page.Code+names)
		}
		return all
	}
	for login, want := range map[string]string{
		"eshop":  "classes/customers create list read update upsert delete; classes/orders create list read update delete press_approve press_approve_many; queries/joined rows; packets/customer_card fetch; functions/placeOrder call",
		"reader": "classes/customers list read", "nobody": "",
	} {
		if got := strings.Join(seen(login), "; "); got != want {
			t.Errorf("%s sees %s", login, got)
		}
	}
	resp, page := s.as("eshop", "GET", "/docs/classes/customers", "", "Accept", "text/html")
	if resp.StatusCode != 200 || strings.Contains(page, ">margin<") || !strings.Contains(page, "of the ERP") || strings.Contains(page, "<script") || strings.Contains(page, "src=") {
		t.Errorf("the page: %d %s", resp.StatusCode, page)
	}
	if _, page := s.as("eshop", "GET", "/docs/functions/placeOrder", "", "Accept", "text/html"); !strings.Contains(page, "for &lt;people&gt;") || !strings.Contains(page, "Соединение.ВызватьHTTPМетод") {
		t.Errorf("the function's page: %s", page)
	}
	for _, path := range []string{"/docs/functions/other", "/docs/packets/hidden_card", "/docs/classes/none", "/docs/queries/hidden_rows", "/docs/none/customers"} {
		s.wantCall(404, "GET", path, "", "eshop:open sesame")
	}
	s.wantCall(401, "GET", "/docs", "", "")
	s.wantCall(400, "GET", "/docs?x=1", "", "eshop:open sesame")
	s.wantCall(401, "GET", "/openapi.json", "", "eshop:wrong")
}

// interpreters run programs; what is not on this machine is left out.
var interpreters = map[string]func(file string) []string{
	"curl":       func(file string) []string { return []string{"sh", file} },
	"python":     func(file string) []string { return []string{"python3", file} },
	"javascript": func(file string) []string { return []string{"node", file} },
	"php":        func(file string) []string { return []string{"php", file} },
	"java":       func(file string) []string { return []string{"java", file} },
	"go":         func(file string) []string { return []string{"go", "run", file} },
}

// Every example of the documentation is a program that works, in each language
// that this machine has, and answers what the documentation says.
func TestDocsExamplesRun(t *testing.T) {
	s := serve(t, documented)
	pages := s.manual("eshop")
	for _, language := range slices.Sorted(maps.Keys(interpreters)) {
		t.Run(language, func(t *testing.T) {
			program, packages := interpreters[language]("")[0], []string{"default-jdk-headless"}
			if language != "java" {
				packages = []string{map[string]string{"curl": "curl", "python": "python3", "javascript": "nodejs", "php": "php-cli", "go": "golang-go"}[language]}
			}
			if language == "curl" {
				program = "curl"
			}
			version := "--version"
			if language == "go" {
				version = "version"
			}
			dbtest.Program(t, packages, program, version)
			run := func(kind string, names ...string) {
				for _, page := range pages {
					for _, r := range page.Requests {
						if page.Kind+"/"+page.Code == kind && slices.Contains(names, r.Name) {
							i := slices.IndexFunc(r.Programs, func(p struct{ Language, Text string }) bool { return p.Language == language })
							answer := runProgram(t, language, r.Programs[i].Text)
							if missing := lacking(r.Answer, answer); missing != "" {
								t.Errorf("%s %s %s answers no %s: %s", language, kind, r.Name, missing, answer)
							}
						}
					}
				}
			}
			most := []string{"create", "list", "read", "update", "upsert"}
			if language == "go" || language == "java" { // which are compiled
				run("classes/customers", "upsert")
				run("classes/customers", "list")
				run("functions/placeOrder", "call")
				return
			}
			s.as("eshop", "DELETE", "/api/v1/data/orders(year=2020,number=%272026-0001%27)", "", "If-Match", "*")
			s.as("eshop", "DELETE", "/api/v1/data/customers(code=%27AA-1111%27)", "")
			run("classes/customers", most...)
			run("classes/orders", append(most, "press_approve", "press_approve_many")...)
			run("queries/joined", "rows")
			run("packets/customer_card", "fetch")
			run("functions/placeOrder", "call")
			run("classes/orders", "delete")
			run("classes/customers", "delete")
		})
	}
}

func runProgram(t *testing.T, language, text string) []byte {
	t.Helper()
	name := map[string]string{"curl": "a.sh", "python": "a.py", "javascript": "a.mjs", "php": "a.php", "java": "Main.java", "go": "main.go"}[language]
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	command := interpreters[language](file)
	c := exec.CommandContext(t.Context(), command[0], command[1:]...)
	c.Env = append(os.Environ(), "JUNCTOR_PASSWORD=open sesame")
	out, err := c.Output()
	if err != nil {
		var stderr string
		if exit, ok := err.(*exec.ExitError); ok { //nolint:errorlint // Output's own
			stderr = string(exit.Stderr)
		}
		t.Errorf("%v: %s %s\n%s", err, out, stderr, text)
	}
	return out
}

// lacking is a member that a documented answer has and the real one has not.
func lacking(want json.RawMessage, got []byte) string {
	if want == nil {
		return ""
	}
	var w, g any
	if json.Unmarshal(want, &w) != nil || json.Unmarshal(got, &g) != nil {
		return "JSON"
	}
	return lack(w, g)
}

func lack(want, got any) string {
	switch want := want.(type) {
	case map[string]any:
		have, _ := got.(map[string]any)
		for name := range want {
			v, ok := have[name]
			if !ok {
				return name
			}
			if missing := lack(want[name], v); missing != "" {
				return name + "/" + missing
			}
		}
	case []any:
		have, _ := got.([]any)
		if len(want) > 0 && len(have) == 0 {
			return "item"
		}
		if len(want) > 0 {
			return lack(want[0], have[0])
		}
	}
	return ""
}

// The OpenAPI document, $metadata, the WSDL and /docs tell the same of each class, to each
// caller.
func TestDocumentsAgree(t *testing.T) {
	s := serve(t, documented)
	for _, login := range []string{"eshop", "reader", "nobody"} {
		var openapi struct {
			Paths      map[string]map[string]any
			Components struct {
				Schemas map[string]struct {
					Properties map[string]struct{ Type any }
				}
			}
		}
		_, body := s.as(login, "GET", "/openapi.json", "")
		if err := json.Unmarshal([]byte(body), &openapi); err != nil {
			t.Fatal(err)
		}
		var edmx struct {
			Types []struct {
				Name       string `xml:",attr"`
				Properties []struct {
					Name string `xml:",attr"`
					Type string `xml:",attr"`
				} `xml:"Property"`
			} `xml:"DataServices>Schema>EntityType"`
			operations
		}
		_, body = s.as(login, "GET", "/api/v1/data/$metadata", "")
		if err := xml.Unmarshal([]byte(body), &edmx); err != nil {
			t.Fatal(err, body)
		}
		classes := map[string][]string{}
		for _, typ := range edmx.Types {
			classes[typ.Name] = []string{}
			for _, p := range typ.Properties {
				classes[typ.Name] = append(classes[typ.Name], p.Name+" "+p.Type)
			}
			slices.Sort(classes[typ.Name])
		}
		_, wsdl := s.as(login, "GET", "/soap/v1?wsdl", "")
		documented := map[string][]string{}
		for name, schema := range openapi.Components.Schemas {
			code, ok := strings.CutPrefix(name, "classes.")
			if !ok {
				continue
			}
			documented[code] = []string{}
			for property, typ := range schema.Properties {
				documented[code] = append(documented[code], property+" "+edm(typ.Type, property))
			}
			slices.Sort(documented[code])
		}
		if fmt.Sprint(documented) != fmt.Sprint(classes) {
			t.Errorf("%s: the document has\n%v\n$metadata has\n%v", login, documented, classes)
		}
		for code, properties := range classes {
			_, rest, _ := strings.Cut(wsdl, `<xsd:complexType name="`+code+`">`)
			typ, _, _ := strings.Cut(rest, "</xsd:complexType>")
			for _, property := range properties {
				name, _, _ := strings.Cut(property, " ")
				if !strings.Contains(typ, `<xsd:element name="`+name+`"`) {
					t.Errorf("%s: the WSDL has no %s of %s", login, name, code)
				}
			}
		}
		if hidden := login != "nobody" && strings.Contains(wsdl, `name="margin"`) != (login == "reader"); hidden {
			t.Errorf("%s: the WSDL and the rights differ in the column margin", login)
		}
		for _, page := range s.manual(login) {
			if page.Kind == "classes" && len(page.Fields) != len(classes[page.Code]) {
				t.Errorf("%s: /docs has %d properties of %s, $metadata %d", login, len(page.Fields), page.Code, len(classes[page.Code]))
			}
			for _, r := range page.Requests {
				path, _, _ := strings.Cut(r.Path, "?")
				if before, key, keyed := strings.Cut(path, "("); keyed {
					_, behind, _ := strings.Cut(key, ")")
					path = before + "/{id}" + behind
				}
				if openapi.Paths[path][strings.ToLower(r.Method)] == nil {
					t.Errorf("%s: the document has no %s %s", login, r.Method, path)
				}
			}
		}
		var said []string
		for path, calls := range openapi.Paths {
			if strings.HasPrefix(path, "/api/v1/admin/") {
				t.Errorf("%s is told of %s", login, path)
			}
			said = append(said, saidOf(path, calls)...)
		}
		slices.Sort(said)
		if want := edmx.said(); !slices.Equal(said, want) {
			t.Errorf("%s: of buttons and queries the document has\n%v\n$metadata has\n%v", login, said, want)
		}
		for _, name := range []string{"pressOrdersApprove", "getJoined"} {
			if strings.Contains(wsdl, `<xsd:element name="`+name+`">`) != (login == "eshop") {
				t.Errorf("%s: the WSDL and $metadata differ in %s", login, name)
			}
		}
	}
}

// operations are the buttons and stored queries of $metadata.
type operations struct {
	Actions []struct {
		Name       string `xml:",attr"`
		Parameters []struct {
			Type string `xml:",attr"`
		} `xml:"Parameter"`
	} `xml:"DataServices>Schema>Action"`
	Functions []struct {
		Name       string `xml:",attr"`
		Parameters []struct {
			Name string `xml:",attr"`
		} `xml:"Parameter"`
	} `xml:"DataServices>Schema>Function"`
}

// said are the buttons as addresses, and the stored queries with their parameters.
func (o operations) said() (all []string) {
	for _, a := range o.Actions {
		of := a.Parameters[0].Type
		if class, many := strings.CutPrefix(of, "Collection(junctor."); many {
			all = append(all, strings.TrimSuffix(class, ")")+"/"+a.Name)
		} else {
			all = append(all, strings.TrimPrefix(of, "junctor.")+"/{id}/"+a.Name)
		}
	}
	for _, f := range o.Functions {
		for _, p := range f.Parameters {
			all = append(all, f.Name+"?"+p.Name)
		}
	}
	slices.Sort(all)
	return all
}

// saidOf is what an address of the OpenAPI document says of that.
func saidOf(path string, calls map[string]any) (all []string) {
	at, ok := strings.CutPrefix(path, "/api/v1/data/")
	if !ok {
		return nil
	}
	if calls["post"] != nil && strings.Contains(at, "/") {
		all = append(all, at)
	}
	raw, _ := json.Marshal(calls["get"]) //nolint:errcheck // it was JSON
	var get struct{ Parameters []struct{ Name, In string } }
	if json.Unmarshal(raw, &get) != nil {
		return all
	}
	for _, p := range get.Parameters {
		if p.In == "query" && !strings.HasPrefix(p.Name, "$") {
			all = append(all, at+"?"+p.Name)
		}
	}
	return all
}

// edm is OData's word for a type of JSON Schema, of the properties in this test.
func edm(typ any, property string) string {
	text := fmt.Sprint(typ)
	switch {
	case property == "placed" || strings.HasSuffix(property, "_at"):
		return "Edm.DateTimeOffset"
	case property == "since":
		return "Edm.Date"
	case strings.Contains(text, "integer"):
		return "Edm.Int64"
	case strings.Contains(text, "number"):
		return "Edm.Decimal"
	case strings.Contains(text, "boolean"):
		return "Edm.Boolean"
	case strings.Contains(text, "string"):
		return "Edm.String"
	}
	return "Edm.Untyped"
}
