package weburl

import (
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
)

var errHost = errors.New("the host is not valid")

// parseHost reads a host: a domain, an IPv4 or [IPv6] address, or, for schemes
// that are not special, nearly any text.
func parseHost(text string, special bool) (string, error) {
	if strings.HasPrefix(text, "[") {
		return parseIPv6(text)
	}
	if !special {
		if strings.ContainsAny(text, "\x00\t\n\r #/:<>?@[\\]^|") {
			return "", errHost
		}
		return controlSet.encode(text), nil
	}
	domain, err := toASCII(valid(decode(text)))
	if err != nil {
		return "", err
	}
	if domain == "" || strings.ContainsAny(domain, "\x00\t\n\r #/:<>?@[\\]^|%\x7f") || strings.IndexFunc(domain, func(r rune) bool { return r < 0x20 }) >= 0 {
		return "", errHost
	}
	if endsInNumber(domain) {
		return parseIPv4(domain)
	}
	return domain, nil
}

// parseIPv6 reads [address]. The short form is the one of RFC 5952, as the
// standard has it, but addresses with an embedded IPv4 are written in hexadecimal.
func parseIPv6(text string) (string, error) {
	inner, ok := strings.CutSuffix(text[1:], "]")
	if !ok || strings.Contains(inner, "%") {
		return "", errHost
	}
	addr, err := netip.ParseAddr(inner)
	if err != nil || !addr.Is6() {
		return "", errHost
	}
	if addr.Is4In6() {
		b := addr.As16()
		return fmt.Sprintf("[::ffff:%x:%x]", int(b[12])<<8|int(b[13]), int(b[14])<<8|int(b[15])), nil
	}
	return "[" + addr.String() + "]", nil
}

func endsInNumber(domain string) bool {
	parts := strings.Split(domain, ".")
	last := parts[len(parts)-1]
	if last == "" {
		if len(parts) == 1 {
			return false
		}
		last = parts[len(parts)-2]
	}
	if last != "" && strings.Trim(last, "0123456789") == "" {
		return true
	}
	_, err := ipv4Number(last)
	return err == nil
}

// parseIPv4 reads one to four numbers in decimal, 0x hexadecimal or 0 octal; the
// last one fills what is left of the address.
func parseIPv4(domain string) (string, error) {
	parts := strings.Split(strings.TrimSuffix(domain, "."), ".")
	if len(parts) > 4 {
		return "", errHost
	}
	var address uint64
	for i, part := range parts {
		n, err := ipv4Number(part)
		if err != nil {
			return "", errHost
		}
		limit := int64(256)
		if i == len(parts)-1 {
			limit = int64(1) << (8 * (5 - len(parts)))
		}
		if n.Cmp(big.NewInt(limit)) >= 0 {
			return "", errHost
		}
		if i == len(parts)-1 {
			address += n.Uint64()
		} else {
			address += n.Uint64() << (8 * (3 - i))
		}
	}
	return fmt.Sprintf("%d.%d.%d.%d", byte(address>>24), byte(address>>16), byte(address>>8), byte(address)), nil
}

func ipv4Number(text string) (*big.Int, error) {
	base, digits := 10, text
	switch {
	case text == "":
		return nil, errHost
	case strings.HasPrefix(text, "0x") || strings.HasPrefix(text, "0X"):
		base, digits = 16, text[2:]
	case len(text) > 1 && text[0] == '0':
		base, digits = 8, text[1:]
	}
	if digits == "" {
		return new(big.Int), nil
	}
	if len(digits) > 64 || strings.ContainsAny(digits, "+-_") {
		return nil, strconv.ErrRange
	}
	n, ok := new(big.Int).SetString(digits, base)
	if !ok {
		return nil, errHost
	}
	return n, nil
}

// valid replaces bytes that are not UTF-8, one U+FFFD for each broken sequence.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	out, err := unicode.UTF8.NewDecoder().String(s)
	if err != nil {
		return strings.ToValidUTF8(s, "\ufffd")
	}
	return out
}
