package schedule

import (
	"fmt"
	"math/bits"
	"strings"
	"time"

	"github.com/netresearch/go-cron"
)

// Cron is a rule in five fields: minute, hour, day of month, month, day of week.
type Cron struct {
	rule     *cron.SpecSchedule
	interval bool // in every hour
	within   bool // in some hours, and several times in each
}

// words are what may stand instead of the five fields.
var words = map[string]string{
	"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
	"@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}

// longestCron bounds the text of a rule.
const longestCron = 1000

// A day is meant when the day of the month or that of the week fits, if both are
// given: that is what cron has always done (crontab(5)).
var parser = cron.MustNewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.DowOrDom |
	cron.DomL | cron.DomW | cron.DowNth | cron.DowLast).WithMaxSearchYears(10)

// ParseCron reads a rule. The error is for the person who has written it.
func ParseCron(text string) (*Cron, error) {
	if len(text) > longestCron {
		return nil, fmt.Errorf("is longer than %d characters", longestCron)
	}
	fields := strings.Fields(text)
	if len(fields) == 1 && strings.HasPrefix(fields[0], "@") {
		word, known := words[fields[0]]
		if !known {
			return nil, fmt.Errorf("%q is none of @hourly, @daily, @weekly, @monthly and @yearly; an interval is written with every", fields[0])
		}
		fields = strings.Fields(word)
	}
	if len(fields) > 0 && strings.Contains(fields[0], "TZ=") {
		return nil, fmt.Errorf("names a time zone; that is written with timezone")
	}
	if len(fields) != 5 {
		return nil, fmt.Errorf("has %d fields; a rule has five: minute, hour, day of month, month, day of week, as in \"30 2 * * *\"", len(fields))
	}
	for _, field := range fields {
		if strings.Contains(field, "*-") { // the parser would take it for *
			return nil, fmt.Errorf("has %q; a range is from one number to another, as in 1-5", field)
		}
	}
	parsed, err := parser.Parse(strings.Join(fields, " "))
	if err != nil {
		return nil, fmt.Errorf("is no rule that cron knows: %w", err)
	}
	rule, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return nil, fmt.Errorf("is no rule of five fields")
	}
	rule.Location = time.UTC
	c := &Cron{rule: rule}
	const hours = 1<<24 - 1
	if rule.Hour&hours == hours {
		c.interval = true
	} else if strings.ContainsAny(fields[0], "*/") && bits.OnesCount64(rule.Minute&(1<<60-1)) > 1 {
		c.within = true
	}
	if c.in(time.UTC).Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, fmt.Errorf("never comes")
	}
	return c, nil
}

// in is the rule in a time zone.
func (c *Cron) in(zone *time.Location) Times {
	return walls{zone: zone, next: c.rule.Next, interval: c.interval, within: c.within}
}
