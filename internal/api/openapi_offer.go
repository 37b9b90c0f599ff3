package api

import (
	"encoding/json"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"junctor/internal/access"
)

// openAPIFor makes the endpoint of the document: that of the table, and for a
// caller who says who he is also the classes, packets and functions that he may
// use.
func (d *door) openAPIFor() endpoint {
	return endpoint{query: reflect.TypeFor[nothing](), media: "application/json", serve: func(c *call) (any, error) {
		if err := readQuery(c.r.URL, new(nothing)); err != nil {
			return nil, err
		}
		body := d.openAPI
		if c.r.Header.Get("Authorization") != "" {
			var err error
			if c.caller, err = Caller(d.Access, c.r, c.address); err != nil {
				return nil, err
			}
			if body, err = d.offered(c.caller, d.manual(c)); err != nil {
				return nil, err
			}
		}
		c.answered = true
		c.w.Header().Set("Content-Type", "application/json")
		c.w.Write(body) //nolint:errcheck // the client is gone, nobody is left to tell
		return nil, nil
	}}
}

// offered is the document with what a caller may use.
func (d *door) offered(caller access.Caller, m manual) ([]byte, error) {
	var doc map[string]any
	if err := json.Unmarshal(d.openAPI, &doc); err != nil {
		return nil, err
	}
	for path := range doc["paths"].(map[string]any) { //nolint:errcheck // the document is our own
		if strings.HasPrefix(path, adm) && !d.mayAny(caller, path) {
			delete(doc["paths"].(map[string]any), path) //nolint:errcheck // as above
		}
	}
	paths := doc["paths"].(map[string]any)                                    //nolint:errcheck // as above
	schemas := doc["components"].(map[string]any)["schemas"].(map[string]any) //nolint:errcheck // as above
	for _, t := range m.topics() {
		t.describe(paths, schemas)
	}
	return json.MarshalIndent(doc, "", " ")
}

// mayAny reports whether the caller may make a call of the path.
func (d *door) mayAny(caller access.Caller, path string) bool {
	for i := range d.routes {
		if r := &d.routes[i]; r.pattern == path && r.required().allows(caller.Rights) {
			return true
		}
	}
	return false
}

// describe adds a topic's calls.
func (t topic) describe(paths, schemas map[string]any) {
	name := t.Kind + "." + t.Code
	properties, required := members{}, []string{}
	var parameters []members
	for _, f := range t.Fields {
		s := f.schema
		if s == nil {
			s = members{}
		}
		if f.sent {
			parameters = append(parameters, members{"name": f.Name, "in": "query", "required": f.Required, "schema": s})
			continue
		}
		if f.Access != "" {
			s["readOnly"] = true
		}
		if properties[f.Name] = s; f.Required {
			required = append(required, f.Name)
		}
	}
	ref := members{"$ref": "#/components/schemas/" + name}
	if t.Kind != "packets" {
		o := members{"type": "object", "properties": properties}
		if len(required) > 0 && t.Kind == "functions" {
			o["required"] = required
		}
		schemas[name] = o
	}
	for _, r := range t.Requests {
		if r.Name == "upsert" {
			continue // the same call as update, with a header
		}
		path, parameter := r.place(t)
		op := members{
			"summary": r.Title, "operationId": r.Name + "_" + t.Kind + "_" + t.Code, "tags": []string{t.Kind},
			"security":  []members{{"bearer": []string{}}, {"basic": []string{}}},
			"responses": members{"default": members{"$ref": "#/components/responses/problem"}, strconv.Itoa(r.Status): r.answered(t, ref)},
		}
		if t.Comment != "" {
			op["description"] = t.Comment
		}
		if r.Body != nil {
			op["requestBody"] = members{"required": true, "content": members{"application/json": members{"schema": r.taken(ref), "example": r.Body}}}
		}
		all := slices.Clip(parameters)
		if parameter != "" {
			all = append(all, members{"name": parameter, "in": "path", "required": true, "description": "an id", "schema": members{"type": "string"}})
		}
		for _, option := range r.options(t) {
			all = append(all, members{"name": option, "in": "query", "schema": members{"type": "string"}})
		}
		if len(all) > 0 {
			op["parameters"] = all
		}
		there, ok := paths[path].(map[string]any)
		if !ok {
			there = map[string]any{}
			paths[path] = there
		}
		there[strings.ToLower(r.Method)] = op
	}
}

// answered is the answer to a request; ref is the schema of what the topic has.
func (r docRequest) answered(t topic, ref members) members {
	answer := members{"description": "Done"}
	if r.Answer == nil {
		return answer
	}
	object := func(value members) members {
		return members{"type": "object", "properties": members{"value": value}}
	}
	array := func(items members) members { return members{"type": "array", "items": items} }
	run := members{"type": "string", "description": "the id of a run"}
	var schema members
	switch {
	case r.Several:
		schema = object(array(run))
	case r.Button != "":
		schema = object(run)
	case r.Name == "list", r.Name == "rows":
		schema = object(array(ref))
		schema["properties"].(members)["@odata.nextLink"] = members{"type": "string"} //nolint:errcheck // made above
	case t.Kind == "classes":
		schema = ref
	default:
		schema = members{}
	}
	answer["content"] = members{"application/json": members{"schema": schema, "example": r.Answer}}
	return answer
}

// taken is the schema of a request's body.
func (r docRequest) taken(ref members) members {
	switch {
	case r.Several:
		records := members{"type": "array", "items": members{"anyOf": []members{{"type": "string", "description": "an id"}, ref}}}
		return members{"type": "object", "required": []string{"records"}, "properties": members{"records": records}}
	case r.Button != "":
		return members{"type": "object"}
	}
	return ref
}

// options are those of the query string.
func (r docRequest) options(t topic) []string {
	switch {
	case t.Kind == "queries":
		return []string{"$filter", "$select", "$orderby", "$top", "$skip", "$count"}
	case t.Kind == "classes" && r.Name == "list":
		return []string{"$filter", "$select", "$expand", "$orderby", "$top", "$skip", "$count"}
	}
	return nil
}

// place is the path of a request without what is the example's own.
func (r docRequest) place(t topic) (path, parameter string) {
	switch t.Kind {
	case "packets":
		return v1 + "/packets/" + url.PathEscape(t.Code), ""
	case "functions":
		return v1 + "/functions/" + url.PathEscape(t.Code), ""
	case "queries":
		return dataBase + "/" + t.Code, ""
	}
	behind := ""
	if r.Button != "" {
		behind = "/" + r.Button
	}
	if r.Name == "create" || r.Name == "list" || r.Several {
		return dataBase + "/" + t.Code + behind, ""
	}
	return dataBase + "/" + t.Code + "/{id}" + behind, "id"
}
