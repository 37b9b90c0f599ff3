package api

import (
	"context"

	"junctor/internal/fault"
	"junctor/internal/link"
)

// Approvals are what people are asked to decide; *link.Store is it.
type Approvals interface {
	Approval(ctx context.Context, id string) (*link.Approval, error)
	Approvals(ctx context.Context, f link.Filter) (list []*link.Approval, next string, err error)
	Decide(ctx context.Context, id string, d link.Decision) (*link.Approval, error)
}

type approvalsQuery struct {
	paging
	State    []link.State `query:"state" enum:"open,decided,expired,cancelled" doc:"one or more, separated by commas"`
	Subject  string       `query:"subject" doc:"exactly"`
	Assignee string       `query:"assignee" doc:"exactly"`
}

func (d *door) listApprovals(c *call, q approvalsQuery, _ nothing) (page[*link.Approval], error) {
	return listByKey(q.paging, func(after string, limit int) ([]*link.Approval, string, error) {
		return d.Approvals.Approvals(c.r.Context(), link.Filter{State: q.State, Subject: q.Subject, Assignee: q.Assignee, After: after, Limit: limit})
	})
}

func (d *door) showApproval(c *call, _, _ nothing) (*link.Approval, error) {
	return d.Approvals.Approval(c.r.Context(), c.path("id"))
}

type decision struct {
	Choice  string `json:"choice" strict:"required"`
	Comment string `json:"comment"`
}

// decideApproval decides in the name of the caller.
func (d *door) decideApproval(c *call, _ nothing, body decision) (*link.Approval, error) {
	if body.Choice == "" {
		return nil, fault.New(fault.Unprocessable, "the body has a mistake").WithFields(fault.Field{Pointer: "/choice", Detail: "is required"})
	}
	by := c.caller.Account.Login
	a, err := d.Approvals.Decide(c.r.Context(), c.path("id"), link.Decision{Choice: body.Choice, Comment: body.Comment, By: &by, Via: link.ByAPI})
	c.detail = body.Choice
	return a, err
}
