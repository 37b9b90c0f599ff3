package hub_test

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"junctor/internal/clock"
	"junctor/internal/db/dbtest"
	"junctor/internal/hub"
	"junctor/internal/run"
)

// program is what people use on a database, sqlite3 or psql: it executes SQL that
// it reads.
type program func() *exec.Cmd

func openSQLite(t *testing.T, files map[string]string, more ...func(*hub.Options)) (*site, program) {
	t.Helper()
	dbtest.Program(t, []string{"sqlite3"}, "sqlite3", "--version")
	s := serveOn(t, "", files, more...)
	return s, func() *exec.Cmd {
		return exec.CommandContext(t.Context(), "sqlite3", "-bail", "-cmd", ".timeout 10000", filepath.Join(s.data, "junctor.db"))
	}
}

func openPostgres(t *testing.T, files map[string]string, more ...func(*hub.Options)) (*site, program) {
	t.Helper()
	dbtest.Program(t, []string{"postgresql-client"}, "psql", "--version")
	at := database(t)
	return serveOn(t, at, files, more...), func() *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), "psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-d", at)
		cmd.Env = append(os.Environ(), "PGOPTIONS=-c search_path=junctor_default")
		return cmd
	}
}

// by executes SQL by the program.
func (s *site) by(cmd *exec.Cmd, sql string) {
	s.t.Helper()
	cmd.Stdin = strings.NewReader(sql)
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("%s: %v\n%s", sql, err, out)
	}
}

// follower reads events of orders, and the delta of all orders.
type follower struct {
	s             *site
	cursor, delta string
}

func (s *site) follow() *follower {
	f := &follower{s: s, cursor: s.events("after", "latest").Next}
	f.delta, _ = s.changes("/api/v1/data/orders", "Prefer", "odata.track-changes")
	return f
}

// changes reads a list or what has changed in it, a text for each: the number
// and total, or what was removed.
func (s *site) changes(path string, header ...string) (delta string, all []string) {
	s.t.Helper()
	resp, body := s.call("GET", path, "", header...)
	var got struct {
		Value []struct {
			ID, Number, Reason string
			Total              json.Number
			Version            int
			By                 string `json:"modified_by"`
		}
		Delta string `json:"@odata.deltaLink"`
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || resp.StatusCode != 200 || got.Delta == "" {
		s.t.Fatalf("%s: %d %s", path, resp.StatusCode, body)
	}
	for _, v := range got.Value {
		if v.Reason != "" {
			all = append(all, v.Reason+" "+v.ID)
		} else {
			all = append(all, strings.Join([]string{v.Number, v.Total.String(), v.By}, " "))
		}
	}
	return strings.TrimPrefix(got.Delta, s.base), all
}

// next waits for the next events, and compares them and the delta: the events
// have come once they can be read, so has the change.
func (f *follower) next(event, changed string) {
	f.s.t.Helper()
	began := time.Now()
	got := f.s.events("after", f.cursor, "types", "record.orders.*", "wait", "20s")
	f.s.t.Logf("%s was told after %s", event, time.Since(began))
	var told []string
	for _, i := range got.Items {
		told = append(told, strings.TrimPrefix(i.Event.Type, "record.orders.")+" "+i.Event.Subject)
	}
	var all []string
	f.cursor = got.Next
	f.delta, all = f.s.changes(f.delta)
	if strings.Join(told, ",") != event || strings.Join(all, ",") != changed {
		f.s.t.Errorf("told is %q, want %q; changed is %q, want %q", told, event, all, changed)
	}
}

var openOrders = map[string]string{"junctor.yaml": "classes:\n  orders: { key: number, columns: { number: text!, total: \"decimal(12,2)\" } }\n"}

// What psql or sqlite3 write in the database of a server that runs is told like
// any other change; what they take back is not.
func TestRowsOfOthersAreTold(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		s, sqlite3 := openSQLite(t, openOrders)
		rowsOfOthers(s, sqlite3, "1010", "-5")
	})
	t.Run("postgres", func(t *testing.T) {
		s, psql := openPostgres(t, openOrders)
		rowsOfOthers(s, psql, "10.10", "-0.05")
	})
}

