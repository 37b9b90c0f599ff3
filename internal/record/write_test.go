package record_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/class/classtest"
	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/fault"
	"junctor/internal/record"
	"junctor/internal/right"
	"junctor/internal/value"
)

func TestWritesChangeWhatTheySay(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		var changes []record.Change
		s := newShop(t, open(), record.Hooks{Changed: func(_ *db.Tx, c ...record.Change) error {
			changes = append(changes, c...)
			return nil
		}})
		s.create("customers", `{"id":"c1","code":"C1"}`)
		changes = nil
		out, err := s.upsert(admin, "orders", record.Address{}, `{"number":"7","customer@odata.bind":"customers(code='C1')","total":"10.1"}`)
		if err != nil || out.Result != record.Created || out.Version != 1 {
			t.Fatalf("%+v %v", out, err)
		}
		for _, again := range []string{`{"number":"7","total":10.10}`, `{"number":"7","customer":"c1","customer@odata.type":"x","@odata.etag":"W/\"1\""}`, `{"id":"` + out.ID + `","version":1,"doubled":20.2,"created_by":"admin"}`} {
			if out, err := s.upsert(admin, "orders", record.Address{}, again); err != nil || out.Result != record.Unchanged || out.Version != 1 {
				t.Errorf("%s: %+v %v", again, out, err)
			}
		}
		out, err = s.upsert(admin, "orders", number("7"), `{"total":null,"note":"hey"}`)
		if err != nil || out.Result != record.Updated || out.Version != 2 {
			t.Fatalf("%+v %v", out, err)
		}
		if got, want := string(out.Record.AppendJSON(nil, record.Form{})), must(s.get(admin, "orders", number("7"))); got != want {
			t.Errorf("answered %s, stored %s", got, want)
		}
		var replaced *record.Outcome
		classtest.Write(t, s.d, func(tx *db.Tx) (err error) {
			replaced, err = s.store.Replace(tx, s.model, admin, "orders", number("7"), []byte(`{"number":"8"}`), record.Match{Given: true, Versions: []int64{1, 2}})
			return err
		})
		if got, want := must(s.get(admin, "orders", number("8"), "customer_id", "note", "state", "version")), `{"customer_id":null,"note":null,"state":"new","version":3}`; got != want || replaced.Version != 3 {
			t.Errorf("%s", got)
		}
		if out, err := s.delete(admin, "orders", number("8")); err != nil || out.Result != record.Deleted || out.Version != 4 {
			t.Errorf("%+v %v", out, err)
		}
		if _, err := s.delete(admin, "orders", number("8")); !fault.Is(err, fault.NotFound) {
			t.Errorf("deleted twice: %v", err)
		}
		var told []string
		for _, c := range changes {
			told = append(told, strings.TrimSpace(fmt.Sprintln(c.Kind, c.Key, c.Version, c.Changed, c.Before != nil, c.After != nil)))
		}
		want := []string{
			"created 7 1 [customer_id doubled number state total] false true", "updated 7 2 [doubled note total] true true",
			"updated 8 3 [customer_id note number] true true", "deleted 8 4 [] true false",
		}
		if diff := cmp.Diff(want, told); diff != "" {
			t.Error(diff)
		}
		if !strings.Contains(string(changes[1].Before), `"total":10.10`) || !strings.Contains(string(changes[1].After), `"total":null`) {
			t.Errorf("%s -> %s", changes[1].Before, changes[1].After)
		}
		// the key is free again, and the id is not
		s.create("orders", `{"number":"8"}`)
		if _, err := s.tryCreate(admin, "orders", `{"id":"`+out.ID+`","number":"9"}`); !fault.Is(err, fault.Conflict) {
			t.Errorf("%v", err)
		}
		for _, at := range []record.Address{{}, {ID: out.ID}, number("9")} {
			_, err := s.upsert(admin, "orders", at, `{"id":"`+out.ID+`","number":"9"}`)
			if !fault.Is(err, fault.Conflict) || errors.Is(err, db.ErrUnique) || !strings.Contains(err.Error(), "had it before it was deleted") {
				t.Errorf("upsert at %v: %v", at, err)
			}
		}
	})
}

