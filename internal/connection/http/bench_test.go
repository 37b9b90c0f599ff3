package http

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func BenchmarkDo(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"ok":true}`)) }))
	defer server.Close()
	conn, err := Open(Config{Label: "bench", URL: server.URL, AllowPrivate: true, Auth: &Auth{Bearer: "b"}}, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	body := make([]byte, 1024)
	b.SetParallelism(16)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := conn.Do(b.Context(), Request{Method: "POST", Path: "/orders?x=1", Body: body, IdempotencyKey: "run_1.1"}); err != nil {
				b.Error(err)
			}
		}
	})
}
