package realm_test

import (
	"regexp"
	"strings"
	"testing"
)

// urlDifferences are the cases in which Node 20 does not do what the URL standard
// says, and Junctor does.
var urlDifferences = map[string]string{
	`http://h/a b"<>` + "`" + `{}^|~!$&'()*+,;=:@[]\x`: "^ is percent-encoded in paths",
	"/.. on foo://h/a/b?q":                             "a path that .. emptied is /",
	"/.. on foo:/a/b":                                  "a path that .. emptied is /",
	"x?n#m on mailto:x":                                "nothing resolves against mailto:",
	"host=:90 of foo://h:5/x":                          "a port without a host changes nothing",
	"host=:90 of foo://h":                              "a port without a host changes nothing",
	"host= of foo:/x":                                  "an empty host is one",
	"hostname= of foo:/x":                              "an empty host is one",
	"host=x:90 of foo:/x":                              "the port is set with the host",
	"host=x:80 of foo:/x":                              "the port is set with the host",
	"host=x:9a of foo:/x":                              "the port is set with the host",
	"host=[::1]:3 of foo:/x":                           "the port is set with the host",
	"host=x:90 of foo:///x":                            "the port is set with the host",
	"host=x:80 of foo:///x":                            "the port is set with the host",
	"host=x:9a of foo:///x":                            "the port is set with the host",
	"host=[::1]:3 of foo:///x":                         "the port is set with the host",
	"init nul":                                         "null is the text null",
	"params 21":                                        "the iterators have the helpers of ES2025",
}

func TestURLLikeNode(t *testing.T) {
	compare(t, newVM(t, "UTC", true), "UTC", source(t, "url_cases.js"), func(node, _ string) bool {
		for name := range urlDifferences {
			if strings.HasPrefix(node, quote(name)+" => ") {
				return true
			}
		}
		return false
	})
}

// nodeLatin1 matches the labels of windows-1252, which Node 20 decodes as Latin-1
// and with errors; TestWindows1252 stands in.
var nodeLatin1 = regexp.MustCompile(`^decode (windows-1252|latin1|ascii|iso-8859-1) `)

// textDifferences are the other cases in which Node 20 does something else.
var textDifferences = map[string]string{
	"clone args":  "an arguments object cannot be told from a plain one",
	"clone iter":  "an iterator cannot be told from a plain object",
	"clone proxy": "a proxy cannot be told from its target",
	"clone dom":   "Node 20 loses it",
	"dom":         "Node 20 knows no options object",
}

func TestWindows1252(t *testing.T) {
	vm := newVM(t, "UTC", true)
	got := eval(t, vm, `new TextDecoder('latin1', { fatal: true }).decode(new Uint8Array([0x80, 0x81, 0x8a, 0x9a, 0x9f, 0xa0, 0xe9, 0xff]))`)
	if want := "€\u0081ŠšŸ\u00a0éÿ"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
}

func TestTextLikeNode(t *testing.T) {
	compare(t, newVM(t, "UTC", true), "UTC", source(t, "text_cases.js"), func(node, _ string) bool {
		name, _, _ := strings.Cut(node, " => ")
		return nodeLatin1.MatchString(node) || textDifferences[name] != ""
	})
}

func TestRandomnessComesFromTheRun(t *testing.T) {
	const script = `[crypto.randomUUID(), crypto.getRandomValues(new Uint8Array(9)), crypto.randomUUID()].join()`
	first, second := eval(t, newVM(t, "UTC", true), script), eval(t, newVM(t, "UTC", true), script)
	if first != second {
		t.Errorf("the same seed gave %v and %v", first, second)
	}
	ids := strings.Split(first.(string), ",")
	if ids[0] == ids[len(ids)-1] {
		t.Errorf("the identifier %s came twice", ids[0])
	}
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	if !form.MatchString(ids[0]) {
		t.Errorf("%s is no UUID of version 4", ids[0])
	}
}

func TestPerformanceShowsTheClockOfTheRun(t *testing.T) {
	if got := number(eval(t, newVM(t, "UTC", true), `performance.now() + performance.timeOrigin`)); got != float64(fixedNow) {
		t.Errorf("%v, not %v", got, float64(fixedNow))
	}
}

func TestHugeTextsAreRefused(t *testing.T) {
	vm := newVM(t, "UTC", true)
	for _, call := range []string{`new URL('http://h/' + '/'.repeat(5e6))`, `new URLSearchParams('a&'.repeat(3e6))`, `new URL('http://h').search = 'x'.repeat(5e6)`} {
		got := eval(t, vm, `(() => { try { `+call+`; return 'taken'; } catch (e) { return e.name + ': ' + e.message; } })()`)
		if !strings.HasPrefix(got.(string), "TypeError: a URL or query of ") {
			t.Errorf("%s: %v", call, got)
		}
	}
}

func TestWhatIsNotThereSaysSo(t *testing.T) {
	vm := newVM(t, "UTC", true)
	for call, want := range map[string]string{
		`new Intl.DisplayNames('en', { type: 'region' })`:                            "Error: Intl.DisplayNames is not available in scenarios",
		`new Intl.Segmenter('en')`:                                                   "Error: Intl.Segmenter is not available in scenarios",
		`new Intl.NumberFormat('en', { notation: 'scientific' })`:                    `RangeError: Intl.NumberFormat: the notation "scientific" is not available`,
		`new Intl.DateTimeFormat('en', { dayPeriod: 'short' })`:                      "RangeError: Intl.DateTimeFormat: the option dayPeriod is not available",
		`new TextDecoder('shift_jis').decode(new Uint8Array([1]), { stream: true })`: "TypeError: TextDecoder.decode: the option stream is not available for shift_jis: decode the whole text at once",
	} {
		if got := eval(t, vm, `(() => { try { `+call+`; return 'taken'; } catch (e) { return String(e); } })()`); got != want {
			t.Errorf("%s: %v", call, got)
		}
	}
}
