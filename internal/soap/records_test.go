package soap

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/class"
	"junctor/internal/class/table"
	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/right"
)

// fill makes two customers and three orders.
func (s *site) fill() {
	s.Helper()
	s.must("admin", "createCustomers", `<record><id>c1</id><code>C1</code><name>Ann</name><owner>ann</owner></record><record><id>c2</id><code>C2</code><name>Bob</name><owner>bob</owner></record>`)
	got := s.must("admin", "createOrders", `<record><id>o1</id><number>1</number><customer><code>C1</code></customer><total>10.10</total><margin>1</margin></record>
		<record><id>o2</id><number>2</number><customer_id>c2</customer_id><state>sent</state></record><record><id>o3</id><number>3</number><note> x </note></record>`)
	if all := got.all("outcome"); all != "created created created" {
		s.Fatal(all)
	}
}

func TestRecords(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		s := newSite(t, open(), classes)
		s.fill()
		for _, c := range []struct{ name, operation, content, outcomes, codes, pointers string }{
			{"absent stays, nil clears", "updateOrders", `<record><number>1</number><note>n</note></record><record><number>1</number><note xsi:nil="true" xmlns:xsi="` + instance + `"/></record>`, "updated updated", "", ""},
			{"a version", "updateOrders", `<record><id>o2</id><version>1</version><note>a</note></record><record><id>o2</id><version>1</version><note>b</note></record>`, "updated failed", "stale", ""},
			{"no name", "updateOrders", `<record><note>a</note></record>`, "failed", "invalid", ""},
			{"nothing there", "updateOrders", `<record><id>o9</id><note>a</note></record>`, "failed", "not-found", ""},
			{"several mistakes", "updateOrders", `<record><id>o1</id><total>1.234</total><lines>x</lines><due>soon</due><state>old</state><paid>maybe</paid><nothing/></record>`,
				"failed", "unprocessable", "/due /lines /nothing /paid /state /total"},
			{"no JSON", "updateOrders", `<record><id>o1</id><extra>{a</extra></record>`, "failed", "unprocessable", "/extra"},
			{"no version", "updateOrders", `<record><id>o1</id><version>x</version></record>`, "failed", "unprocessable", "/version"},
			{"a column twice", "updateOrders", `<record><id>o1</id><note>a</note><note>b</note></record>`, "failed", "unprocessable", "/note"},
			{"an element of another namespace", "updateOrders", `<record><id>o1</id><note xmlns="urn:x">a</note></record>`, "failed", "unprocessable", "/urn:x:note"},
			{"a system column", "updateOrders", `<record><id>o1</id><created_by>eve</created_by></record>`, "failed", "unprocessable", "/created_by"},
			{"a ref to nothing", "updateOrders", `<record><id>o1</id><customer><code>C9</code></customer></record>`, "failed", "unprocessable", "/customer"},
			{"a ref twice", "updateOrders", `<record><id>o1</id><customer_id>c2</customer_id><customer><id>c1</id></customer></record>`, "failed", "unprocessable", "/customer"},
			{"a ref as it was read", "updateOrders", `<record><id>o1</id><customer_id>c1</customer_id><customer><id>c1</id><code>C1</code><name>other</name></customer></record>`, "unchanged", "", ""},
			{"what a schema's decimal allows", "updateOrders", `<record><id>o1</id><total> +.5 </total><paid> 1 </paid><due>2027-02-01+01:00</due></record>`, "updated", "", ""},
			{"a match is demanded", "upsertLocked", `<record><a>x</a><b>1</b></record><record><a>x</a><b>1</b><c>z</c></record><record><a>x</a><b>1</b><c>z</c><version>1</version></record>`, "created failed updated", "version-required", ""},
			{"a version of nothing", "upsertLocked", `<record><a>y</a><b>1</b><version>1</version></record>`, "failed", "stale", ""},
			{"half a key", "deleteLocked", `<record><a>x</a></record>`, "failed", "invalid", ""},
			{"a key of another type", "deleteLocked", `<record><a>x</a><b>one</b></record>`, "failed", "unprocessable", "/b"},
			{"deleting", "deleteLocked", `<record><a>x</a><b>1</b><version>2</version></record><record><a>x</a><b>1</b><version>2</version></record>`, "deleted failed", "not-found", ""},
			{"none", "createOrders", ``, "", "", ""},
		} {
			t.Run(c.name, func(t *testing.T) {
				got := s.must("admin", c.operation, c.content)
				problem := got.find("problem")
				pointers := ""
				if problem != nil {
					pointers = pointersOf(problem)
				}
				if got.all("outcome") != c.outcomes || got.all("code") != "" && problem != nil && problem.value("code") != c.codes || len(strings.Fields(pointers)) != len(strings.Fields(c.pointers)) {
					t.Errorf("%s, %s, not %s", got.all("outcome"), pointers, c.outcomes)
				}
				for _, p := range strings.Fields(c.pointers) {
					if !strings.Contains(" "+pointers+" ", " "+p+" ") {
						t.Errorf("pointers %q, want %q", pointers, c.pointers)
					}
				}
			})
		}
		one := s.must("admin", "getOrders", `<filter>id eq 'o1'</filter><expand>customer</expand><select>total,due,note,customer/name</select><count>true</count>`)
		want := map[string]string{"total": "0.50", "due": "2027-02-01", "note": "", "name": "Ann", "count": "1", "number": "", "code": ""}
		for name, text := range want {
			if got := one.all(name); got != text {
				t.Errorf("%s is %q, want %q", name, got, text)
			}
		}
		if n := one.find("note"); n == nil || !n.null {
			t.Error("a null is not nil")
		}
		if got := s.must("admin", "getOrders", `<filter>id eq 'o3'</filter>`); got.all("note") != " x " {
			t.Errorf("a text is %q", got.all("note"))
		}
	})
}

