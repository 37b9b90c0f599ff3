package config_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/access"
	"junctor/internal/catalog"
	"junctor/internal/channel"
	"junctor/internal/clock"
	"junctor/internal/config"
	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/fault"
	"junctor/internal/scenario"
	"junctor/internal/script"
	"junctor/internal/secret"
	"junctor/internal/strict"
)

func newService(d *db.DB, parts config.Parts) *config.Service {
	return config.New(d, catalog.New(d), scenario.NewVersions(d), channel.NewTokens(d), newSecrets(d), parts)
}

func newSecrets(d *db.DB) *access.Store {
	key, err := secret.NewKey([]byte(strings.Repeat("k", secret.KeySize)))
	if err != nil {
		panic(err)
	}
	return access.New(d, secret.Keys{key}, clock.Real{})
}

// each runs body with a fresh service on every database.
func each(t *testing.T, body func(t *testing.T, s *config.Service)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) { body(t, newService(open(), config.Parts{})) })
}

func load(t *testing.T, dir string) *config.Set {
	t.Helper()
	set, problems := config.Load(t.Context(), dir)
	if len(problems) > 0 {
		t.Fatalf("load %s:\n%s", dir, printed(problems))
	}
	return set
}

func apply(t *testing.T, s *config.Service, set *config.Set, prune bool) *config.Result {
	t.Helper()
	result, err := s.Apply(t.Context(), set, config.Options{Author: "ann", Prune: prune})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// changes writes a result's changes as "action kind code" lines.
func changes(r *config.Result) string {
	var lines []string
	for _, c := range r.Changes {
		lines = append(lines, c.Action+" "+c.Kind+" "+c.Code)
	}
	return strings.Join(lines, "\n")
}

func put(t *testing.T, s *config.Service, kind, code, body string) catalog.Object {
	t.Helper()
	o, err := s.Put(t.Context(), kind, code, json.RawMessage(body), config.Edit{Author: "ui"})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func expect(t *testing.T, what, want, got string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s:\n%s", what, diff)
	}
}

func TestApplyCreatesThenChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, s *config.Service) {
		set := load(t, "testdata/shop")
		planned, err := s.Plan(t.Context(), set, config.Options{})
		if err != nil {
			t.Fatal(err)
		}
		result := apply(t, s, set, false)
		const all = "create settings default\ncreate connections erp\ncreate connections erp-test\n" +
			"create scenarios order\ncreate scenarios stock\ncreate channels import\ncreate channels shop"
		expect(t, "planned", all, changes(planned))
		expect(t, "applied", all, changes(result))
		if len(planned.Channels) != 2 || planned.Channels[0].Path != "" {
			t.Errorf("a planned channel has an address already: %+v", planned.Channels)
		}
		shop := result.Channels[1]
		want := config.Endpoint{Code: "shop", Type: "public", Token: shop.Token, Path: "/api/token/v1/" + shop.Token, WebsocketPath: "/ws/token/v1/" + shop.Token}
		if shop != want || len(shop.Token) != channel.TokenLength || result.Channels[0].Code != "import" {
			t.Errorf("endpoints %+v", result.Channels)
		}
		again := apply(t, s, load(t, "testdata/shop"), true)
		if again.Changes == nil || len(again.Changes) > 0 {
			t.Errorf("the same again changes %v", again.Changes)
		}
		if diff := cmp.Diff(result.Channels, again.Channels); diff != "" {
			t.Error(diff)
		}
	})
}

func TestExportThenApplyChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, s *config.Service) {
		apply(t, s, load(t, "testdata/shop"), false)
		put(t, s, config.Channels, "by-api", `{"type":"public","scenario":"order","comment":"tricky: \"text\"\n# not a comment "}`)
		put(t, s, config.Scenarios, "made", `{"sources":{"scenarios/made.ts":"export default () => 'x';\n"}}`)
		set, err := s.Export(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), "out")
		if leftover, err := config.Write(set, dir); err != nil || len(leftover) > 0 {
			t.Fatal(leftover, err)
		}
		for name, set := range map[string]*config.Set{"the set itself": sent(t, set), "the folder": load(t, dir)} {
			result, err := s.Plan(t.Context(), set, config.Options{Prune: true})
			if err != nil || len(result.Changes) > 0 {
				t.Errorf("%s changes %v (%v)", name, result, err)
			}
		}
		if text, err := os.ReadFile(filepath.Join(dir, "scenarios/lib/map.ts")); err != nil || !strings.Contains(string(text), "export function total") {
			t.Errorf("an imported file was not written: %v", err)
		}
		if text, _ := os.ReadFile(filepath.Join(dir, config.File)); !strings.Contains(string(text), `bearer: "${env:SHOP_TOKEN}"`) {
			t.Errorf("references are not written as such:\n%s", text)
		}
	})
}

// sent is a set after its way to the server.
func sent(t *testing.T, set *config.Set) *config.Set {
	t.Helper()
	body, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	var got config.Set
	if found := strict.Decode(body, &got); found != nil {
		t.Fatal(found)
	}
	return &got
}