func TestRefusalsNameEveryMistakeAndWriteNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		s := filled(t, open())
		for body, want := range map[string]string{
			`{"number":null,"total":1.234,"state":"old","nmber":1,"note":"` + strings.Repeat("x", 21) + `","customer":"c9","received":"yesterday","doubled":3,"version":7}`: "/number /total /state /nmber /note /customer /received /doubled /version",
			`{}`:                       "/number",
			`{"number":"1","total":1}`: "/number",
			`{"number":"9","customer":{"code":"C9"}}`:            "/customer",
			`{"number":"9","customer":{"cod":"C9"}}`:             "/customer/cod",
			`{"number":"9","customer":{}}`:                       "/customer",
			`{"number":"9","customer_id":"c1","customer":"c1"}`:  "/customer",
			`{"number":"9","customer@odata.bind":"orders('x')"}`: "/customer@odata.bind",
			`{"number":"9","number":"8"}`:                        "/number",
			`{"number":"9","total":99999999999.00}`:              "/total",
			`{"number":"a\u0000b"}`:                              "/number",
			`{"number":"9","id":"a b"}`:                          "/id",
		} {
			_, err := s.tryCreate(admin, "orders", body)
			var said *fault.Error
			if !errors.As(err, &said) || said.Code != fault.Unprocessable && said.Code != fault.Conflict {
				t.Errorf("%s: %v", body, err)
				continue
			}
			found := map[string]bool{}
			for _, f := range said.Fields {
				found[f.Pointer] = true
			}
			for _, pointer := range strings.Fields(want) {
				if !found[pointer] {
					t.Errorf("%s: nothing about %s: %v", body, pointer, said.Fields)
				}
				delete(found, pointer)
			}
			if len(found) > 0 {
				t.Errorf("%s: also %v", body, said.Fields)
			}
		}
		for _, body := range []string{"", "[]", `{"a":`, `"x"`, "{\"number\":\"\xff\"}", "null"} {
			if _, err := s.tryCreate(admin, "orders", body); !fault.Is(err, fault.Invalid) {
				t.Errorf("%q: %v", body, err)
			}
		}
		if _, err := s.update(admin, "orders", number("2"), `{"number":"1"}`, record.Match{}); !fault.Is(err, fault.Conflict) {
			t.Errorf("%v", err)
		}
		if _, err := s.upsert(admin, "orders", record.Address{}, `{"total":1}`); !fault.Is(err, fault.Invalid) {
			t.Errorf("%v", err)
		}
		if _, err := s.upsert(admin, "orders", number("9"), `{"number":"10"}`); !fault.Is(err, fault.Unprocessable) {
			t.Errorf("%v", err)
		}
		if page := must(s.query(admin, record.Query{Class: "orders", Count: true})); page.Count != 4 {
			t.Errorf("%d records", page.Count)
		}
	})
}

