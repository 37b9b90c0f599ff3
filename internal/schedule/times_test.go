package schedule_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"junctor/internal/schedule"
)

// timesOf are the first n times of a schedule after a moment, with their offsets.
func timesOf(t *testing.T, body, zone, after string, n int) []string {
	t.Helper()
	c, found := schedule.Parse("x", json.RawMessage(`{"scenario":"s",`+body+`}`))
	if len(found) > 0 {
		t.Fatal(found)
	}
	in, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.Parse(time.RFC3339, after)
	if err != nil {
		t.Fatal(err)
	}
	times := c.Times(in, at)
	var all []string
	for range n {
		if at = times.Next(at); at.IsZero() {
			break
		}
		all = append(all, at.In(in).Format("01-02T15:04:05-07:00"))
	}
	return all
}

func TestTimes(t *testing.T) {
	for name, c := range map[string]struct{ body, zone, after, want string }{
		"every quarter":            {`"cron":"*/15 * * * *"`, "UTC", "2027-01-04T08:01:00Z", "01-04T08:15:00+00:00 01-04T08:30:00+00:00"},
		"not its own moment again": {`"cron":"0 8 * * *"`, "UTC", "2027-01-04T08:00:00Z", "01-05T08:00:00+00:00"},
		"day of month or of week":  {`"cron":"0 0 13 * 5"`, "UTC", "2026-11-01T00:00:00Z", "11-06T00:00:00+00:00 11-13T00:00:00+00:00 11-20T00:00:00+00:00"},
		"names":                    {`"cron":"0 6 * FEB MON-TUE"`, "UTC", "2027-01-04T08:00:00Z", "02-01T06:00:00+00:00 02-02T06:00:00+00:00"},
		"a word":                   {`"cron":"@weekly"`, "UTC", "2027-01-04T08:00:00Z", "01-10T00:00:00+00:00"},
		"last day of the month":    {`"cron":"0 6 L * *"`, "UTC", "2027-01-04T08:00:00Z", "01-31T06:00:00+00:00 02-28T06:00:00+00:00"},
		"third Friday":             {`"cron":"0 6 * * 5#3"`, "UTC", "2027-01-04T08:00:00Z", "01-15T06:00:00+00:00 02-19T06:00:00+00:00"},
		"a leap year far away":     {`"cron":"0 12 * * *"`, "Europe/Prague", "2040-12-30T12:00:00Z", "12-31T12:00:00+01:00 01-01T12:00:00+01:00"},
		"leap day":                 {`"cron":"0 0 29 2 *"`, "UTC", "2025-01-04T08:00:00Z", "02-29T00:00:00+00:00"},

		// Prague sets its clocks forward on 28 March 2027 at 02:00 and back on 31
		// October 2027 at 03:00.
		"Prague, spring, in the gap":       {`"cron":"30 2 * * *"`, "Europe/Prague", "2027-03-26T12:00:00Z", "03-27T02:30:00+01:00 03-28T03:00:00+02:00 03-29T02:30:00+02:00"},
		"Prague, spring, its first moment": {`"cron":"0 2 * * *"`, "Europe/Prague", "2027-03-27T12:00:00Z", "03-28T03:00:00+02:00 03-29T02:00:00+02:00"},
		"Prague, spring, after the gap":    {`"cron":"0 3 * * *"`, "Europe/Prague", "2027-03-27T12:00:00Z", "03-28T03:00:00+02:00 03-29T03:00:00+02:00"},
		"Prague, spring, several at once":  {`"cron":"10,20 2,3 * * *"`, "Europe/Prague", "2027-03-27T12:00:00Z", "03-28T03:00:00+02:00 03-28T03:10:00+02:00 03-28T03:20:00+02:00 03-29T02:10:00+02:00"},
		"Prague, spring, hourly":           {`"cron":"5 * * * *"`, "Europe/Prague", "2027-03-28T00:00:00Z", "03-28T01:05:00+01:00 03-28T03:05:00+02:00 03-28T04:05:00+02:00"},
		"Prague, spring, within hours":     {`"cron":"*/30 1-2 * * *"`, "Europe/Prague", "2027-03-28T00:00:00Z", "03-28T01:30:00+01:00 03-28T03:00:00+02:00 03-29T01:00:00+02:00"},
		"Prague, autumn, the first hour":   {`"cron":"30 2 * * *"`, "Europe/Prague", "2027-10-29T22:00:00Z", "10-30T02:30:00+02:00 10-31T02:30:00+02:00 11-01T02:30:00+01:00"},
		"Prague, autumn, after the change": {`"cron":"0 3 * * *"`, "Europe/Prague", "2027-10-30T22:00:00Z", "10-31T03:00:00+01:00 11-01T03:00:00+01:00"},
		"Prague, autumn, begun between":    {`"cron":"30 2 * * *"`, "Europe/Prague", "2027-10-31T01:10:00Z", "11-01T02:30:00+01:00"},
		"Prague, autumn, a list":           {`"cron":"0,30 2 * * *"`, "Europe/Prague", "2027-10-30T22:00:00Z", "10-31T02:00:00+02:00 10-31T02:30:00+02:00 11-01T02:00:00+01:00"},
		"Prague, autumn, hourly":           {`"cron":"@hourly"`, "Europe/Prague", "2027-10-30T23:30:00Z", "10-31T02:00:00+02:00 10-31T02:00:00+01:00 10-31T03:00:00+01:00"},
		"Prague, autumn, half hours":       {`"cron":"*/30 * * * *"`, "Europe/Prague", "2027-10-30T23:50:00Z", "10-31T02:00:00+02:00 10-31T02:30:00+02:00 10-31T02:00:00+01:00 10-31T02:30:00+01:00 10-31T03:00:00+01:00"},
		"Prague, autumn, within hours":     {`"cron":"*/30 1-2 * * *"`, "Europe/Prague", "2027-10-30T23:50:00Z", "10-31T02:00:00+02:00 10-31T02:30:00+02:00 10-31T02:00:00+01:00 10-31T02:30:00+01:00 11-01T01:00:00+01:00"},

		// Sydney sets them forward on 3 October 2027 at 02:00 and back on 4 April at 03:00.
		"Sydney, spring": {`"cron":"30 2 * * *"`, "Australia/Sydney", "2027-10-01T20:00:00Z", "10-03T03:00:00+11:00 10-04T02:30:00+11:00"},
		"Sydney, autumn": {`"cron":"30 2 * * *"`, "Australia/Sydney", "2027-04-02T20:00:00Z", "04-04T02:30:00+11:00 04-05T02:30:00+10:00"},
		// Lord Howe by half an hour, at the same moments.
		"Lord Howe, spring": {`"cron":"15 2 * * *"`, "Australia/Lord_Howe", "2027-10-01T20:00:00Z", "10-03T02:30:00+11:00 10-04T02:15:00+11:00"},
		"Lord Howe, autumn": {`"cron":"45 1 * * *"`, "Australia/Lord_Howe", "2027-04-02T20:00:00Z", "04-04T01:45:00+11:00 04-05T01:45:00+10:30"},
		// Santiago at midnight, and Apia had no 30 December in 2011.
		"Santiago, at midnight": {`"cron":"0 0 * * *"`, "America/Santiago", "2027-09-04T12:00:00Z", "09-05T01:00:00-03:00 09-06T00:00:00-03:00"},
		"Apia, no such day":     {`"cron":"30 8 * * *"`, "Pacific/Apia", "2011-12-29T12:00:00Z", "12-29T08:30:00-10:00 12-31T00:00:00+14:00 12-31T08:30:00+14:00"},

		"every fortnight":            {`"every":"14d","start":"2027-01-04T08:00"`, "Europe/Prague", "2026-11-22T00:00:00Z", "01-04T08:00:00+01:00 01-18T08:00:00+01:00"},
		"every fortnight, later on":  {`"every":"14d","start":"2027-01-04T08:00"`, "Europe/Prague", "2027-03-20T00:00:00Z", "03-29T08:00:00+02:00 04-12T08:00:00+02:00"},
		"every day, on the wall":     {`"every":"1d","start":"2027-01-04T08:00"`, "Europe/Prague", "2027-10-30T00:00:00Z", "10-30T08:00:00+02:00 10-31T08:00:00+01:00"},
		"every day, in the gap":      {`"every":"24h","start":"2027-01-04T02:30:00"`, "Europe/Prague", "2027-03-27T12:00:00Z", "03-28T03:00:00+02:00 03-29T02:30:00+02:00"},
		"every day, in the repeated": {`"every":"1d","start":"2027-01-04T02:30"`, "Europe/Prague", "2027-10-30T12:00:00Z", "10-31T02:30:00+02:00 11-01T02:30:00+01:00"},
		"start in the gap":           {`"every":"1d","start":"2027-03-28T02:30"`, "Europe/Prague", "2027-03-01T12:00:00Z", "03-28T03:00:00+02:00 03-29T02:30:00+02:00"},
		"start with an offset":       {`"every":"1d","start":"2027-01-04T08:00:00Z"`, "Europe/Prague", "2027-10-30T12:00:00Z", "10-31T09:00:00+01:00"},
		"every six hours, elapsed":   {`"every":"6h","start":"2027-03-27T20:00"`, "Europe/Prague", "2027-03-27T12:00:00Z", "03-27T20:00:00+01:00 03-28T03:00:00+02:00 03-28T09:00:00+02:00"},
		"every, from when applied":   {`"every":"90m"`, "UTC", "2027-01-04T08:00:30Z", "01-04T09:30:30+00:00 01-04T11:00:30+00:00"},
		"days, from when applied":    {`"every":"2d"`, "Europe/Prague", "2027-03-27T07:00:00Z", "03-29T08:00:00+02:00"},
		"once":                       {`"at":"2027-01-04T08:00"`, "Europe/Prague", "2026-11-22T00:00:00Z", "01-04T08:00:00+01:00"},
		"once, a day":                {`"at":"2027-01-04"`, "Europe/Prague", "2026-11-22T00:00:00Z", "01-04T00:00:00+01:00"},
		"once, over":                 {`"at":"2027-01-04T08:00"`, "Europe/Prague", "2027-01-04T07:00:00Z", ""},
		"once, in the gap":           {`"at":"2027-03-28T02:10"`, "Europe/Prague", "2026-11-22T00:00:00Z", "03-28T03:00:00+02:00"},
	} {
		t.Run(name, func(t *testing.T) {
			want := strings.Fields(c.want)
			got := timesOf(t, c.body, c.zone, c.after, max(len(want), 1))
			if diff := cmp.Diff(want, got); diff != "" && len(want)+len(got) > 0 {
				t.Error(diff)
			}
		})
	}
}

