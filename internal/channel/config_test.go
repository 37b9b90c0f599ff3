package channel_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"junctor/internal/channel"
	"junctor/internal/fault"
)

func TestParseFillsDefaults(t *testing.T) {
	got, found := channel.Parse("shop", []byte(`{"type":"public","scenario":"order"}`))
	want := channel.Config{
		Code: "shop", Type: channel.Public, Scenario: "order", Enabled: true, Timeout: 30 * time.Second, BodyLimit: 10 << 20,
		Idempotency: channel.Idempotency{Keys: make([]channel.Source, 2), Window: 24 * time.Hour},
		OnFailure:   channel.Block, Capture: channel.CaptureFull,
		Retry:     channel.Retry{Attempts: 15, First: time.Second, Factor: 2, Max: time.Hour},
		Retention: channel.Retention{Succeeded: 7 * 24 * time.Hour, Failed: 30 * 24 * time.Hour},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(channel.Source{}, channel.Redact{})); diff != "" || found != nil {
		t.Error(found, diff)
	}
	awaited, _ := channel.Parse("shop", []byte(`{"type":"public","scenario":"order","await":true}`))
	if awaited.Retry.Attempts != 1 || awaited.Retry.First != time.Second {
		t.Errorf("an awaited channel has %+v", awaited.Retry)
	}
}

func TestParseTakesEveryKey(t *testing.T) {
	got, found := channel.Parse("shop", []byte(`{"type":"public","scenario":"order","comment":"c","await":true,"timeout":"5s",
		"enabled":false,"paused":true,"body_limit":"64KiB","capture":"errors","on_failure":"skip",
		"external":{"url":"https://erp.example.com/x","primary_token":"${secret:one}","secondary_token":"${env:TWO}","allow_private":true},
		"verify":[{"bearer":"${secret:a}"},{"basic":{"user":"u","password":"${env:P}"}}],
		"idempotency":{"header":"X-Id","window":"1h"},"subject":"$.order.number","redact":["X-Card","$.items[*].iban","form:iban"],"ordering_key":"X-Customer",
		"nonce":{"header":"X-Nonce","window":"1h"},"retry":{"attempts":3,"first":"10ms","factor":1.5,"max":"1s"},"retention":{"succeeded":"0","failed":"1h"}}`))
	if found != nil {
		t.Fatal(found)
	}
	want := channel.Config{
		Code: "shop", Type: channel.Public, Scenario: "order", Comment: "c", Await: true, Paused: true, Timeout: 5 * time.Second,
		BodyLimit: 64 << 10, Capture: channel.CaptureErrors, OnFailure: channel.Skip,
		External:    &channel.External{URL: "https://erp.example.com/x", PrimaryToken: "${secret:one}", SecondaryToken: "${env:TWO}", AllowPrivate: true},
		Verify:      []channel.Scheme{{Bearer: "${secret:a}"}, {Basic: &channel.Basic{User: "u", Password: "${env:P}"}}},
		Idempotency: channel.Idempotency{Keys: make([]channel.Source, 1), Window: time.Hour},
		Nonce:       &channel.Nonce{Header: "X-Nonce", Window: time.Hour},
		Retry:       channel.Retry{Attempts: 3, First: 10 * time.Millisecond, Factor: 1.5, Max: time.Second},
		Retention:   channel.Retention{Failed: time.Hour},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(channel.Source{}, channel.Redact{})); diff != "" {
		t.Error(diff)
	}
	if got.Subject.String() != "$.order.number" || got.OrderingKey.String() != "X-Customer" {
		t.Errorf("subject %q, ordering key %q", got.Subject, got.OrderingKey)
	}
}