func rowsOfOthers(s *site, other program, first, second string) {
	s.t.Helper()
	f := s.follow()
	s.by(other(), `INSERT INTO class_orders (id, number, total) VALUES ('rec_a', 'A1', `+first+`);`)
	f.next("created A1", "A1 10.10 database")
	s.by(other(), `UPDATE class_orders SET total = `+second+` WHERE number = 'A1';`)
	f.next("updated A1", "A1 -0.05 database")
	s.by(other(), `BEGIN; INSERT INTO class_orders (number) VALUES ('ghost'); UPDATE class_orders SET number = 'ghost2' WHERE number = 'A1'; DELETE FROM class_orders; ROLLBACK;`)
	s.by(other(), `BEGIN; INSERT INTO class_orders (id, number) VALUES ('rec_b', 'B1'); DELETE FROM class_orders WHERE number = 'A1'; COMMIT;`)
	f.next("created B1,deleted A1", "B1  database,deleted orders('rec_a')")
	if resp, body := s.call("PATCH", "/api/v1/data/orders(number='B1')", `{"total":1}`); resp.StatusCode != 204 {
		s.t.Errorf("%d %s", resp.StatusCode, body)
	}
	f.next("updated B1", "B1 1.00 admin") // nothing of what was taken back is between
}

// A transaction of others that lasts while Junctor goes on writing is told when it
// ends, to those who have read further meanwhile. (SQLite has one writer at a time.)
func TestLongTransactionsOfOthersAreTold(t *testing.T) {
	s, psql := openPostgres(t, openOrders)
	f := s.follow()
	cmd := psql()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	io.WriteString(in, "BEGIN; INSERT INTO class_orders (id, number) VALUES ('rec_l', 'late');\nSELECT 'there';\n") //nolint:errcheck // it is read back
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "there\n" {
		t.Fatalf("%q %v", line, err)
	}
	if resp, body := s.call("POST", "/api/v1/data/orders", `{"number":"early"}`); resp.StatusCode != 201 {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	f.next("created early", "early  admin")
	io.WriteString(in, "COMMIT;\n") //nolint:errcheck // it is waited for
	in.Close()                      //nolint:errcheck // as above
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	f.next("created late", "late  database")
}

// What psql or sqlite3 have done to a record is told before what Junctor does to it
// the moment after, whoever finds it first.
func TestRowsOfOthersAreToldInOrder(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		s, sqlite3 := openSQLite(t, openOrders)
		inOrder(s, sqlite3, "100")
	})
	t.Run("postgres", func(t *testing.T) {
		s, psql := openPostgres(t, openOrders)
		inOrder(s, psql, "1")
	})
}

// A scenario learns what an administrator's trigger or constraint does not let
// through, goes on, and what it has written besides is there.
func TestOthersRefuseWhatAScenarioWrites(t *testing.T) {
	files := functions(openOrders["junctor.yaml"], map[string]string{
		"put": function(`
  const told = async (made: Promise<{ number: unknown }>) => { try { return (await made).number; } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    return [error.status, error.permanent, error.message.includes("secret")];
  } };
  return await Promise.all(p.numbers.map((number: string) => told(orders.upsert({ number, total: 1 }))));`),
		"careless": function(`await orders.create({ number: "no" });`),
	})
	refused := func(s *site) {
		s.t.Helper()
		s.wantCalled("put", `{"numbers":["a","no","b"]}`, `["a",[422,true,false],"b"]`)
		s.wantCalled("put", `{"numbers":[`+strings.Repeat(`"no",`, 15)+`"c"]}`, "["+strings.Repeat("[422,true,false],", 15)+`"c"]`)
		s.wantCalled("put", `{"numbers":["no"]}`, `[[422,true,false]]`)
		if _, body := s.call("GET", "/api/v1/data/orders/$count", ""); body != "3" {
			s.t.Errorf("%s records", body)
		}
		if resp, body := s.call("POST", "/api/v1/functions/careless", "{}"); resp.StatusCode == 503 || strings.Contains(body, "secret") {
			s.t.Errorf("%d %s", resp.StatusCode, body)
		} else if info := s.ended(resp.Header.Get("Junctor-Run")); info.State != run.Failed {
			s.t.Errorf("the run is %s", info.State)
		}
		if !strings.Contains(s.logged(), "secret") {
			s.t.Error("the log does not say what refuses")
		}
	}
	t.Run("sqlite", func(t *testing.T) {
		s, sqlite3 := openSQLite(t, files)
		s.by(sqlite3(), `CREATE TRIGGER theirs AFTER INSERT ON class_orders WHEN NEW.number = 'no' BEGIN SELECT RAISE(ABORT, 'secret'); END;`)
		refused(s)
	})
	t.Run("postgres", func(t *testing.T) {
		s, psql := openPostgres(t, files)
		s.by(psql(), `ALTER TABLE class_orders ADD CONSTRAINT secret CHECK (number <> 'no');`)
		refused(s)
	})
}

