package hub_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"junctor/internal/access"
	"junctor/internal/channel"
	"junctor/internal/config"
	connection "junctor/internal/connection/http"
	"junctor/internal/hub"
	"junctor/internal/id"
	"junctor/internal/run"
	"junctor/internal/subscription"
)

// No secret is found in clear where Junctor keeps or shows anything, whatever
// happens to messages and requests.
func TestPlantedSecretsAreFoundNowhere(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { planted(t, "") })
	t.Run("postgres", func(t *testing.T) { planted(t, database(t)) })
}

// secrets are the planted ones by where they stand. Their characters are spelt
// differently in a URL, in JSON and in HTML.
type secrets map[string]string

func (s secrets) plant(where string) string {
	s[where] = id.Token(12) + "/&+~=" + id.Token(8)
	return s[where]
}

// literal plants a secret that is written out.
func (s secrets) literal(where string) string { return fmt.Sprintf("%q", s.plant(where)) }

// pair is a certificate and its key, of which a line is planted.
func (s secrets) pair(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	s["tls.key"] = strings.Split(text, "\n")[1]
	return fmt.Sprintf("tls: { cert: %q, key: %q }", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), text)
}

// bare is literal for a place that takes base64 only.
func (s secrets) bare(where string) string {
	s[where] = id.Token(24)
	return s[where]
}

// key is literal for a place that takes a key of Standard Webhooks.
func (s secrets) key(where string) string {
	s[where] = id.Token(40)
	return s[where]
}

// everywhere is a configuration with a secret in each of its places, by each
// way of giving one.
func (s secrets) everywhere(t *testing.T, out, gone string) string {
	t.Helper()
	env := func(where string) string {
		name := "PLANTED_" + id.Token(8)
		t.Setenv(name, s.plant(where))
		return "${env:" + name + "}"
	}
	connection := func(name, rest string) string {
		return fmt.Sprintf("  %s: { type: http, url: %q, allow_private: true, timeout: 300ms, %s }\n", name, out, rest)
	}
	return "connections:\n" +
		connection("basic", "auth: { basic: { user: u, password: "+s.literal("auth.basic.password!")+" } }") +
		connection("basic-env", "auth: { basic: { user: u, password: \""+env("basic by env")+"\" } }") +
		connection("bearer", "auth: { bearer: "+s.literal("auth.bearer")+" }") +
		connection("bearer-env", "auth: { bearer: \""+env("bearer by env")+"\" }") +
		connection("bearer-secret", "auth: { bearer: \"${secret:planted}\" }") +
		connection("key", "auth: { api_key: { header: X-Key, value: "+s.literal("auth.api_key.value!")+" } }") +
		connection("key-query", "auth: { api_key: { query: key, value: "+s.literal("api_key in the query")+" } }") +
		connection("headers", "headers: { Authorization: "+s.literal("headers.authorization")+", cookie: "+s.literal("headers.cookie")+
			", X-Api-Key: "+s.literal("headers.x-api-key")+", X-Auth-Token: "+s.literal("headers.x-auth-token")+", X-Other: \"${secret:planted}\" }") +
		connection("oauth2", "auth: { oauth2: { token_url: \""+out+"/token\", client_id: u, client_secret: "+s.literal("auth.oauth2.client_secret!")+" } }") +
		strings.Replace(connection("tls", s.pair(t)), "http://", "https://", 1) +
		connection("proxied", "proxy: \"http://u:"+s.bare("proxy")+"@"+strings.TrimPrefix(gone, "http://")+"\"") +
		strings.Replace(connection("gone", "auth: { api_key: { query: key, value: "+s.literal("api_key to nobody")+" } }"), out, gone, 1) +
		"applications:\n" +
		"  eshop: { password: " + s.literal("password!") + " }\n" +
		"  portal: { password: \"" + env("application by env") + "\" }\n" +
		"  office: { password: \"${secret:planted}\" }\n" +
		"accounts:\n" +
		"  ann: { password: " + s.literal("password of a person") + " }\n" +
		"subscriptions:\n" +
		"  hook: { url: \"" + out + "/ok\", types: [order.*], secret: whsec_" + s.key("secret?") + ", old_secret: whsec_" + s.key("old_secret") + " }\n" +
		"  gone: { url: \"" + gone + "/\", types: [order.*], secret: whsec_" + s.key("secret of one that is away") + ", retry: { attempts: 1 } }\n" +
		"channels:\n" +
		"  open: { type: public, scenario: calls, await: true, timeout: 20s, external: { url: \"" + out + "\", allow_private: true, primary_token: " + s.literal("external.primary_token") +
		", secondary_token: " + s.literal("external.secondary_token") + " } }\n" +
		"  taken: { type: public, scenario: fails, retry: { attempts: 2, first: 1ms }, external: { url: \"" + out + "\", allow_private: true, primary_token: \"" + env("external by env") + "\" } }\n" +
		"  bearer: { type: public, scenario: echo, await: true, verify: { bearer: " + s.literal("verify.*.bearer") + " } }\n" +
		"  basic: { type: public, scenario: echo, await: true, verify: [{ bearer: \"${secret:planted}\" }, { basic: { user: u, password: " + s.literal("verify.*.basic.password!") + " } }] }\n" +
		"  env: { type: public, scenario: echo, await: true, verify: { bearer: \"" + env("verify by env") + "\" } }\n" +
		"  signed: { type: public, scenario: echo, verify: [{ standard-webhooks: " + s.bare("verify.*.standard-webhooks") + " }, { stripe: " + s.literal("verify.*.stripe") +
		" }, { github: " + s.literal("verify.*.github") + " }, { shopify: " + s.literal("verify.*.shopify") + " }, { hmac: { header: X-Signature, secret: " + s.literal("verify.*.hmac.secret!") + " } }] }\n"
}