func TestAllOrNone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		s := newSite(t, open(), classes)
		s.fill()
		for content, want := range map[string][2]string{
			`<record><number>7</number></record><record><number>1</number></record><atomic>true</atomic>`:              {"conflict", "/record/1/number"},
			`<record><number>7</number></record><record><number>8</number><total>x</total></record><atomic>1</atomic>`: {"unprocessable", "/record/1/total"},
			`<record><number>7</number></record><record/><atomic>true</atomic>`:                                        {"unprocessable", "/record/1/number"},
		} {
			got := s.send("admin", operationOf("createOrders", content))
			if code, pointers := got.refused(t); code != want[0] || pointers != want[1] {
				t.Errorf("%s: %s %s", content, code, pointers)
			}
		}
		got := s.send("admin", operationOf("updateOrders", `<record><id>o1</id><note>a</note></record><record><id>o9</id></record><atomic>true</atomic>`))
		if code, pointers := got.refused(t); code != "not-found" || pointers != "/record/1" {
			t.Errorf("a record that is not there: %s %s", code, pointers)
		}
		if all := s.must("admin", "getOrders", `<filter>number eq '7' or note eq 'a'</filter><count>true</count>`); all.all("count") != "0" {
			t.Error("something was written")
		}
		if all := s.must("admin", "createOrders", `<record><number>7</number></record><record><number>8</number></record><atomic>true</atomic>`); all.all("outcome") != "created created" {
			t.Error(all.all("outcome"))
		}
		var many strings.Builder
		for i := range mostRecords + 1 {
			fmt.Fprintf(&many, "<record><number>m%d</number></record>", i)
		}
		if code, _ := s.send("admin", operationOf("createOrders", many.String())).refused(t); code != "too-large" {
			t.Error("too many records are", code)
		}
	})
}

// A rule that refuses a record, or fails, leaves the others alone.
func TestRulesOfOneRecord(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		s := newSite(t, open(), classes)
		got := s.must("admin", "createRuled", `<record><a>1</a></record><record><a>refused</a></record><record><a>2</a></record><record><a>broken</a></record><record><a>3</a></record>`)
		if all := got.all("outcome"); all != "created failed created failed created" || got.all("code") != "forbidden scenario-failed" || got.all("b") != "ruled ruled ruled" {
			t.Errorf("%s, %s, %s", all, got.all("code"), got.all("b"))
		}
		refused := s.send("admin", operationOf("createRuled", `<record><a>4</a></record><record><a>broken</a></record><atomic>true</atomic>`))
		if code, pointers := refused.refused(t); code != "scenario-failed" || pointers != "/record/1" {
			t.Errorf("%s %s", code, pointers)
		}
		if all := s.must("admin", "getRuled", "<count>true</count>"); all.all("count") != "3" {
			t.Errorf("there are %s", all.all("count"))
		}
	})
}

// A class that has changed since this node has heard of it is read anew.
func TestAClassThatHasChanged(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		s := newSite(t, d, classes)
		s.fill()
		fresh := maps.Clone(classes)
		fresh["customers"] = json.RawMessage(`{"key":"code","columns":{"code":"text!","name":"text","owner":"text","more":"text"}}`)
		m, found := class.NewModel(fresh)
		if found != nil {
			t.Fatal(found)
		}
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			_, _, err := table.Apply(tx, m, true)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := s.must("admin", "createCustomers", `<record><code>C3</code></record>`); got.all("outcome") != "created" {
			t.Errorf("%s", got.all("detail"))
		}
		if got := s.must("admin", "upsertCustomers", `<record><code>C3</code><more>x</more></record>`); got.all("outcome") != "updated" || got.all("more") != "x" {
			t.Errorf("%s", got.all("detail"))
		}
	})
}

// Several who store the same records at the same time make each once, and every
// one hears what became of each record.
func TestTheSameRecordsAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		s := newSite(t, open(), classes)
		var records strings.Builder
		for i := range 130 {
			fmt.Fprintf(&records, "<record><number>%d</number></record>", i)
		}
		var wait sync.WaitGroup
		outcomes := make([]string, 4)
		for i := range outcomes {
			wait.Go(func() { outcomes[i] = s.must("admin", "createOrders", records.String()).all("outcome") })
		}
		wait.Wait()
		together := strings.Join(outcomes, " ")
		if strings.Count(together, "created") != 130 || strings.Count(together, "failed") != 3*130 {
			t.Errorf("%d created, %d failed", strings.Count(together, "created"), strings.Count(together, "failed"))
		}
	})
}

