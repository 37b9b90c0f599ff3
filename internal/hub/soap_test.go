package hub_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"junctor/internal/db/dbtest"
)

// soapFiles are a configuration with classes and functions for programs that speak
// SOAP. The password of an application is its login.
var soapFiles = map[string]string{
	"junctor.yaml": `
classes:
  customers:
    key: code
    comment: who buys
    columns: { code: text!, name: text, owner: text }
  orders:
    key: number
    history: full
    columns:
      number: { type: text, required: true, length: 20 }
      customer: ref(customers)
      total: decimal(12,2)
      state: { type: "enum(new,sent,done)", default: new }
      received: datetime
      due: date
      lines: integer
      paid: boolean
      extra: json
      note: text
      margin: decimal(12,2)
      doubled: { type: "decimal(14,2)", computed: "total mul 2" }
    buttons:
      approve: { scenario: place_order, label: Approve }
queries:
  totals:
    comment: what each customer has ordered
    params: { since: date, top: integer }
    sql: SELECT c.code AS customer, sum(o.total) AS total, count(*) AS orders, max(o.received) AS last FROM api_orders AS o JOIN api_customers AS c ON c.code = o.customer WHERE (:since IS NULL OR o.due >= :since) AND (:top IS NULL OR o.lines <= :top) GROUP BY c.code
    columns: { total: "decimal(14,2)", orders: integer, last: datetime }
functions:
  placeOrder: { scenario: place_order, comment: takes an order }
roles:
  shop:
    classes:
      customers: { read: true }
      orders: { read: true, create: true, update: true, delete: true, hide: [margin], readonly: [paid], buttons: [approve] }
    functions: [placeOrder]
    queries: [totals]
  reader:
    classes:
      customers: { read: "owner eq @account.login" }
applications:
  shop: { password: shop, roles: [shop] }
  reader: { password: reader, roles: [reader] }
`,
	"scenarios/place_order.ts": `import { Problem, type Request } from "junctor";
export const params = {
  type: "object",
  required: ["number", "lines"],
  additionalProperties: false,
  properties: {
    number: { type: "string", description: "the order's number" },
    lines: { type: "array", items: { type: "object", required: ["code", "qty"], properties: { code: { type: "string" }, qty: { type: "integer", minimum: 1 }, price: { type: "number" } } } },
    tags: { type: "array", items: { type: "string" } },
    due: { type: "string", format: "date" },
    gift: { type: ["boolean", "null"] },
    state: { enum: ["a", 1] },
  },
} as const;
export default async function (request: Request) {
  const order = request.params as any;
  if (order.number === "unknown") throw new Problem({ status: 409, title: "unknown order", detail: "no such order <here>" });
  if (order.number === "broken") throw new Error("the secret is out");
  return { got: order, by: request.account?.login };
}`,
}

// TestSOAPByNode reads, writes and calls with npm's soap.
func TestSOAPByNode(t *testing.T) {
	dir := forNode(t, "soap")
	s := serve(t, soapFiles)
	s.client(dir, "node", "client.mjs")
}

// forNode is a folder with the client for Node of a folder of testdata, and the
// packages that it needs.
func forNode(t *testing.T, folder string, more ...string) string {
	t.Helper()
	modules := filepath.Join(dbtest.Packages(t, filepath.Join("testdata", folder)), "node_modules")
	dir := copied(t, folder, append(more, "client.mjs")...)
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// client runs a program of testdata that ends with an error when something is
// not as it should be.
func (s *site) client(dir, program string, args ...string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "BASE="+s.base, "ADMIN="+adminPassword)
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("%s %v: %v\n%s", program, args, err, out)
	}
	s.t.Logf("%s", out)
}

// copied is a folder with files of a folder of testdata.
func copied(t *testing.T, folder string, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join("testdata", folder, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestSOAPByPHP does the same with PHP's SoapClient.
func TestSOAPByPHP(t *testing.T) {
	dbtest.Program(t, []string{"php-cli", "php-soap"}, "php", "-r", "new SoapFault('a', 'b');")
	s := serve(t, soapFiles)
	s.client(copied(t, "soap", "client.php"), "php", "client.php")
}

// TestSOAPByJava does it with what wsimport makes of the WSDL.
func TestSOAPByJava(t *testing.T) {
	dbtest.Program(t, []string{"jaxws", "default-jdk-headless"}, "javac", "-version")
	dbtest.Program(t, []string{"jaxws", "default-jdk-headless"}, "wsimport", "-version")
	s := serve(t, soapFiles)
	dir := copied(t, "soap", "Client.java")
	code, wsdl := s.callAs("GET", "/soap/v1?wsdl", "", "shop:shop")
	admin := s.wantCall(200, "GET", "/soap/v1?wsdl", "", admin)
	if code != 200 || len(admin) <= len(wsdl) {
		t.Fatalf("the WSDL of an application is %d, %d bytes; of the administrator %d bytes", code, len(wsdl), len(admin))
	}
	if err := os.WriteFile(filepath.Join(dir, "junctor.wsdl"), []byte(admin), 0o600); err != nil {
		t.Fatal(err)
	}
	jars := "/usr/share/java/"
	path := ".:" + jars + "jaxws-rt.jar:" + jars + "jaxws-api.jar:" + jars + "jaxb-api.jar:" + jars + "jaxb-runtime.jar:" + jars + "*"
	s.client(dir, "wsimport", "-quiet", "-extension", "-p", "junctor", "-Xnocompile", "-s", ".", "junctor.wsdl")
	s.client(dir, "javac", "-nowarn", "-proc:none", "-encoding", "UTF-8", "-cp", path, "Client.java", "junctor/package-info.java")
	s.client(dir, "java", "-Dfile.encoding=UTF-8", "-cp", path, "Client")
}