func TestRightsOfWriters(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		s := filled(t, open())
		own := right.Row{Filter: expr(t, "customer/owner eq @account.id")}
		a := clerk(right.Class{Read: all, Create: own, Update: own, Delete: right.Row{Filter: expr(t, "state eq 'new'")}, ReadOnly: map[string]bool{"state": true}}, right.Class{Read: all}, right.Class{})
		for name, c := range map[string]struct {
			do   func() error
			code fault.Code
		}{
			"own":        {func() error { _, err := s.tryCreate(a, "orders", `{"number":"20","customer":"c1"}`); return err }, ""},
			"foreign":    {func() error { _, err := s.tryCreate(a, "orders", `{"number":"21","customer":"c2"}`); return err }, fault.Forbidden},
			"nobody's":   {func() error { _, err := s.tryCreate(a, "orders", `{"number":"22"}`); return err }, fault.Forbidden},
			"update own": {func() error { _, err := s.update(a, "orders", number("1"), `{"note":"x"}`, record.Match{}); return err }, ""},
			"give away": {func() error {
				_, err := s.update(a, "orders", number("1"), `{"customer":"c2"}`, record.Match{})
				return err
			}, fault.Forbidden},
			"take": {func() error {
				_, err := s.update(a, "orders", number("3"), `{"customer":"c1"}`, record.Match{})
				return err
			}, fault.Forbidden},
			"read-only": {func() error {
				_, err := s.update(a, "orders", number("1"), `{"state":"done"}`, record.Match{})
				return err
			}, fault.Unprocessable},
			"read-only, as is": {func() error {
				_, err := s.update(a, "orders", number("1"), `{"state":"new"}`, record.Match{})
				return err
			}, ""},
			"delete done":   {func() error { _, err := s.delete(a, "orders", number("2")); return err }, fault.Forbidden},
			"delete new":    {func() error { _, err := s.delete(a, "orders", number("4")); return err }, ""},
			"another class": {func() error { _, err := s.tryCreate(a, "customers", `{"code":"C3"}`); return err }, fault.Forbidden},
			"no class":      {func() error { _, err := s.tryCreate(a, "regions", `{"code":"S"}`); return err }, fault.NotFound},
		} {
			if err := c.do(); fault.CodeOf(err) != c.code {
				t.Errorf("%s: %v", name, err)
			}
		}
		// what cannot be seen is not there
		blind := clerk(right.Class{Read: own, Update: all, Delete: all}, right.Class{Read: right.Row{Filter: expr(t, "owner eq @account.id")}}, right.Class{})
		if _, err := s.update(blind, "orders", number("3"), `{"note":"x"}`, record.Match{}); !fault.Is(err, fault.NotFound) {
			t.Errorf("%v", err)
		}
		if _, err := s.update(blind, "orders", number("1"), `{"customer":"c2"}`, record.Match{}); !fault.Is(err, fault.Unprocessable) || !strings.Contains(err.Error(), "there is no record") {
			t.Errorf("%v", err)
		}
		if out, err := s.upsert(clerk(right.Class{Create: all}, right.Class{}, right.Class{}), "orders", record.Address{}, `{"number":"30"}`); err != nil || out.Record != nil {
			t.Errorf("%+v %v", out, err)
		}
	})
}

func TestOneOfTwoWritersWins(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		s := filled(t, open())
		var mu sync.Mutex
		won, lost := 0, 0
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				out, err := s.update(admin, "orders", number("1"), fmt.Sprintf(`{"note":"writer %d"}`, i), record.Match{Given: true, Versions: []int64{1}})
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil && out.Version == 2:
					won++
				case fault.Is(err, fault.Stale) && strings.Contains(err.Error(), "version 2 now") && !strings.Contains(err.Error(), "If-Match") && out.Record != nil && out.Record.Version() == 2:
					lost++
				default:
					t.Errorf("%+v %v", out, err)
				}
			})
		}
		group.Wait()
		if won != 1 || lost != 7 {
			t.Errorf("%d won, %d lost", won, lost)
		}
	})
}

