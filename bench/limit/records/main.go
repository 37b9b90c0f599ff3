// Command records is the yardstick for records: net/http and SQLite by hand, one
// table, no rights, no events, no validation beyond decoding. It creates an order
// (answered once it is on disk, many in one transaction), gets one by its number
// and lists those of a lot.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"runtime"

	_ "modernc.org/sqlite"
)

type order struct {
	ID     string      `json:"id"`
	Number string      `json:"number"`
	Lot    string      `json:"lot"`
	Owner  string      `json:"owner"`
	Total  json.Number `json:"total"`
	State  string      `json:"state"`
	Note   string      `json:"note"`
}

const schema = `CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, number TEXT NOT NULL UNIQUE, lot TEXT NOT NULL, owner TEXT NOT NULL,
	total TEXT NOT NULL, state TEXT NOT NULL, note TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS orders_lot ON orders (lot)`

const columns = `id, number, lot, owner, total, state, note`

// waiting is a create that waits for its row.
type waiting struct {
	order
	done chan error
}

const batchLimit = 4096

type server struct {
	queue     chan waiting
	byNumber  *sql.Stmt
	byLot     *sql.Stmt
	insertOne *sql.Stmt
	writer    *sql.Conn
}

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address to serve")
	file := flag.String("file", "records.db", "SQLite file")
	flag.Parse()
	if err := run(*listen, *file); err != nil {
		fmt.Fprintln(os.Stderr, "records:", err)
		os.Exit(1)
	}
}

func run(listen, file string) error {
	ctx := context.Background()
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1 + 2*runtime.NumCPU())
	db.SetMaxIdleConns(1 + 2*runtime.NumCPU())
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return err
	}
	s := &server{queue: make(chan waiting, batchLimit)}
	if s.writer, err = db.Conn(ctx); err != nil {
		return err
	}
	var errs [3]error
	s.insertOne, errs[0] = s.writer.PrepareContext(ctx, `INSERT INTO orders (`+columns+`) VALUES (?, ?, ?, ?, ?, ?, ?)`)
	s.byNumber, errs[1] = db.PrepareContext(ctx, `SELECT `+columns+` FROM orders WHERE number = ?`)
	s.byLot, errs[2] = db.PrepareContext(ctx, `SELECT `+columns+` FROM orders WHERE lot = ? ORDER BY number LIMIT 50`)
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	go s.write(ctx)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /orders", s.create)
	mux.HandleFunc("GET /orders/{number}", s.get)
	mux.HandleFunc("GET /orders", s.list)
	return http.ListenAndServe(listen, mux)
}

func (s *server) create(w http.ResponseWriter, r *http.Request) {
	one := waiting{done: make(chan error, 1)}
	if err := json.NewDecoder(r.Body).Decode(&one.order); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	one.ID = "rec_" + one.Number
	s.queue <- one
	if err := <-one.done; err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, http.StatusCreated, one.order)
}

func (s *server) get(w http.ResponseWriter, r *http.Request) {
	one, err := scan(s.byNumber.QueryRowContext(r.Context(), r.PathValue("number")))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		http.NotFound(w, r)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		answer(w, http.StatusOK, one)
	}
}

func (s *server) list(w http.ResponseWriter, r *http.Request) {
	rows, err := s.byLot.QueryContext(r.Context(), r.URL.Query().Get("lot"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer rows.Close()
	list := make([]order, 0, 50)
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		list = append(list, one)
	}
	if err := rows.Err(); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, http.StatusOK, map[string]any{"value": list})
}

func scan(row interface{ Scan(...any) error }) (o order, err error) {
	var total string
	err = row.Scan(&o.ID, &o.Number, &o.Lot, &o.Owner, &total, &o.State, &o.Note)
	o.Total = json.Number(total)
	return o, err
}

func answer(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(body) //nolint:errcheck // the client is gone
}

// write is the group committer: the first create, then all that are there.
func (s *server) write(ctx context.Context) {
	batch := make([]waiting, 0, batchLimit)
	for first := range s.queue {
		batch = append(batch[:0], first)
	more:
		for len(batch) < batchLimit {
			select {
			case one := <-s.queue:
				batch = append(batch, one)
			default:
				break more
			}
		}
		err := s.insert(ctx, batch)
		for _, one := range batch {
			one.done <- err
		}
	}
}

func (s *server) insert(ctx context.Context, batch []waiting) error {
	if _, err := s.writer.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	for _, o := range batch {
		if _, err := s.insertOne.ExecContext(ctx, o.ID, o.Number, o.Lot, o.Owner, o.Total.String(), o.State, o.Note); err != nil {
			s.writer.ExecContext(ctx, "ROLLBACK") //nolint:errcheck // the insert's error is the one to tell
			return err
		}
	}
	_, err := s.writer.ExecContext(ctx, "COMMIT")
	return err
}
