package channel

import "bytes"

// scanner walks a valid JSON text without decoding it, so that finding one
// member of a large body makes no values of the others.
type scanner struct {
	data []byte
	at   int
}

// find returns the raw value at the path, nil when it is not there.
func (s scanner) find(path []segment) []byte {
	s.space()
	for _, step := range path {
		var found bool
		if step.index < 0 {
			found = s.member(step.name)
		} else {
			found = s.element(step.index)
		}
		if !found {
			return nil
		}
	}
	start := s.at
	s.skip()
	return s.data[start:s.at]
}

// member moves to the value of the last member with the name.
func (s *scanner) member(name string) bool {
	if s.data[s.at] != '{' {
		return false
	}
	last := -1
	for s.open('}') {
		key := s.at
		s.skip()
		matches := same(s.data[key:s.at], name)
		s.space()
		s.at++ // the colon
		s.space()
		if matches {
			last = s.at
		}
		s.skip()
	}
	if last >= 0 {
		s.at = last
	}
	return last >= 0
}

// element moves to the n-th element.
func (s *scanner) element(n int) bool {
	if s.data[s.at] != '[' {
		return false
	}
	for i := 0; s.open(']'); i++ {
		if i == n {
			return true
		}
		s.skip()
	}
	return false
}

// open steps over the opening bracket or the comma to the next value; false at
// the closing bracket.
func (s *scanner) open(end byte) bool {
	s.space()
	if s.data[s.at] == end {
		return false
	}
	s.at++
	s.space()
	return s.data[s.at] != end
}

// skip moves behind the value that starts here.
func (s *scanner) skip() {
	depth := 0
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case '"':
			s.text()
		case '{', '[':
			depth++
			s.at++
		case '}', ']':
			depth--
			s.at++
		case ',', ':', ' ', '\t', '\r', '\n':
			s.at++
		default:
			s.word()
		}
		if depth == 0 {
			return
		}
	}
}

// text moves behind the text that starts here.
func (s *scanner) text() {
	for s.at++; s.data[s.at] != '"'; s.at++ {
		if s.data[s.at] == '\\' {
			s.at++
		}
	}
	s.at++
}

// word moves behind a number, true, false or null.
func (s *scanner) word() {
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case ',', '}', ']', ' ', '\t', '\r', '\n':
			return
		}
		s.at++
	}
}

func (s *scanner) space() {
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return
		}
	}
}

// same compares a quoted key with a name, without an allocation in the usual
// case.
func same(quoted []byte, name string) bool {
	if bytes.IndexByte(quoted, '\\') >= 0 {
		return unquote(quoted) == name
	}
	return string(quoted[1:len(quoted)-1]) == name
}
