package config_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/access"
	"junctor/internal/catalog"
	"junctor/internal/config"
	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/fault"
)

// vault is a service together with the store of its secrets.
type vault struct {
	*config.Service
	t       *testing.T
	db      *db.DB
	secrets *access.Store
}

func eachVault(t *testing.T, body func(t *testing.T, v *vault)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		body(t, &vault{newService(d, config.Parts{}), t, d, newSecrets(d)})
	})
}

// set is the shop's with these bodies of the channel import and the connection erp.
func (v *vault) set(channel, connection string) *config.Set {
	v.t.Helper()
	set := load(v.t, "testdata/shop")
	set.Objects[config.Channels]["import"] = json.RawMessage(channel)
	set.Objects[config.Connections]["erp"] = json.RawMessage(connection)
	return set
}

func (v *vault) body(kind, code string) string {
	v.t.Helper()
	o, err := v.Get(v.t.Context(), kind, code)
	if err != nil {
		v.t.Fatal(err)
	}
	return string(o.Body)
}

// sealed are the secrets that there are, with their values.
func (v *vault) sealed() map[string]string {
	v.t.Helper()
	list, _, err := v.secrets.ListSecrets(v.t.Context(), "", 0)
	if err != nil {
		v.t.Fatal(err)
	}
	all := map[string]string{}
	for _, info := range list {
		if all[info.Name], err = v.secrets.Secret(v.t.Context(), info.Name); err != nil {
			v.t.Error(err)
		}
	}
	return all
}

func (v *vault) wantSealed(want map[string]string) {
	v.t.Helper()
	if diff := cmp.Diff(want, v.sealed()); diff != "" {
		v.t.Errorf("sealed:\n%s", diff)
	}
}

const (
	twoSchemes = `{"type":"public","scenario":"stock","verify":[{"bearer":"alpha-1"},{"basic":{"user":"u","password":"beta-2"}}],"external":{"url":"https://x.example","primary_token":"gamma-3"}}`
	keyed      = `{"type":"http","url":"https://a","headers":{"authorization":"delta-4","x":"plain"},"auth":{"api_key":{"header":"X","value":"$${epsilon-5"}}}`
)