func TestApplyRefusesAsAWhole(t *testing.T) {
	each(t, func(t *testing.T, s *config.Service) {
		set := load(t, "testdata/shop")
		set.Objects[config.Channels]["shop"] = json.RawMessage(`{"type":"public","scenario":"ordr","x":1}`)
		set.Objects["mailboxes"] = map[string]json.RawMessage{}
		set.Objects[config.Connections]["bad code"] = json.RawMessage(`{"type":"http","url":"https://h"}`)
		set.Scenarios["none"] = nil
		set.Scenarios["odd"] = &script.Bundle{Code: []byte("("), Sources: map[string]string{"../odd.ts": ""}}
		set.Settings = json.RawMessage(`{"timezone":1}`)
		_, err := s.Apply(t.Context(), set, config.Options{Author: "ann"})
		var f *fault.Error
		if !errors.As(err, &f) || f.Code != fault.Unprocessable {
			t.Fatalf("got %v", err)
		}
		var pointers []string
		for _, field := range f.Fields {
			pointers = append(pointers, field.Pointer)
		}
		want := []string{
			"/scenarios/none", "/scenarios/odd", "/scenarios/odd", "/scenarios/odd", "/settings/timezone", "/channels/shop/x", "/channels/shop/scenario",
			"/connections/bad code", "/mailboxes",
		}
		if diff := cmp.Diff(want, pointers); diff != "" {
			t.Error(err, diff)
		}
		if export, err := s.Export(t.Context()); err != nil || len(export.Objects[config.Channels])+len(export.Scenarios) > 0 {
			t.Errorf("something was applied: %v (%v)", export, err)
		}
	})
}

func TestApplyRemovesWhatItMade(t *testing.T) {
	each(t, func(t *testing.T, s *config.Service) {
		set := load(t, "testdata/shop")
		first := apply(t, s, set, false)
		put(t, s, config.Channels, "ui", `{"type":"public","scenario":"order"}`)
		put(t, s, config.Channels, "import", `{"type":"public","scenario":"stock","paused":true}`) // edited, but made by files

		delete(set.Objects[config.Channels], "import")
		delete(set.Objects[config.Connections], "erp-test")
		delete(set.Scenarios, "stock")
		expect(t, "less", "delete connections erp-test\ndelete scenarios stock\ndelete channels import", changes(apply(t, s, set, false)))

		delete(set.Scenarios, "order")
		delete(set.Objects[config.Channels], "shop")
		_, err := s.Apply(t.Context(), set, config.Options{Author: "ann"})
		if !fault.Is(err, fault.Unprocessable) || !strings.Contains(err.Error(), `/channels/ui/scenario there is no scenario "order"`) {
			t.Errorf("a scenario was taken from a channel that stays: %v", err)
		}
		expect(t, "prune", "delete scenarios order\ndelete channels shop\ndelete channels ui", changes(apply(t, s, set, true)))

		back := apply(t, s, load(t, "testdata/shop"), false)
		if diff := cmp.Diff(first.Channels, back.Channels); diff != "" {
			t.Errorf("a channel that came back has another token:\n%s", diff)
		}
	})
}

func TestApplyTakesOverWhatItLists(t *testing.T) {
	each(t, func(t *testing.T, s *config.Service) {
		set := load(t, "testdata/shop")
		put(t, s, config.Connections, "erp", string(set.Objects[config.Connections]["erp"]))
		before, err := s.Get(t.Context(), config.Connections, "erp")
		if err != nil || before.Origin != catalog.API {
			t.Fatal(err, before)
		}
		if got := changes(apply(t, s, set, false)); strings.Contains(got, "connections erp\n") {
			t.Errorf("the same body is a change: %s", got)
		}
		delete(set.Objects[config.Connections], "erp")
		expect(t, "missing now", "delete connections erp", changes(apply(t, s, set, false)))
	})
}

func TestApplyMeasuresAndAudits(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		audited, d := 0, open()
		s := newService(d, config.Parts{
			Measure: func(p *script.Program) (time.Duration, error) { return 25 * time.Microsecond, nil },
			Changed: func(_ *db.Tx, author string, c config.Change) error {
				if author != "ann" || c.Action != config.Create {
					t.Errorf("%s %+v", author, c)
				}
				audited++
				return nil
			},
		})
		result := apply(t, s, load(t, "testdata/shop"), false)
		if len(result.Scenarios) != 2 || result.Scenarios[0].InstantiationUS != 25 || result.Scenarios[0].Version == "" {
			t.Errorf("scenarios %+v", result.Scenarios)
		}
		if audited != len(result.Changes) {
			t.Errorf("%d changes, %d audited", len(result.Changes), audited)
		}
		failing := newService(d, config.Parts{Measure: func(*script.Program) (time.Duration, error) { return 0, errors.New("boom") }})
		if _, err := failing.Apply(t.Context(), load(t, "testdata/shop"), config.Options{}); !fault.Is(err, fault.Unprocessable) {
			t.Errorf("a scenario that cannot start: %v", err)
		}
	})
}