// echoing repeats the request in header and body and is unkind in other ways.
func echoing(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) //nolint:errcheck // to a test
	if r.URL.Path == "/slow" {
		<-r.Context().Done()
		return
	}
	for name, values := range r.Header {
		w.Header().Set("X-Echo-"+name, strings.Join(values, ","))
	}
	w.Header().Set("X-Query", r.URL.RawQuery)
	switch r.URL.Path {
	case "/401":
		w.Header().Set("WWW-Authenticate", `Bearer error="`+r.Header.Get("Authorization")+`"`)
		w.WriteHeader(http.StatusUnauthorized)
	case "/500":
		w.WriteHeader(http.StatusInternalServerError)
	case "/redirect":
		w.Header().Set("Location", "/ok?"+r.URL.RawQuery)
		w.WriteHeader(http.StatusFound)
	case "/away":
		w.Header().Set("Location", "http://elsewhere.example/?"+r.URL.RawQuery+"&a="+url.QueryEscape(r.Header.Get("Authorization")))
		w.WriteHeader(http.StatusFound)
	}
	json.NewEncoder(w).Encode(map[string]any{"headers": r.Header, "url": r.URL.String(), "query": r.URL.Query(), "body": string(body)}) //nolint:errcheck // to a test
}

const plantedCalls = `import { http, log, channel, run } from "junctor";
const connections = ["basic", "basic-env", "bearer", "bearer-env", "bearer-secret", "key", "key-query", "headers", "gone", "oauth2", "tls", "proxied"];
export default async function () {
  const seen = [];
  const note = async (call: Promise<any>) => {
    try {
      const r = await call;
      log.info("answered", r.status, r.headers, r.text());
      seen.push(r.text(), r.headers);
    } catch (e: any) {
      log.error("failed", String(e), e.stack, e.headers, e.text && e.text());
      seen.push(String(e), e.headers, e.text && e.text());
    }
  };
  for (const c of connections) for (const path of ["/ok?x=1", "/401", "/redirect", "/away", "/../out", "/ok?key=mine"]) await note(http.get(c, path));
  await note(http.post("bearer", "/slow", { json: { a: 1 } }));
  const tokens = { headers: { "X-Token": channel.external.primaryToken }, query: { t: channel.external.secondaryToken } };
  for (const path of ["/ok", "/401", "/redirect", "/500"]) await note(channel.external.post(path, { ...tokens, json: { t: channel.external.primaryToken } }));
  run.subject(channel.external.primaryToken);
  return { json: seen };
}`

const plantedFails = `import { http, channel } from "junctor";
export default async function () {
  const r = await channel.external.get("/ok", { headers: { "X-Token": channel.external.primaryToken } });
  const again = await http.get("basic", "/ok");
  await http.get("key-query", "/500");
  throw new Error(r.text() + again.text());
}`