func inOrder(s *site, other program, one string) {
	s.t.Helper()
	f := s.follow()
	ours := []struct{ method, body string }{{"PATCH", `{"total":2}`}, {"PUT", `{"number":"N","total":2}`}, {"DELETE", ""}}
	for i, our := range ours {
		id, number := "rec_"+strconv.Itoa(i), "N"+strconv.Itoa(i)
		s.by(other(), "INSERT INTO class_orders (id, number, modified_by) VALUES ('"+id+"', '"+number+"', 'them'); UPDATE class_orders SET total = "+one+" WHERE id = '"+id+"';")
		if resp, body := s.call(our.method, "/api/v1/data/orders('"+id+"')", strings.Replace(our.body, `"N"`, `"`+number+`"`, 1)); resp.StatusCode != 204 && resp.StatusCode != 200 {
			s.t.Errorf("%s: %d %s", our.method, resp.StatusCode, body)
		}
		s.by(other(), "INSERT INTO class_orders (id, number) VALUES ('end_"+id+"', 'end "+id+"');")
		var told []string
		for end := false; !end; {
			got := s.events("after", f.cursor, "types", "record.orders.*", "wait", "20s")
			if f.cursor = got.Next; len(got.Items) == 0 {
				s.t.Fatalf("%s: only %q was told", our.method, told)
			}
			for _, item := range got.Items {
				var data struct {
					After struct{ Total *json.Number }
				}
				if err := json.Unmarshal(item.Event.Data, &data); err != nil {
					s.t.Fatal(err)
				}
				if end = item.Event.Subject == "end "+id; end {
					break
				}
				total := "-"
				if data.After.Total != nil {
					total = data.After.Total.String()
				}
				told = append(told, strings.TrimPrefix(item.Event.Type, "record.orders.")+" "+total)
			}
		}
		want := "created -,updated 1.00,updated 2.00"
		if our.method == "DELETE" {
			want = "created -,updated 1.00,deleted -"
		}
		if got := strings.Join(told, ","); got != want {
			s.t.Errorf("%s: told is %q, want %q", our.method, got, want)
		}
	}
}

// The rows of deleted records go a minute or so after their class has kept them for
// as long as it says, whoever deleted them.
func TestRowsOfDeletedRecordsGo(t *testing.T) {
	files := map[string]string{"junctor.yaml": "classes:\n  orders: { key: number, keep: 2h, columns: { number: text! } }\n"}
	start := time.Now().Truncate(time.Second)
	t.Run("sqlite", func(t *testing.T) {
		now := clock.NewFake(start)
		s, sqlite3 := openSQLite(t, files, func(o *hub.Options) { o.Clock = now })
		rowsGo(s, sqlite3, now, strconv.FormatInt(start.UnixMicro(), 10))
	})
	t.Run("postgres", func(t *testing.T) {
		now := clock.NewFake(start)
		s, psql := openPostgres(t, files, func(o *hub.Options) { o.Clock = now })
		rowsGo(s, psql, now, "'"+start.UTC().Format(time.RFC3339)+"'")
	})
}

func rowsGo(s *site, other program, now *clock.Fake, start string) {
	s.t.Helper()
	rows := func() string {
		cmd := other()
		cmd.Stdin = strings.NewReader("SELECT number FROM class_orders ORDER BY number;")
		out, err := cmd.Output()
		if err != nil {
			s.t.Fatal(err)
		}
		return strings.Join(strings.Fields(string(out)), ",")
	}
	until := func(want string) {
		s.t.Helper()
		for range 20 { // minutes
			now.Advance(time.Minute)
			if rows() == want {
				return
			}
		}
		s.t.Fatalf("there are %s, want %s", rows(), want)
	}
	for _, number := range []string{"a", "b", "c", "d"} {
		s.wantCall(201, "POST", "/api/v1/data/orders", `{"id":"`+number+`","number":"`+number+`"}`, admin)
	}
	s.wantCall(204, "DELETE", "/api/v1/data/orders/a", "", admin)
	s.by(other(), "UPDATE class_orders SET deleted_at = "+start+" WHERE id = 'b';")
	now.Advance(time.Hour)
	s.wantCall(204, "DELETE", "/api/v1/data/orders/c", "", admin)
	until("a,b,c,d") // nothing goes early
	now.Advance(time.Hour - time.Minute)
	until("c,d")
	now.Advance(time.Hour)
	until("d")
}
