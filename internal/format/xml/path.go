package xml

import "strings"

// path is where a reader or writer stands: the names of the elements around it.
// It becomes text for errors only; a text kept up to date would cost more than
// the work itself in documents that are deep and wide.
type path []string

func (p *path) pop() { *p = (*p)[:len(*p)-1] }

// String is /a/b, of which the beginning is left out when it is long.
func (p path) String() string {
	if len(p) == 0 {
		return "the root"
	}
	text := ""
	for i := len(p) - 1; i >= 0; i-- {
		text = "/" + p[i] + text
		if len(text) > 200 {
			return "..." + strings.ToValidUTF8(text[len(text)-200:], "")
		}
	}
	return text
}