func TestManyUpsertsOfOneKeyMakeOneRecord(t *testing.T) {
	places := map[string]func(t *testing.T) []*db.DB{
		"sqlite": func(t *testing.T) []*db.DB { return []*db.DB{dbtest.SQLite(t)(nil)} },
		"postgres": func(t *testing.T) []*db.DB {
			open := dbtest.Postgres(t)
			return []*db.DB{open(nil), open(nil)}
		},
	}
	for name, open := range places {
		t.Run(name, func(t *testing.T) {
			nodes := open(t)
			s := newShop(t, nodes[0], record.Hooks{})
			created := make(chan string, 2000)
			var group sync.WaitGroup
			for n, d := range nodes {
				committer := db.NewCommitter(d, nil, nil)
				t.Cleanup(committer.Close)
				store := newStore(record.Hooks{}) // another node's
				for i := range 1000 / len(nodes) {
					group.Go(func() {
						body := fmt.Sprintf(`{"number":"one","note":"%d.%d"}`, n, i)
						var out *record.Outcome
						var refusal error
						upsert := func(tx *db.Tx) error {
							out, refusal = store.Upsert(tx, s.model, admin, "orders", record.Address{}, []byte(body), record.Match{}, false)
							return refusal
						}
						var err error
						if i%2 == 0 {
							err = d.Write(context.Background(), upsert)
						} else { // as doors do, many in one transaction
							err = committer.Commit(context.Background(), db.Item{Func: func(tx *db.Tx) ([]db.Op, error) { return nil, upsert(tx) }})
						}
						if err != nil {
							t.Errorf("%v", err)
							return
						}
						if out.Result == record.Created {
							created <- out.ID
						}
					})
				}
			}
			group.Wait()
			page := must(s.query(admin, record.Query{Class: "orders"}))
			if len(page.Records) != 1 || page.Records[0].Version() != 1000 {
				t.Errorf("%d records, version %d", len(page.Records), page.Records[0].Version())
			}
		})
	}
}

func TestClassesWithOtherRules(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		s := newShop(t, open(), record.Hooks{}, "parts", `{"key":"code","delete":"hard","require_match":true,"columns":{"code":"text!"}}`,
			"uses", `{"columns":{"part":"ref(parts)!","serial":"autonumber","label":{"type":"autonumber","pattern":"U-{000}"}}}`)
		s.create("parts", `{"id":"p1","code":"A"}`)
		s.create("parts", `{"id":"p2","code":"B"}`)
		if _, err := s.delete(admin, "parts", record.Address{ID: "p1"}); !fault.Is(err, fault.VersionRequired) {
			t.Errorf("%v", err)
		}
		remove := func(id string) error {
			return s.d.Write(t.Context(), func(tx *db.Tx) error {
				_, err := s.store.Delete(tx, s.model, admin, "parts", record.Address{ID: id}, record.Match{Given: true, Any: true})
				return err
			})
		}
		for i := range 3 {
			_, err := s.tryCreate(admin, "uses", `{"part":"p9"}`)
			if !fault.Is(err, fault.Unprocessable) {
				t.Errorf("%v", err)
			}
			out, err := s.tryCreate(admin, "uses", `{"part":{"code":"A"}}`)
			if err != nil {
				t.Fatal(err)
			}
			serial, _ := out.Record.Value("serial")
			label, _ := out.Record.Value("label")
			if serial != value.Int(int64(i+1)) || label.Text() != fmt.Sprintf("U-%03d", i+1) {
				t.Errorf("%s %s", serial, label)
			}
		}
		if err := s.d.Write(t.Context(), func(tx *db.Tx) error {
			if _, err := s.store.Create(tx, s.model, admin, "uses", []byte(`{"part":"p1"}`)); err != nil {
				return err
			}
			return errors.New("taken back")
		}); err == nil {
			t.Error("committed")
		}
		if out, err := s.tryCreate(admin, "uses", `{"part":"p1","serial":null}`); err != nil || !strings.Contains(string(out.Record.AppendJSON(nil, record.Form{})), `"serial":4`) {
			t.Errorf("a number that was given back is lost: %v %v", out, err)
		}
		if err := remove("p1"); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "uses") {
			t.Errorf("%v", err)
		}
		if err := remove("p2"); err != nil {
			t.Error(err)
		}
		s.create("parts", `{"id":"p2","code":"B"}`)
	})
}

