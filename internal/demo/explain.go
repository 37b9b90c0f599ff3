package demo

import (
	"cmp"
	"strings"
	"text/template"
)

// page is what the demo says about itself. Everything in it can be typed as it
// stands.
var page = template.Must(template.New("page").Parse(`
Junctor is listening on {{.Server}}

  shop       {{.Shop}}
  warehouse  {{.Warehouse}}
  ERP        {{.ERP}}
  login      admin / {{.Password}}

Send an order, or a stock movement. An order needs a new number each time: under a known Idempotency-Key the first answer comes again.

  curl -i '{{.Shop}}' -H 'Content-Type: application/json' -H 'Idempotency-Key: S-2001' -d '{{.Order}}'
  curl -i '{{.Warehouse}}' -H 'Content-Type: application/json' -d '{"article":"P-7100","quantity":-1,"reason":"sold"}'

Break the ERP (500, slow or refuse) and send some more. Movements wait and are tried again until the ERP is mended; the shop waits for
its answer, so an order gets a 502 instead, and sent again with the same key it goes on where it was. Each arrives exactly once.

  curl -X POST '{{.ERP}}/_demo/fail?mode=500'
  curl -X POST '{{.ERP}}/_demo/fail?mode=off'

What has arrived at the ERP, and how often under each key:

  curl {{.ERP}}/orders
  curl {{.ERP}}/stock

The runs, and one run with its steps:

  curl -u admin:{{.Password}} '{{.Server}}/api/v1/admin/runs?limit=5'
  curl -u admin:{{.Password}} '{{.Server}}/api/v1/admin/runs/RUN'

`))

// Explain prints the URLs, the login and the lines to try.
func Explain(s Setup) error {
	var b strings.Builder
	err := page.Execute(&b, struct {
		Setup
		Order string
	}{s.withPassword(), order("S-2001", "You", "Brno", bearing, euros)})
	if err == nil {
		s.Console.page(b.String())
	}
	return err
}

func (s Setup) withPassword() Setup {
	s.Password = cmp.Or(s.Password, "YOUR-PASSWORD")
	return s
}
