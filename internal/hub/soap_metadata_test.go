package hub_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The WSDL and $metadata say the same of the classes, whoever asks.
func TestWSDLAgreesWithMetadata(t *testing.T) {
	s := serve(t, soapFiles)
	for _, credentials := range []string{admin, "shop:shop", "reader:reader"} {
		t.Run(credentials, func(t *testing.T) {
			want := classesOfMetadata(t, s.wantCall(200, "GET", "/api/v1/data/$metadata?$format=json", "", credentials))
			got := classesOfWSDL(t, s.wantCall(200, "GET", "/soap/v1?wsdl", "", credentials))
			if diff := cmp.Diff(want, got); diff != "" || len(got) == 0 {
				t.Error(diff)
			}
		})
	}
}

// described is what a description says of each class: its columns, and under ""
// what may be done.
type described map[string]map[string]string

func classesOfMetadata(t *testing.T, text string) described {
	t.Helper()
	var document struct {
		Junctor map[string]json.RawMessage `json:"junctor"`
	}
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]string{
		"": "xsd:string", "Edm.Untyped": "xsd:string", "Edm.Stream": "xsd:string", "Edm.Int64": "xsd:long", "Edm.Decimal": "xsd:decimal",
		"Edm.Boolean": "xsd:boolean", "Edm.Date": "xsd:date", "Edm.DateTimeOffset": "xsd:dateTime",
	}
	found := described{}
	for name, raw := range document.Junctor {
		var members map[string]json.RawMessage
		if json.Unmarshal(raw, &members) != nil {
			continue // an action or a function
		}
		kind := string(members["$Kind"])
		if name = strings.TrimSuffix(name, "_row"); kind != `"EntityType"` && kind != `"ComplexType"` {
			continue
		}
		found[name] = map[string]string{}
		for property, raw := range members {
			if strings.ContainsAny(property[:1], "$@") {
				continue
			}
			var p struct {
				Kind      string `json:"$Kind"`
				Type      string `json:"$Type"`
				Nullable  bool   `json:"$Nullable"`
				Length    int    `json:"$MaxLength"`
				Precision int    `json:"$Precision"`
				Scale     any    `json:"$Scale"`
				Values    []struct{ Value string }
			}
			var annotated map[string]json.RawMessage
			if json.Unmarshal(raw, &p) != nil || json.Unmarshal(raw, &annotated) != nil {
				t.Fatalf("%s: %s", property, raw)
			}
			if values := annotated["@Validation.AllowedValues"]; values != nil && json.Unmarshal(values, &p.Values) != nil {
				t.Fatalf("%s: %s", property, values)
			}
			said := kinds[p.Type]
			if p.Kind == "NavigationProperty" {
				said, p.Nullable = "tns:"+strings.TrimPrefix(p.Type, "junctor."), true
			}
			for _, v := range p.Values {
				said += " " + v.Value
			}
			if p.Length > 0 {
				said += fmt.Sprint(" ", p.Length)
			}
			if p.Type == "Edm.Decimal" && string(annotated["$Scale"]) != `"variable"` {
				said += fmt.Sprint(" ", p.Precision, " ", p.Scale)
			}
			if p.Nullable {
				said += "?"
			}
			found[name][property] = said
		}
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(document.Junctor["Container"], &all); err != nil {
		t.Fatal(err)
	}
	sets := map[string]map[string]json.RawMessage{}
	for name, raw := range all {
		var set map[string]json.RawMessage
		if json.Unmarshal(raw, &set) == nil && set["$Type"] != nil {
			sets[name] = set
		}
	}
	for name := range found {
		if sets[name] == nil { // a stored query
			found[name][""] = "get "
			continue
		}
		allowed := func(term string) bool { return !strings.Contains(string(sets[name]["@Capabilities."+term]), "false") }
		found[name][""] = verbs(allowed("ReadRestrictions"), allowed("InsertRestrictions"), allowed("UpdateRestrictions"), allowed("DeleteRestrictions"))
	}
	return found
}

func verbs(read, create, update, remove bool) string {
	said := ""
	for _, v := range []struct {
		verb string
		is   bool
	}{{"get ", read}, {"create ", create}, {"update ", update}, {"delete ", remove}} {
		if v.is {
			said += v.verb
		}
	}
	return said
}

type wsdlElement struct {
	Name        string `xml:"name,attr"`
	Type        string `xml:"type,attr"`
	Nillable    bool   `xml:"nillable,attr"`
	Restriction struct {
		Base  string `xml:"base,attr"`
		Facet []struct {
			XMLName xml.Name
			Value   string `xml:"value,attr"`
		} `xml:",any"`
	} `xml:"simpleType>restriction"`
}

func classesOfWSDL(t *testing.T, text string) described {
	t.Helper()
	var document struct {
		Types []struct {
			Name     string        `xml:"name,attr"`
			Elements []wsdlElement `xml:"sequence>element"`
		} `xml:"types>schema>complexType"`
		Operations []struct {
			Name string `xml:"name,attr"`
		} `xml:"portType>operation"`
	}
	if err := xml.Unmarshal([]byte(text), &document); err != nil {
		t.Fatal(err)
	}
	operations := map[string]bool{}
	for _, o := range document.Operations {
		operations[o.Name] = true
	}
	found := described{}
	for _, c := range document.Types {
		if strings.ToLower(c.Name[:1]) != c.Name[:1] || c.Name != strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(c.Name, "Page"), "Result"), "Changes") {
			continue // no class
		}
		found[c.Name] = map[string]string{}
		for _, e := range c.Elements {
			said := e.Type + e.Restriction.Base
			for _, f := range e.Restriction.Facet {
				said += " " + f.Value
			}
			if e.Nillable {
				said += "?"
			}
			found[c.Name][e.Name] = said
		}
		titled := strings.ToUpper(c.Name[:1]) + c.Name[1:]
		has := func(verb string) bool { return operations[verb+titled] }
		found[c.Name][""] = verbs(has("get"), has("create"), has("update"), has("delete"))
	}
	return found
}

// Who has the place of an application is told in the fault.
func TestSOAPTakesPartInThePolicy(t *testing.T) {
	s := serve(t, map[string]string{"junctor.yaml": `
settings:
  sessions: { policy: exclusive }
applications:
  first: { password: first }
  second: { password: second }
`})
	envelope := func(content string) string {
		return `<Envelope xmlns="http://www.w3.org/2003/05/soap-envelope"><Body>` + content + `</Body></Envelope>`
	}
	send := func(content, credentials string) (int, string) {
		t.Helper()
		r, err := http.NewRequest(http.MethodPost, s.base+"/soap/v1", strings.NewReader(envelope(content)))
		if err != nil {
			t.Fatal(err)
		}
		login, password, _ := strings.Cut(credentials, ":")
		if login != "" {
			r.SetBasicAuth(login, password)
		}
		r.Header.Set("Content-Type", "application/soap+xml")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	login := func(name string) string {
		return `<login xmlns="urn:junctor:v1"><login>` + name + `</login><password>` + name + `</password></login>`
	}
	if status, body := send(login("first"), ""); status != 200 || !strings.Contains(body, "<token>js_") {
		t.Fatalf("the first: %d %s", status, body)
	}
	for content, credentials := range map[string]string{login("second"): "", `<logout xmlns="urn:junctor:v1"/>`: "second:second"} {
		status, body := send(content, credentials)
		if status != 400 || !strings.Contains(body, "j:conflict") || !strings.Contains(body, "<holder><login>first</login><since>") {
			t.Errorf("the second: %d %s", status, body)
		}
	}
}
