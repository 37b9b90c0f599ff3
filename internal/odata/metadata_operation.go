package odata

import (
	"strconv"

	"junctor/internal/class"
	"junctor/internal/stored"
)

// storedFunction is a stored query as $metadata has it: a function without side
// effects, and its import, since rows without a key are no entities.
type storedFunction struct {
	code, name, row, comment string
	params, columns          []property
	listed                   bool // can be called without parameters: it stands in the service document
}

func functionOf(stored *stored.Query, n names) storedFunction {
	f := storedFunction{code: stored.Code, name: n.functions[stored.Code], row: n.rows[stored.Code], comment: stored.Comment, listed: callable(stored)}
	for _, p := range stored.Params {
		f.params = append(f.params, looseOf(p.Column))
	}
	for _, c := range stored.Columns {
		p := looseOf(c)
		p.nullable = true
		f.columns = append(f.columns, p)
	}
	return f
}

// looseOf is a property of a column whose number of digits may be unknown.
func looseOf(c *class.Column) property {
	p := propertyOf(c)
	p.variable = p.kind == "Edm.Decimal" && c.Precision == 0
	return p
}

// callable reports whether a stored query needs no parameter.
func callable(stored *stored.Query) bool {
	for _, p := range stored.Params {
		if p.Required && p.Default == nil {
			return false
		}
	}
	return true
}

func (p property) scaleText() string {
	if p.variable {
		return "variable"
	}
	return strconv.Itoa(p.scale)
}

func (f storedFunction) xml(w *element) {
	w.open("ComplexType", "Name", f.row)
	for _, p := range f.columns {
		p.xml(w)
	}
	w.close("ComplexType")
	w.open("Function", "Name", f.name)
	for _, p := range f.params {
		w.open("Parameter", p.pairs()...)
		if p.comment != "" {
			w.leaf("Annotation", "Term", "Core.Description", "String", p.comment)
		}
		switch {
		case p.fallback != "":
			w.open("Annotation", "Term", "Core.OptionalParameter")
			w.open("Record")
			w.leaf("PropertyValue", "Property", "DefaultValue", "String", p.fallback)
			w.close("Record")
			w.close("Annotation")
		case p.nullable:
			w.open("Annotation", "Term", "Core.OptionalParameter")
			w.leaf("Record")
			w.close("Annotation")
		}
		w.close("Parameter")
	}
	w.leaf("ReturnType", "Type", "Collection("+namespace+"."+f.row+")", "Nullable", "false")
	if f.comment != "" {
		w.leaf("Annotation", "Term", "Core.Description", "String", f.comment)
	}
	w.close("Function")
}

func (f storedFunction) rowJSON() map[string]any {
	all := map[string]any{"$Kind": "ComplexType"}
	for _, p := range f.columns {
		all[p.name] = p.json()
	}
	return all
}

func (f storedFunction) json() map[string]any {
	one := map[string]any{"$Kind": "Function", "$ReturnType": map[string]any{"$Collection": true, "$Type": namespace + "." + f.row}}
	var params []any
	for _, p := range f.params {
		param := p.json()
		param["$Name"] = p.name
		delete(param, "$DefaultValue")
		delete(param, "@Validation.AllowedValues")
		switch {
		case p.fallback != "":
			param["@Core.OptionalParameter"] = map[string]any{"DefaultValue": p.fallback}
		case p.nullable:
			param["@Core.OptionalParameter"] = map[string]any{}
		}
		params = append(params, param)
	}
	if params != nil {
		one["$Parameter"] = params
	}
	if f.comment != "" {
		one["@Core.Description"] = f.comment
	}
	return one
}

// actionsXML writes the buttons of a class, each for a record and for several.
// They answer the ids of the runs.
func (t entityType) actionsXML(w *element) {
	for _, b := range t.buttons {
		for _, many := range []bool{false, true} {
			of, answer := namespace+"."+t.name, "Edm.String"
			if many {
				of, answer = "Collection("+of+")", "Collection(Edm.String)"
			}
			w.open("Action", "Name", b.Code, "IsBound", "true")
			w.leaf("Parameter", "Name", "of", "Type", of, "Nullable", "false")
			if many {
				w.leaf("Parameter", "Name", "records", "Type", "Collection(Edm.String)", "Nullable", "false")
			}
			w.leaf("ReturnType", "Type", answer, "Nullable", "false")
			if b.Label != "" {
				w.leaf("Annotation", "Term", "Core.Description", "String", b.Label)
			}
			w.close("Action")
		}
	}
}

// actionsJSON is actionsXML in JSON, for one button.
func (t entityType) actionsJSON(b *class.Button) (both []any) {
	for _, many := range []bool{false, true} {
		of, answer := map[string]any{"$Name": "of", "$Type": namespace + "." + t.name}, map[string]any{}
		params := []any{of}
		if many {
			of["$Collection"], answer["$Collection"] = true, true
			params = append(params, map[string]any{"$Name": "records", "$Collection": true})
		}
		one := map[string]any{"$Kind": "Action", "$IsBound": true, "$Parameter": params, "$ReturnType": answer}
		if b.Label != "" {
			one["@Core.Description"] = b.Label
		}
		both = append(both, one)
	}
	return both
}
