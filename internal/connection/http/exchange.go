package http

import (
	"context"
	"fmt"
	"net/http"
	"time"
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
	res, err := x.client.Do(req)
	if err != nil {
		return nil, x.failed(err)
	}
	defer res.Body.Close()
	if x.proxy != nil && res.StatusCode == http.StatusProxyAuthRequired { // to a plain request, which has no CONNECT
		return nil, x.failed(&refusedByProxy{res.StatusCode})
	}
	body, err := x.read(res)
	if err != nil {
		return nil, x.failed(err)
	}
	return &Response{
		Status: res.StatusCode, Header: x.concealedHeader(res.Header), Body: x.concealed(body), RetryAfter: retryAfter(res.Header, time.Now()),
		label: x.label, method: req.Method, path: x.r.shown(),
	}, nil
}

// what says what is being done, for errors.
func (x *exchange) what() string { return fmt.Sprintf("%s: %s %s", x.label, x.req.Method, x.r.shown()) }

// failed is what went wrong as an error of the connection.
func (x *exchange) failed(err error) error { return x.failure(x.ctx, x.what(), x.timeout, err) }