func TestSecretsWrittenOutAreSealed(t *testing.T) {
	eachVault(t, func(t *testing.T, v *vault) {
		set := v.set(twoSchemes, keyed)
		planned, err := v.Plan(t.Context(), set, config.Options{})
		if err != nil {
			t.Fatal(err)
		}
		result := apply(t, v.Service, set, false)
		want := map[string]string{
			"channels.import.verify.0.bearer":         "alpha-1",
			"channels.import.verify.1.basic.password": "beta-2",
			"channels.import.external.primary_token":  "gamma-3",
			"connections.erp.headers.authorization":   "delta-4",
			"connections.erp.auth.api_key.value":      "${epsilon-5",
		}
		v.wantSealed(want)
		expect(t, "the channel", `{"external":{"primary_token":"${secret:channels.import.external.primary_token}","url":"https://x.example"},"scenario":"stock","type":"public",`+
			`"verify":[{"bearer":"${secret:channels.import.verify.0.bearer}"},{"basic":{"password":"${secret:channels.import.verify.1.basic.password}","user":"u"}}]}`, v.body(config.Channels, "import"))
		for _, r := range []*config.Result{planned, result} {
			if len(r.Notes) != 5 || !strings.Contains(strings.Join(r.Notes, "\n"), "written out in verify.1.basic.password is kept sealed as ${secret:channels.import.verify.1.basic.password}") {
				t.Errorf("notes %q", r.Notes)
			}
			wantNone(t, r, want)
		}
		expect(t, "the same again", "", changes(apply(t, v.Service, v.set(twoSchemes, keyed), false)))
		expect(t, "the references", "", changes(apply(t, v.Service, v.set(v.body(config.Channels, "import"), v.body(config.Connections, "erp")), false)))

		other := v.set(strings.Replace(twoSchemes, "beta-2", "zeta-6", 1), keyed)
		if planned, err = v.Plan(t.Context(), other, config.Options{}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]config.Change{{Kind: "channels", Code: "import", Action: "update", Detail: "verify"}}, planned.Changes); diff != "" {
			t.Error(diff)
		}
		v.wantSealed(want)
		wantNone(t, apply(t, v.Service, other, false), map[string]string{"": "zeta-6"})
		want["channels.import.verify.1.basic.password"] = "zeta-6"
		v.wantSealed(want)

		exported, err := v.Export(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		history, err := v.History(t.Context(), config.Channels, "import")
		if err != nil || len(history) != 2 {
			t.Errorf("%d versions, %v", len(history), err)
		}
		audit, _, err := v.secrets.ListAudit(t.Context(), access.AuditFilter{}, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		wantNone(t, []any{exported, history, audit}, want)
		expect(t, "the export", "", changes(apply(t, v.Service, exported, true)))

		set = load(t, "testdata/shop")
		delete(set.Objects[config.Channels], "import")
		apply(t, v.Service, set, false)
		v.wantSealed(map[string]string{})
	})
}

// wantNone looks for the values in whatever is shown.
func wantNone(t *testing.T, shown any, values map[string]string) {
	t.Helper()
	text, err := json.Marshal(shown)
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range values {
		if strings.Contains(string(text), value) {
			t.Errorf("%q is shown: %s", value, text)
		}
	}
}

func TestSecretsLeftOutStayAsTheyAre(t *testing.T) {
	const (
		without   = `{"type":"public","scenario":"stock","verify":{"basic":{"user":"u"}}}`
		unbearing = `{"type":"http","url":"https://a","auth":{"bearer":null}}`
	)
	eachVault(t, func(t *testing.T, v *vault) {
		_, err := v.Apply(t.Context(), v.set(without, unbearing), config.Options{})
		wantField(t, err, "/channels/import/verify/basic/password", "there is none yet")
		wantField(t, err, "/connections/erp/auth/bearer", "there is none yet")

		first := v.set(`{"type":"public","scenario":"stock","verify":{"basic":{"user":"u","password":"alpha-1"}}}`, `{"type":"http","url":"https://a","auth":{"bearer":"${env:ERP}"}}`)
		apply(t, v.Service, first, false)
		expect(t, "left out", "", changes(apply(t, v.Service, v.set(without, unbearing), false)))
		expect(t, "the connection", `{"auth":{"bearer":"${env:ERP}"},"type":"http","url":"https://a"}`, v.body(config.Connections, "erp"))
		v.wantSealed(map[string]string{"channels.import.verify.basic.password": "alpha-1"})

		apply(t, v.Service, v.set(strings.Replace(without, `"u"`, `"another"`, 1), unbearing), false)
		expect(t, "with another user", `{"scenario":"stock","type":"public","verify":{"basic":{"password":"${secret:channels.import.verify.basic.password}","user":"another"}}}`, v.body(config.Channels, "import"))

		// What may be missing is missing when it is left out.
		apply(t, v.Service, v.set(`{"type":"public","scenario":"stock"}`, unbearing), false)
		v.wantSealed(map[string]string{})

		// A secret of that name is there before the object is.
		if err := v.secrets.SetSecret(t.Context(), "channels.import.verify.basic.password", "beta-2", "ann"); err != nil {
			t.Fatal(err)
		}
		apply(t, v.Service, v.set(without, unbearing), false)
		v.wantSealed(map[string]string{"channels.import.verify.basic.password": "beta-2"})
	})
}

func wantField(t *testing.T, err error, pointer, detail string) {
	t.Helper()
	for _, f := range fault.ProblemOf(err).Errors {
		if f.Pointer == pointer && strings.Contains(f.Detail, detail) {
			return
		}
	}
	t.Errorf("no %q at %s: %v", detail, pointer, fault.ProblemOf(err).Errors)
}

func TestSecretsWrittenOutThroughTheAPI(t *testing.T) {
	eachVault(t, func(t *testing.T, v *vault) {
		apply(t, v.Service, load(t, "testdata/shop"), false)
		write := func(body string) catalog.Object { return put(t, v.Service, config.Channels, "made", body) }
		first := write(`{"type":"public","scenario":"order","verify":{"bearer":"alpha-1"}}`)
		const stored = `{"scenario":"order","type":"public","verify":{"bearer":"${secret:channels.made.verify.bearer}"}}`
		expect(t, "stored", stored, string(first.Body))
		for _, same := range []string{string(first.Body), `{"type":"public","scenario":"order","verify":{"bearer":"alpha-1"}}`, `{"type":"public","scenario":"order","verify":{"bearer":null}}`} {
			if o := write(same); o.Version != 1 {
				t.Errorf("%s made version %d", same, o.Version)
			}
		}
		if o := write(`{"type":"public","scenario":"order","verify":{"bearer":"beta-2"}}`); o.Version != 2 || string(o.Body) != stored {
			t.Errorf("another secret: version %d, %s", o.Version, o.Body)
		}
		v.wantSealed(map[string]string{"channels.made.verify.bearer": "beta-2"})

		// Refused writes leave the secrets alone.
		for _, bad := range []string{`{"type":"public","scenario":"nowhere","verify":{"bearer":"gamma-3"}}`, `{"type":"public","scenario":"order","verify":{"basic":{"user":"u"}}}`, `{"type":"public","scenario":"order","verify":{"bearer":"${nonsense}"}}`} {
			if _, err := v.Put(t.Context(), config.Channels, "made", json.RawMessage(bad), config.Edit{Author: "ui"}); !fault.Is(err, fault.Unprocessable) {
				t.Errorf("%s: %v", bad, err)
			}
		}
		_, err := v.Put(t.Context(), config.Channels, "made", json.RawMessage(`{"type":"public","type":"public","scenario":"order","verify":{"bearer":null}}`), config.Edit{Author: "ui"})
		wantField(t, err, "/type", "twice")
		v.wantSealed(map[string]string{"channels.made.verify.bearer": "beta-2"})
		if err := v.Delete(t.Context(), config.Channels, "made", config.Edit{Author: "ui"}); err != nil {
			t.Fatal(err)
		}
		v.wantSealed(map[string]string{})
	})
}

// The elements of a list move up; each keeps its own secret.
func TestSecretsOfAListThatIsShortened(t *testing.T) {
	eachVault(t, func(t *testing.T, v *vault) {
		apply(t, v.Service, load(t, "testdata/shop"), false)
		put(t, v.Service, config.Channels, "made", `{"type":"public","scenario":"order","verify":[{"bearer":"alpha-1"},{"bearer":"beta-2"}]}`)
		const shorter = `{"type":"public","scenario":"order","verify":[{"bearer":"${secret:channels.made.verify.1.bearer}"},{"bearer":"gamma-3"}]}`
		o := put(t, v.Service, config.Channels, "made", shorter)
		expect(t, "stored", `{"scenario":"order","type":"public","verify":[{"bearer":"${secret:channels.made.verify.1.bearer}"},{"bearer":"${secret:channels.made.verify.1.bearer-2}"}]}`, string(o.Body))
		v.wantSealed(map[string]string{"channels.made.verify.1.bearer": "beta-2", "channels.made.verify.1.bearer-2": "gamma-3"})
		if again := put(t, v.Service, config.Channels, "made", shorter); again.Version != o.Version {
			t.Error("the same again is a change")
		}
		// Another object uses one of them, and so it stays.
		put(t, v.Service, config.Channels, "other", `{"type":"public","scenario":"order","verify":{"bearer":"${secret:channels.made.verify.1.bearer-2}"}}`)
		if err := v.secrets.SetSecret(t.Context(), "channels.made.by_hand", "delta-4", "ann"); err != nil {
			t.Fatal(err)
		}
		if err := v.Delete(t.Context(), config.Channels, "made", config.Edit{Author: "ui"}); err != nil {
			t.Fatal(err)
		}
		v.wantSealed(map[string]string{"channels.made.verify.1.bearer-2": "gamma-3", "channels.made.by_hand": "delta-4"})
	})
}

// The last that refers to a generated secret may be another object than its own.
func TestSecretsOfObjectsThatAreGone(t *testing.T) {
	eachVault(t, func(t *testing.T, v *vault) {
		apply(t, v.Service, load(t, "testdata/shop"), false)
		put(t, v.Service, config.Channels, "made.here", `{"type":"public","scenario":"order","verify":{"bearer":"alpha-1"}}`)
		const user = `{"type":"http","url":"https://a","auth":{"bearer":"%s"}}`
		put(t, v.Service, config.Connections, "user", strings.Replace(user, "%s", "${secret:channels.made.here.verify.bearer}", 1))
		if err := v.Delete(t.Context(), config.Channels, "made.here", config.Edit{Author: "ui"}); err != nil {
			t.Fatal(err)
		}
		v.wantSealed(map[string]string{"channels.made.here.verify.bearer": "alpha-1"})
		if err := v.secrets.SetSecret(t.Context(), "by_hand", "beta-2", "ann"); err != nil {
			t.Fatal(err)
		}
		put(t, v.Service, config.Connections, "user", strings.Replace(user, "%s", "${secret:by_hand}", 1))
		v.wantSealed(map[string]string{"by_hand": "beta-2"})
		if err := v.Delete(t.Context(), config.Connections, "user", config.Edit{Author: "ui"}); err != nil {
			t.Fatal(err)
		}
		v.wantSealed(map[string]string{"by_hand": "beta-2"})
	})
}

// What an apply sets itself is not missing.
func TestNoWarningOfSecretsThatTheApplySets(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		secrets := newSecrets(d)
		s := newService(d, config.Parts{Secrets: func(ref string) (string, error) {
			return secrets.Secret(t.Context(), strings.TrimPrefix(ref, "secret:"))
		}})
		v := &vault{s, t, d, secrets}
		set := v.set(`{"type":"public","scenario":"stock","verify":{"bearer":"${secret:connections.erp.auth.bearer}"}}`, `{"type":"http","url":"https://a","auth":{"bearer":"alpha-1"}}`)
		planned, err := s.Plan(t.Context(), set, config.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range []*config.Result{planned, apply(t, s, set, false), apply(t, s, set, false)} {
			if strings.Contains(strings.Join(r.Warnings, "\n"), "erp.auth.bearer") {
				t.Errorf("warnings %q", r.Warnings)
			}
		}
		set = v.set(`{"type":"public","scenario":"stock","verify":{"bearer":"${secret:nowhere}"}}`, `{"type":"http","url":"https://a"}`)
		if r := apply(t, s, set, false); !strings.Contains(strings.Join(r.Warnings, "\n"), `refers to the secret "nowhere", which is not set`) {
			t.Errorf("warnings %q", r.Warnings)
		}
	})
}

