package record

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"junctor/internal/class"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/value"
)

// A file column holds the id of a file. The file is uploaded first, by PutFile,
// and belongs to nobody; the write that names its id in a file column makes it
// that record's. A file belongs to one record for its whole life: when the
// column gets another value, or the record goes for good, the file goes too.

// StoredFile describes a file.
type StoredFile struct {
	ID     string
	Name   string
	Type   string // media type
	Size   int64
	SHA256 string // of the content, in hexadecimal
}

// Limits of files.
const (
	MaxFile     = 100 << 20 // bytes
	maxFileName = 255       // characters
	maxFileType = 255
)

// PutFile uploads a file as it can be read from content, a piece at a time; nothing
// stays stored when that fails, with its error. A file that no record takes within
// a day is removed by CollectFiles, and at once by DropFile. Errors:
// fault.TooLarge, fault.Unprocessable for a name or type that is too long.
func (s *Store) PutFile(ctx context.Context, d *db.DB, name, mediaType string, content io.Reader) (*StoredFile, error) {
	if len([]rune(name)) > maxFileName || len(mediaType) > maxFileType || plain(name) != name || plain(mediaType) != mediaType {
		return nil, fault.New(fault.Unprocessable, "A file's name has at most %d characters, its type %d, and NUL is none.", maxFileName, maxFileType)
	}
	f := &StoredFile{ID: s.ids.New("file", s.now()), Name: name, Type: mediaType}
	if f.Type == "" {
		f.Type = "application/octet-stream"
	}
	sum := sha256.New()
	blob, size, err := d.PutLargeFrom(ctx, io.TeeReader(&bounded{from: content}, sum))
	if err != nil {
		return nil, err
	}
	f.Size, f.SHA256 = size, hex.EncodeToString(sum.Sum(nil))
	err = d.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO record_files (id, name, media_type, size, sha256, content, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			f.ID, f.Name, f.Type, f.Size, f.SHA256, blob, db.Micros(s.now()))
		for _, op := range db.ClaimOps(blob) {
			if err == nil {
				_, err = tx.Many(op.Stmt, [][]any{op.Row})
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store a file: %w", err)
	}
	return f, nil
}

// bounded fails where more is read from it than a file may have.
type bounded struct {
	from io.Reader
	read int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if b.read += int64(n); b.read > MaxFile {
		return 0, fault.New(fault.TooLarge, "A file has at most %d bytes.", MaxFile)
	}
	return n, err
}

// DropFile removes an uploaded file that no record has taken.
func (s *Store) DropFile(ctx context.Context, d *db.DB, id string) error {
	return d.Write(ctx, func(tx *db.Tx) error { return dropFiles(tx, `id = $1 AND class IS NULL`, id) })
}

// File reads a record's file; its content is to be opened with db.DB.OpenLarge.
// Errors: as those of Get, and fault.NotFound when the column is empty.
func (s *Store) File(tx *db.Tx, m *class.Model, a Actor, code string, at Address, column string) (*StoredFile, db.Blob, error) {
	r, err := s.Get(tx, m, a, code, at, []string{column}, nil)
	if err != nil {
		return nil, nil, err
	}
	v, _ := r.Value(column)
	if c := m.Class(code).Column(column); c == nil || c.Kind != class.File {
		return nil, nil, fault.New(fault.Invalid, "The column %s of the class %s holds no file.", column, code)
	}
	if v.IsNull() {
		return nil, nil, fault.New(fault.NotFound, "The record %s(%s) has no file in the column %s.", code, at, column)
	}
	files, err := s.Files(tx, v.Text())
	if err != nil {
		return nil, nil, err
	}
	f, ok := files[v.Text()]
	if !ok {
		return nil, nil, fault.New(fault.NotFound, "The file %s is no longer stored.", v.Text())
	}
	var content db.Blob
	err = tx.QueryRow(`SELECT content FROM record_files WHERE id = $1`, f.ID).Scan(&content)
	return &f, content, err
}

// Files describes files, by id; what is not stored is not in the answer.
func (s *Store) Files(tx *db.Tx, ids ...string) (map[string]StoredFile, error) {
	all := map[string]StoredFile{}
	const atOnce = 200
	for len(ids) > 0 {
		n := min(len(ids), atOnce)
		places, args := make([]string, n), make([]any, n)
		for i, id := range ids[:n] {
			places[i], args[i] = "$"+strconv.Itoa(i+1), plain(id)
		}
		rows, err := tx.Query(`SELECT id, name, media_type, size, sha256 FROM record_files WHERE id IN (`+strings.Join(places, ", ")+`)`, args...)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var f StoredFile
			if err := rows.Scan(&f.ID, &f.Name, &f.Type, &f.Size, &f.SHA256); err != nil {
				rows.Close()
				return nil, err
			}
			all[f.ID] = f
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, err
		}
		ids = ids[n:]
	}
	return all, nil
}

