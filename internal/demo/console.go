package demo

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"junctor/internal/clock"
)

// Who speaks in a line of the console.
type Who struct{ name, color string }

// The four parties of the example.
var (
	shop      = Who{"shop", "36"}
	warehouse = Who{"warehouse", "35"}
	junctor   = Who{"junctor", "33"}
	erp       = Who{"erp", "32"}
)

// Console prints one line for everything that happens. It is safe for use by
// several goroutines.
type Console struct {
	out   io.Writer
	color bool
	clock clock.Clock
	mu    sync.Mutex
}

// NewConsole prints to out, with colours where a person looks at a terminal.
func NewConsole(out io.Writer, color bool, c clock.Clock) *Console {
	return &Console{out: out, color: color, clock: c}
}

// ERP prints what the ERP tells; see NewERP.
func (c *Console) ERP(text string) { c.line(erp, "%s", text) }

func (c *Console) line(who Who, format string, args ...any) {
	name := fmt.Sprintf("%-9s", who.name)
	if c.color {
		name = "\x1b[" + who.color + "m" + name + "\x1b[0m"
	}
	text := strings.ReplaceAll(strings.TrimSpace(fmt.Sprintf(format, args...)), "\n", " ")
	c.mu.Lock()
	defer c.mu.Unlock()
	fmt.Fprintf(c.out, "%s  %s  %s\n", c.clock.Now().Format("15:04:05.000"), name, text)
}

// page prints several lines as they are.
func (c *Console) page(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	io.WriteString(c.out, text) //nolint:errcheck // nobody is left to tell
}
