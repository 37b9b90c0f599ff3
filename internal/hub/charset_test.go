package hub_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCharsets: what the Content-Type names is what is sent, and how an answer is read.
func TestCharsets(t *testing.T) {
	answers := map[string][2]string{ // Content-Type, bytes
		"/api/1250":      {"text/plain; charset=windows-1250", "\x9elu\x9d"},
		"/api/json":      {"application/json; charset=ISO-8859-2", "{\"a\":\"\xbelu\xbb\"}"},
		"/api/utf16":     {"text/plain;charset=utf-16le", "a\x00\x7e\x01"},
		"/api/believed":  {"text/plain; charset=windows-1250", "\xc4\x8d"},
		"/api/ascii":     {"text/plain; charset=windows-1250", "plain"},
		"/api/xml":       {"application/xml; charset=\"windows-1250\"", "<?xml version=\"1.0\" encoding=\"utf-8\"?><a>\x9e</a>"},
		"/api/declared":  {"application/xml", "<?xml version=\"1.0\" encoding=\"windows-1250\"?><a>\x9e</a>"},
		"/api/xml16":     {"text/xml", "\xff\xfe<\x00a\x00>\x00~\x01<\x00/\x00a\x00>\x00"},
		"/api/odd":       {"text/plain; charset=martian", "\xc5\xbe"},
		"/api/undeclare": {"", "\xc5\xbe"},
	}
	out := newSink(t, func(_ int, w http.ResponseWriter, r received) {
		if a, ok := answers[r.Path]; ok {
			w.Header().Set("Content-Type", a[0])
			io.WriteString(w, a[1]) //nolint:errcheck // to a test
		}
	})
	s := serve(t, map[string]string{
		"junctor.yaml": out.connection() + "channels:\n  read: { type: public, scenario: read, await: true }\n  send: { type: public, scenario: send, await: true }\n" +
			"  crm: { type: public, scenario: external, await: true, external: { url: \"" + out.URL + "\", primary_token: \"žeton\", allow_private: true } }\n",
		"scenarios/read.ts": `import { http } from "junctor";
const get = (path: string) => http.get("erp", path);
export default async () => ({
  text: (await get("/1250")).text(), json: (await get("/json")).json().a, utf16: (await get("/utf16")).text(), believed: (await get("/believed")).text(),
  ascii: (await get("/ascii")).text(), xml: (await get("/xml")).xml(), declared: (await get("/declared")).xml(), xml16: (await get("/xml16")).xml(),
  odd: (await get("/odd")).text(), none: (await get("/undeclare")).text(), bytes: [...(await get("/1250")).body],
});`,
		"scenarios/send.ts": `import { http, type Request } from "junctor";
const calls: Record<string, () => Promise<unknown>> = {
  text: () => http.post("erp", "/t", { text: "žluť", headers: { "Content-Type": "text/csv; charset=windows-1250" } }),
  xml: () => http.post("erp", "/t", { xml: "<a>ž</a>", headers: { "content-type": "text/xml; charset=ISO-8859-2" } }),
  utf16: () => http.post("erp", "/t", { body: "ž", headers: { "content-type": "text/plain; charset=utf-16" } }),
  utf8: () => http.post("erp", "/t", { text: "ž", headers: { "content-type": "text/plain; charset=UTF-8" } }),
  bytes: () => http.post("erp", "/t", { body: new Uint8Array([0x9e]), headers: { "content-type": "text/plain; charset=martian" } }),
  missing: () => http.post("erp", "/t", { text: "a€", headers: { "content-type": "text/plain; charset=iso-8859-2" } }),
  unknown: () => http.post("erp", "/t", { text: "a", headers: { "content-type": "text/plain; charset=martian" } }),
};
export default async (request: Request) => { await calls[request.text()]!(); };`,
		"scenarios/external.ts": `import { channel } from "junctor";
export default async () => { await channel.external.post("/t", { text: "t=" + channel.external.primaryToken, headers: { "content-type": "text/plain; charset=windows-1250" } }); };`,
	})
	resp, body := s.send("POST", "read", "", "")
	var got map[string]any
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%d %s %+v", resp.StatusCode, body, s.ended(resp.Header.Get("Junctor-Run")).Error)
	}
	want := map[string]any{
		"text": "žluť", "json": "žluť", "utf16": "až", "believed": "ÄŤ", "ascii": "plain", "odd": "ž", "none": "ž",
		"xml": map[string]any{"a": "ž"}, "declared": map[string]any{"a": "ž"}, "xml16": map[string]any{"a": "ž"}, "bytes": []any{158.0, 108.0, 117.0, 157.0},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for name, sent := range map[string]string{"text": "\x9elu\x9d", "xml": "<a>\xbe</a>", "utf16": "\xff\xfe\x7e\x01", "utf8": "ž", "bytes": "\x9e"} {
		before := len(out.all())
		resp, body := s.send("POST", "send", "", name)
		all := out.all()
		if resp.StatusCode != 200 || len(all) != before+1 || all[before].Body != sent {
			t.Errorf("%s: %d %s, sent %q", name, resp.StatusCode, body, all[before:])
		}
	}
	for name, says := range map[string]string{"missing": `character 2, '€' (U+20AC), does not exist`, "unknown": `encoding "martian" is not known`} {
		before := len(out.all())
		resp, body := s.send("POST", "send", "", name)
		info := s.ended(s.problem(resp, body).Run)
		if len(out.all()) != before || info.Error == nil || !info.Error.Permanent || !strings.Contains(info.Error.Message, says) {
			t.Errorf("%s: %+v", name, info.Error)
		}
	}
	if resp, body := s.send("POST", "crm", "", ""); resp.StatusCode != 200 || out.all()[len(out.all())-1].Body != "t=\x9eeton" {
		t.Errorf("%d %s, sent %q", resp.StatusCode, body, out.all()[len(out.all())-1].Body)
	}
}
