package ingress

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"junctor/internal/content"
	"junctor/internal/fault"
	"junctor/internal/format/accept"
)

// compressFrom is the size in bytes from which an answer is worth compressing.
const compressFrom = 1024

// writeAnswer sends an answer, compressed when the caller takes it and the content
// is text. To HEAD goes the same without the content. What cannot be sent any
// more is not an error: the caller has left, and the answer is on disk.
func (d *door) writeAnswer(w http.ResponseWriter, r *http.Request, a content.Answer) {
	h := w.Header()
	switch a.Status {
	case http.StatusNoContent, http.StatusNotModified, http.StatusResetContent:
		h.Del("Content-Type") // such an answer has no content to describe
		if a.Status == http.StatusResetContent {
			h.Set("Content-Length", "0") // RFC 9110, 15.3.6
		}
		w.WriteHeader(a.Status)
		return
	}
	body := a.Body
	if coding := d.coding(h, r, body); coding != "" {
		b := d.packer.pack(coding, body)
		defer d.packer.free(b)
		h.Set("Content-Encoding", coding)
		body = b.Bytes()
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(a.Status)
	if r.Method != http.MethodHead {
		w.Write(body) //nolint:errcheck // see above
	}
}

// coding chooses how a body is compressed, "" for not at all, and says in Vary
// where others would get it otherwise.
func (d *door) coding(h http.Header, r *http.Request, body []byte) string {
	if len(body) == 0 || h.Get("Content-Encoding") != "" || h.Get("Content-Range") != "" {
		return ""
	}
	wishes := r.Header.Values("Accept-Encoding")
	worth := len(body) >= compressFrom && compressible(h)
	if worth {
		h.Add("Vary", "Accept-Encoding")
	} else if !slices.ContainsFunc(wishes, func(w string) bool { return strings.ContainsAny(w, "qQ") }) { // nobody refuses identity
		return ""
	}
	coding, must := accept.Encoding(wishes, codings)
	if !worth && !must {
		return ""
	}
	if !worth {
		h.Add("Vary", "Accept-Encoding")
	}
	return coding
}

// compressible leaves out what is compressed already, and what the scenario
// forbids to change (RFC 9111, 5.2.2.6).
func compressible(h http.Header) bool {
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	kind = strings.TrimSpace(strings.ToLower(kind))
	text := strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "json") || strings.HasSuffix(kind, "xml") ||
		kind == "application/javascript"
	return text && !strings.Contains(strings.ToLower(strings.Join(h.Values("Cache-Control"), ",")), "no-transform")
}

// writeProblem answers with an error, in XML for a caller who takes no JSON.
func writeProblem(w http.ResponseWriter, r *http.Request, err error) {
	if wishes := r.Header.Values("Accept"); len(wishes) > 0 {
		if body := content.ProblemXML(wishes, fault.ProblemOf(err).JSON()); body != nil {
			fault.WriteAs(w, err, "application/problem+xml; charset=utf-8", body)
			return
		}
	}
	fault.Write(w, err)
}
