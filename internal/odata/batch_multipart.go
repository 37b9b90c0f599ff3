package odata

import (
	"bufio"
	"bytes"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"

	"junctor/internal/fault"
	"junctor/internal/format/multipart"
	"junctor/internal/id"
)

// readMultipart reads a batch in multipart/mixed (protocol 4.0, 11.7.7): requests
// as application/http, and change sets, each a multipart/mixed of its own.
func readMultipart(contentType string, body []byte) ([]*item, error) {
	parts, err := multipart.Parse(contentType, body)
	if err != nil {
		return nil, fault.New(fault.Invalid, "The batch cannot be taken apart: %v.", err)
	}
	var items []*item
	names := map[string]bool{}
	for n, p := range parts {
		inside := []multipart.Part{p}
		group := ""
		if strings.HasPrefix(mediaType(http.Header(p.Header)), "multipart/") {
			if inside, err = multipart.Parse(p.Type, p.Body); err != nil {
				return nil, fault.New(fault.Invalid, "The change set in part %d of the batch cannot be taken apart: %v.", n+1, err)
			}
			group = "changeset " + strconv.Itoa(n+1)
		}
		for _, p := range inside {
			i, err := readPart(p)
			if err != nil {
				return nil, fault.New(fault.Invalid, "Part %d of the batch: %v.", n+1, err)
			}
			if i.group = group; group != "" && (i.method == get || i.method == http.MethodHead) {
				return nil, fault.New(fault.Invalid, "Part %d of the batch is a change set, which has no %s in it.", n+1, i.method)
			}
			if i.id != "" && names[i.id] {
				return nil, fault.New(fault.Invalid, "Part %d of the batch: the Content-ID %.100q is that of another part.", n+1, i.id)
			}
			names[i.id] = true
			if items = append(items, i); len(items) > batchItems {
				return nil, counted(len(items))
			}
		}
	}
	return items, counted(len(items))
}

// readPart reads a request in a part of type application/http.
func readPart(p multipart.Part) (*item, error) {
	if media := mediaType(http.Header(p.Header)); media != "application/http" {
		return nil, errText("its Content-Type is " + strconv.Quote(media) + "; application/http is expected")
	}
	if coding := p.Header.Get("Content-Transfer-Encoding"); coding != "" && !slices.Contains([]string{"binary", "8bit", "7bit"}, strings.ToLower(coding)) {
		return nil, errText("its Content-Transfer-Encoding is " + strconv.Quote(coding) + "; binary is expected")
	}
	body := bytes.TrimLeft(p.Body, "\r\n")
	line, rest, _ := bytes.Cut(body, []byte("\n"))
	words := strings.Fields(string(line))
	if n := len(words); n > 2 && strings.HasPrefix(words[n-1], "HTTP/") {
		words = words[:n-1]
	}
	if len(words) < 2 {
		return nil, errText("it does not begin with a line like GET orders HTTP/1.1")
	}
	i := &item{id: p.Header.Get("Content-ID"), method: strings.ToUpper(words[0]), url: strings.Join(words[1:], " ")}
	if len(i.id) > maxName {
		return nil, errText("its Content-ID has more than 200 characters")
	}
	var head []byte
	for {
		var l []byte
		var more bool
		l, rest, more = bytes.Cut(rest, []byte("\n"))
		if len(bytes.TrimRight(l, "\r")) == 0 {
			break
		}
		head = append(append(head, bytes.TrimRight(l, "\r")...), '\r', '\n')
		if !more {
			break
		}
	}
	h, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(append(head, '\r', '\n')))).ReadMIMEHeader()
	if err != nil {
		return nil, errText("the header of its request cannot be read")
	}
	i.header = http.Header(h)
	i.body = rest
	if n, err := strconv.Atoi(i.header.Get("Content-Length")); err == nil && n >= 0 && n < len(rest) {
		i.body = rest[:n]
	} else if media := mediaType(i.header); strings.HasPrefix(media, "text/") {
		i.body = bytes.TrimSuffix(bytes.TrimSuffix(rest, []byte("\n")), []byte("\r"))
	}
	return i, nil
}

// multipart writes the answers: one part for each request, and one for each
// change set, with the answers in it, or with the one error that it came to.
func (b *running) multipart(items []*item) *answer {
	var w bytes.Buffer
	boundary := "batchresponse_" + id.Token(20)
	for len(items) > 0 {
		n := 1
		for items[0].group != "" && n < len(items) && items[n].group == items[0].group {
			n++
		}
		part := items[:n]
		items = items[n:]
		w.WriteString("--" + boundary + "\r\n")
		if part[0].group == "" {
			part[0].write(&w)
			continue
		}
		if bad := slices.IndexFunc(part, (*item).cause); bad >= 0 {
			part[bad].write(&w)
			continue
		}
		inner := "changesetresponse_" + id.Token(20)
		w.WriteString("Content-Type: multipart/mixed; boundary=" + inner + "\r\n\r\n")
		for _, i := range part {
			w.WriteString("--" + inner + "\r\n")
			i.write(&w)
		}
		w.WriteString("--" + inner + "--\r\n")
	}
	w.WriteString("--" + boundary + "--\r\n")
	a := b.newAnswer(http.StatusOK)
	a.header.Set("Content-Type", "multipart/mixed; boundary="+boundary)
	a.body = w.Bytes()
	if b.prefer.continueOnError {
		a.applied("odata.continue-on-error")
	}
	return a
}

// cause reports whether an item is why its group failed, rather than one that
// failed with it. When none is, the first stands for all.
func (i *item) cause() bool {
	return i.failed() && i.answer.status != http.StatusFailedDependency
}

// write writes an item's answer as a part.
func (i *item) write(w *bytes.Buffer) {
	w.WriteString("Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n")
	if i.id != "" {
		w.WriteString("Content-ID: " + i.id + "\r\n")
	}
	w.WriteString("\r\nHTTP/1.1 " + strconv.Itoa(i.answer.status) + " " + http.StatusText(i.answer.status) + "\r\n")
	h := i.answer.header.Clone()
	if i.answer.status != http.StatusNoContent && i.answer.status != http.StatusNotModified {
		h.Set("Content-Length", strconv.Itoa(len(i.answer.body)))
	}
	h.Write(w) //nolint:errcheck // memory takes it
	w.WriteString("\r\n")
	w.Write(i.answer.body)
	w.WriteString("\r\n")
}
