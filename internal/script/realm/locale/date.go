package locale

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// DateOptions are the resolved options of Intl.DateTimeFormat.
type DateOptions struct {
	Locale          string `json:"locale"`
	Calendar        string `json:"calendar"`
	NumberingSystem string `json:"numberingSystem"`
	TimeZone        string `json:"timeZone"`
	HourCycle       string `json:"hourCycle,omitempty"`
	Hour12          *bool  `json:"hour12,omitempty"`
	Weekday         string `json:"weekday,omitempty"`
	Era             string `json:"era,omitempty"`
	Year            string `json:"year,omitempty"`
	Month           string `json:"month,omitempty"`
	Day             string `json:"day,omitempty"`
	Hour            string `json:"hour,omitempty"`
	Minute          string `json:"minute,omitempty"`
	Second          string `json:"second,omitempty"`
	SecondDigits    int    `json:"fractionalSecondDigits,omitempty"`
	TimeZoneName    string `json:"timeZoneName,omitempty"`
	DateStyle       string `json:"dateStyle,omitempty"`
	TimeStyle       string `json:"timeStyle,omitempty"`
}

var (
	texts  = []string{"narrow", "short", "long"}
	counts = []string{"2-digit", "numeric"}
	styles = []string{"full", "long", "medium", "short"}
)

// ResolveDate makes resolved options, in JSON. required and defaults are date,
// time or any, and date, time or all: the fields shown when a script asks for none.
func (s *Set) ResolveDate(tags []string, options, required, defaults string) (string, error) {
	r, err := parseRaw(options)
	if err != nil {
		return "", err
	}
	o := DateOptions{Locale: s.match(tags), Calendar: "gregory", NumberingSystem: "latn"}
	if err := o.resolveFields(r); err != nil {
		return "", err
	}
	if o.TimeZone, err = s.resolveZone(r); err != nil {
		return "", err
	}
	if r["dayPeriod"] != nil {
		return "", outOfRange("Intl.DateTimeFormat: the option dayPeriod is not available")
	}
	fields := o.Weekday+o.Year+o.Month+o.Day+o.Hour+o.Minute+o.Second+o.Era+o.TimeZoneName != "" || o.SecondDigits > 0
	if o.DateStyle+o.TimeStyle != "" {
		if fields {
			return "", errors.New("dateStyle and timeStyle cannot stand beside single fields such as year or hour")
		}
		if required == "date" && o.TimeStyle != "" || required == "time" && o.DateStyle != "" {
			return "", fmt.Errorf("the option %s is not for this method", map[string]string{"date": "timeStyle", "time": "dateStyle"}[required])
		}
	} else {
		o.fillIn(required, defaults)
	}
	if o.Hour != "" || o.TimeStyle != "" {
		if err := o.resolveCycle(r, s.table(o.Locale)); err != nil {
			return "", err
		}
	}
	out, err := json.Marshal(o)
	return string(out), err
}

func (o *DateOptions) resolveFields(r raw) error {
	err := r.choices([]choiceOf{
		{&o.Weekday, "weekday", "", texts}, {&o.Era, "era", "", texts}, {&o.Year, "year", "", counts},
		{&o.Month, "month", "", slices.Concat(counts, texts)}, {&o.Day, "day", "", counts},
		{&o.Hour, "hour", "", counts}, {&o.Minute, "minute", "", counts}, {&o.Second, "second", "", counts},
		{&o.TimeZoneName, "timeZoneName", "", []string{"short", "long", "shortOffset", "longOffset", "shortGeneric", "longGeneric"}},
		{&o.DateStyle, "dateStyle", "", styles}, {&o.TimeStyle, "timeStyle", "", styles},
	})
	if err != nil {
		return err
	}
	digits, err := r.whole("fractionalSecondDigits", 1, 3)
	if digits != nil {
		o.SecondDigits = *digits
	}
	return err
}

// fillIn adds the default fields unless one of the required kind was asked for.
func (o *DateOptions) fillIn(required, defaults string) {
	date, clock := o.Weekday+o.Year+o.Month+o.Day != "", o.Hour+o.Minute+o.Second != "" || o.SecondDigits > 0
	if required != "time" && date || required != "date" && clock {
		return
	}
	if defaults != "time" {
		o.Year, o.Month, o.Day = "numeric", "numeric", "numeric"
	}
	if defaults != "date" {
		o.Hour, o.Minute, o.Second = "numeric", "numeric", "numeric"
	}
}

func (o *DateOptions) resolveCycle(r raw, t *table) error {
	if err := r.choices([]choiceOf{{&o.HourCycle, "hourCycle", t.Cycle, []string{"h11", "h12", "h23", "h24"}}}); err != nil {
		return err
	}
	if v, ok := r["hour12"]; ok {
		o.HourCycle = "h23"
		if v != false {
			o.HourCycle = "h12"
		}
	}
	half := o.HourCycle == "h11" || o.HourCycle == "h12"
	o.Hour12 = &half
	return nil
}

var offsetZone = regexp.MustCompile(`^([+-])(\d\d):?(\d\d)?$`)

