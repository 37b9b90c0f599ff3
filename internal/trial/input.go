package trial

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"junctor/internal/channel"
	"junctor/internal/fault"
	"junctor/internal/function"
	"junctor/internal/scenario"
	"junctor/internal/strict"
)

// Input is what a scenario is tried with: a request, or plain data when Value
// is given. The zero value is a POST without content.
type Input struct {
	Method        string            `json:"method"` // POST when empty
	Path          string            `json:"path"`   // below the token: "" or "/some/path"; may end in ?query
	Query         map[string]values `json:"query"`
	Headers       map[string]values `json:"headers"`
	RemoteAddress string            `json:"remote_address"` // 127.0.0.1 when empty
	Mode          string            `json:"mode"`           // production when empty
	Connection    string            `json:"connection"`     // of a websocket, whose message it is; a request when empty

	ClientCertificate *channel.ClientCertificate `json:"client_certificate"` // none when nil

	// The content, at most one of them.
	JSON   json.RawMessage `json:"json"`
	Text   *string         `json:"text"`
	Body   *string         `json:"body"` // text without a type
	Base64 *string         `json:"base64"`

	Value  json.RawMessage `json:"value"`  // data, as runs.call hands it over
	Params json.RawMessage `json:"params"` // of a function's call
	Change json.RawMessage `json:"change"` // of a record, as rules and buttons hand it over

	Schedule json.RawMessage `json:"schedule"` // as schedules hand it over; {} is the usual
}

// values are those of one name: a text, or a list of texts.
type values []string

// UnmarshalJSON reads either form. A number is taken as it is written.
func (v *values) UnmarshalJSON(raw []byte) error {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		list = []json.RawMessage{raw}
	}
	for _, item := range list {
		var text string
		var number json.Number
		if json.Unmarshal(item, &text) != nil {
			if json.Unmarshal(item, &number) != nil {
				return fmt.Errorf("must be a text or a list of texts")
			}
			text = number.String()
		}
		*v = append(*v, text)
	}
	return nil
}

// DecodeInput reads an Input from JSON and says what is wrong with it.
func DecodeInput(text []byte) (Input, []fault.Field) {
	var in Input
	found := strict.Decode(text, &in)
	if in.contents() > 1 {
		found = append(found, fault.Field{Detail: "has more than one content: give one of json, text, body, base64, value, params, change, schedule"})
	}
	if in.Path != "" && !strings.HasPrefix(in.Path, "/") && !strings.HasPrefix(in.Path, "?") {
		found = append(found, fault.Field{Pointer: "/path", Detail: "begins with /"})
	}
	if in.Base64 != nil {
		if _, err := base64.StdEncoding.DecodeString(*in.Base64); err != nil {
			found = append(found, fault.Field{Pointer: "/base64", Detail: "is not base64"})
		}
	}
	return in, found
}

func (in *Input) contents() int {
	n := 0
	for _, given := range []bool{in.JSON != nil, in.Text != nil, in.Body != nil, in.Base64 != nil, in.Value != nil, in.Params != nil, in.Change != nil, in.Schedule != nil} {
		if given {
			n++
		}
	}
	return n
}

// started is what the scenario is started with. ch is the channel that the
// request is said to have come by.
func (in *Input) started(ch *channel.Config) (seen, kept scenario.Input, err error) {
	if in.Value != nil {
		value := scenario.Input{Content: in.Value}
		return value, value, nil
	}
	if in.Params != nil {
		f := function.Function{Config: function.Config{Code: "trial"}}
		seen, err = f.Input(function.Call{
			Account: function.Account{ID: "acc_trial", Login: "admin", Kind: "admin"}, Params: in.Params,
			RemoteAddress: otherwise(in.RemoteAddress, "127.0.0.1"),
		})
		return seen, seen, err
	}
	m := in.message(ch)
	stored, err := m.Redacted()
	if err != nil {
		return seen, kept, err
	}
	return scenario.Input{Source: m.Source(), Content: m.Body}, scenario.Input{Source: stored.Source(), Content: stored.Body}, nil
}

func (in *Input) message(ch *channel.Config) *channel.Message {
	path, query, _ := strings.Cut(in.Path, "?")
	if more := url.Values(plain(in.Query)).Encode(); more != "" {
		query = strings.TrimPrefix(query+"&"+more, "&")
	}
	header := http.Header{}
	body, kind := in.body()
	if kind != "" {
		header.Set("Content-Type", kind)
	}
	for name, v := range in.Headers {
		header[http.CanonicalHeaderKey(name)] = v
	}
	r := &http.Request{
		Method: otherwise(in.Method, http.MethodPost), Host: "localhost", Proto: "HTTP/1.1", Header: header,
		URL: &url.URL{Path: "/api/token/v1/-" + path, RawQuery: query},
	}
	return &channel.Message{
		Channel: ch, Request: r, Path: path, Body: body, BaseURL: "http://localhost",
		RemoteAddress: otherwise(in.RemoteAddress, "127.0.0.1"), Mode: otherwise(in.Mode, "production"),
		ClientCertificate: in.ClientCertificate,
		Connection:        in.Connection, Binary: in.Base64 != nil && in.Headers == nil, // a file whose name says that it is text is one
	}
}

// onSocket makes a message of a websocket of what is said to be none of a
// request, for a scenario that its channel has for websockets only.
func (in *Input) onSocket(code string, ch *channel.Config) {
	if ch.WebsocketScenario == code && ch.Scenario != code && in.Connection == "" && in.Method == "" {
		in.Connection = "con_trial"
	}
}

func (in *Input) body() (content []byte, kind string) {
	switch {
	case in.JSON != nil:
		return in.JSON, "application/json"
	case in.Text != nil:
		return []byte(*in.Text), "text/plain; charset=utf-8"
	case in.Body != nil:
		return []byte(*in.Body), ""
	case in.Base64 != nil:
		decoded, err := base64.StdEncoding.DecodeString(*in.Base64)
		if err != nil {
			return nil, "" // DecodeInput has said so
		}
		return decoded, ""
	}
	return nil, ""
}

func plain(m map[string]values) map[string][]string {
	out := make(map[string][]string, len(m))
	for name, v := range m {
		out[name] = v
	}
	return out
}

func otherwise(given, standard string) string {
	if given == "" {
		return standard
	}
	return given
}

// Content is a POST of a file's content; the extension of its name says of
// which type it is.
func Content(content []byte, extension string) Input {
	in := Input{Base64: encoded(content)}
	kinds := map[string]string{
		".json": "application/json", ".xml": "application/xml", ".txt": "text/plain; charset=utf-8", ".csv": "text/csv; charset=utf-8",
	}
	if kind := kinds[strings.ToLower(extension)]; kind != "" {
		in.Headers = map[string]values{"content-type": {kind}}
	}
	return in
}