func TestParseRefuses(t *testing.T) {
	for name, c := range map[string]struct{ member, pointer, detail string }{
		"unknown":          {`"awiat":true`, "/awiat", `did you mean "await"?`},
		"type":             {`"type":"pubic"`, "/type", `did you mean "public"?`},
		"websocket":        {`"websocket_scenario":7`, "/websocket_scenario", "must be a text"},
		"rate":             {`"rate":"1/min"`, "/rate", "is not a rate"},
		"rate zero":        {`"rate":"0/s"`, "/rate", "is not a rate"},
		"address rate":     {`"rate_per_address":7`, "/rate_per_address", "is a text like"},
		"allow":            {`"allow":["10.0.0.0/8","10.0.0"]`, "/allow/1", "is no network, address or host"},
		"allow nobody":     {`"allow":[]`, "/allow", "nobody"},
		"allow text":       {`"allow":"10.0.0.0/8"`, "/allow", "must be a list"},
		"hmac":             {`"verify":{"hmac":{"header":"X"}}`, "/verify/hmac/secret", "is required"},
		"hmac empty":       {`"verify":{"hmac":{"header":"X","secret":""}}`, "/verify/hmac/secret", "must not be empty"},
		"hmac header":      {`"verify":{"hmac":{"header":"X Y","secret":"s"}}`, "/verify/hmac/header", "is not a header's name"},
		"hmac secret":      {`"verify":{"hmac":{"header":"X","secret":"${a}"}}`, "/verify/hmac/secret", "write a reference as"},
		"hmac algorithm":   {`"verify":{"hmac":{"header":"X","secret":"s","algorithm":"md5"}}`, "/verify/hmac/algorithm", "possible: sha256, sha1, sha384, sha512"},
		"hmac encoding":    {`"verify":{"hmac":{"header":"X","secret":"s","encoding":"Hex"}}`, "/verify/hmac/encoding", "hex"},
		"hmac prefix":      {`"verify":{"hmac":{"header":"X","secret":"s","prefix":" v1="}}`, "/verify/hmac/prefix", "must not begin with"},
		"hmac time":        {`"verify":{"hmac":{"header":"X","secret":"s","timestamp_header":":"}}`, "/verify/hmac/timestamp_header", "is not a header's name"},
		"hmac tolerance":   {`"verify":{"hmac":{"header":"X","secret":"s","tolerance":"5m"}}`, "/verify/hmac/tolerance", "needs timestamp_header"},
		"hmac tolerances":  {`"verify":{"hmac":{"header":"X","secret":"s","timestamp_header":"T","tolerance":"2d"}}`, "/verify/hmac/tolerance", "from 1s to 1d"},
		"hmac content":     {`"verify":{"hmac":{"header":"X","secret":"s","content":"{bdy}"}}`, "/verify/hmac/content", "{bdy} is no part of a message"},
		"hmac frame":       {`"verify":{"hmac":{"header":"X","secret":"s","content":"{header:A}{body}"}}`, "/verify/hmac/content", "needs a text between"},
		"hmac no body":     {`"verify":{"hmac":{"header":"X","secret":"s","content":"{method}"}}`, "/verify/hmac/content", "needs {body}"},
		"hmac no time":     {`"verify":{"hmac":{"header":"X","secret":"s","timestamp_header":"T","content":"{body}"}}`, "/verify/hmac/content", "needs {timestamp}"},
		"hmac whose time":  {`"verify":{"hmac":{"header":"X","secret":"s","content":"{timestamp}.{body}"}}`, "/verify/hmac/content", "needs timestamp_header"},
		"hmac open brace":  {`"verify":{"hmac":{"header":"X","secret":"s","content":"{body"}}`, "/verify/hmac/content", "{body is no part"},
		"hmac odd header":  {`"verify":{"hmac":{"header":"X","secret":"s","content":"{header:a b}{body}"}}`, "/verify/hmac/content", "is not a header's name"},
		"hmac reference":   {`"verify":{"hmac":{"header":"X","secret":"s","content":"${secret:s}{body}"}}`, "/verify/hmac/content", "is no part of a message"},
		"hmac unknown":     {`"verify":{"hmac":{"header":"X","secret":"s","algo":"sha1"}}`, "/verify/hmac/algo", "is not known here"},
		"stripe in a list": {`"verify":[{"bearer":"b"},{"stripe":"${x}"}]`, "/verify/1/stripe", "write a reference as"},
		"empty stripe":     {`"verify":{"stripe":""}`, "/verify", "must not be empty"},
		"null github":      {`"verify":{"github":null}`, "/verify/github", "must be a text, not null"},
		"github object":    {`"verify":{"github":{"secret":"s"}}`, "/verify/github", "must be a text"},
		"webhook secret":   {`"verify":{"standard-webhooks":"whsec_not base64"}`, "/verify/standard-webhooks", "is not base64"},
		"webhook key":      {`"verify":{"standard-webhooks":"whpk_YWJj"}`, "/verify/standard-webhooks", "has 3 bytes, and 32 are needed"},
		"nonce":            {`"nonce":{}`, "/nonce/header", "is required"},
		"nonce name":       {`"nonce":{"header":""}`, "/nonce/header", "must not be empty"},
		"nonce path":       {`"nonce":{"header":"$.a"}`, "/nonce/header", "must be a header"},
		"nonce window":     {`"nonce":{"header":"X","window":"0s"}`, "/nonce/window", "from 1s to 365d"},
		"nonce too short":  {`"verify":{"github":"s"},"nonce":{"header":"X","window":"400d"}`, "/nonce/window", "from 1s to 365d"},
		"nonce tolerance":  {`"verify":[{"bearer":"b"},{"stripe":"s"}],"nonce":{"header":"X","window":"9m"}`, "/nonce/window", "at least 10m"},
		"nonce tolerances": {`"verify":{"hmac":{"header":"X","secret":"s","timestamp_header":"T","tolerance":"1h"}},"nonce":{"header":"X","window":"119m"}`, "/nonce/window", "at least 2h"},
		"nonce default":    {`"verify":{"hmac":{"header":"X","secret":"s","timestamp_header":"T","tolerance":"13h"}},"nonce":{"header":"X"}`, "/nonce/window", "at least 1d2h"},
		"two schemes":      {`"verify":{"bearer":"b","basic":{"user":"u","password":"p"}}`, "/verify", "exactly one of"},
		"no scheme":        {`"verify":{}`, "/verify", "exactly one of"},
		"verify text":      {`"verify":"secret"`, "/verify", "must be an object, not a text"},
		"empty list":       {`"verify":[]`, "/verify", "nobody"},
		"empty bearer":     {`"verify":{"bearer":""}`, "/verify", "must not be empty"},
		"empty password":   {`"verify":{"basic":{"user":"u","password":""}}`, "/verify/basic", "must not be empty"},
		"no password":      {`"verify":{"basic":{"user":"u"}}`, "/verify/basic/password", "is required"},
		"secret form":      {`"verify":{"bearer":"${shop}"}`, "/verify/bearer", `write a reference as`},
		"open secret":      {`"external":{"url":"https://a","primary_token":"${secret:"}`, "/external/primary_token", "write a reference as"},
		"redact path":      {`"redact":["X-A","$.a["]`, "/redact/1", "is not a JSON path like $.card.number"},
		"redact members":   {`"redact":["$.*"]`, "/redact/0", "is not a member's name"},
		"redact header":    {`"redact":["a b"]`, "/redact/0", "is not a header's name; a JSON path begins with $"},
		"redact host":      {`"redact":["host"]`, "/redact/0", "part of the URL"},
		"redact field":     {`"redact":["form:"]`, "/redact/0", "form:NAME"},
		"redact text":      {`"redact":"$.a"`, "/redact", "must be a list"},
		"unit":             {`"timeout":"30 seconds"`, "/timeout", "is not a duration"},
		"timeout zero":     {`"timeout":"0"`, "/timeout", "must be from 1ms to 1d"},
		"size":             {`"body_limit":"10 megs"`, "/body_limit", "is not a size"},
		"size zero":        {`"body_limit":"0B"`, "/body_limit", "must be from 1B to 1GiB"},
		"attempts":         {`"retry":{"attempts":0}`, "/retry/attempts", "from 1 to 1000"},
		"factor":           {`"retry":{"factor":0.5}`, "/retry/factor", "from 1 to 100"},
		"max under first":  {`"retry":{"first":"10s","max":"1s"}`, "/retry/max", "shorter than first"},
		"on_failure":       {`"on_failure":"stop"`, "/on_failure", "possible: block, skip"},
		"capture":          {`"capture":"all"`, "/capture", "possible: full, errors, none"},
		"header":           {`"idempotency":{"header":"a b"}`, "/idempotency/header", "is not a header's name"},
		"subject":          {`"subject":"$.a.*"`, "/subject", "is not a JSON path"},
		"ordering key":     {`"ordering_key":"$"`, "/ordering_key", "names the whole body"},
		"external url":     {`"external":{"url":"erp.example.com"}`, "/external/url", "is not a URL"},
		"external scheme":  {`"external":{"url":"gopher://h/"}`, "/external/url", "http:// or https://"},
		"external ftp":     {`"external":{"url":"ftp://h/x"}`, "/external/url", "ftp:// is not available in this release"},
		"external no url":  {`"external":{}`, "/external/url", "is required"},
		"cors no origins":  {`"cors":{}`, "/cors/origins", "is required"},
		"cors nobody":      {`"cors":{"origins":[]}`, "/cors/origins", "must not be empty"},
		"cors path":        {`"cors":{"origins":["https://a.example/"]}`, "/cors/origins/0", "is not an origin"},
		"cors host":        {`"cors":{"origins":["https://b.example","a.example"]}`, "/cors/origins/1", "is not an origin"},
		"cors pattern":     {`"cors":{"origins":["https://*.example"]}`, "/cors/origins/0", "is not an origin"},
		"cors port":        {`"cors":{"origins":["https://a.example:443"]}`, "/cors/origins/0", "is not an origin"},
		"cors capitals":    {`"cors":{"origins":["https://A.example"]}`, "/cors/origins/0", "in lower case"},
		"cors any and one": {`"cors":{"origins":["https://a.example","*"]}`, "/cors/origins/1", "stands alone"},
		"cors any and all": {`"cors":{"origins":["*"],"credentials":true}`, "/cors/origins/0", "exclude each other"},
		"cors header":      {`"cors":{"origins":["*"],"headers":["X Y"]}`, "/cors/headers/0", "is not a header's name"},
		"cors age":         {`"cors":{"origins":["*"],"max_age":"2d"}`, "/cors/max_age", "from 0s to 1d"},
	} {
		t.Run(name, func(t *testing.T) {
			body := `{"type":"public","scenario":"order",` + c.member + `}`
			if strings.HasPrefix(c.member, `"type"`) {
				body = `{"scenario":"order",` + c.member + `}`
			}
			_, found := channel.Parse("shop", []byte(body))
			if len(found) != 1 || found[0].Pointer != c.pointer || !strings.Contains(found[0].Detail, c.detail) {
				t.Errorf("found %+v, want %s at %s", found, c.detail, c.pointer)
			}
		})
	}
}

