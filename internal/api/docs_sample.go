package api

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp/syntax"
	"slices"
	"strings"

	"junctor/internal/class"
	"junctor/internal/class/param"
	"junctor/internal/packet"
	"junctor/internal/record"
	"junctor/internal/value"
)

// plausible are texts by what the name of a column has in it; the first that
// fits counts.
var plausible = []struct{ part, text string }{
	{"email", "jana.novak@example.com"}, {"mail", "jana.novak@example.com"}, {"phone", "+420 601 234 567"}, {"url", "https://www.example.com"},
	{"first_name", "Jana"}, {"last_name", "Novak"}, {"surname", "Novak"}, {"company", "Example Ltd"}, {"name", "Jana Novak"},
	{"street", "Long Street 12"}, {"city", "Prague"}, {"zip", "11000"}, {"postal", "11000"}, {"country", "CZ"}, {"currency", "EUR"},
	{"number", "2026-0001"}, {"code", "A-1001"}, {"sku", "A-1001"}, {"item", "A-1001"}, {"isin", "US0378331005"}, {"iban", "CZ6508000000192000145399"},
	{"comment", "Please call before delivery."}, {"note", "Please call before delivery."}, {"description", "Please call before delivery."},
	{"title", "Spring order"}, {"unit", "pcs"}, {"language", "en"},
}

// sample is a plausible value of a column, which the column takes.
func sample(c *class.Column) json.RawMessage {
	for _, raw := range candidates(c) {
		v, err := c.FromJSON(raw)
		if err == nil && c.Check(v) == nil {
			return v.AppendJSON(nil)
		}
	}
	return json.RawMessage("null")
}

func candidates(c *class.Column) []json.RawMessage {
	all := usual(c)
	for _, v := range []*value.Value{c.Min, c.Max, c.Default} { // where the usual is out of range
		if v != nil {
			all = append(all, v.AppendJSON(nil))
		}
	}
	return all
}

func usual(c *class.Column) (all []json.RawMessage) {
	text := func(s string) {
		raw, err := json.Marshal(s)
		if err == nil {
			all = append(all, raw)
		}
	}
	switch c.Type {
	case value.Boolean:
		return []json.RawMessage{json.RawMessage("true")}
	case value.Integer:
		return []json.RawMessage{json.RawMessage("3"), json.RawMessage("0")}
	case value.Decimal:
		return []json.RawMessage{json.RawMessage("149.90"), json.RawMessage("149"), json.RawMessage("1"), json.RawMessage("0.5"), json.RawMessage("0")}
	case value.Date:
		text("2026-11-22")
		return all
	case value.DateTime:
		text("2026-11-22T09:30:00Z")
		return all
	case value.JSON:
		return []json.RawMessage{json.RawMessage(`{"source":"web"}`)}
	}
	if c.Kind == class.Enum {
		text(c.Values[0])
		return all
	}
	if c.Kind == class.Autonumber && c.Numbering != nil {
		text(c.Numbering.Format(1))
		return all
	}
	for _, p := range plausible {
		if strings.Contains(strings.ToLower(c.Code), p.part) {
			text(p.text)
		}
	}
	if c.Code == "id" || c.Kind == class.Ref || c.Kind == class.File {
		text("rec_0sge39m4gjsrr9pf4tp4jj12")
	}
	word := strings.ReplaceAll(c.Code, "_", " ")
	text(strings.ToUpper(word[:1]) + word[1:])
	if c.Length > 0 && c.Length < len(word) {
		text(strings.ToUpper(word[:1]) + word[1:c.Length])
	}
	if c.Pattern != nil {
		if re, err := syntax.Parse(c.Pattern.String(), syntax.Perl); err == nil {
			text(matching(re.Simplify()))
		}
	}
	return append(all, json.RawMessage(`"A"`))
}

// matching is a short text that a pattern takes.
func matching(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpLiteral:
		return string(re.Rune)
	case syntax.OpCharClass:
		for _, want := range "1aA" {
			for i := 0; i+1 < len(re.Rune); i += 2 {
				if re.Rune[i] <= want && want <= re.Rune[i+1] {
					return string(want)
				}
			}
		}
		if len(re.Rune) > 0 {
			return string(re.Rune[0])
		}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return "A"
	case syntax.OpCapture, syntax.OpPlus:
		return matching(re.Sub[0])
	case syntax.OpRepeat:
		return strings.Repeat(matching(re.Sub[0]), re.Min)
	case syntax.OpConcat:
		var b strings.Builder
		for _, sub := range re.Sub {
			b.WriteString(matching(sub))
		}
		return b.String()
	case syntax.OpAlternate:
		return matching(re.Sub[0])
	}
	return ""
}

