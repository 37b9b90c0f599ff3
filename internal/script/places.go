package script

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/go-sourcemap/sourcemap"
)

// place is a position in the sources, counted from 1.
type place struct {
	file         string
	line, column int
}

// places is a parsed source map; nil inside when it cannot be read, and then
// positions are those of the bundle.
type places struct{ consumer *sourcemap.Consumer }

// headLines is what stands before the bundler's code: the factory's first line
// and the list of exports.
const headLines = 2

// place finds the source of a position in the compiled text; ok is false for
// the realm's own code.
func (p *Program) place(line, column int) (place, bool) {
	line -= lineOffset + headLines - 1
	if line < 1 {
		return place{}, false
	}
	p.parse.Do(func() {
		p.places = &places{}
		if consumer, err := sourcemap.Parse("", p.mapping); err == nil {
			p.places.consumer = consumer
		}
	})
	if p.places.consumer != nil {
		if file, _, l, c, ok := p.places.consumer.Source(line, column-1); ok {
			return place{file, l, c + 1}, true
		}
	}
	return place{"bundle.js", line, column}, true
}

// frame is a line of the engine's stack text that has a position.
var frame = regexp.MustCompile(`^(\s*at .*)\(<eval>:(\d+):(\d+)\)$`)

// Positions rewrites the engine's stack text into positions in the sources and
// cuts the frames of the realm. Other lines stay as they are, without those
// that are empty.
func (p *Program) Positions(stack string) string {
	var out []string
	for line := range strings.Lines(stack) {
		line = strings.TrimRight(line, "\n")
		if found := frame.FindStringSubmatch(line); found != nil {
			l, _ := strconv.Atoi(found[2])
			c, _ := strconv.Atoi(found[3])
			at, ok := p.place(l, c)
			if !ok {
				continue
			}
			line = found[1] + "(" + at.file + ":" + strconv.Itoa(at.line) + ":" + strconv.Itoa(at.column) + ")"
		}
		if line != "" {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}
