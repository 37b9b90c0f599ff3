package hub_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"junctor/internal/config"
	"junctor/internal/run"
)

// TestChangeWhileRunsWait: what has begun ends on its version, what begins
// takes the new one, and a rerun may choose.
func TestChangeWhileRunsWait(t *testing.T) {
	release := make(chan struct{})
	out := newSink(t, func(n int, _ http.ResponseWriter, _ received) {
		if n == 1 {
			<-release
		}
	})
	version := func(text string) map[string]string {
		return map[string]string{
			"junctor.yaml": out.connection() + "channels:\n  shop: { type: public, scenario: order }\n",
			"scenarios/order.ts": `import { http, sleep, type Request } from "junctor";
import { word } from "./lib/word";
export default async (request: Request) => {
  await sleep("1ms");
  await http.get("erp", "/");
  await sleep("600ms"); // on disk
  return word + request.text();
};`,
			"scenarios/lib/word.ts": `export const word = "` + text + `";`,
		}
	}
	s := serve(t, version("old"))
	old, _ := s.send("POST", "shop", "", "!")
	for deadline := time.Now().Add(10 * time.Second); len(out.all()) == 0; {
		if time.Now().After(deadline) {
			t.Fatal("the first run made no request")
		}
		<-time.After(time.Millisecond)
	}
	s.apply(version("new"))
	fresh, _ := s.send("POST", "shop", "", "!")
	close(release)
	outputs := func(id, word string) *run.Info {
		t.Helper()
		info := s.ended(id)
		if info.State != run.Succeeded || !strings.Contains(string(info.Output), word+"!") {
			t.Errorf("%s: %s %s %+v", id, info.State, info.Output, info.Error)
		}
		return info
	}
	first := outputs(old.Header.Get("Junctor-Run"), "old")
	second := outputs(fresh.Header.Get("Junctor-Run"), "new")
	if first.Version == second.Version {
		t.Errorf("both have version %s", first.Version)
	}
	for _, c := range []struct {
		options run.RerunOptions
		word    string
		version string
	}{
		{run.RerunOptions{}, "old", first.Version},
		{run.RerunOptions{Version: "same"}, "old", first.Version},
		{run.RerunOptions{Version: "latest"}, "new", second.Version},
		{run.RerunOptions{Version: "latest", FromStep: 3}, "new", second.Version},
	} {
		info, err := s.hub.Runs().Rerun(context.Background(), first.ID, c.options)
		if err != nil {
			t.Fatal(err)
		}
		again := outputs(info.ID, c.word)
		if again.Version != c.version || again.Origin != first.ID || again.ID == first.ID {
			t.Errorf("%+v: version %s, origin %s", c.options, again.Version, again.Origin)
		}
	}
	if got := len(out.all()); got != 5 { // two runs and three reruns from the start
		t.Errorf("%d requests", got)
	}
}

// TestChannelThatGoes: its token lets nobody in any more, its runs end.
func TestChannelThatGoes(t *testing.T) {
	files := map[string]string{
		"junctor.yaml": "channels:\n  a: { type: public, scenario: nap }\n  b: { type: public, scenario: nap, await: true }\n",
		"scenarios/nap.ts": `import { sleep } from "junctor";
export default async () => { await sleep("100ms"); return "slept"; };`,
	}
	s := serve(t, files)
	resp, _ := s.send("POST", "a", "", "")
	token := s.token["a"]
	files["junctor.yaml"] = "channels:\n  b: { type: public, scenario: nap, await: true }\n"
	s.apply(files)
	s.token["a"] = token
	if resp, body := s.send("POST", "a", "", ""); resp.StatusCode != 404 {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if info := s.ended(resp.Header.Get("Junctor-Run")); info.State != run.Succeeded {
		t.Errorf("%s: %+v", info.State, info.Error)
	}
	files["junctor.yaml"] = "channels:\n  a: { type: public, scenario: nap }\n  b: { type: public, scenario: nap, await: true }\n"
	s.apply(files)
	if s.token["a"] != token {
		t.Error("the channel came back with another token")
	}
}

// TestMistakesChangeNothing: with one mistake nothing of a set is taken.
func TestMistakesChangeNothing(t *testing.T) {
	files := map[string]string{
		"junctor.yaml":     "channels:\n  a: { type: public, scenario: one, await: true }\n",
		"scenarios/one.ts": `export default () => "one";`,
	}
	s := serve(t, files)
	dir := s.write(map[string]string{
		"junctor.yaml":     "channels:\n  a: { type: public, scenario: one, await: true }\n  b: { type: public, scenario: missing }\n",
		"scenarios/one.ts": `export default () => "two";`,
	})
	set, problems := config.Load(context.Background(), dir)
	if len(problems) == 0 {
		if _, err := s.hub.Config().Apply(context.Background(), set, config.Options{Author: "test"}); err == nil {
			t.Fatal("a channel without its scenario was taken")
		}
	}
	if _, body := s.send("POST", "a", "", ""); body != `"one"` {
		t.Errorf("answered %s", body)
	}
}
