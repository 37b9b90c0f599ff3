package hub_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"

	"github.com/jackc/pgx/v5"

	"junctor/internal/db/dbtest"
	"junctor/internal/id"
	"junctor/internal/run"
)

// database is one of the test's own: a hub has one domain in each.
func database(t *testing.T) string {
	t.Helper()
	base := dbtest.URL(t)
	name := "hub_" + id.Token(10)
	do := func(sql string) {
		t.Helper()
		conn, err := pgx.Connect(context.Background(), base)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background()) //nolint:errcheck // what matters is what Exec says
		if _, err := conn.Exec(context.Background(), sql); err != nil {
			t.Fatal(err)
		}
	}
	do(`CREATE DATABASE "` + name + `"`)
	t.Cleanup(func() { do(`DROP DATABASE "` + name + `" WITH (FORCE)`) })
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

// TestOnPostgres goes the ways on which the databases could differ: texts with
// odd characters, keys, nonces, steps, children, order.
func TestOnPostgres(t *testing.T) {
	out := newSink(t, func(n int, w http.ResponseWriter, _ received) {
		if n == 1 {
			w.WriteHeader(500)
		}
	})
	s := serveOn(t, database(t), map[string]string{
		"junctor.yaml": out.connection() + `channels:
  asked: { type: public, scenario: all, await: true, subject: $.subject, timeout: 20s }
  taken: { type: public, scenario: all, ordering_key: $.subject, retry: { attempts: 2, first: 1ms } }
  door: { type: public, scenario: guarded, await: true }
`,
		"scenarios/guarded.ts": guarded,
		"scenarios/child.ts":   `export default async (input: any) => input;`,
		"scenarios/all.ts": `import { http, kv, log, run, runs, sleep, type Request } from "junctor";
export default async (request: Request) => {
  run.tag("t\0ag", "ž");
  log("a\0b", "\ud800");
  const key = "k:" + run.id;
  await kv.set(key, { text: "a\0b\ud800" });
  const name = await kv.set("n\0", 1).catch((e: Error) => e.name);
  await http.post("erp", "/");
  await runs.start("child", 1, { subject: "s\0", tags: ["t\0", "t\0"] });
  await sleep("1ms");
  return [await kv.get(key), name, await runs.call("child", "c\0"), request.json().subject];
};`,
	})
	sent := "{\"subject\":\"s\\u0000\\ud800\"}"
	resp, _ := s.send("POST", "taken", "/p%00%7f?x=%00", sent, "Idempotency-Key", "k")
	if info := s.ended(resp.Header.Get("Junctor-Run")); info.State != run.Succeeded || info.Attempt != 2 || len(info.Steps) != 7 {
		t.Errorf("%s in attempt %d with %d steps: %+v", info.State, info.Attempt, len(info.Steps), info.Error)
	}
	want := `[{"text":"a\u0000b\ud800"},"TypeError","c\u0000","s\u0000\ud800"]`
	for i := range 2 {
		resp, body := s.send("POST", "asked", "/p?x=%00%ff", sent, "Idempotency-Key", "\xff'k")
		if resp.StatusCode != 200 || body != want || (resp.Header.Get("Junctor-Duplicate") == "true") != (i == 1) {
			t.Errorf("%d %s %v", resp.StatusCode, body, resp.Header)
		}
	}
	for i, status := range []int{200, 401} {
		if resp, body := s.send("POST", "door", "?n=1", "nonce"); resp.StatusCode != status {
			t.Errorf("nonce, message %d: %d %s", i+1, resp.StatusCode, body)
		}
	}
}