func TestRulesComeBeforeAndAfter(t *testing.T) {
	const body = `{"columns":{"name":"text","state":"text","size":"integer"},"rules":[
		{"when":["created","updated"],"before":true,"scenario":"check","if":"changed/name"},
		{"when":["updated"],"scenario":"told","if":"before/state eq 'new' and state ne 'new'"},
		{"when":["deleted"],"scenario":"gone","if":"size gt 1"}]}`
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		var started []string
		hooks := record.Hooks{
			Before: func(_ *db.Tx, ask record.Ask) (json.RawMessage, error) {
				if strings.Contains(string(ask.Record), "bad") {
					return nil, fault.New(fault.Unprocessable, "No bad names.")
				}
				return json.RawMessage(`{"size":2}`), nil
			},
			Start: func(_ *db.Tx, all ...record.Start) error {
				for _, r := range all {
					started = append(started, r.Scenario+" "+string(r.Change.Kind))
				}
				return nil
			},
		}
		s := newShop(t, open(), hooks, "ruled", body)
		if found := record.CheckRules(s.model, s.model.Class("ruled")); found != nil {
			t.Errorf("%v", found)
		}
		id := record.Address{ID: s.create("ruled", `{"name":"a","state":"new"}`)}
		if got := must(s.get(admin, "ruled", id, "size")); got != `{"size":2}` {
			t.Errorf("%s", got)
		}
		if _, err := s.update(admin, "ruled", id, `{"name":"bad"}`, record.Match{}); !fault.Is(err, fault.Unprocessable) || err.Error() != "No bad names." {
			t.Errorf("%v", err)
		}
		must(s.update(admin, "ruled", id, `{"size":5}`, record.Match{})) // no rule looks at it
		if got := must(s.get(admin, "ruled", id, "size")); got != `{"size":5}` {
			t.Errorf("%s", got)
		}
		must(s.update(admin, "ruled", id, `{"state":"sent"}`, record.Match{}))
		must(s.update(admin, "ruled", id, `{"state":"done"}`, record.Match{}))
		must(s.delete(admin, "ruled", id))
		if diff := cmp.Diff([]string{"told updated", "gone deleted"}, started); diff != "" {
			t.Error(diff)
		}
	})
	m := classtest.Model(t, "ruled", `{"columns":{"a":"text"},"rules":[{"when":["created"],"scenario":"x","if":"before/b eq 'x'"},{"when":["created"],"scenario":"x","if":"a"}]}`)
	found := record.CheckRules(m, m.Class("ruled"))
	if len(found) != 2 || found[0].Pointer != "/rules/0/if" || found[1].Pointer != "/rules/1/if" {
		t.Errorf("%v", found)
	}
}

