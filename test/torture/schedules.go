package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"junctor/test/outside"
)

// second is how a run of the schedule says which time it is for.
const second = "2006-01-02T15:04:05"

// pauseSchedules ends what would start runs for ever.
func pauseSchedules(ctx context.Context, admin *outside.Admin) error {
	return admin.Call(ctx, http.MethodPost, "/api/v1/admin/schedules/tick/pause", nil, nil)
}

// schedules looks whether the schedule came for every second, and the poll brought
// every number, once, whoever was killed meanwhile. It returns how many seconds.
func (f *findings) schedules(ctx context.Context, c *cluster, admin *outside.Admin) (int, error) {
	seconds, err := f.started(ctx, admin, "schedule:tick")
	if err != nil {
		return 0, err
	}
	numbers, err := f.started(ctx, admin, "poll:numbers")
	if err != nil || len(seconds) == 0 || len(numbers) == 0 {
		return 0, fmt.Errorf("the schedule came %d times, its poll brought %d numbers: %w", len(seconds), len(numbers), err)
	}
	f.everySecond(seconds)
	f.everyNumber(numbers)
	var keys []string
	for _, at := range seconds {
		keys = append(keys, "tick "+at)
	}
	for _, n := range numbers {
		keys = append(keys, "number "+n)
	}
	for chunk := range slices.Chunk(keys, 200) {
		counts, err := ask(ctx, c.url(0, "count"), chunk)
		if err != nil {
			return 0, fmt.Errorf("asking for the counters: %w", err)
		}
		for _, key := range chunk {
			if counts[key] != 1 {
				f.add("%s: its effect happened %d times", key, counts[key])
			}
		}
	}
	return len(seconds), nil
}

// started are the subjects of the runs of a source.
func (f *findings) started(ctx context.Context, admin *outside.Admin, source string) (subjects []string, err error) {
	err = admin.Runs(ctx, url.Values{"source": {source}}, func(r outside.Run) bool {
		subjects = append(subjects, r.Subject)
		if r.State != "succeeded" {
			f.add("%s of %s is %s", r.ID, source, r.State)
		}
		return true
	})
	return subjects, err
}

// everySecond finds seconds that are missing or doubled.
func (f *findings) everySecond(seconds []string) {
	slices.Sort(seconds)
	for i := 1; i < len(seconds); i++ {
		before, err := time.Parse(second, seconds[i-1])
		at, err2 := time.Parse(second, seconds[i])
		if err != nil || err2 != nil || at.Sub(before) != time.Second {
			f.add("the schedule came for %s and then for %s", seconds[i-1], seconds[i])
		}
	}
}

// everyNumber finds numbers that are missing or doubled.
func (f *findings) everyNumber(numbers []string) {
	var all []int
	for _, text := range numbers {
		n, err := strconv.Atoi(text)
		if err != nil {
			f.add("the poll brought %q", text)
		}
		all = append(all, n)
	}
	slices.Sort(all)
	for i, n := range all {
		if i != n {
			f.add("the numbers of the poll are wrong from %d on, where %d is", i, n)
			return
		}
	}
}
