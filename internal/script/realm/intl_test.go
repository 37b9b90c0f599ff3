package realm_test

import (
	"regexp"
	"testing"
)

// intlDifferences are where Junctor's Intl is known to differ from Node's: a line
// that matches may differ, every other one may not.
var intlDifferences = map[string]*regexp.Regexp{}

func TestIntlLikeNode(t *testing.T) {
	for _, locale := range []string{"cs", "de", "en", "en-GB", "pl", "ru", "sk"} {
		t.Run(locale, func(t *testing.T) {
			script := "var locale = '" + locale + "'; " + source(t, "intl_cases.js")
			compare(t, newVM(t, "Europe/Prague", false), "Europe/Prague", script, intlDiffers)
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
