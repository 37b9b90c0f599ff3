package channel

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // some senders sign with nothing better; as an HMAC it holds
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"strconv"
	"strings"
	"time"

	"junctor/internal/connection"
	"junctor/internal/content"
	"junctor/internal/unit"
)

// HMAC is a signature over each message by a shared secret (RFC 2104).
type HMAC struct {
	Header          string         `json:"header" strict:"required"` // has the signature, or several of them
	Secret          string         `json:"secret" strict:"required"`
	Algorithm       string         `json:"algorithm"`        // sha256 when empty
	Encoding        string         `json:"encoding"`         // hex when empty
	Prefix          string         `json:"prefix"`           // before each signature
	TimestampHeader string         `json:"timestamp_header"` // "": messages have no time
	Tolerance       *unit.Duration `json:"tolerance"`        // DefaultTolerance when nil
	Content         string         `json:"content"`          // what is signed; "": the body, after the time and a dot if there is one
}

// DefaultTolerance is how far a message's time may be from the hub's, in either
// direction. It is what Standard Webhooks and Stripe advise.
const DefaultTolerance = 5 * time.Minute

var algorithms = map[string]func() hash.Hash{"sha256": sha256.New, "sha1": sha1.New, "sha384": sha512.New384, "sha512": sha512.New}

var encodings = map[string]func(string) ([]byte, error){
	"hex":       hex.DecodeString, // of either case
	"base64":    func(s string) ([]byte, error) { return base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "=")) },
	"base64url": func(s string) ([]byte, error) { return base64.RawURLEncoding.DecodeString(strings.TrimRight(s, "=")) },
}

func (p *parser) hmac(pointer string, h *HMAC) {
	if err := content.CheckHeaderName(h.Header); err != nil {
		p.add(pointer+"/header", "%s", err.Error())
	}
	if h.Secret == "" {
		p.add(pointer+"/secret", "must not be empty, that would let everybody in")
	}
	p.references(pointer+"/secret", h.Secret)
	oneOf(p, pointer+"/algorithm", h.Algorithm, "", "sha256", "sha1", "sha384", "sha512")
	oneOf(p, pointer+"/encoding", h.Encoding, "", "hex", "base64", "base64url")
	if strings.TrimLeft(h.Prefix, separators) != h.Prefix {
		p.add(pointer+"/prefix", "must not begin with a space or a comma")
	}
	if h.TimestampHeader != "" {
		if err := content.CheckHeaderName(h.TimestampHeader); err != nil {
			p.add(pointer+"/timestamp_header", "%s", err.Error())
		}
	} else if h.Tolerance != nil {
		p.add(pointer+"/tolerance", "needs timestamp_header, the header that has the message's time")
	}
	p.span(pointer+"/tolerance", h.Tolerance, DefaultTolerance, time.Second, 24*time.Hour)
	if h.Content != "" {
		c, err := parseContent(h.Content)
		if err == nil {
			err = c.check(h.TimestampHeader != "")
		}
		if err != nil {
			p.add(pointer+"/content", "%s", err.Error())
		}
	}
}

// signature is a scheme of signatures with its key.
type signature struct {
	name      string // of the scheme
	header    string
	prefix    string
	decode    func(string) ([]byte, error)
	stamp     func(http.Header) (string, error) // reads the message's time; nil when it has none
	tolerance time.Duration
	content   template
	hash      func() hash.Hash
	key       []byte
	public    ed25519.PublicKey // instead of hash and key
}

// newSignature makes a scheme ready that signs messages.
func newSignature(s Scheme, secrets connection.Secrets) (*signature, error) {
	name, secret := s.secret()
	h, stamp := HMAC{}, (func(http.Header) (string, error))(nil)
	switch name {
	case "standard-webhooks": // https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
		h = HMAC{
			Header: "Webhook-Signature", Prefix: "v1,", Encoding: "base64",
			TimestampHeader: "Webhook-Timestamp", Content: "{header:Webhook-Id}.{timestamp}.{body}",
		}
	case "stripe": // https://docs.stripe.com/webhooks#verify-manually
		h = HMAC{Header: "Stripe-Signature", Prefix: "v1=", Content: "{timestamp}.{body}"}
		stamp = stripeTime
	case "github": // https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
		h = HMAC{Header: "X-Hub-Signature-256", Prefix: "sha256="}
	case "shopify": // https://shopify.dev/docs/apps/build/webhooks/subscribe/https
		h = HMAC{Header: "X-Shopify-Hmac-Sha256", Encoding: "base64"}
	default:
		if s.HMAC == nil {
			return nil, errors.New("it is empty")
		}
		name, h = "hmac", *s.HMAC
		secret = h.Secret
	}
	made, err := h.ready(name, stamp)
	if err != nil {
		return nil, err
	}
	value, err := resolved(secrets, name, secret)
	if err != nil {
		return nil, err
	}
	made.key = []byte(value)
	if name == "standard-webhooks" {
		return made, made.webhookKey(value)
	}
	return made, nil
}

// ready is the scheme without its key; stamp may be nil.
func (h *HMAC) ready(name string, stamp func(http.Header) (string, error)) (s *signature, err error) {
	s = &signature{
		name: name, header: http.CanonicalHeaderKey(h.Header), prefix: h.Prefix, stamp: stamp, tolerance: DefaultTolerance,
		hash: algorithms[h.Algorithm], decode: encodings[h.Encoding],
	}
	if h.Algorithm == "" {
		s.hash = sha256.New
	}
	if h.Encoding == "" {
		s.decode = hex.DecodeString
	}
	if h.Tolerance != nil {
		s.tolerance = time.Duration(*h.Tolerance)
	}
	text := h.Content
	if h.TimestampHeader != "" {
		s.stamp = func(sent http.Header) (string, error) { return single(sent, h.TimestampHeader) }
		if text == "" {
			text = "{timestamp}.{body}"
		}
	}
	if text == "" {
		text = "{body}"
	}
	if s.content, err = parseContent(text); err == nil {
		err = s.content.check(s.stamp != nil)
	}
	return s, err
}