// CollectFiles removes up to n files that no record has taken for so long, and
// returns how many.
func (s *Store) CollectFiles(tx *db.Tx, n int, olderThan time.Duration) (int, error) {
	ids, err := tx.Texts(`SELECT id FROM record_files WHERE class IS NULL AND created_at < $1 ORDER BY created_at LIMIT $2`,
		db.Micros(s.now().Add(-olderThan)), n)
	for _, id := range ids {
		if err == nil {
			err = dropFiles(tx, `id = $1`, id)
		}
	}
	return len(ids), err
}

// dropFilesOf removes the files of a record that is gone for good.
func dropFilesOf(tx *db.Tx, c *class.Class, id string) error {
	if !hasFiles(c) {
		return nil
	}
	return dropFiles(tx, `record_id = $1 AND class = $2`, id, c.Code)
}

// hasFiles reports whether the class has a file column.
func hasFiles(c *class.Class) bool {
	return slices.ContainsFunc(c.Columns, func(c *class.Column) bool { return c.Kind == class.File })
}

func dropFiles(tx *db.Tx, where string, args ...any) error {
	rows, err := tx.Query(`SELECT content FROM record_files WHERE `+where, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var blobs []db.Blob
	for rows.Next() {
		var b db.Blob
		if err := rows.Scan(&b); err != nil {
			return err
		}
		blobs = append(blobs, b)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, b := range blobs {
		if err := tx.DropLarge(b); err != nil {
			return err
		}
	}
	_, err = tx.Exec(`DELETE FROM record_files WHERE `+where, args...)
	return err
}

// checkFiles finds file columns that name what is no free file.
func (w *write) checkFiles() error {
	seen := map[value.Value]bool{}
	for _, i := range w.movedFiles() {
		if w.row[i].IsNull() {
			continue
		}
		if seen[w.row[i]] {
			w.wrong(w.pointer(i), "another column has the same file")
			continue
		}
		seen[w.row[i]] = true
		sql := `SELECT id FROM record_files WHERE id = $1 AND class IS NULL`
		if w.view.postgres {
			sql += ` FOR UPDATE`
		}
		var id string
		err := w.tx.QueryRow(sql, w.row[i].Text()).Scan(&id)
		if errors.Is(err, db.ErrNoRows) {
			w.wrong(w.pointer(i), "there is no uploaded file %s that belongs to no record yet", literal(w.row[i].Text()))
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// moveFiles makes files the record's, and removes those that it no longer names.
func (w *write) moveFiles() error {
	for _, i := range w.movedFiles() {
		if w.old != nil && !w.old[i].IsNull() {
			if err := dropFiles(w.tx, `id = $1`, w.old[i].Text()); err != nil {
				return err
			}
		}
		if w.row[i].IsNull() {
			continue
		}
		n, err := w.tx.Exec(`UPDATE record_files SET class = $2, record_id = $3 WHERE id = $1 AND class IS NULL`, w.row[i].Text(), w.class.Code, w.row[atID].Text())
		if err != nil {
			return err
		}
		if n != 1 { // it was locked and free
			return fmt.Errorf("the file %s is gone", w.row[i])
		}
	}
	return nil
}

// movedFiles are the file columns that get another value.
func (w *write) movedFiles() (places []int) {
	for i := w.layout.own; i < len(w.row); i++ {
		if w.layout.columns[i].Kind != class.File {
			continue
		}
		former := value.Value{}
		if w.old != nil {
			former = w.old[i]
		}
		if !sameValue(w.row[i], former) {
			places = append(places, i)
		}
	}
	return places
}
