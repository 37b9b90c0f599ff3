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
	ctx, limited context.Context // the caller's, and that with the request's time
	req          *http.Request
	r            Request
	timeout      time.Duration
}

// guarded makes the request when the breaker and concurrency let it.
func (x *exchange) guarded() (*Response, error) {
	if after, shut := x.breaker.shut(); shut {
		return nil, x.shutError(after)
	}
	free, err := x.slot()
	if err != nil {
		return nil, err
	}
	defer free()
	probe, after, shut := x.breaker.enter() // again: it may have opened while others had the slots
	if shut {
		return nil, x.shutError(after)
	}
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
	for range 2 {
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

// send waits for the rate's turn, sends, and reads the whole answer.
func (x *exchange) send(req *http.Request) (*Response, error) {
	if err := x.turn(); err != nil {
		return nil, err
	}
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
