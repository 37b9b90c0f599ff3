package soap

import (
	stdxml "encoding/xml"
	"errors"
	"mime"
	"net/http"
	"strings"

	"junctor/internal/fault"
	"junctor/internal/format/xml"
)

// version is that of the protocol; 0 is none.
type version int

const (
	soap11 version = 11
	soap12 version = 12
)

// The namespaces of the standards.
const (
	envelope11   = "http://schemas.xmlsoap.org/soap/envelope/"
	envelope12   = "http://www.w3.org/2003/05/soap-envelope"
	instance     = "http://www.w3.org/2001/XMLSchema-instance"
	wsSecurity   = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
	passwordText = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText" //nolint:gosec // the name of a type
)

func (v version) envelope() string {
	if v == soap12 {
		return envelope12
	}
	return envelope11
}

func (v version) contentType() string {
	if v == soap12 {
		return "application/soap+xml; charset=utf-8"
	}
	return "text/xml; charset=utf-8"
}

// media is a message's Content-Type without parameters.
func media(h http.Header) string {
	name, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return ""
	}
	return name
}

// versionOf is that which the Content-Type speaks of, for an envelope that cannot
// be read.
func versionOf(h http.Header) version {
	if media(h) == "application/soap+xml" {
		return soap12
	}
	return soap11
}

// node is an element with its names resolved.
type node struct {
	space, local string
	null         bool // xsi:nil
	attributes   []attribute
	children     []*node
	text         string
}

type attribute struct{ space, local, value string }

func (n *node) attribute(space, local string) string {
	for _, a := range n.attributes {
		if a.space == space && a.local == local {
			return a.value
		}
	}
	return ""
}

func (n *node) child(space, local string) *node {
	for _, c := range n.children {
		if c.space == space && c.local == local {
			return c
		}
	}
	return nil
}

// limits are those of an envelope.
var limits = xml.Limits{Depth: 100, Attrs: 100, Bytes: 4 * bodyLimit, Nodes: 500_000}

// parse reads a document, without document types and entities.
func parse(text string) (*node, error) {
	root, err := xml.Parse(text, limits)
	if err != nil {
		return nil, fault.New(fault.Invalid, "The envelope cannot be read: %s.", strings.TrimSuffix(err.Error(), "."))
	}
	return resolve(root, nil), nil
}

// scope is the prefixes that an element's declarations bring, behind those of the
// elements around it.
type scope struct {
	outer    *scope
	declared []xml.Attr
}

// space is what a prefix stands for; the parser has seen that it is declared.
func (s *scope) space(prefix string) string {
	name := "xmlns"
	switch prefix {
	case "":
	case "xml":
		return "http://www.w3.org/XML/1998/namespace"
	default:
		name += ":" + prefix
	}
	for ; s != nil; s = s.outer {
		for _, a := range s.declared {
			if a.Name == name {
				return strings.TrimSpace(a.Value)
			}
		}
	}
	return ""
}

func resolve(e *xml.Element, around *scope) *node {
	s := around
	if declared := declarations(e); declared != nil {
		s = &scope{around, declared}
	}
	n := &node{}
	n.space, n.local = s.name(e.Name)
	for _, a := range e.Attr {
		if a.Name == "xmlns" || strings.HasPrefix(a.Name, "xmlns:") {
			continue
		}
		made := attribute{local: a.Name, value: a.Value}
		if strings.Contains(a.Name, ":") { // one without a prefix has no namespace
			made.space, made.local = s.name(a.Name)
		}
		if made.space == instance && made.local == "nil" {
			n.null = strings.TrimSpace(a.Value) == "true" || strings.TrimSpace(a.Value) == "1"
		}
		n.attributes = append(n.attributes, made)
	}
	var text strings.Builder
	for _, c := range e.Children {
		if c.Element != nil {
			n.children = append(n.children, resolve(c.Element, s))
		} else {
			text.WriteString(c.Text)
		}
	}
	n.text = text.String()
	return n
}

func declarations(e *xml.Element) (all []xml.Attr) {
	for _, a := range e.Attr {
		if a.Name == "xmlns" || strings.HasPrefix(a.Name, "xmlns:") {
			all = append(all, a)
		}
	}
	return all
}

func (s *scope) name(name string) (space, local string) {
	prefix, local, prefixed := strings.Cut(name, ":")
	if !prefixed {
		prefix, local = "", name
	}
	return s.space(prefix), local
}

// head is what an envelope says before its body.
type head struct {
	version         version
	session         string
	login, password string
}

