package odata

// json is the schema in CSDL JSON 4.01.
func (s schema) json() map[string]any {
	references := map[string]any{}
	for _, v := range vocabularies {
		references[v.uri] = map[string]any{"$Include": []any{map[string]any{"$Namespace": v.namespace, "$Alias": v.alias}}}
	}
	container := map[string]any{"$Kind": "EntityContainer", "@Capabilities.BatchSupported": true, "@Capabilities.KeyAsSegmentSupported": true}
	all := map[string]any{}
	for _, t := range s.types {
		all[t.name] = t.json()
		for _, b := range t.buttons {
			overloads, _ := all[b.Code].([]any) // of the same name for other classes
			all[b.Code] = append(overloads, t.actionsJSON(b)...)
		}
		set := map[string]any{"$Collection": true, "$Type": namespace + "." + t.name}
		bindings := map[string]any{}
		for _, n := range t.navigations {
			bindings[n.name] = n.to
		}
		if len(bindings) > 0 {
			set["$NavigationPropertyBinding"] = bindings
		}
		for _, r := range t.restrictions() {
			if !r.allowed {
				set["@Capabilities."+r.term] = map[string]any{r.member: false}
			}
		}
		if t.requireMatch {
			set["@Core.OptimisticConcurrency"] = []string{}
		}
		container[t.code] = set
	}
	for _, f := range s.queries {
		all[f.row], all[f.name] = f.rowJSON(), []any{f.json()}
		container[f.code] = map[string]any{"$Function": namespace + "." + f.name, "$IncludeInServiceDocument": f.listed}
	}
	all[s.container], all["@Core.DefaultNamespace"] = container, true
	return map[string]any{"$Version": version401, "$EntityContainer": namespace + "." + s.container, "$Reference": references, namespace: all}
}

func (t entityType) json() map[string]any {
	all := map[string]any{"$Kind": "EntityType", "$Key": []string{"id"}}
	for _, p := range t.properties {
		all[p.name] = p.json()
	}
	for _, n := range t.navigations {
		one := map[string]any{"$Kind": "NavigationProperty", "$Type": namespace + "." + n.kind, "$ReferentialConstraint": map[string]any{n.name + "_id": "id"}}
		if n.nullable {
			one["$Nullable"] = true
		}
		all[n.name] = one
	}
	if t.comment != "" {
		all["@Core.Description"] = t.comment
	}
	var keys []any
	for _, key := range t.keys {
		var parts []any
		for _, name := range key {
			parts = append(parts, map[string]any{"Name": name, "Alias": name})
		}
		keys = append(keys, map[string]any{"Key": parts})
	}
	if keys != nil {
		all["@Core.AlternateKeys"] = keys
	}
	return all
}

func (p property) json() map[string]any {
	one := map[string]any{}
	if p.kind != "Edm.String" { // which is what stands for nothing said
		one["$Type"] = p.kind
	}
	if p.nullable {
		one["$Nullable"] = true
	}
	if p.length > 0 {
		one["$MaxLength"] = p.length
	}
	if p.precision > 0 {
		one["$Precision"] = p.precision
	}
	if p.kind == "Edm.Decimal" {
		one["$Scale"] = p.scale
	}
	if p.variable {
		one["$Scale"] = "variable"
	}
	if p.fallback != "" {
		one["$DefaultValue"] = p.fallback
	}
	if p.comment != "" {
		one["@Core.Description"] = p.comment
	}
	if p.computed {
		one["@Core.Computed"] = true
	}
	if p.readOnly {
		one["@Core.Permissions"] = "Read"
	}
	if p.values != nil {
		var values []any
		for _, v := range p.values {
			values = append(values, map[string]any{"Value": v})
		}
		one["@Validation.AllowedValues"] = values
	}
	return one
}
