package hub_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"junctor/internal/access"
	"junctor/internal/fault"
	"junctor/internal/run"
)

const erasing = `import { http, kv, log, run, runs, type Request } from "junctor";
export default async function (request: Request) {
  run.tag("tag-of-anna-4711");
  log.info("logged anna-4711");
  await kv.get("looked up anna-4711");
  const child = await runs.call("child", { name: "anna-4711", large: "anna-4711 ".repeat(20000) });
  const said = await http.post("erp", "/", { json: { name: "anna-4711" }, throw: false });
  if (request.path === "/fail") throw new Error("failed for anna-4711");
  return { json: { name: "anna-4711", child, said: said.text(), large: "anna-4711 ".repeat(20000) } };
}`

// After an erasure nothing of a subject is found: by the API, nor in the files.
func TestErase(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { eraseOn(t, "") })
	t.Run("postgres", func(t *testing.T) { eraseOn(t, database(t)) })
}

func eraseOn(t *testing.T, database string) {
	t.Helper()
	out := newSink(t, func(_ int, w http.ResponseWriter, _ received) { w.Write([]byte("hello anna-4711")) }) //nolint:errcheck // to a test
	s := serveOn(t, database, map[string]string{
		"junctor.yaml": out.connection() + `channels:
  shop: { type: public, scenario: order, await: true, timeout: 20s, subject: $.customer, ordering_key: $.customer, on_failure: skip }
  plain: { type: public, scenario: echo, await: true, subject: $.customer }
`,
		"scenarios/order.ts": erasing, "scenarios/child.ts": `export default (input: any) => input.name;`, "scenarios/echo.ts": echo,
	})
	const anna, bert = `{"customer":"anna-4711","large":"`, `{"customer":"bert-4712"}`
	body := anna + strings.Repeat("anna-4711,", 20000) + `"}`
	var annas []string
	for _, rest := range []string{"", "/fail", "/again"} {
		resp, _ := s.send("POST", "shop", rest, body, "Idempotency-Key", "once"+rest)
		annas = append(annas, resp.Header.Get("Junctor-Run"))
		s.ended(resp.Header.Get("Junctor-Run"))
	}
	other, _ := s.send("POST", "plain", "", bert)
	berts := s.ended(other.Header.Get("Junctor-Run"))
	before, err := s.hub.Runs().Count(context.Background(), run.Filter{})
	if err != nil || before != 7 {
		t.Fatalf("%d runs, %v", before, err)
	}
	if database == "" && !strings.Contains(s.searchFiles(nil), "anna-4711") {
		t.Fatal("the search finds nothing that there is")
	}
	session := s.session(secrets{})
	call := func(body string) (int, map[string]any) {
		t.Helper()
		status, text := s.admin("POST", "/api/v1/admin/runs/actions", session, body)
		var answer map[string]any
		if err := json.Unmarshal([]byte(text), &answer); err != nil {
			t.Fatalf("%d %s", status, text)
		}
		return status, answer
	}
	for _, bad := range []string{`{"action":"erase","filter":{}}`, `{"action":"erase","filter":{"subject":"anna-4711","state":["failed"]}}`, `{"action":"erase","filter":{"q":"anna"}}`} {
		if status, answer := call(bad); status != 422 {
			t.Errorf("%s: %d %v", bad, status, answer)
		}
	}
	if status, answer := call(`{"action":"erase","filter":{"subject":"anna-4711"},"dry_run":true}`); status != 200 || answer["count"] != 3.0 || answer["done"] != 0.0 {
		t.Errorf("counted: %d %v", status, answer)
	}
	if info := s.ended(annas[0]); info.Input == nil {
		t.Error("counting has erased")
	}
	if status, answer := call(`{"action":"erase","filter":{"subject":"anna-4711"}}`); status != 200 || answer["count"] != 3.0 || answer["done"] != 6.0 || answer["complete"] != true || answer["refused"] != nil {
		t.Errorf("erased: %d %v", status, answer)
	}

	for _, id := range annas {
		info := s.ended(id)
		if !info.Erased || info.Channel != "shop" || info.FinishedAt == nil || info.Input != nil || info.Output != nil || info.Error != nil || len(info.Steps)+len(info.Logs)+len(info.Tags) > 0 || info.Subject+info.Key != "" {
			t.Errorf("left of %s: %+v", id, info)
		}
		for what, err := range map[string]error{
			"retry": second(s.hub.Runs().Retry(context.Background(), id)), "rerun": second(s.hub.Runs().Rerun(context.Background(), id, run.RerunOptions{})),
		} {
			if !fault.Is(err, fault.Conflict) {
				t.Errorf("%s of an erased run: %v", what, err)
			}
		}
	}
	if after, err := s.hub.Runs().Count(context.Background(), run.Filter{}); after != before || err != nil {
		t.Errorf("%d runs instead of %d, %v", after, before, err)
	}
	if now := s.ended(berts.ID); string(now.Input) != string(berts.Input) || now.Subject != "bert-4712" {
		t.Errorf("another subject's run: %+v", now)
	}
	audit, _, err := s.hub.Access().ListAudit(context.Background(), access.AuditFilter{Action: "run.actions"}, "", 0)
	if err != nil || len(audit) != 1 || !strings.HasPrefix(audit[0].Detail, "erase: 6 runs, subject sha256:") {
		t.Errorf("audit %+v, %v", audit, err)
	}
	gone := secrets{"the subject": "anna-4711"}
	if database == "" {
		if found := s.searchFiles(gone); !strings.Contains(found, "bert-4712") {
			t.Error("the other subject's data is gone, or was not looked for")
		}
	} else {
		searchTables(t, database, gone)
	}
	gone.search(t, "the log", []byte(s.logged()))

	// The same message again is known, and everything goes on working.
	for i, rest := range []string{"", "/fail"} {
		resp, answer := s.send("POST", "shop", rest, body, "Idempotency-Key", "once"+rest)
		if resp.StatusCode != 409 || resp.Header.Get("Junctor-Run") != annas[i] {
			t.Errorf("the same message again: %d %s", resp.StatusCode, answer)
		}
	}
	again, _ := s.send("POST", "shop", "", body, "Idempotency-Key", "new")
	if info := s.ended(again.Header.Get("Junctor-Run")); info.State != run.Succeeded || info.Subject != "anna-4711" {
		t.Errorf("a new message: %+v", info)
	}
}

