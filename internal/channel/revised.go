package channel

import (
	"encoding/json"
	"net/http"
	"strings"
)

// Revised is a message that a person gave in place of one that came in, held
// against the channel as at the door.
type Revised struct {
	Source, Body         []byte // as they are stored
	Subject, OrderingKey string
}

// Revise finds a message's subject and ordering key, and takes out what the
// channel does not store. The message is described as Message.Source does it;
// token is the channel's. Errors: fault.Invalid as Message.Redacted has it.
func (c *Config) Revise(token string, source, body []byte) (Revised, error) {
	var described map[string]json.RawMessage
	var pairs [][2]string
	if err := json.Unmarshal(source, &described); err == nil {
		_ = json.Unmarshal(described["headers"], &pairs) // what are no headers are none
	}
	m := Message{Channel: c, Request: &http.Request{Header: http.Header{}}, Token: token, Body: body}
	for _, pair := range pairs {
		m.Request.Header.Add(pair[0], pair[1])
	}
	kept, err := m.Redacted()
	if err != nil {
		return Revised{}, err
	}
	r := Revised{Source: source, Body: kept.Body, Subject: m.Find(c.Subject), OrderingKey: m.Find(c.OrderingKey)}
	if kept == &m || len(pairs) == 0 {
		return r, nil
	}
	for i := range pairs {
		if c.Redact.header(pairs[i][0]) {
			pairs[i][1] = hidden
		}
	}
	if described["headers"], err = json.Marshal(pairs); err != nil {
		return r, err
	}
	_, binary := described["binary"]
	delete(described, "binary")
	if r.Source, err = json.Marshal(described); err == nil && binary {
		r.Source = []byte(strings.TrimSuffix(string(r.Source), "}") + `,"binary":true}`) // at the end: the reader looks for it there
	}
	return r, err
}
