package weburl

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// toASCII makes a domain of ASCII only: labels of other letters are brought to one
// form (compatibility composition, lower case) and written in Punycode. Only
// letters, marks, digits, signs such as a snowman and hyphens are taken there; the
// finer rules of IDNA are for registries.
func toASCII(domain string) (string, error) {
	domain = strings.ReplaceAll(domain, "\u00ad", "") // the soft hyphen means nothing
	if !ascii(domain) {
		domain = norm.NFKC.String(strings.ToLower(norm.NFKC.String(domain)))
		domain = strings.NewReplacer("\u3002", ".", "\uff0e", ".", "\uff61", ".").Replace(domain)
	}
	labels := strings.Split(strings.ToLower(domain), ".")
	for i, label := range labels {
		if ascii(label) {
			continue
		}
		for _, r := range label {
			if !unicode.In(r, unicode.L, unicode.M, unicode.Nd, unicode.So) && r != '-' {
				return "", fmt.Errorf("%w: %q cannot stand in a host name", errHost, r)
			}
		}
		if strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") || unicode.Is(unicode.M, []rune(label)[0]) {
			return "", errHost
		}
		labels[i] = "xn--" + punycode([]rune(label))
	}
	return strings.Join(labels, "."), nil
}

func ascii(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// punycode encodes a label by RFC 3492.
func punycode(label []rune) string {
	const base, tmin, tmax, skew, damp = 36, 1, 26, 38, 700
	var out []byte
	for _, r := range label {
		if r < 0x80 {
			out = append(out, byte(r))
		}
	}
	basic := len(out)
	if basic > 0 {
		out = append(out, '-')
	}
	n, delta, bias := rune(128), 0, 72
	adapt := func(delta, points int, first bool) int {
		if first {
			delta /= damp
		} else {
			delta /= 2
		}
		delta += delta / points
		k := 0
		for ; delta > (base-tmin)*tmax/2; k += base {
			delta /= base - tmin
		}
		return k + (base-tmin+1)*delta/(delta+skew)
	}
	for done := basic; done < len(label); {
		next := rune(unicode.MaxRune)
		for _, r := range label {
			if r >= n && r < next {
				next = r
			}
		}
		delta += int(next-n) * (done + 1)
		n = next
		for _, r := range label {
			if r < n {
				delta++
			}
			if r != n {
				continue
			}
			q := delta
			for k := base; ; k += base {
				t := min(max(k-bias, tmin), tmax)
				if q < t {
					break
				}
				out = append(out, "abcdefghijklmnopqrstuvwxyz0123456789"[t+(q-t)%(base-t)])
				q = (q - t) / (base - t)
			}
			out = append(out, "abcdefghijklmnopqrstuvwxyz0123456789"[q])
			bias = adapt(delta, done+1, done == basic)
			delta = 0
			done++
		}
		delta++
		n++
	}
	return string(out)
}
