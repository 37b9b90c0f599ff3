package config_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"junctor/internal/catalog"
	"junctor/internal/config"
	"junctor/internal/fault"
)

func putErr(t *testing.T, s *config.Service, kind, code, body string) error {
	t.Helper()
	_, err := s.Put(t.Context(), kind, code, json.RawMessage(body), config.Edit{Author: "ui"})
	if err == nil {
		t.Fatalf("%s %s took %s", kind, code, body)
	}
	return err
}

const oneScenario = `{"sources":{"scenarios/one.ts":"import {x} from './lib/x';\nexport default () => x;\n","scenarios/lib/x.ts":"export const x = 1;\n"}}`

func TestPutVersions(t *testing.T) {
	each(t, func(t *testing.T, s *config.Service) {
		first := put(t, s, config.Connections, "erp", `{"url": "https://a", "type":"http"}`)
		same := put(t, s, config.Connections, "erp", ` {"type":"http","url":"https://a"}`)
		if first.Version != 1 || same.Version != 1 || string(same.Body) != `{"type":"http","url":"https://a"}` || first.Origin != catalog.API {
			t.Errorf("first %+v, the same %+v", first, same)
		}
		second := put(t, s, config.Connections, "erp", `{"type":"http","url":"https://b"}`)
		if second.Version != 2 || second.Author != "ui" {
			t.Errorf("second %+v", second)
		}
		history, err := s.History(t.Context(), config.Connections, "erp")
		if err != nil || len(history) != 2 {
			t.Errorf("history %+v (%v)", history, err)
		}
	})
}

func TestIfMatch(t *testing.T) {
	each(t, func(t *testing.T, s *config.Service) {
		ctx, body := t.Context(), json.RawMessage(`{"type":"http","url":"https://a"}`)
		version := func(n int64) config.Edit { return config.Edit{Author: "ui", IfMatch: &n} }
		if _, err := s.Put(ctx, config.Connections, "erp", body, version(1)); !fault.Is(err, fault.Stale) {
			t.Errorf("version 1 of nothing: %v", err)
		}
		if _, err := s.Put(ctx, config.Connections, "erp", body, version(0)); err != nil {
			t.Errorf("what must not exist does not: %v", err)
		}
		_, err := s.Put(ctx, config.Connections, "erp", json.RawMessage(`{"type":"http","url":"https://b"}`), version(0))
		var stale *config.StaleError
		if !fault.Is(err, fault.Stale) || !errors.As(err, &stale) || stale.Current.Version != 1 || string(stale.Current.Body) != `{"type":"http","url":"https://a"}` {
			t.Errorf("a stale write: %v", err)
		}
		if err := s.Delete(ctx, config.Connections, "erp", version(7)); !fault.Is(err, fault.Stale) {
			t.Errorf("a stale delete: %v", err)
		}
		if err := s.Delete(ctx, config.Connections, "erp", version(1)); err != nil {
			t.Error(err)
		}
		if err := s.Delete(ctx, config.Connections, "erp", config.Edit{}); !fault.Is(err, fault.NotFound) {
			t.Errorf("deleted twice: %v", err)
		}
	})
}

func TestPutRefuses(t *testing.T) {
	each(t, func(t *testing.T, s *config.Service) {
		put(t, s, config.Scenarios, "one", oneScenario)
		for _, c := range []struct{ kind, code, body, want string }{
			{"mailboxes", "orders", `{}`, `no kind of configuration called "mailboxes"`},
			{config.Channels, "a b", `{}`, "is not usable as a code"},
			{config.Channels, "../x", `{}`, "is not usable as a code"},
			{config.Channels, "shop", `{`, "is not JSON: line 1, column 1"},
			{config.Channels, "shop", `{"type":"public","scenario":"onee"}`, `/scenario there is no scenario "onee", did you mean "one"?`},
			{config.Channels, "shop", `{"type":"public","scenario":"one","awiat":true}`, `/awiat "awiat" is not known here, did you mean "await"?`},
			{config.Channels, "shop", `{"type":"public","type":"public","scenario":"one"}`, "/type is given twice"},
			{config.Connections, "erp", `{"url":"https://a"}`, "/type is required"},
			{config.Connections, "erp", `{"type":"ftp","url":"ftp://a"}`, `"ftp" is not available in this release`},
			{config.Settings, "other", `{}`, `the settings have the code "default"`},
			{config.Settings, config.SettingsCode, `{"sessions":{"policy":"shared"}}`, "/sessions/policy"},
			{config.Scenarios, "two", `{}`, "needs either sources or the version"},
			{config.Scenarios, "two", `{"sources":{"scenarios/x.ts":""}}`, "/sources has no scenarios/two.ts or .js"},
			{config.Scenarios, "two", `{"sources":{"scenarios/two.ts":"export default ("}}`, "/sources/scenarios~1two.ts scenarios/two.ts:1:"},
			{config.Scenarios, "two", `{"sources":{"scenarios/two.ts":"export const x = 1"}}`, `exports no default`},
			{config.Scenarios, "two", `{"sources":{"scenarios/two.ts":"import {x} from './lib/x'; export default () => x","scenarios/lib/x.ts":"export const x = 2"}}`, "has another text than the same file of scenario"},
			{config.Scenarios, "two", `{"version":"v123"}`, `has no version "v123"`},
		} {
			if err := putErr(t, s, c.kind, c.code, c.body); !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s %s %s\n gives %v\n want  %s", c.kind, c.code, c.body, err, c.want)
			}
		}
	})
}

func TestScenarioByAPI(t *testing.T) {
	each(t, func(t *testing.T, s *config.Service) {
		first := put(t, s, config.Scenarios, "one", oneScenario)
		second := put(t, s, config.Scenarios, "one", `{"sources":{"scenarios/one.js":"export default () => 2;\n"}}`)
		if string(first.Body) == string(second.Body) {
			t.Fatalf("another content is the same version: %s", second.Body)
		}
		back := put(t, s, config.Scenarios, "one", string(first.Body))
		if string(back.Body) != string(first.Body) || back.Version != 3 {
			t.Errorf("going back gives %+v", back)
		}
		now, err := s.Sources(t.Context(), "one", "")
		if err != nil || now.Bundle.Sources["scenarios/lib/x.ts"] != "export const x = 1;\n" {
			t.Errorf("sources %+v (%v)", now, err)
		}
		put(t, s, config.Channels, "shop", `{"type":"public","scenario":"one"}`)
		if err := s.Delete(t.Context(), config.Scenarios, "one", config.Edit{}); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "channels shop") {
			t.Errorf("a scenario in use was deleted: %v", err)
		}
		if err := s.Delete(t.Context(), config.Channels, "shop", config.Edit{}); err != nil {
			t.Fatal(err)
		}
		if err := s.Delete(t.Context(), config.Scenarios, "one", config.Edit{}); err != nil {
			t.Error(err)
		}
		if old, err := s.Sources(t.Context(), "one", now.Version); err != nil || old.Bundle == nil {
			t.Errorf("a version that runs may be pinned to is gone: %v", err)
		}
	})
}

func TestSettingsByAPI(t *testing.T) {
	each(t, func(t *testing.T, s *config.Service) {
		put(t, s, config.Settings, config.SettingsCode, `{"timezone":"Europe/Prague","allow_private_subscribers":true}`)
		snap, err := s.Snapshot(t.Context())
		if err != nil || snap.Settings.Timezone.String() != "Europe/Prague" || !snap.Settings.AllowPrivateSubscribers || snap.Settings.Sessions.Policy != "unlimited" {
			t.Errorf("settings %+v (%v)", snap, err)
		}
	})
}