func second[T any](_ T, err error) error { return err }

// Runs that are under way, or that others wait for, are named and not touched.
func TestEraseLeavesOpenRuns(t *testing.T) {
	s := serve(t, map[string]string{
		"junctor.yaml": `channels:
  waits: { type: public, scenario: waits, subject: $.customer }
  blocks: { type: public, scenario: fails, subject: $.customer, ordering_key: $.customer, retry: { attempts: 1 } }
`,
		"scenarios/waits.ts": `import { sleep } from "junctor"; export default async () => { await sleep("1h"); };`,
		"scenarios/fails.ts": `export default () => { throw new Error("no"); };`,
	})
	const body = `{"customer":"anna-4711"}`
	waits, _ := s.send("POST", "waits", "", body)
	waiting := s.endedAs(waits.Header.Get("Junctor-Run"), run.Waiting)
	blocks, _ := s.send("POST", "blocks", "", body)
	blocking := s.ended(blocks.Header.Get("Junctor-Run"))
	for _, dry := range []bool{true, false} {
		erased, err := s.hub.Runs().Erase(context.Background(), "anna-4711", dry)
		if err != nil || erased.Count != 2 || erased.Done != 0 || len(erased.Left) != 2 || erased.Left[0].Run != waiting.ID || erased.Left[1].Run != blocking.ID ||
			!strings.Contains(erased.Left[0].Reason, "is waiting") || !strings.Contains(erased.Left[1].Reason, "has ended (failed)") {
			t.Fatalf("%+v, %v", erased, err)
		}
	}
	if info := s.endedAs(waiting.ID, run.Waiting); info.Input == nil {
		t.Error("an open run was erased")
	}
	for _, id := range []string{waiting.ID, blocking.ID} {
		if _, err := s.hub.Runs().Cancel(context.Background(), id); err != nil {
			t.Fatal(err)
		}
		s.endedAs(id, run.Cancelled)
	}
	if erased, err := s.hub.Runs().Erase(context.Background(), "anna-4711", false); err != nil || erased.Done != 2 || len(erased.Left) != 0 {
		t.Errorf("%+v, %v", erased, err)
	}
	secrets{"the subject": "anna-4711"}.search(t, "the files", []byte(s.searchFiles(nil)))
}
