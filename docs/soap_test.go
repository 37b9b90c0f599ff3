package docs_test

import (
	"strings"
	"testing"
)

// The calls of the guide's page on SOAP, made by curl, answer what the page shows.
func TestGuideSOAP(t *testing.T) {
	commandsAreThere(t, "sh", "curl")
	t.Setenv("ESHOP_PASSWORD", "enough-of-a-password")
	page := read(t, "docs/guide/14-soap.md")
	base, _ := serveFiles(t, "domain: default\n"+blocks(page, "yaml")[0], nil, nil)
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
