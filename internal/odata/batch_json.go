package odata

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"junctor/internal/fault"
	"junctor/internal/strict"
)

// oneRequest is a request of a batch in JSON (JSON format 4.01, 19.1).
type oneRequest struct {
	ID      string            `json:"id"`
	Group   string            `json:"atomicityGroup,omitempty"`
	Depends []string          `json:"dependsOn,omitempty"`
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    json.RawMessage   `json:"body,omitempty"`
	If      string            `json:"if,omitempty"`
}

// readBatch reads a batch in JSON.
func readBatch(body []byte) ([]*item, error) {
	var batch struct {
		Requests []oneRequest `json:"requests"`
	}
	if !utf8.Valid(body) || !json.Valid(body) {
		return nil, fault.New(fault.Invalid, `The batch is not JSON in UTF-8: it is {"requests": [{"id", "method", "url", ...}, ...]}.`)
	}
	var many struct {
		Requests []json.RawMessage `json:"requests"`
	}
	if json.Unmarshal(body, &many) == nil && len(many.Requests) > batchItems {
		return nil, counted(len(many.Requests))
	}
	if found := strict.Decode(body, &batch); len(found) > 0 {
		return nil, fault.New(fault.Invalid, "The batch cannot be read.").WithFields(found...)
	}
	if err := counted(len(batch.Requests)); err != nil {
		return nil, err
	}
	var items []*item
	var found []fault.Field
	names := map[string]int{} // ids and groups, and where
	last := ""
	for n, r := range batch.Requests {
		at := "/requests/" + strconv.Itoa(n)
		wrong := func(member, detail string) {
			if len(found) == strict.Most {
				return
			}
			found = append(found, fault.Field{Pointer: at + "/" + member, Detail: detail})
		}
		i := &item{id: r.ID, group: r.Group, method: strings.ToUpper(r.Method), url: r.URL, depends: r.Depends, header: http.Header{}}
		_, taken := names[r.ID]
		switch {
		case r.ID == "" || strings.ContainsAny(r.ID, "/\"\\") || len(r.ID) > maxName:
			wrong("id", "must be a text of 1 to 200 characters without slashes and quotes")
		case taken:
			wrong("id", "is that of another request, or of a group")
		}
		if r.Group != "" && r.Group != last {
			if _, taken := names[r.Group]; taken || r.Group == r.ID {
				wrong("atomicityGroup", "is an id already, or its requests do not stand together")
			}
		}
		for _, d := range r.Depends {
			if _, ok := names[d]; !ok {
				wrong("dependsOn", "names "+strconv.Quote(d)+", which is no request or group before this one")
			}
		}
		for name, value := range r.Headers {
			i.header.Set(name, value)
		}
		if r.If != "" {
			var err error
			if i.when, err = readCondition(r.If); err != nil {
				wrong("if", err.Error())
			}
		}
		var err error
		if i.body, err = bodyOf(r.Body, i.header); err != nil {
			wrong("body", err.Error())
		}
		names[r.ID] = n
		if last = r.Group; r.Group != "" {
			names[r.Group] = n
		}
		items = append(items, i)
	}
	if found != nil {
		return nil, fault.New(fault.Invalid, "The batch cannot be read.").WithFields(found...)
	}
	return items, nil
}

const maxName = 200

func counted(n int) error {
	if n == 0 {
		return fault.New(fault.Invalid, "The batch has no requests.")
	}
	if n > batchItems {
		return fault.New(fault.TooLarge, "The batch has %d requests; at most %d are taken.", n, batchItems)
	}
	return nil
}

// bodyOf is the body of a request: JSON as it is; of text/* a string, of any other
// type a string in base64url.
func bodyOf(raw json.RawMessage, h http.Header) ([]byte, error) {
	media := mediaType(h)
	if len(raw) == 0 || media == "" || media == asJSON || strings.HasSuffix(media, "+json") {
		return raw, nil
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return nil, errText("must be a string, since Content-Type is " + media)
	}
	if strings.HasPrefix(media, "text/") {
		return []byte(text), nil
	}
	body, err := base64.URLEncoding.WithPadding(base64.NoPadding).DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return nil, errText("must be base64url, since Content-Type is " + media)
	}
	return body, nil
}

type errText string

func (e errText) Error() string { return string(e) }

// json writes the answers in the order of the requests.
func (b *running) json(items []*item) (*answer, error) {
	type oneResponse struct {
		ID      string            `json:"id"`
		Group   string            `json:"atomicityGroup,omitempty"`
		Status  int               `json:"status"`
		Headers map[string]string `json:"headers,omitempty"`
		Body    json.RawMessage   `json:"body,omitempty"`
	}
	responses := make([]oneResponse, 0, len(items))
	for _, i := range items {
		r := oneResponse{ID: i.id, Group: i.group, Status: i.answer.status, Headers: map[string]string{}}
		for name, values := range i.answer.header {
			r.Headers[strings.ToLower(name)] = strings.Join(values, ", ")
		}
		switch media := mediaType(i.answer.header); {
		case len(i.answer.body) == 0:
		case media == asJSON && json.Valid(i.answer.body):
			r.Body = i.answer.body
		case strings.HasPrefix(media, "text/") || strings.HasSuffix(media, "xml"):
			r.Body = appendText(nil, string(i.answer.body))
		default:
			r.Body = appendText(nil, base64.RawURLEncoding.EncodeToString(i.answer.body))
		}
		responses = append(responses, r)
	}
	body, err := json.Marshal(map[string]any{"responses": responses})
	if err != nil {
		return nil, err
	}
	a := b.newAnswer(http.StatusOK)
	a.header.Set("Content-Type", asJSON)
	a.body = slices.Concat(body, []byte{'\n'})
	if b.prefer.continueOnError {
		a.applied("odata.continue-on-error")
	}
	return a, nil
}

// condition is what "if" of a request asks: $1/$succeeded, with not before it,
// joined by and.
type condition struct{ terms []term }

type term struct {
	name string
	not  bool
}

const maxCondition = 4096 // bytes

func readCondition(text string) (*condition, error) {
	var c condition
	if len(text) > maxCondition {
		return nil, errText("is longer than " + strconv.Itoa(maxCondition) + " bytes")
	}
	words := strings.Fields(text)
	for len(words) > 0 {
		var t term
		if words[0] == "not" {
			t.not, words = true, words[1:]
		}
		if len(words) == 0 {
			break
		}
		name, ok := strings.CutSuffix(words[0], "/$succeeded")
		if !ok || !strings.HasPrefix(name, "$") {
			return nil, errText("must be like $1/$succeeded, with not before it or and between several")
		}
		t.name = name[1:]
		c.terms, words = append(c.terms, t), words[1:]
		if len(words) > 0 {
			if words[0] != "and" || len(words) == 1 {
				return nil, errText("must be like $1/$succeeded, with not before it or and between several")
			}
			words = words[1:]
		}
	}
	if c.terms == nil {
		return nil, errText("is empty")
	}
	return &c, nil
}

func (c *condition) holds(known map[string]*item) bool {
	for _, t := range c.terms {
		i := known[t.name]
		if succeeded := i != nil && !i.failed(); succeeded == t.not {
			return false
		}
	}
	return true
}
