package realm

import (
	"encoding/json"
	"fmt"

	"junctor/internal/script/realm/weburl"
)

// components is a URL as the part url sees it: the properties of URL, by name.
type components struct {
	Href     string `json:"href"`
	Origin   string `json:"origin"`
	Protocol string `json:"protocol"`
	Username string `json:"username"`
	Password string `json:"password"`
	Host     string `json:"host"`
	Hostname string `json:"hostname"`
	Port     string `json:"port"`
	Pathname string `json:"pathname"`
	Search   string `json:"search"`
	Hash     string `json:"hash"`
}

func describe(u *weburl.URL) (any, error) {
	out, err := json.Marshal(components{u.String(), u.Origin(), u.Protocol(), u.Username, u.Password, u.HostPort(), u.Host, u.PortText(), u.Pathname(), u.Search(), u.Hash()})
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	return string(out), nil
}

// maxText bounds a URL or a query: their parts cost many times their text.
const maxText = 4 << 20

func checkLength(s ...string) error {
	for _, text := range s {
		if len(text) > maxText {
			return fmt.Errorf("a URL or query of %d bytes is longer than 4 MiB", len(text))
		}
	}
	return nil
}

// parseURL reads (text) or (text, base) into the JSON of components. Its error says
// what is wrong, for the TypeError that JavaScript gets.
func parseURL(args []any) (any, error) {
	s, err := texts(args, min(max(len(args), 1), 2))
	if err != nil {
		return nil, err
	}
	if err := checkLength(s...); err != nil {
		return nil, err
	}
	var base *weburl.URL
	if len(s) == 2 {
		if base, err = weburl.Parse(s[1], nil); err != nil {
			return nil, fmt.Errorf("the base URL %q is not valid: %w", short(s[1]), err)
		}
	}
	u, err := weburl.Parse(s[0], base)
	if err != nil {
		return nil, fmt.Errorf("the URL %q is not valid: %w", short(s[0]), err)
	}
	return describe(u)
}

// setURL changes one part: (href, part, value), and returns the new components.
func setURL(args []any) (any, error) {
	s, err := texts(args, 3)
	if err != nil {
		return nil, err
	}
	if err := checkLength(s...); err != nil {
		return nil, err
	}
	u, err := weburl.Parse(s[0], nil)
	if err != nil {
		return nil, fmt.Errorf("the URL %q is not valid: %w", short(s[0]), err)
	}
	u.Set(s[1], s[2])
	return describe(u)
}

func short(s string) string {
	if r := []rune(s); len(r) > 200 {
		return string(r[:200]) + "..."
	}
	return s
}

// parseForm reads a query into JSON [[name, value], ...].
func parseForm(s string) (any, error) {
	if err := checkLength(s); err != nil {
		return nil, err
	}
	out, err := json.Marshal(weburl.ParseForm(s))
	if err != nil {
		return nil, fmt.Errorf("form: %w", err)
	}
	return string(out), nil
}

// writeForm writes JSON [[name, value], ...] as a query.
func writeForm(s string) (any, error) {
	var pairs [][2]string
	if err := json.Unmarshal([]byte(s), &pairs); err != nil {
		return nil, fmt.Errorf("form: %w", err)
	}
	return weburl.Form(pairs), nil
}