// What may not be seen or done is not there: not in the WSDL, nor for a call.
func TestRights(t *testing.T) {
	s := newSite(t, sqlite(t), classes)
	s.fill()
	account := right.Account{ID: "acc_ann", Login: "ann"}
	s.rights["ann"] = &right.Set{Account: account, Classes: map[string]right.Class{
		"orders":    {Read: rows(t, "customer/owner eq @account.login"), Update: all, Hidden: map[string]bool{"margin": true}, ReadOnly: map[string]bool{"state": true}},
		"customers": {Read: rows(t, "owner eq @account.login")},
	}}
	s.rights["clerk"] = &right.Set{Account: account, Classes: map[string]right.Class{"orders": {Create: all}}}
	s.rights["nobody"] = &right.Set{Account: account}

	for login, want := range map[string]string{
		"ann":    "login logout getCustomers getCustomersChanges getOrders getOrdersChanges updateOrders upsertOrders",
		"clerk":  "login logout createOrders upsertOrders",
		"nobody": "login logout",
	} {
		root, err := parse(s.wsdl(login))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, op := range root.find("portType").children {
			names = append(names, op.attribute("", "name"))
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s has %s, want %s", login, got, want)
		}
	}
	for login, absent := range map[string][]string{"ann": {"margin", "locked", "createOrders"}, "clerk": {"customers\"", "locked", "getOrders"}, "nobody": {"orders", "customers"}} {
		for _, text := range absent {
			if strings.Contains(s.wsdl(login), text) {
				t.Errorf("the WSDL of %s has %q", login, text)
			}
		}
	}
	if got := s.must("ann", "getOrders", "<expand>customer</expand>"); got.all("number") != "1" || got.find("margin") != nil || got.all("code") != "C1" {
		t.Errorf("ann sees %s", got.all("number"))
	}
	for content, want := range map[string]string{
		"<filter>margin gt 0</filter>": "invalid", "<orderby>margin</orderby>": "invalid", "<select>margin</select>": "invalid", "<filter>customer/nothing eq 1</filter>": "invalid",
	} {
		got := s.send("ann", operationOf("getOrders", content))
		odd := s.send("ann", operationOf("getOrders", strings.ReplaceAll(content, "margin", "nargin")))
		if code, _ := got.refused(t); code != want || strings.ReplaceAll(got.body, "margin", "nargin") != odd.body {
			t.Errorf("%s: %s %s", content, code, got.body)
		}
	}
	for operation, want := range map[string]string{"createOrders": "not-found", "deleteOrders": "not-found", "getLocked": "not-found", "createCustomers": "not-found"} {
		if code, _ := s.send("ann", operationOf(operation, `<record><id>o1</id></record>`)).refused(t); code != want {
			t.Errorf("%s: %s", operation, code)
		}
	}
	for content, want := range map[string]string{
		`<id>o1</id><margin>9</margin>`:                   "unprocessable",
		`<id>o1</id><state>done</state>`:                  "unprocessable",
		`<id>o2</id><note>x</note>`:                       "not-found",
		`<number>9</number>`:                              "not-found",
		`<id>o1</id><customer_id>c2</customer_id>`:        "unprocessable",
		`<id>o1</id><customer><code>C2</code></customer>`: "unprocessable",
	} {
		got := s.must("ann", "updateOrders", "<record>"+content+"</record>")
		problem := got.find("problem")
		if problem == nil {
			t.Errorf("%s is %s", content, got.all("outcome"))
		} else if code := problem.value("code"); code != want && code != "forbidden" {
			t.Errorf("%s: %s", content, code)
		}
	}
	made := s.must("clerk", "createOrders", `<record><id>k1</id><number>k</number></record>`)
	if made.all("outcome") != "created" || made.find("record") != nil {
		t.Errorf("who may not read is shown %s", made.all("number"))
	}
	if got := s.send("clerk", operationOf("getOrders", "")); got.status == http.StatusOK {
		t.Error("who may not read reads")
	}
}

// Whatever a record has in it, the answer is well-formed.
func TestAnswersAreWellFormed(t *testing.T) {
	s := newSite(t, sqlite(t), classes)
	odd := "a\u0001b\ufffe<&>]]>\"'\U0001F600\r\n\t\u0085\u2028"
	body, err := json.Marshal(map[string]any{"id": "odd", "number": "1", "note": odd, "extra": map[string]any{odd: odd}})
	if err != nil {
		t.Fatal(err)
	}
	err = s.door.DB.Write(context.Background(), func(tx *db.Tx) error {
		_, err := s.door.Records.Create(tx, s.door.Model(), actorOf(s), "orders", body)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	got := s.must("admin", "getOrders", "")
	if diff := cmp.Diff(strings.NewReplacer("\u0001", "\ufffd", "\ufffe", "\ufffd").Replace(odd), got.all("note")); diff != "" {
		t.Error(diff)
	}
}