// A rule may name what the caller does not see; neither the record nor a column
// that is hidden from him is in what he hears, and his own input is judged with
// his own eyes.
func TestRulesTellNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		answer := ""
		hooks := record.Hooks{Before: func(*db.Tx, record.Ask) (json.RawMessage, error) { return json.RawMessage(answer), nil }}
		s := newShop(t, open(), hooks, "owners", `{"key":"code","columns":{"code":"text!","of":"text"}}`,
			"things", `{"columns":{"owner":"ref(owners)","name":"text","price":"integer"},"rules":[{"when":["created","updated"],"before":true,"scenario":"check"}]}`)
		s.create("owners", `{"id":"mine","code":"M","of":"clerk"}`)
		s.create("owners", `{"id":"theirs","code":"T","of":"boss"}`)
		all := right.Row{All: true}
		clerk := record.Actor{By: "clerk", Rights: &right.Set{Classes: map[string]right.Class{
			"owners": {Read: right.Row{Filter: expr(t, "of eq 'clerk'")}},
			"things": {Create: all, Read: all, Update: all, Hidden: map[string]bool{"price": true}},
		}}}
		for _, c := range []struct {
			rule, body string
			code       fault.Code
			owner      string
		}{
			{`{"owner_id":"theirs"}`, `{"name":"a","owner":"mine"}`, "", `"theirs"`},
			{`{"owner_id":"mine"}`, `{"name":"b","owner":"theirs"}`, "", `"mine"`},
			{`{"owner_id":"theirs"}`, `{"name":"c","owner":"theirs"}`, fault.Unprocessable, ""}, // the rule has only said it again
			{`{"owner_id":"hidden-one"}`, `{"name":"d"}`, fault.ScenarioFailed, ""},
			{`{"price":"hidden-one"}`, `{"name":"e"}`, fault.ScenarioFailed, ""},
			{`{"name":5}`, `{"name":"f"}`, fault.ScenarioFailed, ""},
		} {
			answer = c.rule
			out, err := s.tryCreate(clerk, "things", c.body)
			if c.code == "" {
				if err != nil || !strings.Contains(string(out.Record.AppendJSON(nil, record.Form{})), `"owner_id":`+c.owner) {
					t.Errorf("%s %s: %v %v", c.rule, c.body, out, err)
				}
				continue
			}
			said := string(fault.ProblemOf(err).JSON())
			if fault.CodeOf(err) != c.code || strings.Contains(said, "price") || strings.Contains(said, "hidden-one") || strings.Contains(c.rule, `"name"`) != strings.Contains(said, `"pointer":"/name"`) {
				t.Errorf("%s %s: %s", c.rule, c.body, said)
			}
		}
	})
}

// Whoever refers to a record and whoever removes it for good at the same moment
// do not both succeed.
func TestNothingRefersToWhatIsGone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		s := newShop(t, open(), record.Hooks{}, "parts", `{"key":"code","delete":"hard","columns":{"code":"text!"}}`, "uses", `{"columns":{"part":"ref(parts)!"}}`)
		for i := range 20 {
			id := s.create("parts", fmt.Sprintf(`{"code":"%d"}`, i))
			var removed, used error
			var group sync.WaitGroup
			group.Go(func() { _, removed = s.delete(admin, "parts", record.Address{ID: id}) })
			group.Go(func() { _, used = s.tryCreate(admin, "uses", `{"part":"`+id+`"}`) })
			group.Wait()
			if (removed == nil) == (used == nil) {
				t.Errorf("removed: %v, used: %v", removed, used)
			}
		}
	})
}

// An address in a body is encoded with percent signs, like any other; one that is
// not is taken as it stands.
func TestBoundAddressesAreDecoded(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		s := newShop(t, open(), record.Hooks{})
		s.create("customers", `{"id":"c1","code":"a b/\u00e9'%"}`)
		s.create("customers", `{"id":"c2","code":"100%"}`)
		for i, c := range []struct{ address, want string }{
			{"customers(code='a b/\u00e9''%')", "c1"},
			{"customers(code='a%20b%2F%C3%A9%27%27%25')", "c1"},
			{"https://x.test/data/customers(code=%27a%20b%2f\u00e9%27%27%25%27)", "c1"},
			{"customers('%631')", "c1"},
			{"customers/%631", "c1"},
			{"customers(code='100%')", "c2"},
			{"customers(code='100%25')", "c2"},
			{"customers(code='a%20b')", ""},
			{"customers(code='%ff')", ""},
			{"customers(code='%00')", ""},
			{"customers(code='a%27b')", ""},
		} {
			out, err := s.tryCreate(admin, "orders", fmt.Sprintf(`{"number":"%d","customer@odata.bind":"%s"}`, i, c.address))
			if c.want == "" {
				if !fault.Is(err, fault.Unprocessable) {
					t.Errorf("%s: %v", c.address, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", c.address, err)
				continue
			}
			if got := string(out.Record.AppendJSON(nil, record.Form{})); !strings.Contains(got, `"customer_id":"`+c.want+`"`) {
				t.Errorf("%s: %s", c.address, got)
			}
		}
	})
}
