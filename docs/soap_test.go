package docs_test

import (
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The calls of the guide's page on SOAP, made by curl, answer what the page shows.
func TestGuideSOAP(t *testing.T) {
	commandsAreThere(t, "sh", "curl")
	t.Setenv("ESHOP_PASSWORD", "enough-of-a-password")
	page := read(t, "docs/guide/14-soap.md")
	base, _ := serveFiles(t, "domain: default\n"+blocks(page, "yaml")[0], nil, nil)
	wsdl := wsdlOf(t, base)
	for _, m := range regexp.MustCompile(`<xsd:(?:element|complexType) name="(\w+)"`).FindAllStringSubmatch(wsdl, -1) {
		name := m[1]
		ofClass := []string{"code", "name", "number", "total", "created_at", "created_by", "modified_at", "modified_by"}
		if name[0] >= 'a' && name[0] <= 'z' && !strings.Contains(strings.ToLower(name), "customer") && !strings.HasPrefix(name, "orders") &&
			!strings.HasSuffix(name, "Response") && !slices.Contains(ofClass, name) {
			mentions(t, "soap.md", "name", "`"+name+"`")
		}
	}
	scripts, answers := blocks(page, "sh"), blocks(page, "xml")
	if len(scripts) != len(answers) || len(scripts) != 2 {
		t.Fatalf("the page has %d calls and %d answers", len(scripts), len(answers))
	}
	for i, script := range scripts {
		script = strings.Replace(script, "-u admin ", "-u admin:x -o answer.json ", 1)
		if answer := shell(t, script, "", []string{"S=" + base}); !strings.Contains(answer, strings.TrimSpace(answers[i])) {
			t.Errorf("%s\nanswers %s", script, answer)
		}
	}
}

// wsdlOf is the WSDL of the administrator.
func wsdlOf(t *testing.T, base string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/soap/v1?wsdl", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("admin", "x")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status, err)
	}
	return string(text)
}
