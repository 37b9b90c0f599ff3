package http

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"junctor/internal/connection"
	"junctor/internal/unit"
)

// exchange is one request being made.
type exchange struct {
	*Conn
	ctx     context.Context // the caller's
	waiting context.Context // with the time in which the request must have been sent
	limited context.Context // with the request's time, which begins when it is sent
	req     *http.Request
	r       Request
	timeout time.Duration
}

// guarded makes the request when breaker, concurrency and rate let it. Its time
// begins then: one that is sent with little time left would be given up after
// the other side has acted, and made again.
func (x *exchange) guarded() (*Response, error) {
	if after, shut := x.breaker.shut(); shut {
		return nil, x.shutError(after)
	}
	free, err := x.slot()
	if err != nil {
		return nil, err
	}
	defer free()
	if err := x.turn(x.waiting); err != nil {
		return nil, err
	}
	probe, after, shut := x.breaker.enter() // again: it may have opened while this one waited
	if shut {
		return nil, x.shutError(after)
	}
	limited, cancel := context.WithTimeout(x.ctx, x.timeout)
	defer cancel()
	x.limited, x.req = limited, x.req.WithContext(limited)
	res, err := x.authorized()
	verdict, text := judge(x.ctx, res, err)
	x.breaker.tell(probe, verdict, text)
	return res, err
}

// authorized sends the request, with OAuth 2 once more with another token when
// the first is not taken.
func (x *exchange) authorized() (*Response, error) {
	if x.tokens == nil {
		return x.send(x.req)
	}
	var res *Response
	for try := range 2 {
		if try > 0 {
			if err := x.turn(x.limited); err != nil {
				return nil, err
			}
		}
		authorization, err := x.tokens.authorization(x.limited, x.Conn.timeout)
		if err != nil {
			return nil, x.tokenFailure(err)
		}
		req := x.req.Clone(x.limited)
		if req.Body, err = x.req.GetBody(); err != nil {
			return nil, x.permanent("%s: the request cannot be built: %v", x.what(), err)
		}
		req.Header.Set("Authorization", authorization)
		if res, err = x.send(req); err != nil || res.Status != http.StatusUnauthorized {
			return res, err
		}
		x.tokens.drop(authorization)
	}
	return res, nil
}

// send sends, and reads the whole answer.
func (x *exchange) send(req *http.Request) (*Response, error) {
	client := http.Client{Transport: x.client.Transport, CheckRedirect: x.redirect}
	res, err := client.Do(req)
	if err != nil {
		return nil, x.failed(err)
	}
	defer res.Body.Close()
	if x.proxy != nil && res.StatusCode == http.StatusProxyAuthRequired { // to a plain request, which has no CONNECT
		return nil, x.failed(&refusedByProxy{res.StatusCode})
	}
	read, cut := x.read, false
	if x.r.Enough > 0 {
		read = func(res *http.Response) (body []byte, err error) {
			body, cut = enough(res, x.r.Enough)
			return body, nil
		}
	}
	body, err := read(res)
	if err != nil {
		return nil, x.failed(err)
	}
	return &Response{
		Status: res.StatusCode, Header: x.concealedHeader(res.Header), Body: x.concealed(body), RetryAfter: retryAfter(res.Header, time.Now()),
		Cut: cut, label: x.label, asked: x.r.shown(),
	}, nil
}

// redirect is the policy of redirects for one request: each is a request of its
// own to the rate, and needs the credential of the query anew. What has no time
// left to wait for its turn is a try that failed, not one that was held back: it
// would begin with the first request every time, and might never come to an end.
func (x *exchange) redirect(next *http.Request, via []*http.Request) error {
	if err := redirect(next, via); err != nil {
		return err
	}
	if name := x.key[0]; name != "" && !next.URL.Query().Has(name) {
		x.addKey(next.URL)
	}
	err := x.turn(x.limited)
	var held *connection.Error
	if !errors.As(err, &held) || held.Class != connection.Held {
		return err
	}
	e := x.permanent("%s: was redirected, and the %s that rate allows are used up for the next %s", x.what(), x.rate, unit.FormatDuration(roundUp(held.After)))
	e.Class, e.After, e.Cause = connection.BackOff, held.After, errTurn
	return e
}

// errTurn is a redirect that rate did not let through in time.
var errTurn = errors.New("no turn for the redirect")

// what says what is being done, for errors.
func (x *exchange) what() string { return fmt.Sprintf("%s: %s", x.label, x.r.shown()) }

// failed is what went wrong as an error of the connection.
func (x *exchange) failed(err error) error { return x.failure(x.ctx, x.what(), x.timeout, err) }
