package realm_test

import (
	"regexp"
	"testing"
)

// intlDifferences are where Junctor's Intl is known to differ from Node's: a line
// that matches may differ, every other one may not.
var intlDifferences = map[string]*regexp.Regexp{
	"offsets as time zones, which Node 20 does not know":        regexp.MustCompile(`date {"timeZone":"\+02:00"`),
	"a time with a zone's name has hours of two digits":         regexp.MustCompile(`date {.*"timeZoneName":"short"} `),
	"a weekday with a time alone has a separator of its own":    regexp.MustCompile(`{"weekday":"(short|narrow)","hour`),
	"resolved options are those asked for, not the pattern's":   regexp.MustCompile(`^\S+ resolved date`),
	"formatToParts has plain spaces where Node has narrow ones": regexp.MustCompile(`^\S+ date parts`),
	"German and Slovak have rules of their own for searching":   regexp.MustCompile(`^(de|sk) order {"usage":"search"`),
	"ß is ss but for its accents":                               regexp.MustCompile(`order {"sensitivity":"case"} (ss|ß|stra)`),
	"Node rounds a BigInt to choose its plural form":            regexp.MustCompile(`^(pl|ru) number {"style":"unit".*} 12345678901234567890 `),
}

func TestIntlLikeNode(t *testing.T) {
	for _, locale := range []string{"cs", "de", "en", "en-GB", "pl", "ru", "sk"} {
		t.Run(locale, func(t *testing.T) {
			script := "((locale) => (\n" + source(t, "intl_cases.js") + "\n))('" + locale + "')"
			compare(t, newVM(t, "Europe/Prague", locale == "cs"), "Europe/Prague", script, intlDiffers)
		})
	}
	t.Run("common", func(t *testing.T) {
		compare(t, newVM(t, "Europe/Prague", true), "Europe/Prague", source(t, "intl_common.js"), intlDiffers)
	})
}

func intlDiffers(node, _ string) bool {
	for _, lines := range intlDifferences {
		if lines.MatchString(node) {
			return true
		}
	}
	return false
}