// resolveZone names the zone of the option timeZone, or the default one.
func (s *Set) resolveZone(r raw) (string, error) {
	v, ok := r["timeZone"]
	if !ok {
		return s.zone.String(), nil
	}
	name := fmt.Sprint(v)
	if strings.EqualFold(name, "utc") || strings.EqualFold(name, "gmt") || strings.EqualFold(name, "etc/utc") {
		return "UTC", nil
	}
	loc, err := s.location(name)
	if err != nil {
		return "", outOfRange("Invalid time zone specified: %s", name)
	}
	return loc.String(), nil
}

// location finds a zone of the tz database, or an offset such as +02:00.
func (s *Set) location(name string) (*time.Location, error) {
	if name == s.zone.String() {
		return s.zone, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if loc, ok := s.zones[name]; ok {
		return loc, nil
	}
	var loc *time.Location
	if m := offsetZone.FindStringSubmatch(name); m != nil {
		h, _ := strconv.Atoi(m[2])
		min, _ := strconv.Atoi("0" + m[3])
		if h > 23 || min > 59 {
			return nil, fmt.Errorf("%q is not an offset", name)
		}
		offset := h*3600 + min*60
		if m[1] == "-" {
			offset = -offset
		}
		loc = time.FixedZone(fmt.Sprintf("%s%02d:%02d", m[1], h, min), offset)
	} else {
		var err error
		if loc, err = time.LoadLocation(name); err != nil || name == "" || name == "Local" {
			return nil, fmt.Errorf("%q is not a time zone", name)
		}
	}
	if len(s.zones) < 1000 { // as many as there are zones
		s.zones[name] = loc
	}
	return loc, nil
}

// Date formats a time, in milliseconds since 1970 UTC, by resolved options.
func (s *Set) Date(resolved string, ms int64) ([]Part, error) {
	o, err := parsed[DateOptions](s, "date", resolved)
	if err != nil {
		return nil, err
	}
	loc, err := s.location(o.TimeZone)
	if err != nil {
		return nil, err
	}
	t := s.table(o.Locale)
	pattern, err := cached(s, "pattern", resolved, func() (string, error) { return o.pattern(t), nil })
	if err != nil {
		return nil, err
	}
	return o.write(t, pattern, time.UnixMilli(ms).In(loc)), nil
}

// pattern puts the patterns of date and time together.
func (o *DateOptions) pattern(t *table) string {
	if o.DateStyle+o.TimeStyle != "" {
		date, clock, glue := "", "", ""
		if o.DateStyle != "" {
			i := slices.Index(styles, o.DateStyle)
			date, glue = t.DateStyle[i], t.Glue.Style[i]
		}
		if o.TimeStyle != "" {
			clock = o.cycle(t.TimeStyle[o.clock()][slices.Index(styles, o.TimeStyle)])
		}
		return join(date, glue, clock)
	}
	date := t.Date[letter(o.Weekday)+letter(o.Year)+letter(o.Month)+letter(o.Day)]
	if o.Month == "narrow" {
		date = t.Date[letter(o.Weekday)+letter(o.Year)+"x"+letter(o.Day)]
	}
	if o.Era != "" {
		date = strings.TrimSpace(date + " {" + map[string]string{"long": "GGGG", "short": "G", "narrow": "GGGGG"}[o.Era] + "}")
	}
	key := letter(o.Hour) + letter(o.Minute) + letter(o.Second)
	if o.Hour != "" {
		key += o.clock()
	}
	clock := o.cycle(t.Time[key])
	if o.SecondDigits > 0 {
		fraction := "{" + strings.Repeat("S", o.SecondDigits) + "}"
		if at := strings.LastIndex(clock, "s}"); at >= 0 {
			clock = clock[:at+2] + t.Number.Decimal + fraction + clock[at+2:]
		} else {
			clock = join(clock, " ", fraction)
		}
	}
	if zone := map[string]string{"short": "{z}", "shortGeneric": "{z}", "long": "{zzzz}", "longGeneric": "{zzzz}", "shortOffset": "{O}", "longOffset": "{OOOO}"}[o.TimeZoneName]; zone != "" {
		if clock == "" {
			return join(date, t.Glue.Fields[3], zone)
		}
		clock += " " + zone
	}
	if o.Weekday != "" && o.Year+o.Month+o.Day == "" && o.Minute != "" {
		date = strings.ReplaceAll(date, "c", "E") // beside a time it does not stand alone
	}
	glue := 3
	switch o.Month {
	case "long":
		glue = 1
	case "short":
		glue = 2
	}
	return join(date, t.Glue.Fields[glue], clock)
}

func join(a, glue, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + glue + b
}

// letter is how the tables call a width.
func letter(width string) string {
	if width == "" {
		return "-"
	}
	return width[:1]
}

// clock is the cycle for which the tables have patterns.
func (o *DateOptions) clock() string {
	if o.HourCycle == "h11" || o.HourCycle == "h12" {
		return "12"
	}
	return "23"
}

// cycle changes the hours of a pattern for the two rare cycles.
func (o *DateOptions) cycle(pattern string) string {
	switch o.HourCycle {
	case "h11":
		return strings.NewReplacer("{h}", "{K}", "{hh}", "{KK}").Replace(pattern)
	case "h24":
		return strings.NewReplacer("{H}", "{k}", "{HH}", "{kk}").Replace(pattern)
	}
	return pattern
}
