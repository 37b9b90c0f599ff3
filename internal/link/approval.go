package link

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
)

// State is where an approval stands.
type State string

// The states of an approval. Only an open one can be decided.
const (
	Open      State = "open"
	Decided   State = "decided"
	Expired   State = "expired"   // nobody has decided in time
	Cancelled State = "cancelled" // with the run that asked
)

// States lists them.
func States() []State { return []State{Open, Decided, Expired, Cancelled} }

// Approval is a question to people, with what they may answer.
type Approval struct {
	ID        string     `json:"id"`
	State     State      `json:"state"`
	Subject   string     `json:"subject"`
	Title     string     `json:"title"`
	Text      string     `json:"text,omitempty"`
	Choices   []Choice   `json:"choices"`
	Assignees []string   `json:"assignees,omitempty"`
	Run       string     `json:"run"` // that asks
	Decision  *Decision  `json:"decision,omitempty"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt time.Time  `json:"expires_at"`
	EndedAt   *time.Time `json:"ended_at,omitempty"`
}

// Choice is one possible answer.
type Choice struct {
	Choice string `json:"choice"`
	Label  string `json:"label"` // what people read; the choice itself when it is asked for without one
}

// Decision is the answer.
type Decision struct {
	Choice  string    `json:"choice"`
	Comment string    `json:"comment"`
	By      *string   `json:"by"` // an assignee, or an account's login; null for a link that was nobody's
	At      time.Time `json:"at"`
	Via     Via       `json:"via"`
}

// Via is how somebody has decided.
type Via string

// The ways.
const (
	ByLink Via = "link"
	ByAPI  Via = "api"
)

func (a *Approval) label(choice string) string {
	for _, c := range a.Choices {
		if c.Choice == choice {
			return c.Label
		}
	}
	return choice
}

// The bounds of an approval.
const (
	keepEnded    = 90 * 24 * time.Hour
	maxChoices   = 10
	maxAssignees = 50
)

// Ask is a question to be.
type Ask struct {
	Subject, Title, Text string
	Choices              []Choice
	Assignees            []string
	Run                  string
	ExpiresAt            time.Time
}

// Opened is an approval with the links that decide it, by choice, and for each
// assignee, by which it is known who has decided.
type Opened struct {
	ID        string                       `json:"id"`
	ExpiresAt time.Time                    `json:"expires_at"`
	Links     map[string]string            `json:"links"`
	Personal  map[string]map[string]string `json:"personal"`
}

// ballot is the content of a link that decides.
type ballot struct {
	Choice   string `json:"choice"`
	Assignee string `json:"assignee,omitempty"`
}

// Check says what is wrong with a question. Errors: fault.Unprocessable.
func (q *Ask) Check(now time.Time) error {
	var found []fault.Field
	wrong := func(pointer, detail string) {
		if detail != "" {
			found = append(found, fault.Field{Pointer: pointer, Detail: detail})
		}
	}
	wrong("/subject", checkText(q.Subject, maxSubject, false))
	wrong("/title", checkText(q.Title, maxTitle, false))
	wrong("/text", checkText(q.Text, maxText, true))
	if n := len(q.Choices); n == 0 || n > maxChoices {
		wrong("/choices", fmt.Sprintf("are 1 to %d, not %d", maxChoices, n))
	}
	if n := len(q.Assignees); n > maxAssignees {
		wrong("/assignees", fmt.Sprintf("are %d at most, not %d", maxAssignees, n))
	}
	seen := map[string]bool{}
	for i, c := range q.Choices {
		at := fmt.Sprintf("/choices/%d", i)
		if c.Choice == "" || seen[c.Choice] {
			wrong(at, "is empty, or there twice")
		}
		seen[c.Choice] = true
		wrong(at, checkText(c.Choice, maxChoice, false))
		wrong(at, checkText(c.Label, maxButton, false))
	}
	clear(seen)
	for i, name := range q.Assignees {
		at := fmt.Sprintf("/assignees/%d", i)
		if name == "" || seen[name] {
			wrong(at, "is empty, or there twice")
		}
		seen[name] = true
		wrong(at, checkText(name, maxName, false))
	}
	wrong("/timeout", age(now, q.ExpiresAt))
	return refusal("The approval cannot be opened.", found)
}

// Open asks: it keeps the approval with its links, and tells of it. Errors:
// fault.Unprocessable with what is wrong, and those of Options.URL.
func (s *Store) Open(tx *db.Tx, q Ask) (*Opened, error) {
	now := s.o.Now()
	if err := q.Check(now); err != nil {
		return nil, err
	}
	if q.Title == "" {
		q.Title = strings.TrimSpace("Please decide " + q.Subject)
	}
	for i := range q.Choices {
		if q.Choices[i].Label == "" {
			q.Choices[i].Label = q.Choices[i].Choice
		}
	}
	a := &Approval{
		ID: s.ids.New("apr", now), State: Open, Subject: q.Subject, Title: q.Title, Text: q.Text, Choices: q.Choices,
		Assignees: q.Assignees, Run: q.Run, CreatedAt: now, ExpiresAt: db.Time(db.Micros(q.ExpiresAt)),
	}
	if err := a.insert(tx); err != nil {
		return nil, err
	}
	opened := &Opened{ID: a.ID, ExpiresAt: a.ExpiresAt, Links: map[string]string{}, Personal: map[string]map[string]string{}}
	for _, who := range append([]string{""}, q.Assignees...) {
		links := opened.Links
		if who != "" {
			links = map[string]string{}
			opened.Personal[who] = links
		}
		for _, c := range q.Choices {
			content, err := json.Marshal(ballot{c.Choice, who})
			if err != nil {
				return nil, err
			}
			links[c.Choice], err = s.insert(tx, &Link{Kind: choice, Target: a.ID, Content: content, Confirm: true, From: q.Run, ExpiresAt: a.ExpiresAt})
			if err != nil {
				return nil, err
			}
		}
	}
	return opened, s.o.Tell(tx, "approval.opened", a)
}

func (a *Approval) insert(tx *db.Tx) error {
	choices, err := json.Marshal(a.Choices)
	if err != nil {
		return err
	}
	assignees, err := json.Marshal(append([]string{}, a.Assignees...))
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO approvals (id, state, subject, title, body, choices, assignees, run, seq, choice, comment, decided_by, via, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, '', '', '', '', $9, $10)`,
		a.ID, string(a.State), a.Subject, a.Title, a.Text, string(choices), string(assignees), a.Run, db.Micros(a.CreatedAt), db.Micros(a.ExpiresAt))
	return err
}

