package http

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// A server that repeats a credential does not put it into what is kept.
func TestAnswersDoNotRepeatCredentials(t *testing.T) {
	const secret = `s3cr3t/&"<+value of its own`
	echo := func(w http.ResponseWriter, r *http.Request) {
		sent := r.Header.Get("Authorization") + r.Header.Get("X-Key") + r.URL.Query().Get("key")
		w.Header().Set("X-Echo", sent)
		w.Header().Set("X-Query", r.URL.RawQuery)
		w.WriteHeader(http.StatusUnauthorized)
		plain, err := json.Marshal(sent)
		fmt.Fprintln(w, sent, string(plain), err, url.QueryEscape(sent), url.PathEscape(sent), base64.StdEncoding.EncodeToString([]byte(secret)), "the rest")
	}
	for name, config := range map[string]Config{
		"bearer":            {Auth: &Auth{Bearer: secret}},
		"basic":             {Auth: &Auth{Basic: &Basic{User: "u", Password: secret}}},
		"key in a header":   {Auth: &Auth{APIKey: &APIKey{Header: "X-Key", Value: secret}}},
		"key in the query":  {Auth: &Auth{APIKey: &APIKey{Query: "key", Value: secret}}},
		"a header":          {Headers: map[string]string{"authorization": secret}},
		"a header by name":  {Headers: map[string]string{"X-Key": "${secret:p}"}},
		"a token elsewhere": {Headers: map[string]string{"X-Key": secret}},
	} {
		t.Run(name, func(t *testing.T) {
			conn := serve(t, config, echo)
			if name == "a token elsewhere" {
				conn.Conceal(secret)
			}
			res, err := conn.Do(t.Context(), Request{})
			if err != nil {
				t.Fatal(err)
			}
			shown := fmt.Sprint(res.Header, string(res.Body), res.Failure())
			for _, text := range []string{secret, "s3cr3t", base64.StdEncoding.EncodeToString([]byte("u:" + secret)), "value of secret:p"} {
				if strings.Contains(shown, text) {
					t.Errorf("%q is in %s", text, shown)
				}
			}
			if !strings.Contains(shown, "***") || !strings.Contains(shown, "the rest") {
				t.Errorf("the answer is %s", shown)
			}
		})
	}
}

// What is short, or no credential, stands in other words too.
func TestAnswersKeepWhatIsNoCredential(t *testing.T) {
	conn := serve(t, Config{Auth: &Auth{Bearer: "order"}, Headers: map[string]string{"X-Site": "${env:SITE}"}}, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "an order of ", r.Header.Get("X-Site"))
	})
	res, err := conn.Do(t.Context(), Request{})
	if err != nil || string(res.Body) != "an order of value of env:SITE" {
		t.Errorf("%v, %v", res, err)
	}
}
