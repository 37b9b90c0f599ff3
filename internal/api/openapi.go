package api

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// members is a JSON object under construction.
type members map[string]any

// document makes the OpenAPI 3.1 document of the table.
func document(routes []route, release string) []byte {
	s := schemas{components: members{}, names: map[shape]string{}}
	problem := s.problem()
	paths := map[string]members{}
	for i := range routes {
		r := &routes[i]
		path := strings.ReplaceAll(r.pattern, "{$}", "")
		if paths[path] == nil {
			paths[path] = members{}
		}
		paths[path][strings.ToLower(r.method)] = s.operation(r)
	}
	body, err := json.MarshalIndent(members{
		"openapi": "3.1.0",
		"info": members{
			"title": "Junctor", "version": release,
			"description": "Management of an installation. Times are RFC 3339 UTC; errors are RFC 9457 problems whose type is explained at /errors/{code}.",
		},
		"paths": paths,
		"components": members{
			"schemas": s.components,
			"securitySchemes": members{
				"bearer": members{"type": "http", "scheme": "bearer", "description": "A session's token or an API token"},
				"basic":  members{"type": "http", "scheme": "basic"},
			},
			"responses": members{"problem": members{
				"description": "What went wrong", "content": members{"application/problem+json": members{"schema": problem}},
			}},
		},
	}, "", " ")
	if err != nil {
		panic(fmt.Sprintf("the OpenAPI document is not JSON: %v", err)) // maps, texts and numbers only
	}
	return body
}

// operation describes one route.
func (s *schemas) operation(r *route) members {
	responses := members{
		fmt.Sprint(max(r.status, 200)): s.success(r, "Done"),
		"default":                      members{"$ref": "#/components/responses/problem"},
	}
	if r.conditional && r.method == put {
		responses["201"] = s.success(r, "Created")
	}
	op := members{
		"summary": r.summary, "operationId": operationID(r), "tags": []string{tagOf(r.pattern)},
		"responses": responses, "security": []members{},
	}
	if r.required() != open {
		op["security"] = []members{{"bearer": []string{}}, {"basic": []string{}}}
	}
	if parameters := s.parameters(r); len(parameters) > 0 {
		op["parameters"] = parameters
	}
	if r.takes != nil {
		content := members{}
		for _, media := range r.takes {
			content[media] = members{"schema": members{}}
		}
		op["requestBody"] = members{"required": true, "content": content}
	}
	if r.input != nil {
		s.reading = true
		op["requestBody"] = members{
			"required": !r.bodyless,
			"content":  members{"application/json": members{"schema": s.of(r.input)}},
		}
		s.reading = false
	}
	return op
}

func (s *schemas) success(r *route, description string) members {
	switch {
	case r.output != nil:
		return members{"description": description, "content": members{"application/json": members{"schema": s.of(r.output)}}}
	case r.media != "":
		return members{"description": description, "content": members{r.media: members{"schema": members{"type": "string"}}}}
	}
	return members{"description": description}
}

// parameters are those of the path, the query and, for writes of what has
// versions, the conditions.
func (s *schemas) parameters(r *route) []members {
	var list []members
	for _, name := range r.parameters() {
		list = append(list, members{"name": name, "in": "path", "required": true, "schema": members{"type": "string"}})
	}
	for _, f := range reflect.VisibleFields(r.query) {
		name := f.Tag.Get("query")
		if name == "" {
			continue
		}
		schema := s.of(f.Type)
		if low, high := bounds(f.Tag); high > 0 {
			schema["minimum"], schema["maximum"] = low, high
		}
		list = append(list, members{"name": name, "in": "query", "description": f.Tag.Get("doc"), "schema": schema})
	}
	if r.conditional {
		for _, name := range []string{"If-Match", "If-None-Match"} {
			list = append(list, members{"name": name, "in": "header", "schema": members{"type": "string"}})
		}
	}
	return list
}

// operationID is method and path as one word: getAdminRunsId.
func operationID(r *route) string {
	var b strings.Builder
	b.WriteString(strings.ToLower(r.method))
	for part := range strings.FieldsFuncSeq(strings.TrimPrefix(r.pattern, v1), func(c rune) bool { return strings.ContainsRune("/{}$.", c) }) {
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	if r.pattern == "/{$}" {
		b.WriteString("Front")
	}
	return b.String()
}

// tagOf groups by the noun.
func tagOf(pattern string) string {
	if rest, ok := strings.CutPrefix(pattern, adm+"/"); ok {
		noun, _, _ := strings.Cut(rest, "/")
		return noun
	}
	if rest, ok := strings.CutPrefix(pattern, v1+"/"); ok {
		noun, _, _ := strings.Cut(rest, "/")
		return noun
	}
	return "installation"
}
