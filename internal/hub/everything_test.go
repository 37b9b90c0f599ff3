package hub_test

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/config"
)

// everything is a folder with every kind and every key.
const everything = "testdata/everything"

// What is applied from a folder is what an export gives; the same made by the
// admin API alone is the same export, to the byte.
func TestEverythingFromFilesAndByTheAPI(t *testing.T) {
	for _, where := range []string{"sqlite", "postgres"} {
		t.Run(where, func(t *testing.T) {
			empty := func() *site {
				at := ""
				if where == "postgres" {
					at = database(t)
				}
				return serveOn(t, at, map[string]string{"junctor.yaml": "domain: default\n"})
			}
			given := loaded(t, everything)
			files := empty()
			files.configure("apply", given)
			folder := files.export()
			exported := loaded(t, folder)
			if diff := cmp.Diff(entries(given), entries(exported)); diff != "" {
				t.Errorf("an export has something else than was applied: %s", diff)
			}
			if left := files.configure("plan", exported); len(left.Changes)+len(left.Tables) > 0 {
				t.Errorf("the export would change %+v %+v", left.Changes, left.Tables)
			}
			again := empty()
			again.configure("apply", exported)
			if diff := cmp.Diff(contents(t, folder), contents(t, again.export())); diff != "" {
				t.Errorf("an export of the export is another one: %s", diff)
			}
			byAPI := empty()
			byAPI.make(given)
			if diff := cmp.Diff(contents(t, folder), contents(t, byAPI.export())); diff != "" {
				t.Errorf("what the admin API has made is exported otherwise: %s", diff)
			}
			if left := byAPI.configure("plan", given); len(left.Changes)+len(left.Tables) > 0 {
				t.Errorf("on what the admin API has made the folder would change %+v %+v", left.Changes, left.Tables)
			}
		})
	}
}

// A key of the reference has its place in the folder.
func TestEverythingHasEveryKey(t *testing.T) {
	set := loaded(t, everything)
	all := map[string]map[string]bool{"": {"domain": true}}
	for kind, objects := range set.Objects {
		if len(objects) == 0 {
			t.Errorf("the folder has none of the %s", kind)
			continue
		}
		all[""][kind], all[kind] = true, map[string]bool{}
		for _, body := range objects {
			membersOf(t, body, all[kind])
		}
	}
	all[""]["settings"], all["settings"] = true, map[string]bool{}
	membersOf(t, set.Settings, all["settings"])
	for _, kind := range config.Kinds() {
		if !all[""][kind] && (kind != config.Scenarios || len(set.Scenarios) == 0) {
			t.Errorf("the folder has none of the %s", kind)
		}
	}
	n := 0
	for _, page := range []string{"junctor-yaml.md", "classes.md"} {
		for _, key := range referenceKeys(t, page) {
			section, words, _ := strings.Cut(key, ": ")
			if page == "classes.md" {
				section = config.Classes
			}
			for word := range strings.FieldsSeq(words) {
				n++
				if !slices.ContainsFunc(strings.Split(section, " and "), func(kind string) bool { return all[kind][word] }) {
					t.Errorf("%s has no %s, which %s has", everything, key, page)
				}
			}
		}
	}
	if n < 150 {
		t.Errorf("the reference has only %d keys", n)
	}
}

// referenceKeys are the keys that the tables of a page begin their rows with, as
// SECTION: WORDS; the section is a heading of the second level.
func referenceKeys(t *testing.T, page string) (keys []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../docs/reference", page))
	if err != nil {
		t.Fatal(err)
	}
	code, word := regexp.MustCompile("`[^`]*`"), regexp.MustCompile(`\b[a-z][a-z0-9_-]*\b`)
	section, table, before := "", false, ""
	for line := range strings.Lines(string(text)) {
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			section = strings.TrimSpace(heading)
		}
		first, _, _ := strings.Cut(strings.TrimPrefix(line, "|"), "|")
		switch first = strings.TrimSpace(first); {
		case !strings.HasPrefix(line, "|"):
			table = false
		case !strings.HasPrefix(before, "|"):
			table = slices.Contains([]string{"top-level key", "key", "key of a part", "rights in a class", "scheme", "member", "`auth`", "`hmac`"}, first)
		case table:
			words := word.FindAllString(strings.Join(code.FindAllString(first, -1), " "), -1)
			if words != nil {
				keys = append(keys, section+": "+strings.Join(words, " "))
			}
		}
		before = line
	}
	return keys
}

