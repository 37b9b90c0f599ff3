package host

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"junctor/internal/class"
	"junctor/internal/value"
)

// ClassDeclarations declares classes for scenarios, so that records("orders")
// knows its columns: TypeScript that adds to junctor.d.ts.
func ClassDeclarations(m *class.Model) string {
	var b strings.Builder
	b.WriteString("// The classes of junctor.yaml, written by `junctor types`. Write it again when they change.\n")
	b.WriteString("declare module \"junctor\" {\n  export interface RecordClasses {\n")
	for _, c := range m.Classes() {
		b.WriteString(comment("    ", c.Comment))
		fmt.Fprintf(&b, "    %s: {\n", c.Code)
		b.WriteString("      record: StoredRecord & {\n")
		for _, column := range c.Columns {
			b.WriteString(comment("        ", column.Comment))
			fmt.Fprintf(&b, "        %s: %s;\n", column.Field(), read(column))
			if column.Kind == class.Ref {
				fmt.Fprintf(&b, "        /** When it is expanded. */\n        %s?: RecordClasses[%q][\"record\"] | null;\n", column.Code, column.Class)
			}
		}
		b.WriteString("      };\n      create: {\n        id?: string;\n")
		b.WriteString(written(c, false))
		b.WriteString("      };\n      update: {\n")
		b.WriteString(written(c, true))
		fmt.Fprintf(&b, "      };\n      key: %s;\n      refs: %s;\n    };\n", keys(c), refs(c))
	}
	b.WriteString("  }\n}\n")
	return b.String()
}

func comment(indent, text string) string {
	if text == "" {
		return ""
	}
	return indent + "/** " + strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "*/", "* /") + " */\n"
}

// read is what a column is in a record that was read.
func read(c *class.Column) string {
	t := map[value.Type]string{
		value.Text: "string", value.Integer: "number", value.Decimal: "Decimal", value.Boolean: "boolean",
		value.Date: "string", value.DateTime: "string", value.JSON: "any",
	}[c.Type]
	if c.Kind == class.Enum {
		t = union(c.Values)
	}
	if c.Required || c.Kind == class.Autonumber || c.Type == value.JSON {
		return t
	}
	return t + " | null"
}

// taken is what a column takes when it is written or looked for.
func taken(c *class.Column) string {
	if c.Kind == class.Enum {
		return union(c.Values)
	}
	return map[value.Type]string{
		value.Text: "string", value.Integer: "number | bigint", value.Decimal: "DecimalLike", value.Boolean: "boolean",
		value.Date: "string", value.DateTime: "string | Date", value.JSON: "unknown",
	}[c.Type]
}

func union(values []string) string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = strconv.Quote(v)
	}
	return strings.Join(all, " | ")
}

// written are the members that a write takes.
func written(c *class.Class, all bool) string {
	var b strings.Builder
	for _, column := range c.Columns {
		if !column.Written() {
			continue
		}
		if column.Kind == class.Ref { // either of the two names it
			fmt.Fprintf(&b, "        %s?: string | null | undefined;\n", column.Field())
			fmt.Fprintf(&b, "        /** An id, or the columns of a key. */\n        %s?: string | RecordClasses[%q][\"key\"] | null | undefined;\n", column.Code, column.Class)
			continue
		}
		if column.Required && column.Default == nil && !all {
			fmt.Fprintf(&b, "        %s: %s;\n", column.Code, taken(column))
			continue
		}
		fmt.Fprintf(&b, "        %s?: %s | null | undefined;\n", column.Code, taken(column))
	}
	return b.String()
}

// keys are the objects that name a record.
func keys(c *class.Class) string {
	all := []string{"{ id: string }"}
	add := func(codes []string) {
		members := make([]string, len(codes))
		for i, code := range codes {
			column := c.Column(code)
			members[i] = column.Field() + ": " + taken(column)
		}
		if text := "{ " + strings.Join(members, "; ") + " }"; !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	for _, key := range c.Keys {
		add(key)
	}
	for _, column := range c.Columns {
		if column.Unique {
			add([]string{column.Code})
		}
	}
	return strings.Join(all, " | ")
}

func refs(c *class.Class) string {
	var codes []string
	for _, column := range c.Columns {
		if column.Kind == class.Ref {
			codes = append(codes, column.Code)
		}
	}
	if codes == nil {
		return "never"
	}
	return union(codes)
}