// Once a day, whatever the clocks do: a time of day comes on every day of some
// years, in whatever zone, and one moment is behind the other.
func TestATimeOfDayComesOnceADay(t *testing.T) {
	zones := []string{"Europe/Prague", "Australia/Sydney", "America/Santiago", "Australia/Lord_Howe", "America/New_York", "Africa/Casablanca", "UTC"}
	rapid.Check(t, func(t *rapid.T) {
		hour, minute := rapid.IntRange(0, 23).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute")
		zone, year := rapid.SampledFrom(zones).Draw(t, "zone"), rapid.IntRange(2020, 2041).Draw(t, "year")
		c, found := schedule.Parse("x", json.RawMessage(fmt.Sprintf(`{"scenario":"s","cron":"%d %d * * *"}`, minute, hour)))
		if len(found) > 0 {
			t.Fatal(found)
		}
		in, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		at := time.Date(year, 1, 1, 0, 0, 0, -1, in)
		times := c.Times(in, at)
		for day := at.Add(1); day.Year() < year+2; {
			next := times.Next(at)
			if !next.After(at) || next.In(in).Format("2006-01-02") != day.Format("2006-01-02") {
				t.Fatalf("%s %02d:%02d: after %s comes %s, want it on %s", zone, hour, minute, at, next, day.Format("2006-01-02"))
			}
			at, day = next, time.Date(day.Year(), day.Month(), day.Day()+1, 12, 0, 0, 0, in)
		}
	})
}

