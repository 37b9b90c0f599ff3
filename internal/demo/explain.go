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
its answer, so an order gets a 502 instead, and sent again with the same key it goes on where it was. Each is booked exactly once.

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

// erpPage is what the ERP says about itself where it is alone.
var erpPage = template.Must(template.New("erp").Parse(`
The demo's ERP is listening on {{.}} (Ctrl+C stops it, and it forgets what has arrived)

It takes orders in JSON or as XML documents, and stock movements in JSON, and books one call for each Idempotency-Key:

  curl -i '{{.}}/orders' -H 'Content-Type: application/json' -d '{"number":"S-1","total":91}'
  curl -i '{{.}}/orders' -H 'Content-Type: application/xml' -d '<salesOrder><externalNumber>S-2</externalNumber><items><item><code>P-7100</code><quantity>2</quantity></item></items></salesOrder>'
  curl -i '{{.}}/stock' -H 'Content-Type: application/json' -d '{"item":"P-7100","delta":-2}'

Break it (500, slow or refuse), and mend it:

  curl -X POST '{{.}}/_demo/fail?mode=500'
  curl -X POST '{{.}}/_demo/fail?mode=off'

What has arrived, and how often under each key:

  curl {{.}}/orders
  curl {{.}}/stock

`))

// ExplainERP prints the lines to try on an ERP that is alone at this URL.
func ExplainERP(c *Console, url string) error {
	var b strings.Builder
	if err := erpPage.Execute(&b, url); err != nil {
		return err
	}
	c.page(b.String())
	return nil
}

func (s Setup) withPassword() Setup {
	s.Password = cmp.Or(s.Password, "YOUR-PASSWORD")
	return s
}
