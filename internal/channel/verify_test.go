package channel_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"junctor/internal/channel"
	"junctor/internal/connection"
	"junctor/internal/fault"
)

func secrets(values map[string]string) connection.Secrets {
	return func(reference string) (string, error) {
		if v, ok := values[reference]; ok {
			return v, nil
		}
		return "", errors.New(reference + " is not set")
	}
}

func TestVerifierRotation(t *testing.T) {
	v, err := channel.NewVerifier([]channel.Scheme{
		{Bearer: "${secret:new}"}, {Bearer: "old-${env:TAIL}"}, {Basic: &channel.Basic{User: "shop", Password: "${secret:p}"}},
	}, secrets(map[string]string{"secret:new": "n1", "env:TAIL": "t", "secret:p": "pass"}))
	if err != nil {
		t.Fatal(err)
	}
	for header, want := range map[string]bool{
		"Bearer n1": true, "bearer n1": true, "Bearer old-t": true, "Basic c2hvcDpwYXNz": true, // shop:pass
		"": false, "Bearer ": false, "Bearer n": false, "Bearer n1 x": false, "Basic c2hvcDpwYXNzeA==": false, "Basic !": false,
		"Bearer ${secret:new}": false, "Bearer shop\x00pass": false, "n1": false,
	} {
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set("Authorization", header)
		if claims, err := v.Before(r, time.Now()); len(claims) > 0 || (err == nil) != want || (!want && !fault.Is(err, fault.Unauthorized)) {
			t.Errorf("%q: %v", header, err)
		}
	}
}

func TestVerifierWithoutSchemes(t *testing.T) {
	v, err := channel.NewVerifier(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if claims, err := v.Before(httptest.NewRequest("GET", "/", nil), time.Now()); err != nil || claims.Check([]byte("anything")) != nil {
		t.Error("without schemes the token alone lets in", err)
	}
}

func TestVerifierNeedsValues(t *testing.T) {
	for name, s := range map[string]channel.Scheme{
		"missing":        {Bearer: "${secret:none}"},
		"empty":          {Bearer: "${secret:empty}"},
		"basic password": {Basic: &channel.Basic{User: "u", Password: "${secret:empty}"}},
		"basic user":     {Basic: &channel.Basic{User: "${secret:none}", Password: "p"}},
		"nothing":        {},
		"no body signed": {HMAC: &channel.HMAC{Header: "X", Secret: "s", Content: "{method}"}},
		"hmac":           {HMAC: &channel.HMAC{Header: "X", Secret: "${secret:empty}"}},
		"stripe":         {Stripe: "${secret:none}"},
		"github":         {GitHub: "${secret:empty}"},
		"shopify":        {Shopify: "${secret:empty}"},
		"webhooks":       {StandardWebhooks: "${secret:empty}"},
		"no base64":      {StandardWebhooks: "whsec_$"},
		"no key":         {StandardWebhooks: "whsec_"},
		"short key":      {StandardWebhooks: "whpk_YWJj"},
	} {
		_, err := channel.NewVerifier([]channel.Scheme{s}, secrets(map[string]string{"secret:empty": ""}))
		if err == nil || !strings.Contains(err.Error(), "verify, scheme 1") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := channel.NewVerifier([]channel.Scheme{{Bearer: "${env:X}"}}, nil); err == nil {
		t.Error("references without a resolver were taken")
	}
}
