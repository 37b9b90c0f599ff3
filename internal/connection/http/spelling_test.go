package http

import (
	"bytes"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const spelled = `s3cr3t/+"<%é\😀 end`

// A credential is found in whatever way a server spells it.
func TestCredentialsAreFoundInEverySpelling(t *testing.T) {
	each := func(spell func(c rune) string) string {
		var out strings.Builder
		for _, c := range spelled {
			out.WriteString(spell(c))
		}
		return out.String()
	}
	special := func(c rune) bool { return strings.ContainsRune(`/+"<%é\😀`, c) }
	unit := func(format string) func(rune) string {
		return func(c rune) string {
			if c > 0xffff {
				c -= 0x10000
				return fmt.Sprintf(format+format, 0xd800+c>>10, 0xdc00+c&0x3ff)
			}
			return fmt.Sprintf(format, c)
		}
	}
	only := func(spell func(rune) string) func(rune) string {
		return func(c rune) string {
			if special(c) {
				return spell(c)
			}
			return string(c)
		}
	}
	percent := func(format string) func(rune) string {
		return func(c rune) string {
			out := ""
			for _, b := range []byte(string(c)) {
				out += fmt.Sprintf(format, b)
			}
			return out
		}
	}
	found := new(spellings)
	found.add(spelled)
	for name, text := range map[string]string{
		"as it is":              spelled,
		"escaped solidus":       strings.NewReplacer(`\`, `\\`, `"`, `\"`, `/`, `\/`).Replace(spelled),
		"without the solidus":   strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(spelled),
		"\\u lower":             each(only(unit(`\u%04x`))),
		"\\u upper":             each(only(unit(`\u%04X`))),
		"all \\u":               each(unit(`\u%04x`)),
		"\\u where JSON has to": strings.NewReplacer(`\`, `\u005C`, `"`, `\u0022`, `+`, `\u002b`).Replace(spelled),
		"percent upper":         each(only(percent("%%%02X"))),
		"percent lower":         each(only(percent("%%%02x"))),
		"all percent":           each(percent("%%%02x")),
		"a query":               url.QueryEscape(spelled),
		"a query, lower":        strings.ToLower(url.QueryEscape(spelled)),
		"a path":                url.PathEscape(spelled),
		"quoted":                strings.Trim(fmt.Sprintf("%q", spelled), `"`),
		"quoted as ASCII":       strings.Replace(strings.Trim(fmt.Sprintf("%+q", spelled), `"`), `\U0001f600`, `\ud83d\ude00`, 1),
		"HTML":                  html.EscapeString(spelled),
		"XML":                   strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;").Replace(spelled),
		"all numbers":           each(func(c rune) string { return fmt.Sprintf("&#%d;", c) }),
		"all numbers, hex":      each(func(c rune) string { return fmt.Sprintf("&#x%X;", c) }),
		"HTML within JSON":      strings.ReplaceAll(html.EscapeString(spelled), `\`, `\\`),
		"base64":                "czNjcjN0LysiPCXDqVzwn5iAIGVuZA==",
		"base64, escaped":       `czNjcjN0LysiPCXDqVzwn5iAIGVuZA\u003d%3D`[:30] + `%3d%3D`,
	} {
		for _, around := range []string{"%s", `{"a":"%s","b":1}`, `\%s\`, `100%% %s 5%%`, `%[1]s%[1]s`, `\u00%s`, "s3cr3t%s"} {
			whole := fmt.Sprintf(around, text)
			if got := string(blanked([]byte(whole), found)); got != fmt.Sprintf(around, "***") {
				t.Errorf("%s: %s is %s", name, whole, got)
			}
		}
	}
	for _, other := range []string{"", `\`, `%`, `%7`, `\u`, `\u00`, `\ud83d`, `\ud83d\u`, `s3cr3t\/`, `s3cr3t%2`, `s3cr3t/+"<%25`, `&`, `&;`, `&#;`, `&#x;`, `&#1114112;`, `&#115;&#51`, `s3cr3t/+&quot`, `\u0073\u0033`, "s3cr3t/+", strings.Repeat(`\\`, 50)} {
		if got := string(blanked([]byte(other), found)); got != other {
			t.Errorf("%q became %q", other, got)
		}
	}
}

// One credential may contain another.
func TestCredentialsThatOverlap(t *testing.T) {
	found := new(spellings)
	found.add("12345678")
	found.add("/12345678/abc")
	if got := string(blanked([]byte(`a \/12345678\/abc b 12345678 c`), found)); got != "a *** b *** c" {
		t.Error(got)
	}
}

func FuzzCredentialsAreFound(f *testing.F) {
	f.Add(spelled, `\u00`, `%2`)
	f.Fuzz(func(t *testing.T, value, before, after string) {
		if len(value) < shortestConcealed {
			return
		}
		found := new(spellings)
		found.add(value)
		quoted := fmt.Sprintf("%q", value)
		for _, text := range []string{value, url.QueryEscape(value), url.PathEscape(value), html.EscapeString(value), quoted[1 : len(quoted)-1]} {
			if strings.Contains(text, `\U`) {
				continue // Go alone writes it
			}
			if got := blanked([]byte(before+text+after), found); bytes.Contains(got, []byte(text)) && !strings.Contains(before+"***"+after, text) {
				t.Errorf("%q in %q: %q", value, text, got)
			}
		}
	})
}

// A token is looked for as any other credential.
func TestTokensStayOutOfAnswers(t *testing.T) {
	i := newIssuer(t)
	i.answer = func(w http.ResponseWriter, _ int) {
		fmt.Fprint(w, `{"access_token":"t0ken/+of~mine==","token_type":"bearer"}`)
	}
	conn := serve(t, Config{Auth: i.auth()}, func(w http.ResponseWriter, r *http.Request) {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		w.Header().Set("X-Echo", strings.ToLower(url.QueryEscape(token)))
		fmt.Fprint(w, token, ` t0ken\/\u002Bof~mine\u003d= dDBrZW4vK29mfm1pbmU9PQ== rest`)
	})
	res, err := conn.Do(t.Context(), Request{})
	if err != nil || string(res.Body) != "*** *** *** rest" || res.Header.Get("X-Echo") != "***" {
		t.Errorf("%v, %v, %s", err, res.Header, res.Body)
	}
}

// A credential that a foreign text repeats is hidden before the text is cut.
func TestForeignTextsAreCutAfterCredentialsAreHidden(t *testing.T) {
	const secret = `s3cr3t"of\mine/and/so/on`
	i := newIssuer(t)
	i.answer = func(w http.ResponseWriter, _ int) {
		w.WriteHeader(400)
		fmt.Fprintf(w, `{"error":"%s%s","error_description":"%s%s"}`, strings.Repeat("x", 90), `s3cr3t\"of\\mine\/and\/so\/on`,
			strings.Repeat("y", 290), `s3cr3t\"of\\mine\/and\/so\/on`)
	}
	auth := i.auth()
	auth.OAuth2.ClientSecret = secret
	broken := func(w http.ResponseWriter, _ *http.Request) {
		c, buffer, _ := w.(http.Hijacker).Hijack()
		defer c.Close()
		buffer.WriteString("HTTP/1.1 " + strings.Repeat("z", 148) + secret + "\r\n\r\n")
		buffer.Flush()
	}
	for name, config := range map[string]Config{"token": {Auth: auth}, "destination": {Auth: &Auth{Bearer: secret}}, "short": {Auth: &Auth{Bearer: `a"b`}}} {
		handler := broken
		if name == "short" {
			handler = func(w http.ResponseWriter, r *http.Request) {
				c, buffer, _ := w.(http.Hijacker).Hijack()
				defer c.Close()
				buffer.WriteString(r.Header.Get("Authorization") + "\r\n\r\n")
				buffer.Flush()
			}
		}
		_, err := serve(t, config, handler).Do(t.Context(), Request{})
		if err == nil || strings.Contains(err.Error(), "s3cr3t") || strings.Contains(err.Error(), `a\"b`) || !strings.Contains(err.Error(), "***") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func BenchmarkConceal(b *testing.B) {
	found := new(spellings)
	for _, value := range []string{"s3cr3t/of the \"shop\"+more", "eyJhbGciOiJIUzI1NiJ9." + strings.Repeat("abcdefgh/", 100), "p4ssw0rd-12345"} {
		found.add(value)
	}
	for name, one := range map[string]string{
		"plain": `{"number":4711,"name":"shop of the town","items":[1,2,3]}`, "escaped": `{\"number\":4711,\"url\":\"https:\/\/x.example\/a%20b\"}\n`,
	} {
		text := bytes.Repeat([]byte(one), 1<<20/len(one))
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				blanked(text, found)
			}
		})
	}
}
