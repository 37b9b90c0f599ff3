package api

import (
	"encoding/json"
	"net/url"
	"reflect"
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
		if t.Kind == "packets" {
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
		path, parameter := r.place(t)
		op := members{
			"summary": r.Title, "operationId": r.Name + "_" + t.Kind + "_" + t.Code, "tags": []string{t.Kind},
			"security":  []members{{"bearer": []string{}}, {"basic": []string{}}},
			"responses": members{"default": members{"$ref": "#/components/responses/problem"}},
		}
		if t.Comment != "" {
			op["description"] = t.Comment
		}
		answer := members{"description": "Done"}
		if r.Answer != nil {
			schema := members{}
			if t.Kind == "classes" {
				schema = ref
				if r.Name == "list" {
					schema = members{"type": "object", "properties": members{"value": members{"type": "array", "items": ref}, "@odata.nextLink": members{"type": "string"}}}
				}
			}
			answer["content"] = members{"application/json": members{"schema": schema, "example": r.Answer}}
		}
		op["responses"].(members)[map[bool]string{true: "201", false: "200"}[r.Status == 201]] = answer //nolint:errcheck // made above
		if r.Status == 204 {                                                                            //nolint:mnd // No Content
			delete(op["responses"].(members), "200")  //nolint:errcheck // made above
			op["responses"].(members)["204"] = answer //nolint:errcheck // made above
		}
		if r.Body != nil {
			op["requestBody"] = members{"required": true, "content": members{"application/json": members{"schema": ref, "example": r.Body}}}
		}
		all := parameters
		if parameter != "" {
			all = append(all, members{"name": parameter, "in": "path", "required": true, "description": "an id", "schema": members{"type": "string"}})
		}
		if t.Kind == "classes" && r.Name == "list" {
			for _, option := range []string{"$filter", "$select", "$expand", "$orderby", "$top", "$skip", "$count"} {
				all = append(all, members{"name": option, "in": "query", "schema": members{"type": "string"}})
			}
		}
		if len(all) > 0 {
			op["parameters"] = all
		}
		if r.Name == "upsert" {
			continue // the same call as update, with a header
		}
		there, ok := paths[path].(map[string]any)
		if !ok {
			there = map[string]any{}
			paths[path] = there
		}
		there[strings.ToLower(r.Method)] = op
	}
}

// place is the path of a request without what is the example's own.
func (r docRequest) place(t topic) (path, parameter string) {
	switch t.Kind {
	case "packets":
		return v1 + "/packets/" + url.PathEscape(t.Code), ""
	case "functions":
		return v1 + "/functions/" + url.PathEscape(t.Code), ""
	}
	if r.Name == "create" || r.Name == "list" {
		return dataBase + "/" + t.Code, ""
	}
	return dataBase + "/" + t.Code + "/{id}", "id"
}