// An interval goes on over changes of the clock as if there were none.
func TestAnIntervalRunsThroughBothChanges(t *testing.T) {
	for _, zone := range []string{"Europe/Prague", "Australia/Sydney", "America/New_York"} {
		in, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		c, _ := schedule.Parse("x", json.RawMessage(`{"scenario":"s","cron":"*/10 * * * *"}`))
		at := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
		times := c.Times(in, at)
		for at.Year() < 2028 {
			next := times.Next(at)
			if next.Sub(at) != 10*time.Minute {
				t.Fatalf("%s: after %s comes %s", zone, at, next)
			}
			at = next
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for name, c := range map[string]struct{ body, pointer, detail string }{
		"nothing":            {`{}`, "/scenario", "required"},
		"no times":           {`{"scenario":"s"}`, "", "one of cron, every and at"},
		"two times":          {`{"scenario":"s","cron":"* * * * *","every":"1d"}`, "", "there are 2"},
		"empty scenario":     {`{"scenario":"","at":"2027-01-01"}`, "/scenario", "empty"},
		"unknown":            {`{"scenario":"s","at":"2027-01-01","timezon":"UTC"}`, "/timezon", "timezone"},
		"zone":               {`{"scenario":"s","at":"2027-01-01","timezone":"Prague"}`, "/timezone", "Europe/Prague"},
		"zone Local":         {`{"scenario":"s","at":"2027-01-01","timezone":"Local"}`, "/timezone", "Europe/Prague"},
		"four fields":        {`{"scenario":"s","cron":"* * * *"}`, "/cron", "has 4 fields"},
		"six fields":         {`{"scenario":"s","cron":"0 * * * * *"}`, "/cron", "has 6 fields"},
		"empty rule":         {`{"scenario":"s","cron":""}`, "/cron", "has 0 fields"},
		"out of range":       {`{"scenario":"s","cron":"60 * * * *"}`, "/cron", "60"},
		"no such hour":       {`{"scenario":"s","cron":"0 24 * * *"}`, "/cron", "24"},
		"never":              {`{"scenario":"s","cron":"0 0 30 2 *"}`, "/cron", "never"},
		"every in cron":      {`{"scenario":"s","cron":"@every 5m"}`, "/cron", "has 2 fields"},
		"a word":             {`{"scenario":"s","cron":"@reboot"}`, "/cron", "@daily"},
		"zone in cron":       {`{"scenario":"s","cron":"TZ=UTC * * * * *"}`, "/cron", "timezone"},
		"a range of *":       {`{"scenario":"s","cron":"*-5 * * * *"}`, "/cron", "1-5"},
		"zero step":          {`{"scenario":"s","cron":"*/0 * * * *"}`, "/cron", "step"},
		"too short":          {`{"scenario":"s","every":"999ms"}`, "/every", "from 1s"},
		"too long":           {`{"scenario":"s","every":"3651d"}`, "/every", "from 1s"},
		"no unit":            {`{"scenario":"s","every":"5"}`, "/every", "5m"},
		"start of cron":      {`{"scenario":"s","cron":"* * * * *","start":"2027-01-01"}`, "/start", "every"},
		"start":              {`{"scenario":"s","every":"1d","start":"4.1.2027"}`, "/start", "2027-01-04T08:00"},
		"no such day":        {`{"scenario":"s","at":"2027-02-30T08:00"}`, "/at", "no time"},
		"too far away":       {`{"scenario":"s","at":"9999-12-31T23:59:59-12:00"}`, "/at", "no time"},
		"start far away":     {`{"scenario":"s","every":"1d","start":"9999-12-31"}`, "/start", "no time"},
		"no such hour of at": {`{"scenario":"s","at":"2027-02-03T25:00"}`, "/at", "no time"},
		"jitter":             {`{"scenario":"s","at":"2027-01-01","jitter":"2d"}`, "/jitter", "1d"},
		"overlap":            {`{"scenario":"s","at":"2027-01-01","overlap":"skipp"}`, "/overlap", "skip"},
		"missed":             {`{"scenario":"s","at":"2027-01-01","missed":"never"}`, "/missed", "once"},
		"all but the first":  {`{"scenario":"s","cron":"@daily","missed":"all","overlap":"skip"}`, "/overlap", "queue"},
		"retry":              {`{"scenario":"s","cron":"@daily","retry":{"attempts":0}}`, "/retry/attempts", "1000"},
		"capture":            {`{"scenario":"s","cron":"@daily","capture":"some"}`, "/capture", "errors"},
	} {
		t.Run(name, func(t *testing.T) {
			_, found := schedule.Parse("x", json.RawMessage(c.body))
			for _, f := range found {
				if f.Pointer == c.pointer && strings.Contains(f.Detail, c.detail) {
					return
				}
			}
			t.Errorf("got %+v, want %s ...%s...", found, c.pointer, c.detail)
		})
	}
}

// A rule that is taken comes at times that it names, one behind the other, and
// what is not taken is refused in words.
func FuzzCron(f *testing.F) {
	for _, seed := range []string{"*/15 * * * *", "30 2 * * *", "0 0 29 2 *", "0 8-18/2 1,15 JAN-JUN MON-FRI", "@hourly", "@every 1s", "0 0 L * *", "0 0 * * 5#3", "? ? ? ? ?", "60 * * * *", "H H * * *"} {
		f.Add(seed)
	}
	prague, err := time.LoadLocation("Europe/Prague")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := schedule.ParseCron(text); err != nil {
			return
		}
		body, err := json.Marshal(map[string]string{"scenario": "s", "cron": text})
		if err != nil {
			t.Skip()
		}
		c, found := schedule.Parse("x", body)
		if len(found) > 0 {
			t.Fatal(found)
		}
		at := time.Date(2027, 3, 27, 23, 0, 0, 0, time.UTC)
		times := c.Times(prague, at)
		for range 20 {
			next := times.Next(at)
			if next.IsZero() {
				return
			}
			if !next.After(at) || next.Second() != 0 {
				t.Fatalf("%q: after %s comes %s", text, at, next)
			}
			at = next
		}
	})
}
