package http

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"junctor/internal/connection/connectiontest"
)

func TestConformance(t *testing.T) {
	config := func(url string, allow bool) []byte {
		body, err := json.Marshal(map[string]any{
			"url": url, "allow_private": allow, "auth": map[string]any{"api_key": map[string]string{"query": "key", "value": "${secret:suite}"}},
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
			return config(server.URL, true)
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
