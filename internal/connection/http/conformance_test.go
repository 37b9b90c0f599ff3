package http

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"junctor/internal/connection/connectiontest"
)

func TestConformance(t *testing.T) {
	t.Run("api_key", func(t *testing.T) {
		conforms(t, func(string) map[string]any {
			return map[string]any{"api_key": map[string]string{"query": "key", "value": "${secret:suite}"}}
		})
	})
	t.Run("oauth2", func(t *testing.T) {
		conforms(t, func(url string) map[string]any {
			if strings.HasSuffix(url, "/there") {
				url = newIssuer(t).URL
			}
			return map[string]any{"oauth2": map[string]string{"token_url": url, "client_id": "suite", "client_secret": "${secret:suite}"}}
		})
	})
}

// conforms runs the suite with credentials for a URL.
func conforms(t *testing.T, auth func(url string) map[string]any) {
	t.Helper()
	config := func(url string, allow bool) []byte {
		body, err := json.Marshal(map[string]any{
			"url": url, "allow_private": allow, "auth": auth(url), "concurrency": 5, "rate": "100/s", "breaker": map[string]any{},
		})
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	connectiontest.Run(t, connectiontest.Subject{
		Kind: Kind(),
		Reachable: func(t *testing.T) []byte {
			server := httptest.NewServer(http.NotFoundHandler())
			t.Cleanup(server.Close)
			return config(server.URL+"/there", true)
		},
		Dead: func(t *testing.T) []byte {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			listener.Close()
			return config("http://"+listener.Addr().String(), true)
		},
		Silent: func(t *testing.T) []byte {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { listener.Close() })
			return config("http://"+listener.Addr().String(), true)
		},
		Guarded: func(*testing.T) []byte { return config("http://127.0.0.1:1", false) },
	})
}
