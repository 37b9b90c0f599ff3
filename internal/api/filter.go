package api

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"junctor/internal/fault"
)

// A list's filters by field are the string fields of its query that have the tag
// `query` and are no part of paging; the tag `absent` is the value of what does
// not have the member.
type (
	byChannel struct {
		paging
		Type              string `query:"type" enum:"public,eventing" doc:"public or eventing"`
		Scenario          string `query:"scenario" doc:"code"`
		WebsocketScenario string `query:"websocket_scenario" doc:"code"`
		Await             string `query:"await" enum:"true,false" absent:"false" doc:"true or false"`
		Enabled           string `query:"enabled" enum:"true,false" absent:"true" doc:"true or false"`
		Paused            string `query:"paused" enum:"true,false" absent:"false" doc:"true or false"`
		made
	}
	byConnection struct {
		paging
		Type string `query:"type" doc:"such as http"`
		made
	}
	byScenario struct {
		paging
		Scenario string `query:"scenario" doc:"code"`
		made
	}
	bySchedule struct {
		paging
		Scenario string `query:"scenario" doc:"code"`
		State    string `query:"state" enum:"on,paused,off,over" doc:"on, paused, off or over"`
		made
	}
	byUnit struct {
		paging
		Parent string `query:"parent" doc:"code"`
		made
	}
	byRole struct {
		paging
		Roles string `query:"roles" doc:"code of one of them"`
		made
	}
	byNothing struct {
		paging
		made
	}
	byAccount struct {
		paging
		Login   string `query:"login" doc:"exactly"`
		Kind    string `query:"kind" enum:"admin,application,person" doc:"admin, application or person"`
		Roles   string `query:"roles" doc:"code of one of them"`
		Unit    string `query:"unit" doc:"code"`
		Enabled string `query:"enabled" enum:"true,false" absent:"false" doc:"true or false"`
	}
	byToken struct {
		paging
		Name  string `query:"name" doc:"exactly"`
		Login string `query:"login" doc:"whose, exactly"`
	}
	bySecret struct {
		paging
		Name   string `query:"name" doc:"exactly"`
		Author string `query:"author" doc:"who has set it, exactly"`
	}
	byNode struct {
		paging
		Host    string `query:"host" doc:"exactly"`
		Release string `query:"release" doc:"exactly"`
		Alive   string `query:"alive" enum:"true,false" doc:"true or false"`
	}
	byView struct {
		paging
		Class string `query:"class" doc:"code"`
		State string `query:"state" enum:"current,outdated,missing" doc:"current, outdated or missing"`
	}

	// made is what every configured object has.
	made struct {
		Origin string `query:"origin" enum:"files,api" doc:"files or api"`
		Author string `query:"author" doc:"who has changed it last, exactly"`
	}
)

func (p paging) pages() paging { return p }

// listQuery is a query with paging and filters by field.
type listQuery interface{ pages() paging }

// want is the value that a member must have.
type want struct{ name, value, absent string }

func wants(q listQuery) (all []want) {
	v := reflect.ValueOf(q)
	for _, f := range reflect.VisibleFields(v.Type()) {
		name := f.Tag.Get("query")
		if name == "" || name == "after" || f.Type.Kind() != reflect.String || v.FieldByIndex(f.Index).IsZero() {
			continue
		}
		all = append(all, want{name, v.FieldByIndex(f.Index).String(), f.Tag.Get("absent")})
	}
	return all
}

// in reports whether an object has the value: as the member, or in the list that
// the member is.
func (w want) in(o object) bool {
	raw, ok := o[w.name]
	if !ok {
		return w.value == w.absent
	}
	var have any
	if json.Unmarshal(raw, &have) != nil {
		return false
	}
	switch have := have.(type) {
	case bool:
		return strconv.FormatBool(have) == w.value
	case []any:
		return slices.Contains(have, any(w.value))
	}
	return have == any(w.value)
}

// listChosen is listByKey of what has the members that the query asks for. key is
// what list goes by.
func listChosen[T any](q listQuery, key func(T) string, list func(after string, limit int) ([]T, string, error)) (page[T], error) {
	asked, p := wants(q), q.pages()
	if len(asked) == 0 {
		return listByKey(p, list)
	}
	return listByKey(p, func(after string, limit int) (chosen []T, next string, err error) {
		for {
			found, next, err := list(after, 1000)
			if err != nil {
				return nil, "", err
			}
			for i, item := range found {
				fits, err := fit(item, asked)
				if err != nil {
					return nil, "", err
				}
				if !fits {
					continue
				}
				if chosen = append(chosen, item); len(chosen) == limit {
					if i+1 < len(found) || next != "" {
						next = key(item)
					}
					return chosen, next, nil
				}
			}
			if next == "" {
				return chosen, "", nil
			}
			after = next
		}
	})
}

func fit(item any, asked []want) (bool, error) {
	o, isObject := item.(object)
	if !isObject {
		text, err := json.Marshal(item)
		if err != nil {
			return false, err
		}
		if err := json.Unmarshal(text, &o); err != nil {
			return false, err
		}
	}
	for _, w := range asked {
		if !w.in(o) {
			return false, nil
		}
	}
	return true, nil
}

// part lists what is there as a whole, by key.
func part[T any](all []T, key func(T) string) func(after string, limit int) ([]T, string, error) {
	all = slices.SortedFunc(slices.Values(all), func(a, b T) int { return strings.Compare(key(a), key(b)) })
	return func(after string, limit int) ([]T, string, error) {
		from, found := slices.BinarySearchFunc(all, after, func(item T, k string) int { return strings.Compare(key(item), k) })
		if found {
			from++
		}
		rest := all[from:]
		if len(rest) <= limit {
			return rest, "", nil
		}
		return rest[:limit], key(rest[limit-1]), nil
	}
}

// one is the first that fits; noun and code are for the error.
func one[T any](all []T, noun, code string, is func(T) bool) (T, error) {
	if i := slices.IndexFunc(all, is); i >= 0 {
		return all[i], nil
	}
	var none T
	return none, fault.New(fault.NotFound, "there is no %s %q", noun, code)
}
