package accept

import (
	"slices"
	"strings"
	"testing"
)

func TestQuality(t *testing.T) {
	for _, c := range []struct {
		accept, name string
		want         float64
	}{
		{"", "application/json", 1},
		{"*/*", "application/json", 1},
		{"*/*;q=0.1", "application/json", 0.1},
		{"application/*", "application/json", 1},
		{"application/*", "text/csv", 0},
		{"application/json;q=0, */*", "application/json", 0},
		{"*/*, application/json;q=0", "application/json", 0},
		{"text/*;q=0.3, text/csv;q=0.7, */*;q=0.5", "text/csv", 0.7},
		{"text/*;q=0.3, text/csv;q=0.7, */*;q=0.5", "text/xml", 0.3},
		{"text/*;q=0.3, text/csv;q=0.7, */*;q=0.5", "image/png", 0.5},
		{"Application/JSON ; charset=utf-8 ; Q=0.25", "application/json", 0.25},
		{"application/json;q=2", "application/json", 1},
		{"application/json;q=x", "application/json", 1},
		{"application/json;q=NaN", "application/json", 1},
		{"text/csv;q=0.2, text/csv;q=0.4", "text/csv", 0.4},
		{"nonsense", "application/json", 1},
		{", ;q=1, /, a/, /b", "application/json", 1},
		{"image/png", "application/json", 0},
	} {
		if got := ParseTypes([]string{c.accept}).Quality(c.name); got != c.want {
			t.Errorf("%s in %q: %v, want %v", c.name, c.accept, got, c.want)
		}
	}
	if q, named := ParseTypes([]string{"application/hal+json;q=0.3, application/*, */*"}).Named(func(name string) bool {
		return strings.HasSuffix(name, "+json")
	}); q != 0.3 || !named {
		t.Error(q, named)
	}
}

func TestEncoding(t *testing.T) {
	offered := []string{"zstd", "br", "gzip", "deflate"}
	for _, c := range []struct {
		header, want string
		must         bool
	}{
		{"", "", false},
		{"gzip", "gzip", false},
		{"x-gzip", "gzip", false},
		{"GZIP", "gzip", false},
		{"gzip, deflate, br, zstd", "zstd", false},
		{"gzip;q=1.0, br;q=0.5", "gzip", false},
		{"br;q=0.5, *;q=0.1", "br", false},
		{"*", "zstd", false},
		{"*;q=0.2, zstd;q=0", "br", false},
		{"gzip;q=0", "", false},
		{"compress", "", false},
		{"identity", "", false},
		{"identity;q=0", "", true},
		{"identity;q=0, gzip", "gzip", true},
		{"identity;q=0, *", "zstd", true},
		{"*;q=0", "", true},
		{"*;q=0, deflate", "deflate", true},
		{"*;q=0, identity", "", false},
		{"identity;q=0.8, gzip;q=0.5", "", false},
		{"identity;q=0.5, gzip;q=0.8", "gzip", false},
		{"identity;q=0.5, gzip;q=0.5", "gzip", false},
	} {
		if got, must := Encoding([]string{c.header}, offered); got != c.want || must != c.must {
			t.Errorf("%q: %q %v, want %q %v", c.header, got, must, c.want, c.must)
		}
	}
	if got, _ := Encoding([]string{"gzip;q=0.5", "br"}, offered); got != "br" {
		t.Errorf("of two headers: %q", got)
	}
}

// FuzzAccept: whatever is sent, a quality is one and a coding is offered.
func FuzzAccept(f *testing.F) {
	f.Add("text/html, application/xml;q=0.9, */*;q=0.8")
	f.Add("gzip;q=0, identity;q=0, *;q=0.001")
	f.Add(";;q=,=,/*, */json;q==1")
	f.Fuzz(func(t *testing.T, header string) {
		types := ParseTypes([]string{header})
		for _, name := range []string{"application/json", "text/csv"} {
			if q := types.Quality(name); !(q >= 0 && q <= 1) {
				t.Errorf("%s: %v", name, q)
			}
		}
		offered := []string{"zstd", "gzip"}
		if got, _ := Encoding([]string{header}, offered); got != "" && !slices.Contains(offered, got) {
			t.Errorf("%q", got)
		}
	})
}