// Decide is the answer of an account. Errors: fault.NotFound; fault.Unprocessable
// for a choice that there is not; fault.Conflict when it is not open any more,
// which says why.
func (s *Store) Decide(ctx context.Context, id string, d Decision) (a *Approval, err error) {
	err = s.o.DB.Write(ctx, func(tx *db.Tx) error {
		if a, err = find(tx, id); err == nil {
			a, err = s.decide(tx, a, d)
		}
		return err
	})
	return a, err
}

// decideBy is the answer of a link's holder.
func (s *Store) decideBy(tx *db.Tx, l *Link, comment string) error {
	b, a, err := s.ballot(tx, l)
	if err != nil {
		return err
	}
	if a.State != Decided && (a.State != Open || !s.o.Now().Before(a.ExpiresAt)) {
		return dead()
	}
	d := Decision{Choice: b.Choice, Comment: comment, Via: ByLink}
	if b.Assignee != "" {
		d.By = &b.Assignee
	}
	_, err = s.decide(tx, a, d)
	return err
}

// ballot is what a link of the kind choice decides.
func (s *Store) ballot(tx *db.Tx, l *Link) (b ballot, a *Approval, err error) {
	if err := json.Unmarshal(l.Content, &b); err != nil {
		return b, nil, err
	}
	a, err = find(tx, l.Target)
	if fault.Is(err, fault.NotFound) {
		err = dead()
	}
	return b, a, err
}

// decide makes the decision, of which there is one.
func (s *Store) decide(tx *db.Tx, a *Approval, d Decision) (*Approval, error) {
	var found []fault.Field
	if !slices.ContainsFunc(a.Choices, func(c Choice) bool { return c.Choice == d.Choice }) {
		found = append(found, fault.Field{Pointer: "/choice", Detail: "is one of " + a.names()})
	}
	if wrong := checkText(d.Comment, maxComment, true); wrong != "" {
		found = append(found, fault.Field{Pointer: "/comment", Detail: wrong})
	}
	if err := refusal("This cannot be decided so.", found); err != nil {
		return nil, err
	}
	now, by := db.Micros(s.o.Now()), ""
	if d.By != nil {
		by = *d.By
	}
	// The run's row is locked before the approval's, as the run itself does it.
	if err := s.o.Wake(tx, a.Run); err != nil {
		return nil, err
	}
	var asking string
	err := tx.QueryRow(`UPDATE approvals SET state = $2, choice = $3, comment = $4, decided_by = $5, via = $6, ended_at = $7
		WHERE id = $1 AND state = $8 AND expires_at > $7 RETURNING run`,
		a.ID, string(Decided), d.Choice, d.Comment, by, string(d.Via), now, string(Open)).Scan(&asking)
	if errors.Is(err, db.ErrNoRows) {
		return nil, tooLate(tx, a.ID)
	}
	if err == nil && asking != a.Run { // it has begun to wait just now
		err = s.o.Wake(tx, asking)
	}
	if err != nil {
		return nil, err
	}
	if a, err = find(tx, a.ID); err != nil {
		return nil, err
	}
	return a, s.o.Tell(tx, "approval.decided", a)
}

func (a *Approval) names() string {
	names := make([]string, len(a.Choices))
	for i, c := range a.Choices {
		names[i] = c.Choice
	}
	return strings.Join(names, ", ")
}

// tooLate says why an approval cannot be decided.
func tooLate(tx *db.Tx, id string) error {
	a, err := find(tx, id)
	if err != nil {
		return err
	}
	switch a.State {
	case Decided:
		by := ""
		if a.Decision.By != nil {
			by = " by " + *a.Decision.By
		}
		return fault.New(fault.Conflict, "This was decided already: %s%s, %s.", a.Decision.Choice, by, a.Decision.At.Format(time.RFC3339))
	case Cancelled:
		return fault.New(fault.Conflict, "The run that asked for this was cancelled; nothing is to be decided any more.")
	}
	return fault.New(fault.Conflict, "The time for this decision ended at %s.", a.ExpiresAt.Format(time.RFC3339))
}