func planted(t *testing.T, database string) {
	t.Helper()
	out := httptest.NewServer(http.HandlerFunc(echoing))
	t.Cleanup(out.Close)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	all := secrets{}
	files := map[string]string{
		"scenarios/calls.ts": plantedCalls, "scenarios/fails.ts": plantedFails,
		"scenarios/echo.ts": `export default (request) => ({ json: { headers: request.headers, url: request.url, body: request.text() } });`,
	}
	s := serveAs(t, hub.Options{Database: database}, slog.LevelDebug, map[string]string{"junctor.yaml": "channels: {}\n"})
	if err := s.hub.Access().SetSecret(t.Context(), "planted", all.plant("set by hand"), "test"); err != nil {
		t.Fatal(err)
	}
	files["junctor.yaml"] = "settings: { allow_private_subscribers: true }\n" + all.everywhere(t, out.URL, gone.URL)
	for _, member := range slices.Concat(connection.SecretMembers(), channel.SecretMembers(), access.SecretMembers(), subscription.SecretMembers()) {
		if all[member] == "" {
			t.Errorf("no secret is planted at %s: put one into everywhere", member)
		}
	}
	s.apply(files)
	session := s.session(all)
	token, err := s.hub.Access().CreateToken(t.Context(), access.TokenOptions{Name: "planted", Author: "test"})
	if err != nil {
		t.Fatal(err)
	}
	all["API token"], all["admin password"] = token.Token, adminPassword
	s.publish("order.made", 1, 1)
	s.until("its deliveries have ended", func() bool {
		return s.subscription("hook").LastSuccess != nil && s.subscription("gone").Failure != ""
	})

	var shown strings.Builder // all that anybody is answered
	for login, where := range map[string]string{"eshop": "password!", "portal": "application by env", "office": "set by hand", "ann": "password of a person"} {
		for _, password := range []string{all[where], all[where] + "x"} {
			sent, err := json.Marshal(map[string]string{"login": login, "password": password})
			if err != nil {
				t.Fatal(err)
			}
			resp, body := s.call("POST", "/api/v1/session", string(sent))
			if right := password == all[where]; right != (resp.StatusCode == http.StatusCreated) {
				t.Errorf("%s comes in: %d %s", login, resp.StatusCode, body)
			}
			fmt.Fprintln(&shown, body)
			for _, path := range []string{"/api/v1/session", "/api/v1/data/", "/soap/v1?wsdl"} {
				_, body := s.callAs("GET", path, "", login+":"+password)
				fmt.Fprintln(&shown, body)
			}
		}
	}
	ids := s.messages(all, &shown)
	set, problems := config.Load(t.Context(), s.write(files))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	plan, err := s.hub.Config().Plan(t.Context(), set, config.Options{})
	if err != nil || len(plan.Changes) > 0 {
		t.Errorf("the same again would change %v, %v", plan.Changes, err)
	}
	export, err := s.hub.Config().Export(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	yaml, err := config.YAML(export)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal([]any{plan, export, string(yaml)})
	if err != nil {
		t.Fatal(err)
	}
	shown.Write(text)
	for _, path := range []string{
		"runs?limit=1000", "subscriptions", "connections", "channels", "settings", "scenarios", "accounts", "sessions", "tokens", "secrets", "audit?limit=1000", "configuration", "nodes",
		"applications", "applications/eshop", "accounts/ann",
		"connections/basic", "channels/bearer", "connections/none", "tokens/none", "runs/" + ids[0],
	} {
		shown.WriteString(s.get("/api/v1/admin/"+path, session))
	}
	for _, path := range []string{"/metrics", "/openapi.json", "/api/v1/session", "/api/v1/admin/runs?unknown=1"} {
		shown.WriteString(s.get(path, token.Token))
	}
	all["master key"] = masterKey(t, s.data)
	all.search(t, "an answer", []byte(shown.String()))
	all.search(t, "the log", []byte(s.logged()))
	if database == "" {
		shown.WriteString(s.searchFiles(all))
	} else {
		shown.WriteString(searchTables(t, database, all))
	}
	if found := strings.Count(shown.String(), canary); found < 2*len(ids) {
		t.Errorf("what was sent is found only %d times: this was no search", found)
	}
	for code, value := range s.token { // the admin API and the database have these
		secrets{"token of " + code: value}.search(t, "the log", []byte(s.logged()))
	}
}

// messages sends what is let in and what is refused, and waits for the runs.
func (s *site) messages(all secrets, shown *strings.Builder) (ids []string) {
	s.t.Helper()
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("u:"+all["verify.*.basic.password!"]))
	for _, m := range []struct {
		channel, rest, authorization string
		status                       int
	}{
		{"open", "", "", 200},
		{"open", "/" + s.token["open"] + "?t=" + s.token["open"], "", 200},
		{"taken", "", "", 200},
		{"bearer", "", "Bearer " + all["verify.*.bearer"], 200},
		{"bearer", "", "Bearer x" + all["verify.*.bearer"], 401},
		{"basic", "", basic, 200},
		{"basic", "", "Bearer " + all["set by hand"], 200},
		{"basic", "", basic + "AAAA", 401},
		{"env", "", "Bearer " + all["verify by env"], 200},
		{"env", "", "Basic " + all["verify by env"], 401},
		{"signed", "", "Bearer " + all["verify.*.stripe"], 401},
	} {
		header := []string{"Idempotency-Key", id.Token(8)}
		if m.authorization != "" {
			header = append(header, "Authorization", m.authorization)
		}
		resp, body := s.send("POST", m.channel, m.rest, `{"a":"`+canary+`"}`, header...)
		if resp.StatusCode != m.status {
			s.t.Fatalf("%s%s: %d %s", m.channel, m.rest, resp.StatusCode, body)
		}
		fmt.Fprintln(shown, resp.Header, body)
		if run := resp.Header.Get("Junctor-Run"); run != "" {
			ids = append(ids, run)
		}
	}
	for _, id := range ids {
		info := s.endedAs(id, run.Succeeded, run.Failed)
		text, err := json.Marshal(info)
		if err != nil {
			s.t.Fatal(err)
		}
		shown.Write(text)
		for code, token := range s.token {
			secrets{"token of " + code: token}.search(s.t, "the run "+id, text)
		}
	}
	return ids
}

