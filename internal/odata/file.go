package odata

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"junctor/internal/class"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/record"
	"junctor/internal/value"
)

// fileLimit is how large a file may be. One that is read or written is in memory
// a piece at a time.
const fileLimit = record.MaxFile

// batchFile is how large a file may be that a batch answers, where it is in memory
// as a whole.
const batchFile = 8 << 20

// isFile reports whether the property of the address is a file.
func (q *request) isFile() bool {
	c, err := q.column(q.target.end, q.target.property)
	return err == nil && c.Kind == class.File
}

// fileTag is a file's ETag: the hash of its content.
func fileTag(f record.StoredFile) string { return `"` + f.SHA256 + `"` }

// getFile answers a file's content.
func (q *request) getFile(tx *db.Tx, r *record.Record, c *class.Column, v value.Value) (*answer, error) {
	if v.IsNull() {
		return q.newAnswer(http.StatusNoContent), nil
	}
	f, content, err := q.door.Records.File(tx, q.model, q.actor, r.Class(), record.Address{ID: r.ID()}, c.Code)
	if err != nil {
		return nil, err
	}
	a := q.newAnswer(http.StatusOK)
	switch {
	case !q.inner:
		a.file = content
	case q.unmodified(fileTag(*f)):
		a.status = http.StatusNotModified
	case f.Size > batchFile:
		return nil, fault.New(fault.TooLarge, "The file has %d bytes, and a batch answers files up to %d: read it by a request of its own.", f.Size, batchFile)
	default:
		if a.body, err = tx.Load(content); err != nil {
			return nil, err
		}
	}
	a.header.Set("Etag", fileTag(*f))
	a.header.Set("Content-Type", f.Type)
	// It is somebody's upload: a browser must not execute it.
	a.header.Set("Content-Disposition", disposition(f.Name))
	a.header.Set("Repr-Digest", "sha-256=:"+digest(f.SHA256)+":")
	return a, nil
}

// nothing is a range of the last 0 bytes, which http.ServeContent answers as if
// there were such a part (206, "bytes 5-4/5"); of an empty file every last range is one.
var nothing = regexp.MustCompile(`[=,]\s*-0+\s*(,|$)`)

// manyRanges is how many ranges of a file are answered at most; more are no reason
// to read it again and again. Those, and units that are not known, are as if they
// had not been asked for (RFC 9110, 14.2).
const manyRanges = 16

// sendFile answers a file as its caller takes it, whole or in ranges (RFC 9110, 13
// and 14). What it returns is to be answered in its place.
func (q *request) sendFile(w http.ResponseWriter, a *answer) error {
	content, err := q.door.DB.OpenLarge(q.ctx, a.file)
	if err != nil {
		return err
	}
	if a.file.Large() && !q.place.Grow(db.ReadSize) {
		return errNoRoom
	}
	for name, values := range a.header {
		w.Header()[name] = values
	}
	r := q.http
	size, err := content.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if asked := r.Header.Get("Range"); !strings.HasPrefix(asked, "bytes=") || strings.Count(asked, ",") >= manyRanges || size == 0 || nothing.MatchString(asked) {
		r = r.Clone(q.ctx)
		r.Header.Del("Range")
	}
	http.ServeContent(&refusing{ResponseWriter: w, request: q}, r, "", time.Time{}, content)
	return nil
}

// refusing answers what http.ServeContent refuses in the form of OData.
type refusing struct {
	http.ResponseWriter
	request *request
	done    bool // the rest is of the other form
}

var refusals = map[int]*fault.Error{
	http.StatusPreconditionFailed:           fault.New(fault.Stale, "The file is another one now than If-Match names."),
	http.StatusRequestedRangeNotSatisfiable: fault.New(fault.NoRange, "The file has nothing in the range that is asked for; Content-Range says how large it is."),
}

