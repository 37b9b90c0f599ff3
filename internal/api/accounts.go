package api

import (
	"time"

	"junctor/internal/access"
	"junctor/internal/fault"
)

type newAccount struct {
	Login    string `json:"login" strict:"required"`
	Password string `json:"password"` // a random one when empty
}

type newPassword struct {
	Password string `json:"password"` // a random one when empty
}

// generated is a password that Junctor made up, shown once.
type generated struct {
	Login    string `json:"login"`
	Password string `json:"password,omitempty"` // absent when the caller gave it
}

func (d *door) listAccounts(c *call, q byAccount, _ nothing) (page[access.Account], error) {
	return listChosen(q, func(a access.Account) string { return a.Login }, func(after string, limit int) ([]access.Account, string, error) {
		return d.Access.ListAccounts(c.r.Context(), after, limit)
	})
}

// getAccount is a person's entry, and of any other account what the list has.
func (n noun) getAccount(c *call, _, _ nothing) (any, error) {
	entry, err := n.get(c, nothing{}, nothing{})
	if !fault.Is(err, fault.NotFound) {
		return entry, err
	}
	account, err := n.door.Access.Account(c.r.Context(), n.codeOf(c))
	return account, err
}

func (d *door) createAccount(c *call, _ nothing, body newAccount) (generated, error) {
	password, err := d.Access.CreateAdmin(c.r.Context(), body.Login, body.Password, c.caller.Author())
	return generated{body.Login, password}, err
}

func (d *door) setPassword(c *call, _ nothing, body newPassword) (generated, error) {
	login := c.path("login")
	if err := d.notAbove(c, login); err != nil {
		return generated{}, err
	}
	password, err := d.Access.SetPassword(c.r.Context(), login, body.Password, c.caller.Author())
	return generated{login, password}, err
}

// notAbove keeps whoever manages accounts without having every right from
// taking an administrator's.
func (d *door) notAbove(c *call, login string) error {
	if c.caller.Rights.Everything {
		return nil
	}
	account, err := d.Access.Account(c.r.Context(), login)
	if err == nil && account.Kind == access.Admin {
		err = fault.New(fault.Forbidden, "%q is an administrator; only another one may do this", login)
	}
	return err
}

type newToken struct {
	Name      string     `json:"name" strict:"required"`
	Login     string     `json:"login"` // whose rights it has; the caller's when empty
	ExpiresAt *time.Time `json:"expires_at"`
}

func (d *door) listTokens(c *call, q byToken, _ nothing) (page[access.Token], error) {
	return listChosen(q, func(t access.Token) string { return t.ID }, func(after string, limit int) ([]access.Token, string, error) {
		return d.Access.ListTokens(c.r.Context(), after, limit)
	})
}

func (d *door) showToken(c *call, _, _ nothing) (access.Token, error) {
	return d.Access.Token(c.r.Context(), c.path("token"))
}

func (d *door) createToken(c *call, _ nothing, body newToken) (access.Token, error) {
	if body.Login == "" {
		body.Login = c.caller.Account.Login
	}
	if err := d.notAbove(c, body.Login); err != nil {
		return access.Token{}, err
	}
	return d.Access.CreateToken(c.r.Context(), access.TokenOptions{
		Name: body.Name, Login: body.Login, ExpiresAt: body.ExpiresAt, Author: c.caller.Author(),
	})
}

func (d *door) revokeToken(c *call, _, _ nothing) (access.Token, error) {
	return d.Access.RevokeToken(c.r.Context(), c.path("token"), c.caller.Author())
}

type secretValue struct {
	Value string `json:"value" strict:"required"`
}

func (d *door) listSecrets(c *call, q bySecret, _ nothing) (page[access.SecretInfo], error) {
	return listChosen(q, func(s access.SecretInfo) string { return s.Name }, func(after string, limit int) ([]access.SecretInfo, string, error) {
		return d.Access.ListSecrets(c.r.Context(), after, limit)
	})
}

func (d *door) showSecret(c *call, _, _ nothing) (access.SecretInfo, error) {
	return d.Access.SecretInfo(c.r.Context(), c.path("name"))
}

func (d *door) setSecret(c *call, _ nothing, body secretValue) (nothing, error) {
	err := d.Access.SetSecret(c.r.Context(), c.path("name"), body.Value, c.caller.Author())
	if err == nil && access.Surrounded(body.Value) {
		c.w.Header().Set("Junctor-Warning", "The value begins or ends with white space, which is part of it.")
	}
	return nothing{}, err
}

type deleteSecretQuery struct {
	Force bool `query:"force" doc:"also when the configuration refers to it"`
}

func (d *door) deleteSecret(c *call, q deleteSecretQuery, _ nothing) (nothing, error) {
	if !q.Force {
		if err := d.Configuration.Unreferred(c.r.Context(), c.path("name")); err != nil {
			return nothing{}, err
		}
	}
	return nothing{}, d.Access.DeleteSecret(c.r.Context(), c.path("name"), c.caller.Author())
}

type auditQuery struct {
	paging
	Author string    `query:"author" doc:"who, exactly"`
	Action string    `query:"action" doc:"such as secret.set"`
	Object string    `query:"object" doc:"such as secret/erp_token"`
	Since  time.Time `query:"since" doc:"at or after"`
	Until  time.Time `query:"until" doc:"before"`
}

func (d *door) listAudit(c *call, q auditQuery, _ nothing) (page[access.Entry], error) {
	if !q.Since.IsZero() && !q.Until.IsZero() && q.Until.Before(q.Since) {
		return page[access.Entry]{}, fault.New(fault.Invalid, "the query has a mistake").
			WithFields(fault.Field{Pointer: "/query/until", Detail: "lies before since"})
	}
	return listByKey(q.paging, func(after string, limit int) ([]access.Entry, string, error) {
		return d.Access.ListAudit(c.r.Context(), access.AuditFilter{
			Author: q.Author, Action: q.Action, Object: q.Object, Since: q.Since, Until: q.Until,
		}, after, limit)
	})
}

func (d *door) showAudit(c *call, _, _ nothing) (access.Entry, error) {
	list, _, err := d.Access.ListAudit(c.r.Context(), access.AuditFilter{ID: c.path("id")}, "", 1)
	if err != nil {
		return access.Entry{}, err
	}
	return one(list, "entry", c.path("id"), func(access.Entry) bool { return true })
}