// plainText is a JSON value without its quotes.
func plainText(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}

// packetSample is a value for a packet's parameter: that of the key which it
// looks like, so that the packet of the example's record is fetched.
func (m manual) packetSample(p *packet.Packet, param *param.Param) json.RawMessage {
	for _, part := range p.Parts {
		if c := m.Model.Class(part.Class); c != nil && c.Column(param.Code) != nil {
			if raw := sample(c.Column(param.Code)); string(raw) != "null" {
				return raw
			}
		}
	}
	return sample(param.Column)
}

// key is the first key of a class, nil when the caller does not see all of it or
// has to know an id for it.
func (m manual) key(c *class.Class) (columns []*class.Column) {
	if len(c.Keys) == 0 {
		return nil
	}
	rights := m.rights.Class(c.Code)
	for _, code := range c.Keys[0] {
		column := c.Column(code)
		if !rights.Sees(code) || column.Kind == class.Ref {
			return nil
		}
		columns = append(columns, column)
	}
	return columns
}

// address is where the example's record is; false when it has only an id.
func (m manual) address(c *class.Class) (path string, keyed bool) {
	var at record.Address
	columns := m.key(c)
	if columns == nil {
		return dataBase + "/" + c.Code + "/rec_0sge39m4gjsrr9pf4tp4jj12", true
	}
	for _, column := range columns {
		v, err := column.FromJSON(sample(column))
		if err != nil || v.IsNull() {
			return "", false
		}
		at.Key = append(at.Key, record.KeyPart{Column: column.Code, Value: v})
	}
	return dataBase + "/" + c.Code + "(" + escaped(at.String()) + ")", true
}

// escaped is a piece of an address in which no shell and no language finds
// anything of its own.
func escaped(text string) string {
	return strings.NewReplacer("+", "%20", "%2C", ",", "%3D", "=").Replace(url.QueryEscape(text))
}

// search is a query that finds the example's record.
func (m manual) search(c *class.Class) string {
	top := "?$top=10"
	columns := m.key(c)
	if columns == nil {
		return top
	}
	v, err := columns[0].FromJSON(sample(columns[0]))
	if err != nil {
		return top
	}
	literal := v.String()
	if v.Type() == value.Text {
		literal = "'" + strings.ReplaceAll(literal, "'", "''") + "'"
	}
	return "?$filter=" + escaped(columns[0].Field()+" eq "+literal) + "&$top=10"
}

// sent is a record that the caller may make.
func (m manual) sent(c *class.Class) json.RawMessage {
	rights := m.rights.Class(c.Code)
	o := newOrdered(nil)
	for _, column := range c.Columns {
		if !column.Written() || !rights.Writes(column.Code) || column.Kind == class.File {
			continue
		}
		if column.Kind == class.Ref {
			if raw := m.refTo(column); raw != nil {
				o.add(column.Code, raw)
			}
			continue
		}
		if raw := sample(column); string(raw) != "null" {
			o.add(column.Field(), raw)
		}
	}
	return o.end()
}

// refTo names the example's record of another class by its key.
func (m manual) refTo(column *class.Column) json.RawMessage {
	to := m.Model.Class(column.Class)
	if to == nil || !column.Required && m.rights.Class(to.Code).Read.None() {
		return nil
	}
	columns := m.key(to)
	if columns == nil {
		return nil
	}
	o := newOrdered(nil)
	for _, part := range columns {
		o.add(part.Field(), sample(part))
	}
	return o.end()
}

// change is a change of one column.
func (m manual) change(c *class.Class) json.RawMessage {
	rights := m.rights.Class(c.Code)
	for _, column := range slices.Backward(c.Columns) {
		inKey := slices.ContainsFunc(c.Keys, func(key []string) bool { return slices.Contains(key, column.Code) })
		if inKey || column.Unique || !column.Written() || !rights.Writes(column.Code) || column.Kind == class.Ref || column.Kind == class.File {
			continue
		}
		if raw := sample(column); string(raw) != "null" {
			o := newOrdered(nil)
			o.add(column.Field(), raw)
			return o.end()
		}
	}
	return nil
}

