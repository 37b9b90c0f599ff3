package http

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	"golang.org/x/sync/singleflight"

	"junctor/internal/connection"
)

// tokens fetches access tokens and keeps the present one for all requests of a
// connection.
type tokens struct {
	ask   func(ctx context.Context) (*oauth2.Token, error)
	now   func() time.Time
	group singleflight.Group

	mu      sync.Mutex
	present string       // as Authorization has it; "" for none
	until   time.Time    // when to fetch another; zero: when it is refused
	seen    []*spellings // of what no text may tell: the present one and the one before
}

// maxAhead is how long before its end a token is renewed, at most; a short one
// is renewed when nine tenths of its time are over.
const maxAhead = time.Minute

// setOAuth2 resolves the credentials. The requests for tokens go the same way
// as all others of the connection: proxy, guard, TLS.
func (c *Conn) setOAuth2(o OAuth2) error {
	config := clientcredentials.Config{AuthStyle: oauth2.AuthStyleInHeader, EndpointParams: url.Values{}}
	if o.AuthStyle == "body" {
		config.AuthStyle = oauth2.AuthStyleInParams
	}
	for _, m := range []struct {
		member, text string
		into         *string
	}{
		{"token_url", o.TokenURL, &config.TokenURL}, {"client_id", o.ClientID, &config.ClientID}, {"client_secret", o.ClientSecret, &config.ClientSecret},
	} {
		value, err := c.expand("auth.oauth2."+m.member, m.text)
		if err != nil {
			return err
		}
		if value == "" {
			return c.permanent("%s: auth.oauth2.%s is empty", c.label, m.member)
		}
		*m.into = value
	}
	if _, err := parseBase(config.TokenURL); err != nil {
		return c.permanent("%s: auth.oauth2.token_url %v", c.label, err)
	}
	for i, scope := range o.Scopes {
		value, err := c.expand(fmt.Sprintf("auth.oauth2.scopes.%d", i), scope)
		if err != nil {
			return err
		}
		config.Scopes = append(config.Scopes, value)
	}
	for _, name := range sortedKeys(o.Params) {
		value, err := c.expand("auth.oauth2.params."+name, o.Params[name])
		if err != nil {
			return err
		}
		config.EndpointParams.Set(name, value)
	}
	id, secret := url.QueryEscape(config.ClientID), url.QueryEscape(config.ClientSecret)
	c.Conceal(config.ClientSecret, secret, base64.StdEncoding.EncodeToString([]byte(id+":"+secret)))
	c.sealed = append(c.sealed, "Authorization")
	c.tokens = &tokens{now: time.Now, ask: func(ctx context.Context) (*oauth2.Token, error) {
		return config.Token(context.WithValue(ctx, oauth2.HTTPClient, c.client))
	}}
	return nil
}

// authorization is the header's value with a token that is good now. However
// many wait for it, it is fetched once; who gives up waiting leaves it to the
// others.
func (t *tokens) authorization(ctx context.Context, within time.Duration) (string, error) {
	t.mu.Lock()
	present, until := t.present, t.until
	t.mu.Unlock()
	if present != "" && (until.IsZero() || t.now().Before(until)) {
		return present, nil
	}
	fetched := t.group.DoChan("", func() (any, error) {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), within)
		defer cancel()
		token, err := t.ask(limited)
		if err != nil {
			if limited.Err() != nil { // the library does not say so in every case
				err = limited.Err()
			}
			return "", err
		}
		return t.keep(token)
	})
	select {
	case r := <-fetched:
		return r.Val.(string), r.Err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// keep makes a token the present one.
func (t *tokens) keep(token *oauth2.Token) (string, error) {
	value := token.Type() + " " + token.AccessToken
	if checkHeaderValue(value) != nil {
		return "", errors.New("its token has characters that no header can carry")
	}
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.present, t.until = value, time.Time{}
	if left := token.Expiry.Sub(now); !token.Expiry.IsZero() {
		t.until = token.Expiry.Add(-min(left/10, maxAhead))
	}
	seen := new(spellings)
	seen.add(token.AccessToken)
	t.seen = slices.Concat(t.seen[max(0, len(t.seen)-1):], []*spellings{seen})
	return value, nil
}

// drop throws a token away that was refused, unless there is another already.
func (t *tokens) drop(value string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.present == value {
		t.present = ""
	}
}

// told are the tokens that an answer may repeat.
func (t *tokens) told() []*spellings {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clip(t.seen) // never written to
}

// tokenFailure classes what came instead of a token.
func (x *exchange) tokenFailure(err error) error {
	what := x.label + ": no token from its token_url"
	var refused *refusal
	if errors.As(err, &refused) {
		return x.permanent("%s: %s", what, refused.explain("the connection", x.lets))
	}
	var answered *oauth2.RetrieveError
	if !errors.As(err, &answered) {
		if text := err.Error(); strings.HasPrefix(text, "oauth2: ") || strings.HasPrefix(text, "its token") {
			return x.permanent("%s: %s", what, strings.TrimPrefix(text, "oauth2: "))
		}
		within := x.Conn.timeout
		if x.limited.Err() != nil {
			within = x.timeout
		}
		return x.failure(x.ctx, what, within, err)
	}
	why := fmt.Sprintf("it answered %s", statusText(answered.Response.StatusCode))
	if code := answered.ErrorCode; code != "" {
		why += ", " + cut(x.hidden(code), 100)
	}
	if text := answered.ErrorDescription; text != "" {
		why += ": " + cut(x.hidden(text), 300)
	}
	e := x.permanent("%s: %s", what, why)
	if retryable(answered.Response.StatusCode) {
		e.Class, e.After = connection.BackOff, retryAfter(answered.Response.Header, time.Now())
	}
	return e
}

// cut keeps the beginning of a foreign text, in one line. Credentials are hidden
// before: of one that is cut the beginning would be left.
func cut(text string, n int) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > n {
		text = strings.ToValidUTF8(text[:n], "") + "..."
	}
	return text
}