func TestParseRequires(t *testing.T) {
	_, found := channel.Parse("shop", []byte(`{}`))
	want := []fault.Field{{Pointer: "/type", Detail: "is required"}, {Pointer: "/scenario", Detail: "is required, or a websocket_scenario"}}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Error(diff)
	}
}

// What Parse takes is safe to use: bounds hold, and no scheme lets everybody in.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"type":"public","scenario":"s","verify":{"bearer":"${env:A}"},"timeout":"5s","subject":"$.a[0]"}`))
	f.Add([]byte(`{"type":"public","scenario":"s","verify":[{"basic":{"user":"u","password":"p"}}],"retry":{"factor":2}}`))
	f.Add([]byte(`{"type":"public","scenario":"s","external":{"url":"https://a"},"idempotency":{"header":"X"},"verify":null}`))
	f.Add([]byte(`{"type":"public","scenario":"s","verify":[{"stripe":"a"},{"hmac":{"header":"X","secret":"s","content":"v0:{timestamp}:{body}","timestamp_header":"T","tolerance":"1m"}}],"nonce":{"header":"N","window":"2m"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		c, found := channel.Parse("c", body)
		if len(found) > 0 {
			return
		}
		if c.Scenario == "" || c.Timeout <= 0 || c.BodyLimit <= 0 || c.Retry.Attempts < 1 || c.Retry.Factor < 1 || c.Retry.Max < c.Retry.First {
			t.Errorf("%s was taken as %+v", body, c)
		}
		for _, s := range c.Verify {
			secret := s.Bearer + s.StandardWebhooks + s.Stripe + s.GitHub + s.Shopify
			if secret == "" && (s.HMAC == nil || s.HMAC.Secret == "") && (s.Basic == nil || s.Basic.User == "" || s.Basic.Password == "") {
				t.Errorf("%s lets everybody in", body)
			}
		}
		for _, s := range c.Idempotency.Keys {
			if s.String() == "" {
				t.Errorf("%s has no key for its messages", body)
			}
		}
	})
}

// TestDuplicateKeys: who signs like a known sender says like that sender which
// messages are the same.
func TestDuplicateKeys(t *testing.T) {
	for _, c := range []struct{ member, want string }{
		{`"verify":null`, "Idempotency-Key,Webhook-Id"},
		{`"verify":{"bearer":"b"}`, "Idempotency-Key,Webhook-Id"},
		{`"verify":{"standard-webhooks":"c2VjcmV0"}`, "Webhook-Id,Idempotency-Key"},
		{`"verify":{"stripe":"s"}`, "$.id,Idempotency-Key,Webhook-Id"},
		{`"verify":{"github":"s"}`, "X-GitHub-Delivery,Idempotency-Key,Webhook-Id"},
		{`"verify":{"shopify":"s"}`, "X-Shopify-Event-Id,X-Shopify-Webhook-Id,Idempotency-Key,Webhook-Id"},
		{`"verify":[{"github":"a"},{"github":"b"}]`, "X-GitHub-Delivery,Idempotency-Key,Webhook-Id"},
		{`"verify":[{"github":"a"},{"bearer":"b"}]`, "X-GitHub-Delivery,Idempotency-Key,Webhook-Id"},
		{`"verify":{"github":"s"},"idempotency":{"header":"$.order.id"}`, "$.order.id"},
		{`"verify":{"stripe":"s"},"idempotency":{"window":"1h"}`, "$.id,Idempotency-Key,Webhook-Id"},
	} {
		got, found := channel.Parse("shop", []byte(`{"type":"public","scenario":"order",`+c.member+`}`))
		var names []string
		for _, key := range got.Idempotency.Keys {
			names = append(names, key.String())
		}
		if strings.Join(names, ",") != c.want || found != nil {
			t.Errorf("%s: %v, want %s (%v)", c.member, names, c.want, found)
		}
	}
}
