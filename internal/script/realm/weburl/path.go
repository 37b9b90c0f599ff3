package weburl

import "strings"

// path reads a path from its start.
func (u *URL) path(text string) {
	if u.startsSlash(text, 1) {
		text = text[1:]
	} else if text == "" && !special(u.Scheme) {
		return
	}
	u.segments(text)
}

// segments appends the segments of a path to what there is of it, with . and ..
// carried out.
func (u *URL) segments(text string) {
	if special(u.Scheme) {
		text = strings.ReplaceAll(text, `\`, "/")
	}
	for more := true; more; {
		var segment string
		segment, text, more = strings.Cut(text, "/")
		switch dots(segment) {
		case 2:
			u.shorten()
			if !more {
				u.Path = append(u.Path, "")
			}
		case 1:
			if !more {
				u.Path = append(u.Path, "")
			}
		default:
			if u.Scheme == "file" && len(u.Path) == 0 && isDrive(segment) {
				segment = segment[:1] + ":"
			}
			u.Path = append(u.Path, pathSet.encode(segment))
		}
	}
}

// dots says whether a segment is one dot or two, plain or encoded; else 0.
func dots(segment string) int {
	if len(segment) > 6 {
		return 0
	}
	switch strings.ReplaceAll(strings.ToLower(segment), "%2e", ".") {
	case ".":
		return 1
	case "..":
		return 2
	}
	return 0
}

// shorten drops the last segment, but not the drive of a file.
func (u *URL) shorten() {
	if u.Scheme == "file" && len(u.Path) == 1 && isDrive(u.Path[0]) && u.Path[0][1] == ':' {
		return
	}
	if len(u.Path) > 0 {
		u.Path = u.Path[:len(u.Path)-1]
	}
}