// WriteHeader implements http.ResponseWriter.
func (w *refusing) WriteHeader(status int) {
	said := refusals[status]
	if said == nil {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	w.done = true
	h := w.Header()
	for _, name := range []string{"Content-Disposition", "Repr-Digest", "Content-Type"} {
		h.Del(name)
	}
	secure(h)
	w.request.refuse(said).write(w.ResponseWriter, w.request.http)
}

// Write implements http.ResponseWriter.
func (w *refusing) Write(b []byte) (int, error) {
	if w.done {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

func disposition(name string) string {
	if name == "" {
		return "attachment"
	}
	if text := mime.FormatMediaType("attachment", map[string]string{"filename": name}); text != "" {
		return text
	}
	return "attachment"
}

// putFile stores the body as the file of a column. It is uploaded first, in
// transactions of its own, and becomes the record's in the one that changes it.
func (q *request) putFile(c *class.Column) (*answer, error) {
	if q.tx != nil {
		return nil, fault.New(fault.Invalid, "A file is stored by a request of its own, not in a group.")
	}
	if err := q.door.DB.Read(q.ctx, q.mayPutFile); err != nil {
		return nil, err
	}
	if q.uploaded == nil {
		if q.content == nil {
			q.content = bytes.NewReader(q.body)
		}
		f, err := q.door.Records.PutFile(q.ctx, q.door.DB, q.fileName(), q.header.Get("Content-Type"), q.content)
		if err != nil {
			return nil, err
		}
		q.uploaded = f
	}
	id := appendText(nil, q.uploaded.ID)
	a, err := q.write(func(q *request, tx *db.Tx) (*answer, error) {
		at, err := q.there(tx)
		if err != nil {
			return nil, err
		}
		if q, err = q.fileMatches(tx, at, c); err != nil {
			return nil, err
		}
		a, err := q.set(tx, q.target.end, at, c.Field(), id)
		if err == nil {
			a.header.Set("Etag", fileTag(*q.uploaded))
		}
		return a, err
	})
	if err != nil && !outdated(err) { // nobody wants it any more
		err = errors.Join(err, q.door.Records.DropFile(context.WithoutCancel(q.ctx), q.door.DB, q.uploaded.ID))
	}
	return a, err
}

// mayPutFile refuses whose upload no record would take, before anything of it is
// stored. The write has the last word.
func (q *request) mayPutFile(tx *db.Tx) error {
	at, err := q.there(tx)
	if err != nil {
		return err
	}
	rights := q.actor.Rights.Class(q.target.end.Code)
	if !rights.Read.None() {
		if _, err := q.door.Records.Get(tx, q.model, q.actor, q.target.end.Code, at, []string{"id"}, nil); err != nil {
			return err
		}
	}
	if rights.Update.None() {
		return fault.New(fault.Forbidden, "You may not change records of the class %s.", q.target.end.Code)
	}
	return nil
}

// fileMatches takes an If-Match that names the file's content, and returns the
// request with the record's own tag in its place; one that names the record stays.
func (q *request) fileMatches(tx *db.Tx, at record.Address, c *class.Column) (*request, error) {
	var ours []string
	for _, tag := range tags(q.header.Values("If-Match")) {
		if t := strings.Trim(strings.TrimPrefix(tag, "W/"), `"`); len(t) == sha256.Size*2 {
			ours = append(ours, t)
		}
	}
	if ours == nil {
		return q, nil
	}
	r, err := q.door.Records.Get(tx, q.model, q.actor, q.target.end.Code, at, []string{c.Field()}, nil)
	if err != nil {
		return nil, err
	}
	if v, _ := r.Value(c.Field()); !v.IsNull() {
		described, err := q.door.Records.Files(tx, v.Text())
		if err != nil {
			return nil, err
		}
		if slices.Contains(ours, described[v.Text()].SHA256) {
			again := *q
			again.header = q.header.Clone()
			again.header.Set("If-Match", etag(r.Version()))
			return &again, nil
		}
	}
	return nil, fault.New(fault.Stale, "The file is another one now than If-Match names.")
}

// digest is a hash as Repr-Digest has it (RFC 9530).
func digest(sum string) string {
	raw, err := hex.DecodeString(sum)
	if err != nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(raw)
}

// fileName is what the sender calls the file: by Content-Disposition, or Slug
// (RFC 5023, 9.7).
func (q *request) fileName() string {
	if _, parameters, err := mime.ParseMediaType(q.header.Get("Content-Disposition")); err == nil && parameters["filename"] != "" {
		name := parameters["filename"]
		return name[strings.LastIndexAny(name, `/\`)+1:]
	}
	if slug, err := url.PathUnescape(q.header.Get("Slug")); err == nil {
		return slug[strings.LastIndexAny(slug, `/\`)+1:]
	}
	return ""
}