// A nonce that anyone can change keeps nobody from sending a message again.
func TestApplyWarnsOfNoncesThatAreNotSigned(t *testing.T) {
	each(t, func(t *testing.T, s *config.Service) {
		for verify, name := range map[string]string{
			`null`:                  "",
			`{"bearer":"${env:A}"}`: "",
			`{"basic":{"user":"u","password":"${env:A}"}}`:                                    "",
			`{"github":"${env:A}"}`:                                                           "github",
			`[{"bearer":"${env:A}"},{"stripe":"${env:A}"}]`:                                   "stripe",
			`{"standard-webhooks":"${env:A}"}`:                                                "standard-webhooks",
			`{"hmac":{"header":"X","secret":"${env:A}"}}`:                                     "hmac",
			`{"hmac":{"header":"X","secret":"${env:A}","content":"{header:x-nonce}.{body}"}}`: "",
		} {
			set := load(t, "testdata/shop")
			set.Objects[config.Channels]["import"] = json.RawMessage(`{"type":"public","scenario":"stock","nonce":{"header":"X-Nonce"},"verify":` + verify + `}`)
			got := strings.Join(apply(t, s, set, false).Warnings, "\n")
			if want := "channels \"import\" has a nonce in X-Nonce that the signatures of " + name + " do not cover"; name == "" && got != "" || name != "" && !strings.HasPrefix(got, want) {
				t.Errorf("%s: %s", verify, got)
			}
		}
	})
}

// A secret may be set later; until then nobody gets in, and whoever applies is told.
func TestApplyWarnsOfSecretsThatAreNotSet(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		s := newService(open(), config.Parts{Secrets: func(ref string) (string, error) {
			if ref == "secret:known" {
				return "value", nil
			}
			return "", fault.New(fault.NotFound, "there is no %s", ref)
		}})
		set := load(t, "testdata/shop")
		set.Objects[config.Channels]["import"] = json.RawMessage(`{"type":"public","scenario":"stock","verify":[{"bearer":"${secret:shop}"},{"bearer":"${secret:known}"}]}`)
		set.Objects[config.Connections]["erp"] = json.RawMessage(`{"type":"http","url":"https://${secret:host}.example/${env:PATH_OF_ERP}","headers":{"a":"${secret:host}"}}`)
		want := "connections \"erp\" refers to the secret \"host\", which is not set: junctor secret set host\n" +
			"connections \"erp-test\" refers to the secret \"erp_token\", which is not set: junctor secret set erp_token\n" +
			"channels \"import\" refers to the secret \"shop\", which is not set: junctor secret set shop"
		plan, err := s.Plan(t.Context(), set, config.Options{})
		if err != nil {
			t.Fatal(err)
		}
		expect(t, "warnings of the plan", want, strings.Join(plan.Warnings, "\n"))
		expect(t, "warnings", want, strings.Join(apply(t, s, set, false).Warnings, "\n"))
	})
}

// Two that apply at once do it one after the other, each as a whole.
func TestApplyAtOnce(t *testing.T) {
	each(t, func(t *testing.T, s *config.Service) {
		sets := []*config.Set{load(t, "testdata/shop"), load(t, "testdata/shop")}
		delete(sets[1].Objects[config.Channels], "import")
		delete(sets[1].Scenarios, "stock")
		done := make(chan error)
		for i := range 8 {
			go func() {
				_, err := s.Apply(t.Context(), sets[i%2], config.Options{Author: "ann"})
				done <- err
			}()
		}
		for range 8 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		set, err := s.Export(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if channels, scenarios := len(set.Objects[config.Channels]), len(set.Scenarios); channels != scenarios || channels < 1 || channels > 2 {
			t.Errorf("a mixture: %d channels, %d scenarios", channels, scenarios)
		}
	})
}

func TestPlanSaysWhatDiffers(t *testing.T) {
	each(t, func(t *testing.T, s *config.Service) {
		set := load(t, "testdata/shop")
		before := apply(t, s, set, false).Scenarios[0].Version
		set.Objects[config.Channels]["shop"] = json.RawMessage(`{"type":"public","scenario":"order","await":false,"subject":"$.number","timeout":"5s"}`)
		set.Scenarios["order"] = set.Scenarios["stock"]
		plan, err := s.Plan(t.Context(), set, config.Options{})
		if err != nil {
			t.Fatal(err)
		}
		want := []config.Change{
			{Kind: config.Scenarios, Code: "order", Action: config.Update, Detail: before + " -> " + plan.Scenarios[0].Version},
			{Kind: config.Channels, Code: "shop", Action: config.Update, Detail: "await, timeout, verify"},
		}
		if diff := cmp.Diff(want, plan.Changes); diff != "" {
			t.Error(diff)
		}
	})
}
