package trial

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"junctor/internal/channel"
	"junctor/internal/run"
	"junctor/internal/script"
)

// Outcome is how one test ended.
type Outcome struct {
	File    string        `json:"file"`
	Name    string        `json:"name"` // "" when the file as a whole failed
	OK      bool          `json:"ok"`
	Took    float64       `json:"took_ms"`
	Failure *Failure      `json:"failure,omitempty"`
	Logs    []run.LogLine `json:"logs,omitempty"` // of the test itself, not of scenarios
}

// Failure is why a test failed.
type Failure struct {
	Message string `json:"message"`
	Place   string `json:"place,omitempty"` // FILE:LINE:COLUMN in the test
	Stack   string `json:"stack,omitempty"`
}

// Epoch is the time at which every test begins.
var Epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

//go:embed expect.js
var expectJS string

//go:embed testing.js
var testingJS string

// testModule is the module "junctor" with "junctor/test" in it.
func (l *Lab) testModule() (string, error) {
	steps, err := json.Marshal(l.known)
	return fmt.Sprintf("(function (realm) { return (%s)(realm, (%s)(realm), (%s)(), %s); })",
		strings.TrimSpace(testingJS), l.options.Module, strings.TrimSpace(expectJS), steps), err
}

// Test runs the tests of the folder whose names contain the text, file by file,
// and tells each outcome as it comes. Every test has a world of its own, and a
// test file begins anew for each. The error is the lab's own failure.
func (l *Lab) Test(ctx context.Context, only string, tell func(Outcome)) error {
	files, err := testFiles(l.options.Dir)
	if err != nil || len(files) == 0 {
		return err
	}
	module, err := l.testModule()
	if err != nil {
		return err
	}
	pool, err := script.NewPool(script.Config{Module: module, Pure: l.options.Pure, Zone: l.options.Zone})
	if err != nil {
		return fmt.Errorf("prepare the script engine: %w", err)
	}
	defer pool.Close()
	for _, file := range files {
		s := &suite{lab: l, pool: pool, file: file}
		if err := s.run(ctx, only, tell); err != nil {
			return err
		}
	}
	return nil
}

// testFiles finds scenarios/**/*.test.ts and .js, with slashes.
func testFiles(dir string) (files []string, err error) {
	root := os.DirFS(dir)
	err = fs.WalkDir(root, "scenarios", func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "node_modules":
			return fs.SkipDir
		case !d.IsDir() && (strings.HasSuffix(path, ".test.ts") || strings.HasSuffix(path, ".test.js")):
			files = append(files, filepath.ToSlash(path))
		}
		return nil
	})
	slices.Sort(files)
	return files, err
}

// suite is the tests of one file.
type suite struct {
	lab     *Lab
	pool    *script.Pool
	file    string
	program *script.Program
}

func (s *suite) run(ctx context.Context, only string, tell func(Outcome)) error {
	whole := func(message string) { tell(Outcome{File: s.file, Failure: &Failure{Message: message}}) }
	if mistakes := s.build(ctx); len(mistakes) > 0 {
		whole(mistaken(mistakes).Error())
		return ctx.Err()
	}
	listed, err := s.test(ctx, "")
	if err != nil {
		return err
	}
	var names []string
	switch {
	case listed.Error != nil:
		tell(Outcome{File: s.file, Failure: s.failure(listed.Error), Logs: listed.Logs})
		return nil
	case json.Unmarshal(listed.JSON, &names) != nil || len(names) == 0:
		whole("has no test: test(\"name\", async () => { ... })")
		return nil
	}
	for i, name := range names {
		if !strings.Contains(name, only) {
			continue
		}
		began := time.Now()
		report, err := s.test(ctx, strconv.Itoa(i))
		if err != nil {
			return err
		}
		o := Outcome{File: s.file, Name: name, OK: report.Error == nil, Logs: report.Logs}
		o.Took = float64(time.Since(began).Microseconds()) / 1000
		if report.Error != nil {
			o.Failure = s.failure(report.Error)
		}
		tell(o)
	}
	return nil
}

// build makes a program of the file. "junctor/test" is a part of the one module
// that a pool has, so its import becomes an access to that part.
func (s *suite) build(ctx context.Context) []script.Diagnostic {
	bundle, mistakes := script.Build(ctx, script.BuildOptions{Dir: s.lab.options.Dir, Entry: s.file})
	if len(mistakes) > 0 {
		return mistakes
	}
	bundle.Code = bytes.ReplaceAll(bundle.Code, []byte(`require("junctor/test")`), []byte(`require("junctor")["junctor/test"]`))
	if s.program, mistakes = script.Compile(bundle); len(mistakes) > 0 {
		return mistakes
	}
	return s.pool.Check(s.program)
}

// test executes the file for the test with the number, or for the names of all
// its tests.
func (s *suite) test(ctx context.Context, number string) (report *Report, err error) {
	err = s.lab.In(ctx, Epoch, func(w *World) error {
		t := &Run{world: w, channel: &channel.Config{}, report: newReport("")}
		defer t.Close()
		p := &play{world: w, runs: map[int]*Run{}}
		defer p.close()
		if err := t.begin(ctx, s.pool, script.Start{Program: s.program, Entry: "default", Args: []string{number}}); err != nil {
			return err
		}
		for {
			call, err := t.Next(ctx, func(step string) bool { return strings.HasPrefix(step, "trial.") })
			if err != nil {
				return err
			}
			if call == nil {
				if report = t.Report(); report.Error != nil {
					report.Error.Message += p.explain()
				}
				return nil
			}
			reply, err := p.serve(ctx, call)
			if err == nil {
				err = t.Answer(reply)
			}
			if err != nil {
				return err
			}
		}
	})
	return report, err
}

var frame = regexp.MustCompile(`\(([^()]+:\d+:\d+)\)`)

// failure finds the place in the test that an error came from.
func (s *suite) failure(e *run.ErrorInfo) *Failure {
	f := &Failure{Message: e.Message, Stack: e.Stack}
	switch {
	case strings.HasPrefix(e.Name, "Limit:"):
		f.Message = strings.Replace(e.Message, "the scenario", "the test", 1)
	case e.Name != "Error" && e.Name != "Expectation":
		f.Message = e.Name + ": " + e.Message
	}
	for _, found := range frame.FindAllStringSubmatch(e.Stack, -1) {
		if strings.HasPrefix(found[1], s.file+":") {
			f.Place = found[1]
			break
		}
	}
	return f
}
