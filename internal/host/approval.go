package host

import (
	"encoding/json"

	"junctor/internal/db"
	"junctor/internal/link"
	"junctor/internal/run"
)

type approvalArgs struct {
	Subject   string        `json:"subject"`
	Title     string        `json:"title"`
	Text      string        `json:"text"`
	Choices   []link.Choice `json:"choices"`
	Assignees []string      `json:"assignees"`
	Timeout   end           `json:"timeout"`
}

// open asks people, and gives the links that decide.
func (l linker) open(tx *db.Tx, c *run.Call) ([]byte, error) {
	var a approvalArgs
	if err := arguments(c, &a); err != nil {
		return nil, err
	}
	q := link.Ask{
		Subject: a.Subject, Title: a.Title, Text: a.Text, Choices: a.Choices, Assignees: a.Assignees, Run: c.Run, ExpiresAt: a.Timeout.of(l.now()),
	}
	opened := tried(c, &q)
	var err error
	if l.store == nil {
		err = q.Check(l.now())
	} else {
		opened, err = l.store().Open(tx, q)
	}
	if err != nil {
		return nil, named(c, err)
	}
	return json.Marshal(opened)
}

// tried is what a trial gives: links that lead nowhere.
func tried(c *run.Call, q *link.Ask) *link.Opened {
	o := &link.Opened{ID: "apr_" + c.Key(), ExpiresAt: q.ExpiresAt, Links: map[string]string{}, Personal: map[string]map[string]string{}}
	for _, choice := range q.Choices {
		o.Links[choice.Choice] = nowhere + c.Key() + "." + choice.Choice
	}
	for _, who := range q.Assignees {
		o.Personal[who] = o.Links
	}
	return o
}
