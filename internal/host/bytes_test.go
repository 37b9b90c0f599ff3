package host

import (
	"regexp"
	"testing"
)

func TestBase64(t *testing.T) {
	newScenarios(t).check(t, []example{
		{`base64.encode("žluť?>")`, `"xb5sdcWlPz4="`},
		{`base64.encode(bytes("\xfb\xff"))`, `"+/8="`},
		{`base64.encodeUrl(bytes("\xfb\xff"))`, `"-_8"`},
		{`base64.encodeUrl("abc")`, `"YWJj"`},
		{`base64.encode("")`, `""`},
		{`[..."+/8=|-_8|+/8|-_8=| + /\n8 = ".split("|")].map((x) => Array.from(base64.decode(x)).join())`, `["251,255","251,255","251,255","251,255","251,255"]`},
		{`base64.decodeText("xb5sdcWl")`, `"žluť"`},
		{`base64.decodeText(base64.encode("a\0b")) === "a\0b"`, `true`},
		{`base64.decode("AAEC") instanceof Uint8Array`, `true`},
		{`base64.decode("a!")`, `!SyntaxError: base64.decode: the text is not base64`},
		{`base64.decode("abcde")`, `!SyntaxError: base64.decode: the text is not base64`},
		{`base64.decodeText("/w==")`, `!SyntaxError: base64.decodeText: the decoded bytes are not UTF-8`},
		{`base64.encode(5)`, `!TypeError: base64.encode: a text or a Uint8Array is expected, not number`},
		{`base64.encodeUrl(null)`, `!TypeError: base64.encodeUrl: a text or a Uint8Array is expected, not null`},
		{`base64.decode(null)`, `!TypeError: base64.decode: a text is expected, not null`},
	})
}

func TestEncoding(t *testing.T) {
	newScenarios(t).check(t, []example{
		{`encoding.decode(bytes("\x8elu\x9dou\xe8k\xfd"), "windows-1250")`, `"Žluťoučký"`},
		{`Array.from(encoding.encode("Žluť", "CP1250"))`, `[142,108,117,157]`},
		{`encoding.decode(encoding.encode("a😀", "utf-16be", { bom: true }), "utf-16")`, `"a😀"`},
		{`Array.from(encoding.encode("aα", "latin1", { replace: true }))`, `[97,63]`},
		{`encoding.decode(bytes("a\xff"), "utf-8", { replace: true })`, `"a�"`},
		{`encoding.encode("aα", "latin1")`, `!EncodingError: encoding.encode: encode iso-8859-1: character 2, 'α' (U+03B1)`},
		{`encoding.decode(bytes("a\xff"), "utf-8")`, `!EncodingError: encoding.decode: decode utf-8: byte 0xFF at offset 1`},
		{`encoding.decode(bytes("a"), "klingon")`, `!EncodingError: encoding.decode: encoding "klingon" is not known; known are utf-8`},
		{`encoding.encode("a", "latin1", { bom: true })`, `!EncodingError: encoding.encode: encode iso-8859-1: it has no byte order mark`},
		{`encoding.decode("text", "utf-8")`, `!TypeError: encoding.decode: a Uint8Array is expected, not string`},
		{`encoding.encode(bytes("a"), "utf-8")`, `!TypeError: encoding.encode: a text is expected, not object`},
		{`encoding.decode(bytes("a"), "utf-8", { fatal: true })`, `!TypeError: encoding.decode: unknown option "fatal"; known are replace`},
	})
}

func TestCrypto(t *testing.T) {
	newScenarios(t).check(t, []example{
		{`crypto.hash("md5", "")`, `"d41d8cd98f00b204e9800998ecf8427e"`},
		{`crypto.hash("sha1", "abc")`, `"a9993e364706816aba3e25717850c26c9cd0d89d"`},
		{`crypto.hash("sha256", "abc")`, `"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"`},
		{`crypto.hash("sha384", "abc").slice(0, 16)`, `"cb00753f45a35e8b"`},
		{`crypto.hash("sha512", "abc").slice(0, 16)`, `"ddaf35a193617aba"`},
		{`crypto.hash("sha256", "žluť") === crypto.hash("sha256", encoding.encode("žluť", "utf-8"))`, `true`},
		{`crypto.hash("md5", "", "base64")`, `"1B2M2Y8AsgTpgAmY7PhCfg=="`},
		{`crypto.hash("md5", "", "base64url")`, `"1B2M2Y8AsgTpgAmY7PhCfg"`},
		{`Array.from(crypto.hash("md5", "", "bytes").subarray(0, 3))`, `[212,29,140]`},
		// RFC 4231, test case 2.
		{`crypto.hmac("sha256", "Jefe", "what do ya want for nothing?")`, `"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"`},
		{`crypto.hmac("sha256", bytes("Jefe"), bytes("what do ya want for nothing?"), "base64")`, `"W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="`},
		{`[crypto.timingSafeEqual("a", "a"), crypto.timingSafeEqual("a", bytes("a")), crypto.timingSafeEqual("a", "b"), crypto.timingSafeEqual("a", "aa"), crypto.timingSafeEqual("", "")]`, `[true,true,false,false,true]`},
		{`crypto.randomBytes(3).length`, `3`},
		{`crypto.hash("sha3", "x")`, `!TypeError: crypto.hash: algorithm "sha3" is not known: use md5`},
		{`crypto.hash("sha256", "x", "hexa")`, `!TypeError: crypto.hash: encoding "hexa" is not known: use hex`},
		{`crypto.hash("sha256", 5)`, `!TypeError: crypto.hash: data must be a text or a Uint8Array, not number`},
		{`crypto.hmac("sha256", undefined, "x")`, `!TypeError: crypto.hmac: key must be a text or a Uint8Array, not undefined`},
		{`crypto.timingSafeEqual("a")`, `!TypeError: crypto.timingSafeEqual: the second value must be`},
		{`crypto.randomBytes(-1)`, `!RangeError`}, {`crypto.randomBytes(65537)`, `!RangeError`}, {`crypto.randomBytes("5")`, `!RangeError`},
	})
}

// Random values differ within a run and are the same in each of its executions.
func TestRandomValues(t *testing.T) {
	s := newScenarios(t)
	const body = `return [crypto.randomUUID(), crypto.randomUUID(), base64.encode(crypto.randomBytes(16))];`
	first, second := s.run(t, body), s.run(t, body)
	if first != second {
		t.Errorf("one seed gives %s and %s", first, second)
	}
	form := regexp.MustCompile(`^\["([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})","([0-9a-f-]{36})","[A-Za-z0-9+/]{22}=="\]$`)
	m := form.FindStringSubmatch(first)
	if m == nil || m[1] == m[2] {
		t.Errorf("values %s", first)
	}
}

// What the helpers give away cannot carry anything from one run to the next.
func TestHelpersAreFrozen(t *testing.T) {
	newScenarios(t).check(t, []example{
		{`[xml, csv, encoding, crypto, base64, decimal].every((o) => Object.isFrozen(o) && Object.values(o).every((f) => Object.isFrozen(f) && (!f.prototype || Object.isFrozen(f.prototype))))`, `true`},
		{`(() => { "use strict"; xml.x = 1; })()`, `!TypeError`},
		{`(() => { "use strict"; decimal(1).x = 1; })()`, `!TypeError`},
		{`(() => { "use strict"; Object.getPrototypeOf(decimal(1)).plus = 1; })()`, `!TypeError`},
	})
}
