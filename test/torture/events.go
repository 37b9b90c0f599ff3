package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"junctor/test/outside"
)

// logged is an event as it is in the log.
type logged struct{ key, kind, subject string }

// events looks whether every acknowledged event is in the log once, in its order,
// and whether everybody who follows it has heard just that. It returns how many
// there are.
func (f *findings) events(ctx context.Context, admin *outside.Admin, e *feed, messages []*message, runs map[string][]outside.Run) (int, error) {
	log, err := readLog(ctx, admin)
	if err != nil {
		return 0, err
	}
	for _, one := range e.followers {
		for begun := time.Now(); !one.has(len(log)) && time.Since(begun) < time.Minute; {
			if err := pause(ctx, 50*time.Millisecond); err != nil {
				return 0, err
			}
		}
	}
	e.close()
	f.wrong = append(f.wrong, e.wrong...)
	f.tellers(log, e.told)
	f.talk(log, messages)
	f.published(log, runs)
	for _, one := range e.followers {
		f.sequence(fmt.Sprintf("the follower %d %s", one.number, one.name), log, one.heard)
	}
	return len(log), nil
}

// readLog is the log as far as the channel shows it.
func readLog(ctx context.Context, admin *outside.Admin) (log []logged, err error) {
	q := url.Values{"types": {"order.done,talk.said,torture.published"}, "limit": {"1000"}}
	for {
		var page struct {
			Items []struct {
				Event struct{ ID, Source, Type, Subject string }
			}
			Next string
		}
		if err := admin.Call(ctx, http.MethodGet, "/api/v1/events?"+q.Encode(), nil, &page); err != nil {
			return nil, err
		}
		for _, i := range page.Items {
			log = append(log, logged{i.Event.Source + " " + i.Event.ID, i.Event.Type, i.Event.Subject})
		}
		if len(page.Items) == 0 && page.Next == q.Get("after") {
			return log, nil
		}
		q.Set("after", page.Next)
	}
}

// tellers finds what was acknowledged and is not there, or not in the order of who
// has told it.
func (f *findings) tellers(log []logged, told map[string]bool) {
	times, next := map[string]int{}, map[string]int{}
	for _, i := range log {
		times[i.key]++
		if i.kind != "torture.published" {
			continue
		}
		var who, n int
		if _, err := fmt.Sscanf(i.key, "/torture %d-%d", &who, &n); err != nil || n != next[i.subject] {
			f.add("the event %s is in the log where that with the number %d of %s comes", i.key, next[i.subject], i.subject)
		}
		next[i.subject] = n + 1
	}
	for key, n := range times {
		if n > 1 {
			f.add("the event %s is in the log %d times", key, n)
		}
	}
	for key := range told {
		if times[key] == 0 {
			f.add("the event %s was acknowledged and is not in the log", key)
		}
	}
}

// talk finds messages of a websocket that were answered and whose events are not
// in the order in which they were said.
func (f *findings) talk(log []logged, messages []*message) {
	answered := map[string]bool{}
	for _, m := range messages {
		if m.channel == talked && m.fate == acknowledged {
			answered[m.number] = true
		}
	}
	newest := map[int]int{}
	for _, i := range log {
		if i.kind != "talk.said" || !answered[i.subject] {
			continue
		}
		var who, n int
		if _, err := fmt.Sscanf(i.subject, talked+"-%d-%d", &who, &n); err != nil || n < newest[who] {
			f.add("the event about %s is in the log behind that about %s-%d-%d, which was said later", i.subject, talked, who, newest[who])
		}
		newest[who] = n
	}
}

// published finds runs that have told of what they did other than once.
func (f *findings) published(log []logged, runs map[string][]outside.Run) {
	times := map[string]int{}
	for _, i := range log {
		if i.kind != "torture.published" {
			times[i.subject]++
		}
	}
	for subject, all := range runs {
		channel, _, _ := strings.Cut(subject, "-")
		want := 0
		if slices.Contains([]string{"awaited", "accepted", talked}, channel) && all[0].State == "succeeded" {
			want = 1
		}
		if times[subject] != want {
			f.add("%s has told %d events, not %d", subject, times[subject], want)
		}
	}
}

// sequence compares what somebody has heard with the log.
func (f *findings) sequence(who string, log []logged, heard []string) {
	for n, key := range heard {
		if n >= len(log) {
			f.add("%s has heard %s, and the log has ended before", who, key)
			return
		}
		if key != log[n].key {
			f.add("%s has heard %s at %d, where the log has %s", who, key, n, log[n].key)
			return
		}
	}
	if len(heard) < len(log) {
		f.add("%s has heard %d events of %d", who, len(heard), len(log))
	}
}