// shown is a record as the caller sees it; nil names are all.
func (m manual) shown(c *class.Class, names []string) json.RawMessage {
	o := newOrdered(nil)
	for _, column := range m.columns(c) {
		if column.Kind == class.File || names != nil && !slices.Contains(names, column.Field()) {
			continue
		}
		o.add(column.Field(), sample(column))
	}
	return o.end()
}

// schemaFields are the parameters that a JSON Schema has.
func schemaFields(schema map[string]any) (fields []docField) {
	properties, _ := schema["properties"].(map[string]any)
	required, _ := schema["required"].([]any)
	for _, name := range sortedNames(properties) {
		property, _ := properties[name].(map[string]any)
		f := docField{Name: name, Required: slices.Contains(required, any(name))}
		f.About, _ = property["description"].(string)
		switch t := property["type"].(type) {
		case string:
			f.Type = t
		case []any:
			f.Type = strings.Trim(fmt.Sprint(t), "[]")
		default:
			f.Type = "any"
		}
		if format, ok := property["format"].(string); ok {
			f.Type += ", " + format
		}
		fields = append(fields, f)
	}
	return fields
}

func sortedNames(m map[string]any) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// schemaSample is a plausible value for a JSON Schema. It has what the schema's
// usual words ask for; of a schema that says more it may be a beginning only.
func schemaSample(schema, root map[string]any, depth int) any {
	const deepest = 6
	if depth > deepest {
		return nil
	}
	if ref, ok := schema["$ref"].(string); ok {
		if name, ok := strings.CutPrefix(ref, "#/$defs/"); ok {
			defs, _ := root["$defs"].(map[string]any)
			if def, ok := defs[name].(map[string]any); ok {
				return schemaSample(def, root, depth+1)
			}
		}
		return nil
	}
	if examples, ok := schema["examples"].([]any); ok && len(examples) > 0 {
		return examples[0]
	}
	for _, word := range []string{"const", "default", "example"} {
		if v, ok := schema[word]; ok {
			return v
		}
	}
	if values, ok := schema["enum"].([]any); ok && len(values) > 0 {
		return values[0]
	}
	for _, word := range []string{"oneOf", "anyOf", "allOf"} {
		if list, ok := schema[word].([]any); ok && len(list) > 0 && schema["type"] == nil {
			if first, ok := list[0].(map[string]any); ok {
				return schemaSample(first, root, depth+1)
			}
		}
	}
	kind, _ := schema["type"].(string)
	if several, ok := schema["type"].([]any); ok && len(several) > 0 {
		kind, _ = several[0].(string)
	}
	number := func(usual float64) float64 {
		if low, ok := schema["minimum"].(float64); ok && usual < low {
			usual = low
		}
		if high, ok := schema["maximum"].(float64); ok && usual > high {
			usual = high
		}
		return usual
	}
	switch kind {
	case "string":
		return schemaText(schema)
	case "integer":
		return number(3) //nolint:mnd // plausible
	case "number":
		return number(149.9) //nolint:mnd // plausible
	case "boolean":
		return true
	case "null":
		return nil
	case "array":
		items, _ := schema["items"].(map[string]any)
		if items == nil {
			return []any{}
		}
		return []any{schemaSample(items, root, depth+1)}
	}
	properties, _ := schema["properties"].(map[string]any)
	all := map[string]any{}
	for name, p := range properties {
		if property, ok := p.(map[string]any); ok {
			if _, named := property["title"]; !named {
				property = withTitle(property, name)
			}
			all[name] = schemaSample(property, root, depth+1)
		}
	}
	return all
}

// withTitle lets a text be plausible by its name.
func withTitle(property map[string]any, name string) map[string]any {
	titled := map[string]any{"title": name}
	for k, v := range property {
		titled[k] = v
	}
	return titled
}

func schemaText(schema map[string]any) string {
	format, _ := schema["format"].(string)
	if text, ok := map[string]string{
		"date": "2026-11-22", "date-time": "2026-11-22T09:30:00Z", "time": "09:30:00Z", "email": "jana.novak@example.com", "uuid": "0b9b0c1e-58a1-4e3b-9d7e-0f3c1c1a2b3d",
		"uri": "https://www.example.com", "duration": "P1D", "ipv4": "192.0.2.1", "hostname": "www.example.com",
	}[format]; ok {
		return text
	}
	title, _ := schema["title"].(string)
	column := &class.Column{Code: strings.ToLower(title), Kind: class.Text, Type: value.Text}
	if title == "" {
		column.Code = "text"
	}
	if n, ok := schema["maxLength"].(float64); ok {
		column.Length = int(n)
	}
	return plainText(sample(column))
}