// A secret beside a reference can be kept neither sealed nor in clear.
func TestSecretsBesideReferencesAreRefused(t *testing.T) {
	eachVault(t, func(t *testing.T, v *vault) {
		apply(t, v.Service, load(t, "testdata/shop"), false)
		for _, bad := range []struct{ kind, body, pointer string }{
			{config.Connections, `{"type":"http","url":"https://a","proxy":"http://user:s3cr3t@${env:HOST}:3128"}`, "/proxy"},
			{config.Connections, `{"type":"http","url":"https://a","proxy":"http://${env:USER}:s3cr3t@host:3128"}`, "/proxy"},
			{config.Connections, `{"type":"http","url":"https://a","proxy":"http://user:s3cr3t${env:X}@host:3128"}`, "/proxy"},
			{config.Connections, `{"type":"http","url":"https://a","proxy":"${env:SCHEME}://user:s3cr3t@host:3128"}`, "/proxy"},
			{config.Connections, `{"type":"http","url":"https://a","auth":{"bearer":"s3cr3t${env:X}"}}`, "/auth/bearer"},
			{config.Connections, `{"type":"http","url":"https://a","auth":{"bearer":"${secret:x}s3cr3t"}}`, "/auth/bearer"},
			{config.Connections, `{"type":"http","url":"https://a","auth":{"basic":{"user":"u","password":"s3cr3t=${env:X}"}}}`, "/auth/basic/password"},
			{config.Connections, `{"type":"http","url":"https://a","auth":{"api_key":{"query":"k","value":"${env:A}s3cr3t${env:B}"}}}`, "/auth/api_key/value"},
			{config.Connections, `{"type":"http","url":"https://a","headers":{"AUTHORIZATION":"Bearer s3cr3t${env:X}"}}`, "/headers/AUTHORIZATION"},
			{config.Channels, `{"type":"public","scenario":"order","verify":[{"bearer":"${env:X}"},{"bearer":"s3cr3t${env:X}"}]}`, "/verify/1/bearer"},
			{config.Channels, `{"type":"public","scenario":"order","verify":{"stripe":"whsec_s3cr3t${env:X}"}}`, "/verify/stripe"},
		} {
			_, err := v.Put(t.Context(), bad.kind, "made", json.RawMessage(bad.body), config.Edit{Author: "ui"})
			wantField(t, err, bad.pointer, "beside a reference")
			wantNone(t, fault.ProblemOf(err), map[string]string{"": "s3cr3t"})
		}
		v.wantSealed(map[string]string{})
		for _, good := range []struct{ kind, body string }{
			{config.Connections, `{"type":"http","url":"https://a","proxy":"http://user:${secret:p}@${env:HOST}:3128"}`},
			{config.Connections, `{"type":"http","url":"https://a","proxy":"http://${env:HOST}:3128"}`},
			{config.Connections, `{"type":"http","url":"https://a","tls":{"cert":"/etc/${env:NODE}/c.pem","key":"/etc/${env:NODE}/k.pem"}}`},
			{config.Connections, `{"type":"http","url":"https://a","auth":{"bearer":"${env:A}.${env:B}"},"headers":{"authorization":"Token token=\"${secret:x}\"","cookie":"a=${env:A}; b=${env:B}"}}`},
			{config.Connections, `{"type":"http","url":"https://a","auth":{"api_key":{"header":"Authorization","value":"Token ${secret:x}"}}}`},
			{config.Channels, `{"type":"public","scenario":"order","verify":{"stripe":"whsec_${secret:x}"}}`},
		} {
			put(t, v.Service, good.kind, "made", good.body)
		}
	})
}