// webhookKey reads the key of Standard Webhooks: base64 behind whsec_ or by
// itself; behind whpk_ it is the public one of signatures v1a (ed25519).
func (s *signature) webhookKey(text string) (err error) {
	public, asymmetric := strings.CutPrefix(text, "whpk_")
	if asymmetric {
		text = public
	}
	if s.key, err = encodings["base64"](strings.TrimPrefix(text, "whsec_")); err != nil || len(s.key) == 0 {
		return errors.New("standard-webhooks: the secret is not base64, with or without whsec_ before it")
	}
	if asymmetric {
		if len(s.key) != ed25519.PublicKeySize {
			return fmt.Errorf("standard-webhooks: the public key behind whpk_ has %d bytes, and %d are needed", len(s.key), ed25519.PublicKeySize)
		}
		s.prefix, s.public = "v1a,", s.key
	}
	return nil
}

// claim is a request with signatures that may be right.
type claim struct {
	*signature
	request *http.Request
	time    string // as it was sent
	sent    [][]byte
}

// claim looks at all but the body. The error says why it cannot be right.
func (s *signature) claim(r *http.Request, now time.Time) (c claim, err error) {
	c = claim{signature: s, request: r}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", s.name, err)
		}
	}()
	if len(r.Header[s.header]) == 0 {
		return c, fmt.Errorf("the header %s is missing", s.header)
	}
	items, err := items(r.Header[s.header], s.prefix)
	if err != nil {
		return c, fmt.Errorf("the header %s %w", s.header, err)
	}
	for _, item := range items {
		if sum, err := s.decode(item); err == nil {
			c.sent = append(c.sent, sum)
		}
	}
	if len(c.sent) == 0 {
		return c, fmt.Errorf("the header %s has no signature of this scheme", s.header)
	}
	if err := s.content.present(r); err != nil {
		return c, err
	}
	if s.stamp == nil {
		return c, nil
	}
	if c.time, err = s.stamp(r.Header); err != nil {
		return c, err
	}
	return c, s.timely(c.time, now)
}

// timely holds a message's time against the tolerance.
func (s *signature) timely(text string, now time.Time) error {
	t, err := parseTime(text)
	if err != nil {
		return err
	}
	age := now.Sub(t)
	switch {
	case age > s.tolerance:
		return fmt.Errorf("the message is %s old, and %s is the tolerance", age.Round(time.Second), s.tolerance)
	case age < -s.tolerance:
		return fmt.Errorf("the message comes %s from the future, and %s is the tolerance", (-age).Round(time.Second), s.tolerance)
	}
	return nil
}

// holds reports whether a signature is that of the message. All of them are
// tried.
func (c *claim) holds(body []byte) bool {
	match := 0
	if c.public != nil {
		var text bytes.Buffer
		c.content.write(&text, c.request, c.time, body)
		for _, sent := range c.sent {
			if ed25519.Verify(c.public, text.Bytes(), sent) {
				match = 1
			}
		}
		return match == 1
	}
	mac := hmac.New(c.hash, c.key)
	c.content.write(mac, c.request, c.time, body)
	sum := mac.Sum(nil)
	for _, sent := range c.sent {
		match |= subtle.ConstantTimeCompare(sum, sent)
	}
	return match == 1
}

// separators stand between the signatures of a header.
const separators = " ,\t"

// mostSignatures is how many signatures of one message are tried. More than two
// or three have no use, and each costs time.
const mostSignatures = 20

// items finds what stands behind the prefix in each part of a header.
func items(values []string, prefix string) (found []string, err error) {
	for _, text := range values {
		for text = strings.TrimLeft(text, separators); text != ""; text = strings.TrimLeft(text, separators) {
			item, ok := strings.CutPrefix(text, prefix)
			end := strings.IndexAny(item, separators)
			if end < 0 {
				end = len(item)
			}
			if text = item[end:]; !ok || end == 0 {
				continue
			}
			if found = append(found, item[:end]); len(found) > mostSignatures {
				return nil, fmt.Errorf("has more than %d signatures", mostSignatures)
			}
		}
	}
	return found, nil
}

// stripeTime is the t=... among the signatures.
func stripeTime(sent http.Header) (string, error) {
	found, err := items(sent["Stripe-Signature"], "t=")
	if err != nil || len(found) != 1 {
		return "", errors.New("the header Stripe-Signature does not have one t=")
	}
	return found[0], nil
}

// single reads a header that must be there once: of two values it would not be
// clear which was signed.
func single(sent http.Header, name string) (string, error) {
	values := sent.Values(name)
	switch {
	case len(values) == 0 || values[0] == "":
		return "", fmt.Errorf("the header %s is missing", name)
	case len(values) > 1:
		return "", fmt.Errorf("the header %s was sent %d times", name, len(values))
	}
	return values[0], nil
}

// parseTime reads seconds or milliseconds since 1970, or RFC 3339. A number of
// at least 10^11 is milliseconds: as seconds it would be the year 5138.
func parseTime(text string) (time.Time, error) {
	const milliseconds, most = 1e11, 1e14
	if n, err := strconv.ParseUint(text, 10, 63); err == nil && n < most {
		if n >= milliseconds {
			return time.UnixMilli(int64(n)), nil
		}
		return time.Unix(int64(n), 0), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, errors.New("the message's time is neither seconds nor milliseconds since 1970 nor RFC 3339")
	}
	return t, nil
}
