package ingress

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"

	"junctor/internal/channel"
)

// compressFrom is the size in bytes from which an answer is worth compressing.
const compressFrom = 1024

// writeAnswer sends an answer, in gzip when the caller takes it and the content
// is text. What cannot be sent any more is not an error: the caller has left,
// and the answer is on disk.
func writeAnswer(w http.ResponseWriter, r *http.Request, a channel.Answer) {
	h := w.Header()
	if a.Status == http.StatusNoContent || a.Status == http.StatusNotModified {
		h.Del("Content-Type") // such an answer has no content to describe
		w.WriteHeader(a.Status)
		return
	}
	worth := len(a.Body) >= compressFrom && h.Get("Content-Encoding") == "" && compressible(h.Get("Content-Type"))
	if worth {
		h.Add("Vary", "Accept-Encoding")
	}
	if !worth || !acceptsGzip(r.Header.Values("Accept-Encoding")) {
		h.Set("Content-Length", strconv.Itoa(len(a.Body)))
		w.WriteHeader(a.Status)
		w.Write(a.Body) //nolint:errcheck // see above
		return
	}
	h.Set("Content-Encoding", "gzip")
	w.WriteHeader(a.Status)
	if r.Method == http.MethodHead {
		return
	}
	z := gzip.NewWriter(w)
	z.Write(a.Body) //nolint:errcheck // see above
	z.Close()       //nolint:errcheck // see above
}

func compressible(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	kind = strings.TrimSpace(strings.ToLower(kind))
	return strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "json") || strings.HasSuffix(kind, "xml") ||
		kind == "application/javascript"
}

// acceptsGzip reads Accept-Encoding (RFC 9110, 12.5.3).
func acceptsGzip(values []string) bool {
	for part := range strings.SplitSeq(strings.ToLower(strings.Join(values, ",")), ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if name = strings.TrimSpace(name); name != "gzip" && name != "*" {
			continue
		}
		q := strings.TrimPrefix(strings.TrimSpace(weight), "q=")
		if f, err := strconv.ParseFloat(q, 64); err == nil && f == 0 {
			return false
		}
		return true
	}
	return false
}