// session begins one as the administrator.
func (s *site) session(all secrets) string {
	s.t.Helper()
	session, err := s.hub.Access().Login(context.Background(), "admin", adminPassword, "10.0.0.1")
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.hub.Access().Login(context.Background(), "admin", all.plant("wrong password"), "10.0.0.1"); err == nil {
		s.t.Error("a wrong password is let in")
	}
	all["session token"] = session.Token
	return session.Token
}

func (s *site) get(path, token string) string {
	s.t.Helper()
	_, answer := s.admin(http.MethodGet, path, token, "")
	return answer
}

// admin makes a call of the API and returns all of its answer.
func (s *site) admin(method, path, token, sent string) (status int, answer string) {
	s.t.Helper()
	r, err := http.NewRequest(method, s.base+path, strings.NewReader(sent))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || len(body) == 0 {
		s.t.Errorf("%s %s: %d bytes, %v", method, path, len(body), err)
	}
	return resp.StatusCode, string(body)
}

// searchFiles looks into every file of the data directory but the key's.
func (s *site) searchFiles(all secrets) string {
	s.t.Helper()
	var read strings.Builder
	entries, err := os.ReadDir(s.data)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() == "master.key" {
			continue
		}
		content, err := os.ReadFile(filepath.Join(s.data, e.Name()))
		if err != nil {
			s.t.Fatal(err)
		}
		all.search(s.t, e.Name(), content)
		read.Write(content)
	}
	return read.String()
}

// searchTables looks into every row of every table; bytes are shown in hexadecimal.
func searchTables(t *testing.T, database string, all secrets) string {
	t.Helper()
	var read strings.Builder
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background()) //nolint:errcheck // nothing is written
	rows, err := conn.Query(t.Context(), `SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname LIKE 'junctor%'`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) < 10 {
		t.Fatalf("tables %v, %v", tables, err)
	}
	for _, table := range tables {
		rows, err := conn.Query(t.Context(), `SELECT x::text FROM `+table+` AS x`)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(lines, "\n")
		for _, match := range regexp.MustCompile(`\\x([0-9a-f]+)`).FindAllStringSubmatch(text, -1) {
			if bytes, err := hex.DecodeString(match[1]); err == nil {
				text += "\n" + string(bytes)
			}
		}
		all.search(t, "the table "+table, []byte(text))
		read.WriteString(text)
	}
	return read.String()
}

// canary is no secret: it must be found, or the search would find nothing.
const canary = "canary-no-secret"

// search fails for each secret that is found, in any spelling.
func (s secrets) search(t *testing.T, where string, text []byte) {
	t.Helper()
	for what, value := range s {
		for spelling, spelt := range spellings(value) {
			if i := bytes.Index(text, []byte(spelt)); i >= 0 {
				t.Errorf("%s is in %s%s: ...%q", what, where, spelling, text[max(0, i-120):min(len(text), i+len(spelt)+20)])
			}
		}
	}
}

// spellings are a value as others might write it. In base64 of something longer
// a value looks in one of three ways, by where it begins; the ends depend on
// what stands around it.
func spellings(value string) map[string]string {
	escaped, _ := json.Marshal(value) //nolint:errcheck // strings always marshal
	all := map[string]string{
		"": value, " in hexadecimal": hex.EncodeToString([]byte(value)), " escaped for a query": url.QueryEscape(value),
		" escaped for a path": url.PathEscape(value), " in JSON": strings.Trim(string(escaped), `"`),
	}
	for before := range 3 {
		text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", before) + value))
		text = text[[]int{0, 2, 3}[before] : len(text)-4]
		all[fmt.Sprintf(" in base64 (%d)", before)] = text
		all[fmt.Sprintf(" in base64 for URLs (%d)", before)] = strings.NewReplacer("+", "-", "/", "_").Replace(text)
	}
	return all
}

// masterKey is that of the file, its bytes.
func masterKey(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return string(key)
}
