package realm

type isoOutcome int

const (
	isoRead  isoOutcome = iota
	isoWrong            // it has a T and something after it is wrong
	isoOther            // the rest is in another form
)

// readISO reads YYYY[-MM[-DD]][THH:mm[:ss[.sss]][Z|+HH:mm]]. A date alone is UTC,
// with a time it is local.
func (p *dateParser) readISO() isoOutcome {
	if !p.isoDate() {
		return isoOther
	}
	switch after := p.peek(); {
	case after.isWord("t"):
		p.next()
		if !p.isoTime() {
			return isoWrong
		}
	case after.kind != atEnd:
		return isoOther
	default:
		p.zoneSign, p.zoneHour, p.zoneMinute = 1, 0, 0
	}
	p.iso = true
	return isoRead
}

func (p *dateParser) isoDate() bool {
	switch sign := p.peek(); {
	case sign.sign():
		p.next()
		year := p.peek()
		if !year.fixed(6, 0, 999999) {
			p.at--
			return false
		}
		p.next()
		if sign.is("-") && year.value == 0 { // there is no such year
			return false
		}
		if sign.is("-") {
			year.value = -year.value
		}
		p.day = append(p.day, year.value)
	case sign.fixed(4, 0, 9999):
		p.day = append(p.day, p.next().value)
	default:
		return false
	}
	for _, high := range []int{12, 31} {
		if !p.skip("-") {
			break
		}
		if !p.peek().fixed(2, 1, high) {
			return false
		}
		p.day = append(p.day, p.next().value)
	}
	return true
}

func (p *dateParser) isoTime() bool {
	if !p.peek().fixed(2, 0, 24) {
		return false
	}
	p.time = append(p.time, p.next().value)
	high := 59
	if p.time[0] == 24 {
		high = 0
	}
	if !p.skip(":") || !p.peek().fixed(2, 0, high) {
		return false
	}
	p.time = append(p.time, p.next().value)
	if p.skip(":") {
		if !p.peek().fixed(2, 0, high) {
			return false
		}
		p.time = append(p.time, p.next().value)
		if p.skip(".") {
			fraction := p.next()
			if fraction.kind != number || high == 0 && fraction.value > 0 {
				return false
			}
			p.time = append(p.time, milliseconds(fraction.text))
		}
	}
	return p.isoZone() && p.peek().kind == atEnd
}

func (p *dateParser) isoZone() bool {
	switch t := p.peek(); {
	case t.isWord("z"):
		p.next()
		p.zoneSign, p.zoneHour, p.zoneMinute = 1, 0, 0
	case t.sign():
		p.next()
		p.zoneSign = 1
		if t.is("-") {
			p.zoneSign = -1
		}
		if n := p.peek(); n.fixed(4, 0, 2359) && n.value%100 <= 59 {
			p.zoneHour, p.zoneMinute = n.value/100, n.value%100
			p.next()
			return true
		}
		if !p.peek().fixed(2, 0, 23) {
			return false
		}
		p.zoneHour = p.next().value
		if !p.skip(":") || !p.peek().fixed(2, 0, 59) {
			return false
		}
		p.zoneMinute = p.next().value
	}
	return true
}

// readLegacy reads the forms of mail headers, of Date's own toString, and the
// American ones: words before the first number mean nothing, (...) is a comment.
func (p *dateParser) readLegacy() bool {
	late := len(p.day) > 0 // a number has been read
	for {
		switch t := p.next(); {
		case t.kind == atEnd:
			return true
		case t.kind == number:
			late = true
			if !p.legacyNumber(t) {
				return false
			}
		case t.kind == word:
			if !p.legacyWord(t.text, late) {
				return false
			}
		case t.sign() && (p.zoneSign != 0 && p.zoneHour == 0 && p.zoneMinute == 0 || len(p.time) > 0):
			late = true
			if !p.legacyZone(t) {
				return false
			}
		case (t.sign() || t.is(")")) && late:
			return false
		case t.is("("):
			p.comment()
		}
	}
}

func (p *dateParser) legacyNumber(t dateToken) bool {
	n := t.value
	switch {
	case p.skip(":"):
		if p.skip(":") {
			if len(p.time) > 0 {
				return false
			}
			p.time = append(p.time, n, 0)
			return true
		}
		if !add(&p.time, 4, n) {
			return false
		}
		p.skip(".")
		return true
	case p.peek().is(".") && p.expects(n):
		p.next()
		p.time = append(p.time, n)
		fraction := p.next()
		if fraction.kind != number {
			return false
		}
		p.time = append(append(p.time, milliseconds(fraction.text)), 0, 0, 0)[:4]
		return true
	}
	p.skip(".")
	switch {
	case p.zoneHour != none && p.zoneMinute == none && n <= 59:
		p.zoneMinute = n
		return true
	case p.expects(n):
		p.time = append(append(p.time, n), 0, 0, 0)[:4]
		after := p.peek()
		return after.kind == atEnd || after.kind == blank || after.isWord("z") || after.sign()
	}
	if !add(&p.day, 3, n) {
		return false
	}
	p.skip("-")
	return true
}

// expects says whether n can be the next part of a time that has begun.
func (p *dateParser) expects(n int) bool {
	switch len(p.time) {
	case 1, 2:
		return n <= 59
	case 3:
		return n <= 999
	}
	return false
}

func (p *dateParser) legacyWord(text string, late bool) bool {
	switch w := lookupWord(text); {
	case w.kind == 'h' && len(p.time) > 0:
		p.afternoon = w.value
	case w.kind == 'm':
		p.month = w.value
		p.skip("-")
	case w.kind == 'z' && late:
		p.zoneSign, p.zoneHour, p.zoneMinute = 1, w.value, 0
		if w.value < 0 {
			p.zoneSign, p.zoneHour = -1, -w.value
		}
	default:
		return !late && p.peek().kind != number
	}
	return true
}

func (p *dateParser) legacyZone(sign dateToken) bool {
	p.zoneSign = 1
	if sign.is("-") {
		p.zoneSign = -1
	}
	n, length := 0, 0
	if p.peek().kind == number {
		t := p.next()
		n, length = t.value, len(t.text)
	}
	switch {
	case p.peek().is(":"):
		p.zoneHour, p.zoneMinute = n, none
	case length == 1 || length == 2:
		p.zoneHour, p.zoneMinute = n, 0
	case length == 3 || length == 4:
		p.zoneHour, p.zoneMinute = n/100, n%100
	default:
		return false
	}
	return true
}

// comment skips to the parenthesis that closes the one just read.
func (p *dateParser) comment() {
	for depth := 1; depth > 0; {
		switch t := p.next(); {
		case t.kind == atEnd:
			return
		case t.is("("):
			depth++
		case t.is(")"):
			depth--
		}
	}
}
