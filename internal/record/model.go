package record

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"junctor/internal/fault"
	"junctor/internal/strict"
)

// Model is all classes at one revision of the configuration. It never changes.
type Model struct {
	classes []*Class // by code
	byCode  map[string]*Class
	bodies  map[string]json.RawMessage
	changes map[string]int64 // of the tables, where Applied has made it
}

// NewModel reads the classes' bodies as they stand under their codes in
// junctor.yaml, as JSON, and checks them, also against each other. It returns
// everything that is wrong with pointers like /orders/columns/total; the Model
// is of use only when nothing is.
func NewModel(bodies map[string]json.RawMessage) (*Model, []fault.Field) {
	m, found := readModel(bodies)
	found = append(found, m.checkCodes()...)
	return m, append(found, m.checkRefs()...)
}

// readModel is NewModel without what classes ask of each other: while the change
// of one waits for its run, another may already name what that will bring.
func readModel(bodies map[string]json.RawMessage) (*Model, []fault.Field) {
	m := &Model{byCode: make(map[string]*Class, len(bodies)), bodies: maps.Clone(bodies)}
	var found []fault.Field
	for _, code := range slices.Sorted(maps.Keys(bodies)) {
		c, wrong := parseClass(code, bodies[code])
		for _, f := range wrong {
			found = append(found, fault.Field{Pointer: strict.Pointer("", code) + f.Pointer, Detail: f.Detail})
		}
		m.classes = append(m.classes, c)
		m.byCode[code] = c
	}
	return m, found
}

// Class finds a class by its code; nil when there is none.
func (m *Model) Class(code string) *Class { return m.byCode[code] }

// Classes are all classes, by code.
func (m *Model) Classes() []*Class { return m.classes }

// checkCodes finds codes that one of the databases, or a file system, takes for
// the same.
func (m *Model) checkCodes() (found []fault.Field) {
	first := map[string]string{}
	for _, c := range m.classes {
		folded := strings.ToLower(c.Code)
		if other, ok := first[folded]; ok {
			found = append(found, fault.Field{Pointer: strict.Pointer("", c.Code), Detail: fmt.Sprintf("differs from the class %q by case only", other)})
			continue
		}
		first[folded] = c.Code
	}
	return found
}

// checkRefs finds refs to classes that are not there.
func (m *Model) checkRefs() (found []fault.Field) {
	codes := slices.Collect(maps.Keys(m.byCode))
	slices.Sort(codes)
	for _, c := range m.classes {
		for _, column := range c.Columns {
			if column.Kind != Ref || column.Class == "" || m.byCode[column.Class] != nil {
				continue
			}
			detail := fmt.Sprintf("refers to the class %q, which does not exist", column.Class)
			if near := strict.Nearest(column.Class, codes); near != "" {
				detail += fmt.Sprintf("; did you mean %q?", near)
			}
			found = append(found, fault.Field{Pointer: strict.Pointer("", c.Code) + strict.Pointer("/columns", column.Code), Detail: detail})
		}
	}
	return found
}