// readHead reads an envelope up to its body: who sends it is to be known before
// more is done for it. The text may be only its beginning.
func readHead(text string, whole bool) (*head, error) {
	upTo, err := cutBody(text, whole)
	if err != nil {
		return nil, err
	}
	envelope, err := parse(upTo)
	if err != nil {
		return nil, err
	}
	h := &head{}
	switch {
	case envelope.local == "Envelope" && envelope.space == envelope11:
		h.version = soap11
	case envelope.local == "Envelope" && envelope.space == envelope12:
		h.version = soap12
	default:
		return nil, &standardError{"VersionMismatch", fault.New(fault.Invalid,
			"The document is no SOAP envelope: its root must be Envelope of %s or %s.", envelope11, envelope12)}
	}
	header := envelope.child(envelope.space, "Header")
	if header == nil {
		return h, nil
	}
	for _, block := range header.children {
		if err := h.read(block, envelope.space); err != nil {
			return h, err
		}
	}
	return h, nil
}

// cutBody is an envelope without its body.
func cutBody(text string, whole bool) (string, error) {
	text = strings.TrimPrefix(text, "\ufeff")
	decoder := stdxml.NewDecoder(strings.NewReader(text))
	decoder.CharsetReader = decoded
	root, depth := "", 0
	for {
		at := decoder.InputOffset()
		token, err := decoder.RawToken()
		if err != nil {
			if !whole {
				return "", fault.New(fault.TooLarge, "The envelope's Body must begin within %d bytes.", headLimit)
			}
			return text, nil // what is wrong is said when all of it is read
		}
		switch t := token.(type) {
		case stdxml.StartElement:
			if depth++; depth == 1 {
				root = t.Name.Local
				if t.Name.Space != "" {
					root = t.Name.Space + ":" + root
				}
			}
			if depth == 2 && t.Name.Local == "Body" {
				return text[:at] + "</" + root + ">", nil
			}
		case stdxml.EndElement:
			depth--
		}
	}
}

// read takes one block of the header. One that must be understood and is not is
// refused.
func (h *head) read(block *node, envelope string) error {
	switch {
	case block.space == namespace && block.local == "Session":
		h.session = strings.TrimSpace(block.text)
		return nil
	case block.space == wsSecurity && block.local == "Security":
		return h.security(block)
	}
	role := block.attribute(envelope11, "actor") + block.attribute(envelope12, "role")
	if strings.TrimSpace(role) != "" && !strings.HasSuffix(role, "/next") && !strings.HasSuffix(role, "/ultimateReceiver") {
		return nil // it is for somebody else
	}
	if must := strings.TrimSpace(block.attribute(envelope, "mustUnderstand")); must == "1" || must == "true" {
		return &standardError{"MustUnderstand", fault.New(fault.Invalid, "The header %.100s of the namespace %.200q is not known here.", block.local, block.space)}
	}
	return nil
}

// security reads a UsernameToken of WS-Security, with its password as text.
func (h *head) security(block *node) error {
	token := block.child(wsSecurity, "UsernameToken")
	if token == nil {
		return fault.New(fault.Unauthorized, "Of WS-Security a UsernameToken with the password as text is taken, and nothing else.")
	}
	name, password := token.child(wsSecurity, "Username"), token.child(wsSecurity, "Password")
	if name == nil || password == nil {
		return fault.New(fault.Unauthorized, "The UsernameToken needs a Username and a Password.")
	}
	if kind := password.attribute("", "Type"); kind != "" && kind != passwordText {
		return fault.New(fault.Unauthorized, "The Password must be of the type PasswordText: passwords are kept as hashes, so a digest of one cannot be checked.")
	}
	h.login, h.password = strings.TrimSpace(name.text), password.text
	if h.login == "" {
		return fault.New(fault.Unauthorized, "The Username is empty.")
	}
	return nil
}

// readBody reads the element of the operation.
func readBody(text string) (*node, error) {
	envelope, err := parse(text)
	if err != nil {
		return nil, err
	}
	body := envelope.child(envelope.space, "Body")
	switch {
	case body == nil:
		return nil, fault.New(fault.Invalid, "The envelope has no Body.")
	case len(body.children) != 1:
		return nil, fault.New(fault.Invalid, "The Body must have one element, the operation's; it has %d.", len(body.children))
	}
	in := body.children[0]
	if in.space != namespace {
		return nil, fault.New(fault.NotFound, "The element %.100s of the namespace %.200q is no operation: they are of the namespace %s.", in.local, in.space, namespace)
	}
	return in, nil
}

// standardError is a failure that SOAP has a code of its own for.
type standardError struct {
	code string
	said *fault.Error
}

func (e *standardError) Error() string { return e.said.Error() }
func (e *standardError) Unwrap() error { return e.said }