// What an earlier build stored as written is sealed by the next apply of the same files.
func TestSecretsStoredAsWrittenAreSealedByTheNextApply(t *testing.T) {
	eachVault(t, func(t *testing.T, v *vault) {
		set := v.set(twoSchemes, keyed)
		apply(t, v.Service, set, false)
		body, err := config.Canonical(json.RawMessage(twoSchemes))
		if err != nil {
			t.Fatal(err)
		}
		if err := v.db.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE catalog_objects SET body = $1 WHERE kind = 'channels' AND code = 'import'`, string(body))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		expect(t, "applied", "update channels import", changes(apply(t, v.Service, set, false)))
		wantNone(t, v.body(config.Channels, "import"), v.sealed())
	})
}

func TestGeneratedNamesFitTheStore(t *testing.T) {
	eachVault(t, func(t *testing.T, v *vault) {
		apply(t, v.Service, load(t, "testdata/shop"), false)
		long := strings.Repeat("c", 64)
		put(t, v.Service, config.Connections, long, `{"type":"http","url":"https://a","headers":{"X-Auth-Token":"alpha-1"},"auth":{"basic":{"user":"u","password":"beta-2"}}}`)
		v.wantSealed(map[string]string{"connections." + long + ".headers.X-Auth-Token": "alpha-1", "connections." + long + ".auth.basic.password": "beta-2"})
	})
}

// A folder may leave out what only the server has.
func TestLoadTakesSecretsThatAreLeftOut(t *testing.T) {
	set, problems := config.Load(t.Context(), folder(t, "junctor.yaml", `connections:
  erp: { type: http, url: "https://a", auth: { basic: { user: u } } }
  crm:
    type: http
    url: https://a
    auth:
      bearer:
channels:
  shop: { type: public, scenario: order, verify: [ { basic: { user: u } } ] }
`, "scenarios/order.ts", oneLine))
	if len(problems) > 0 {
		t.Fatal(printed(problems))
	}
	body := set.Objects[config.Channels]["shop"]
	if strings.Contains(string(body), "secret") || !strings.Contains(string(config.Whole(config.Channels, "shop", body)), "${secret:channels.shop.verify.0.basic.password}") {
		t.Errorf("sent to the server: %s", body)
	}
	_, problems = config.Load(t.Context(), folder(t, "junctor.yaml", `connections:
  erp: { type: http, url: "https://a", auth: { basic: { password: hunter2-hunter2 } } }
`))
	if got := printed(problems); !strings.Contains(got, "user: is required") || strings.Contains(got, "hunter2") {
		t.Errorf("problems: %s", got)
	}
}
