package class

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"junctor/internal/fault"
	"junctor/internal/strict"
	"junctor/internal/value"
)

// Model is all classes at one revision of the configuration. It never changes.
type Model struct {
	classes []*Class // by code
	byCode  map[string]*Class
	bodies  map[string]json.RawMessage
	changes map[string]int64 // by code; nil in a Model of definitions only
}

// NewModel reads the classes' bodies as they stand under their codes in
// junctor.yaml, as JSON, and checks them, also against each other. It returns
// everything that is wrong with pointers like /orders/columns/total; the Model
// is of use only when nothing is.
func NewModel(bodies map[string]json.RawMessage) (*Model, []fault.Field) {
	m, found := ReadModel(bodies, nil)
	found = append(found, m.checkCodes()...)
	return m, append(found, m.checkRefs()...)
}

// ReadModel is NewModel for classes as their tables are, by the number of each
// table's last change; without what classes ask of each other: while the change of
// one waits for its run, another may already name what that will bring.
func ReadModel(bodies map[string]json.RawMessage, changes map[string]int64) (*Model, []fault.Field) {
	m := &Model{byCode: make(map[string]*Class, len(bodies)), bodies: maps.Clone(bodies), changes: maps.Clone(changes)}
	var found []fault.Field
	for _, code := range slices.Sorted(maps.Keys(bodies)) {
		c, wrong := Parse(code, bodies[code])
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

// Body is a class's body as it was read; nil when there is no such class.
func (m *Model) Body(code string) json.RawMessage { return m.bodies[code] }

// Change is the number of the last change of a class's table when the Model was
// read; ok is false in a Model of definitions only, which NewModel makes.
func (m *Model) Change(code string) (number int64, ok bool) {
	return m.changes[code], m.changes != nil
}

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

// TypeOf is the type of what a path names, from a class on over its refs:
// customer/code. The error says what there is not.
func (m *Model) TypeOf(c *Class, path []string) (value.Type, error) {
	var properties []string
	for _, column := range slices.Concat(c.Columns, System()) {
		switch {
		case len(path) == 1 && column.Field() == path[0]:
			return column.Type, nil
		case len(path) > 1 && column.Kind == Ref && column.Code == path[0] && m.Class(column.Class) != nil:
			return m.TypeOf(m.Class(column.Class), path[1:])
		}
		properties = append(properties, column.Field())
	}
	return value.Null, fmt.Errorf("of the class %s: %s", c.Code, strict.Unknown(path[0], properties))
}