// membersOf gathers the names of members at any depth.
func membersOf(t *testing.T, body json.RawMessage, into map[string]bool) {
	t.Helper()
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatal(err)
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				walk(item)
			}
		case map[string]any:
			for name, member := range v {
				into[name] = true
				walk(member)
			}
		}
	}
	walk(v)
}

// loaded reads a folder, which has to be right.
func loaded(t *testing.T, dir string) *config.Set {
	t.Helper()
	set, problems := config.Load(t.Context(), dir)
	for _, p := range problems {
		t.Error(p)
	}
	if len(problems) > 0 {
		t.FailNow()
	}
	return set
}

// entries are the bodies and sources of a set.
func entries(set *config.Set) map[string]string {
	all := map[string]string{"settings": string(set.Settings)}
	for kind, objects := range set.Objects {
		for code, body := range objects {
			all[kind+" "+code] = string(body)
		}
	}
	for code, bundle := range set.Scenarios {
		for path, text := range bundle.Sources {
			all["scenarios "+code+" "+path] = text
		}
	}
	return all
}

// contents are the files of a folder.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, path))
		all[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

type configured struct{ Changes, Tables []json.RawMessage }

// configure plans or applies a set by HTTP, as the command line does.
func (s *site) configure(what string, set *config.Set) (got configured) {
	s.t.Helper()
	body, err := json.Marshal(set)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, answer := s.call("POST", "/api/v1/admin/configuration/"+what, string(body))
	if err := json.Unmarshal([]byte(answer), &got); err != nil || resp.StatusCode != 200 {
		s.t.Fatalf("%s: %d %s", what, resp.StatusCode, answer)
	}
	return got
}

// export writes the server's configuration into a folder.
func (s *site) export() (dir string) {
	s.t.Helper()
	resp, body := s.call("GET", "/api/v1/admin/configuration", "")
	var set config.Set
	if err := json.Unmarshal([]byte(body), &set); err != nil || resp.StatusCode != 200 {
		s.t.Fatalf("export: %d %s", resp.StatusCode, body)
	}
	dir = s.t.TempDir()
	if _, err := config.Write(&set, dir); err != nil {
		s.t.Fatal(err)
	}
	return dir
}

// make puts the objects of a set one by one, those that others need first.
func (s *site) make(set *config.Set) {
	s.t.Helper()
	put := func(path string, body any) (refused string) {
		text, err := json.Marshal(body)
		if err != nil {
			s.t.Fatal(err)
		}
		resp, answer := s.call("PUT", "/api/v1/admin/"+path, string(text))
		if resp.StatusCode == 200 || resp.StatusCode == 201 {
			return ""
		}
		return answer
	}
	for _, kind := range config.Kinds() {
		objects := map[string]any{}
		switch kind {
		case config.Settings:
			if refused := put(kind, set.Settings); refused != "" {
				s.t.Error(refused)
			}
			continue
		case config.Scenarios:
			for code, bundle := range set.Scenarios {
				objects[code] = map[string]any{"sources": bundle.Sources}
			}
		default:
			for code, body := range set.Objects[kind] {
				objects[code] = body
			}
		}
		var refused map[string]string
		for before := -1; len(objects) > 0 && len(objects) != before; { // some of a kind need others of it
			before, refused = len(objects), map[string]string{}
			for _, code := range slices.Sorted(maps.Keys(objects)) {
				if refused[code] = put(kind+"/"+code, objects[code]); refused[code] == "" {
					delete(objects, code)
				}
			}
		}
		for code := range objects {
			s.t.Errorf("%s %s: %s", kind, code, refused[code])
		}
	}
}
