// Package multipart takes the bodies of RFC 2046, section 5.1, apart: those of
// forms with files (RFC 7578) and any other.
//
// It is a leaf: it knows nothing of Junctor.
package multipart

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/textproto"
	"slices"
	"strings"
)

// MaxParts is how many parts a body may have.
const MaxParts = 1000

// maxHeader is how many bytes a part's header may have.
const maxHeader = 64 << 10

// Part is one part, its content as it came.
type Part struct {
	Name     string // of the form's field, "" when there is none
	Filename string // as the sender wrote it, without directories; "" when there is none
	Type     string // its Content-Type, text/plain when it names none
	Header   textproto.MIMEHeader
	Body     []byte
}

// Names are those of the part's header, sorted.
func (p *Part) Names() []string {
	names := make([]string, 0, len(p.Header))
	for name := range p.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Boundary finds and checks the boundary in a Content-Type.
func Boundary(contentType string) (string, error) {
	kind, parameters, err := mime.ParseMediaType(contentType)
	if err != nil || !strings.HasPrefix(kind, "multipart/") {
		return "", errors.New("the Content-Type is not one of multipart with its boundary")
	}
	boundary := parameters["boundary"]
	if boundary == "" {
		return "", errors.New("the Content-Type names no boundary")
	}
	if len(boundary) > 70 || strings.HasSuffix(boundary, " ") || strings.ContainsFunc(boundary, notBoundary) {
		return "", errors.New("the boundary in the Content-Type is not one of RFC 2046: 1 to 70 characters of letters, digits and '()+_,-./:=? or spaces inside")
	}
	return boundary, nil
}

func notBoundary(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("'()+_,-./:=? ", r)
}

// Check looks for what makes a body impossible to take apart, without taking it
// apart: no valid boundary, no part, no end, too many parts. An empty body is
// left to its reader.
func Check(contentType string, body []byte) error {
	boundary, err := Boundary(contentType)
	if err != nil || len(body) == 0 {
		return err
	}
	delimiter := []byte("--" + boundary)
	parts, ended := 0, false
	for rest, at := body, 0; !ended; {
		next := bytes.Index(rest[at:], delimiter)
		if next < 0 {
			break
		}
		next += at
		at = next + len(delimiter)
		if next > 0 && rest[next-1] != '\n' {
			continue
		}
		after := bytes.TrimLeft(rest[at:min(len(rest), at+maxBlanks)], " \t")
		switch {
		case bytes.HasPrefix(rest[at:], []byte("--")):
			ended = true
		case bytes.HasPrefix(after, []byte("\r\n")), bytes.HasPrefix(after, []byte("\n")):
			if parts++; parts > MaxParts {
				return fmt.Errorf("there are more than %d parts, at offset %d", MaxParts, next)
			}
		}
	}
	switch {
	case parts == 0 && !ended:
		return fmt.Errorf("the boundary %q does not begin a part", boundary)
	case !ended:
		return fmt.Errorf("the end, --%s--, is missing", boundary)
	}
	return nil
}

// maxBlanks is how many blanks may follow a boundary on its line.
const maxBlanks = 100

// Parse takes a body apart.
func Parse(contentType string, body []byte) ([]Part, error) {
	boundary, err := Boundary(contentType)
	if err != nil {
		return nil, err
	}
	if err := Check(contentType, body); err != nil {
		return nil, err
	}
	if len(body) == 0 {
		return nil, errors.New("the body is empty")
	}
	var parts []Part
	for r := multipart.NewReader(bytes.NewReader(body), boundary); ; {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return parts, nil
		}
		if err != nil {
			return nil, broken(len(parts)+1, err)
		}
		if len(parts) == MaxParts {
			return nil, fmt.Errorf("there are more than %d parts", MaxParts)
		}
		part := Part{Name: p.FormName(), Filename: filename(p), Type: p.Header.Get("Content-Type"), Header: p.Header}
		if headerSize(p.Header) > maxHeader {
			return nil, fmt.Errorf("the header of part %d is longer than %d bytes", len(parts)+1, maxHeader)
		}
		if part.Type == "" {
			part.Type = "text/plain"
		}
		if part.Body, err = io.ReadAll(p); err != nil {
			return nil, broken(len(parts)+1, err)
		}
		parts = append(parts, part)
	}
}

// filename leaves out the directories of either kind of system.
func filename(p *multipart.Part) string {
	name := p.FileName()
	return name[strings.LastIndexByte(name, '\\')+1:]
}

func headerSize(h textproto.MIMEHeader) (size int) {
	for name, values := range h {
		for _, value := range values {
			size += len(name) + len(value)
		}
	}
	return size
}

func broken(part int, err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fmt.Errorf("part %d has no end", part)
	}
	const longest = 100
	why := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "multipart: "), "malformed MIME header ")
	if len(why) > longest {
		why = strings.ToValidUTF8(why[:longest], "") + "..."
	}
	return fmt.Errorf("part %d: %s", part, why)
}
