package hub

import (
	"context"
	"log"
	"log/slog"
	"strings"
)

// quiet passes net/http's own complaints on as debug lines: nearly all are
// about clients that went away.
func quiet(to *slog.Logger) *log.Logger {
	return log.New(writer{to}, "", 0)
}

type writer struct{ log *slog.Logger }

func (w writer) Write(line []byte) (int, error) {
	w.log.Log(context.Background(), slog.LevelDebug, strings.TrimSpace(string(line)))
	return len(line), nil
}
