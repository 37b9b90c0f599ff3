package link

import (
	"context"
	"encoding/json"
	"errors"

	"junctor/internal/db"
	"junctor/internal/fault"
)

// Filter chooses approvals; what is empty chooses all.
type Filter struct {
	State    []State
	Subject  string // exactly
	Assignee string // exactly
	After    string // the id that the page before ended with
	Limit    int    // 100 when 0
}

const approvalColumns = `id, state, subject, title, body, choices, assignees, run, choice, comment, decided_by, via, created_at, expires_at, ended_at`

type scanner interface{ Scan(dest ...any) error }

func scanApproval(row scanner) (*Approval, error) {
	var a Approval
	var d Decision
	var state, by, via string
	var choices, assignees []byte
	var created, expires int64
	var ended *int64
	err := row.Scan(&a.ID, &state, &a.Subject, &a.Title, &a.Text, &choices, &assignees, &a.Run, &d.Choice, &d.Comment, &by, &via, &created, &expires, &ended)
	if err != nil {
		return nil, err
	}
	a.State, a.CreatedAt, a.ExpiresAt, a.EndedAt = State(state), db.Time(created), db.Time(expires), moment(ended)
	if a.State == Decided {
		if by != "" {
			d.By = &by
		}
		d.Via, d.At = Via(via), *a.EndedAt
		a.Decision = &d
	}
	return &a, errors.Join(json.Unmarshal(choices, &a.Choices), json.Unmarshal(assignees, &a.Assignees))
}

func find(tx *db.Tx, id string) (*Approval, error) {
	a, err := scanApproval(tx.QueryRow(`SELECT `+approvalColumns+` FROM approvals WHERE id = $1`, id))
	if errors.Is(err, db.ErrNoRows) {
		return nil, fault.New(fault.NotFound, "There is no approval %q.", id)
	}
	return a, err
}

// Approval finds one. Errors: fault.NotFound.
func (s *Store) Approval(ctx context.Context, id string) (a *Approval, err error) {
	err = s.o.DB.Read(ctx, func(tx *db.Tx) (err error) {
		a, err = find(tx, id)
		return err
	})
	return a, err
}

// Approvals lists them, newest first; next is "" on the last page.
func (s *Store) Approvals(ctx context.Context, f Filter) (list []*Approval, next string, err error) {
	if f.Limit <= 0 {
		f.Limit = 100
	}
	states, err := json.Marshal(append([]State{}, f.State...))
	if err != nil {
		return nil, "", err
	}
	err = s.o.DB.Read(ctx, func(tx *db.Tx) error {
		list = nil
		rows, err := tx.Query(`SELECT `+approvalColumns+` FROM approvals
			WHERE ($6 = 0 OR `+tx.Among("state", "$1")+`) AND ($2 = '' OR subject = $2) AND ($3 = '' OR `+tx.Among("$3", "assignees")+`)
				AND ($4 = '' OR id < $4)
			ORDER BY id DESC LIMIT $5`,
			string(states), f.Subject, f.Assignee, f.After, f.Limit+1, len(f.State))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			a, err := scanApproval(rows)
			if err != nil {
				return err
			}
			list = append(list, a)
		}
		return rows.Err()
	})
	if len(list) > f.Limit {
		list, next = list[:f.Limit], list[f.Limit-1].ID
	}
	return list, next, err
}
