// Command store is the yardstick for everything that keeps what it accepts: a
// request is answered once its body, which nobody looks into, is a row on disk.
// One writer takes all that wait into one transaction.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// message is one request that waits for its row.
type message struct {
	id   int64
	body []byte
	done chan error
}

// database writes a batch in one transaction, on disk when it returns.
type database interface {
	insert(ctx context.Context, batch []message) error
}

// batchLimit keeps a transaction from growing without end under a flood.
const batchLimit = 4096

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address to serve")
	file := flag.String("file", "store.db", "SQLite file")
	url := flag.String("postgres", "", "PostgreSQL URL, instead of the file")
	flag.Parse()
	if err := run(*listen, *file, *url); err != nil {
		fmt.Fprintln(os.Stderr, "store:", err)
		os.Exit(1)
	}
}

func run(listen, file, url string) error {
	ctx := context.Background()
	var d database
	var err error
	if url != "" {
		d, err = openPostgres(ctx, url)
	} else {
		d, err = openSQLite(ctx, file)
	}
	if err != nil {
		return err
	}
	queue := make(chan message, batchLimit)
	go write(ctx, d, queue)
	return http.ListenAndServe(listen, handler(queue))
}

func handler(queue chan<- message) http.Handler {
	var last atomic.Int64
	last.Store(time.Now().UnixMicro()) // ids rise over restarts too
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		m := message{id: last.Add(1), body: body, done: make(chan error, 1)}
		queue <- m
		if err := <-m.done; err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
}

// write is the group committer: the first message, then all that is there.
func write(ctx context.Context, d database, queue <-chan message) {
	batch := make([]message, 0, batchLimit)
	for first := range queue {
		batch = append(batch[:0], first)
	more:
		for len(batch) < batchLimit {
			select {
			case m := <-queue:
				batch = append(batch, m)
			default:
				break more
			}
		}
		err := d.insert(ctx, batch)
		for _, m := range batch {
			m.done <- err
		}
	}
}
