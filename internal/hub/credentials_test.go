package hub_test

import (
	"encoding/base64"
	"strings"
	"testing"
)

func TestVerification(t *testing.T) {
	t.Setenv("SHOP_TOKEN", "s3cret-of-the-shop")
	s := serve(t, map[string]string{
		"junctor.yaml": `channels:
  bearer: { type: public, scenario: echo, await: true, verify: { bearer: "${env:SHOP_TOKEN}" } }
  basic: { type: public, scenario: echo, await: true, verify: { basic: { user: shop, password: "pass:word" } } }
  any: { type: public, scenario: echo, await: true, verify: [{ bearer: old }, { bearer: new }, { basic: { user: u, password: p } }] }
  unset: { type: public, scenario: echo, await: true, verify: { bearer: "${secret:never_set}" } }
  plain: { type: public, scenario: echo, await: true }
`,
		"scenarios/echo.ts": echo,
	})
	basic := func(login string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(login)) }
	for _, c := range []struct {
		channel, sent string
		status        int
	}{
		{"bearer", "Bearer s3cret-of-the-shop", 200},
		{"bearer", "bearer  s3cret-of-the-shop ", 200},
		{"bearer", "", 401},
		{"bearer", "Bearer ", 401},
		{"bearer", "Bearer s3cret-of-the-sho", 401},
		{"bearer", "Bearer ${env:SHOP_TOKEN}", 401},
		{"bearer", "s3cret-of-the-shop", 401},
		{"bearer", "Token s3cret-of-the-shop", 401},
		{"basic", basic("shop:pass:word"), 200},
		{"basic", basic("shop:pass"), 401},
		{"basic", basic("Shop:pass:word"), 401},
		{"basic", basic("shop"), 401},
		{"basic", "Basic %%%", 401},
		{"basic", "Bearer " + base64.StdEncoding.EncodeToString([]byte("shop:pass:word")), 401},
		{"any", "Bearer old", 200},
		{"any", "Bearer new", 200},
		{"any", basic("u:p"), 200},
		{"any", "Bearer other", 401},
		{"unset", "", 503},
		{"unset", "Bearer ${secret:never_set}", 503},
		{"plain", "Bearer whatever", 200},
	} {
		t.Run(c.channel+" "+c.sent, func(t *testing.T) {
			var header []string
			if c.sent != "" {
				header = []string{"Authorization", c.sent}
			}
			resp, body := s.send("POST", c.channel, "", "hi", header...)
			if resp.StatusCode != c.status {
				t.Fatalf("%d %s", resp.StatusCode, body)
			}
			if c.status == 401 && (resp.Header.Get("WWW-Authenticate") == "" || resp.Header.Get("Junctor-Run") != "") {
				t.Errorf("%v", resp.Header)
			}
			if c.status == 200 && c.channel != "plain" && strings.Contains(body, strings.TrimSpace(c.sent)) {
				t.Errorf("the scenario saw the credentials: %s", body)
			}
		})
	}
	s.token["-"] = "-"
	for _, channel := range []string{"bearer", "basic", "any"} {
		if resp, body := s.send("POST", "-", "", "hi", "Authorization", "Bearer "+s.token[channel]); resp.StatusCode != 401 {
			t.Errorf("%s: the token alone lets in by the header: %d %s", channel, resp.StatusCode, body)
		}
	}
	if strings.Contains(s.logged(), "s3cret") {
		t.Error("the log has the credential")
	}
}
