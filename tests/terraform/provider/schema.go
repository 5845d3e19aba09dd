package main

import (
	"encoding/json"
	"slices"
	"sync"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// What schema.py writes.
type file struct {
	Version     string
	Provider    *block
	Resources   map[string]*block
	DataSources map[string]*block `json:"data_sources"`
}

type block struct {
	Attributes map[string]*attribute
	Blocks     map[string]*nested
}

type attribute struct {
	Type                         json.RawMessage
	Required, Optional, Computed bool
	Values                       []string
	parse                        sync.Once
	kind                         tftypes.Type
}

type nested struct {
	Kind     string
	Min, Max int64
	Block    *block
}

// Calls come side by side.
func (a *attribute) tfType() tftypes.Type {
	a.parse.Do(func() {
		kind, err := tftypes.ParseJSONType(a.Type) //nolint:staticcheck // there is no other that reads it
		must(err)
		a.kind = kind
	})
	return a.kind
}

func (b *block) schema() *tfprotov5.Schema { return &tfprotov5.Schema{Block: b.schemaBlock()} }

func (b *block) schemaBlock() *tfprotov5.SchemaBlock {
	made := &tfprotov5.SchemaBlock{}
	for name, each := range b.Attributes {
		made.Attributes = append(made.Attributes, &tfprotov5.SchemaAttribute{
			Name: name, Type: each.tfType(), Required: each.Required, Optional: each.Optional, Computed: each.Computed,
		})
	}
	modes := map[string]tfprotov5.SchemaNestedBlockNestingMode{
		"list":   tfprotov5.SchemaNestedBlockNestingModeList,
		"set":    tfprotov5.SchemaNestedBlockNestingModeSet,
		"single": tfprotov5.SchemaNestedBlockNestingModeSingle,
	}
	for name, each := range b.Blocks {
		made.BlockTypes = append(made.BlockTypes, &tfprotov5.SchemaNestedBlock{
			TypeName: name, Block: each.Block.schemaBlock(), Nesting: modes[each.Kind], MinItems: each.Min, MaxItems: each.Max,
		})
	}
	return made
}

func (b *block) objectType() tftypes.Object {
	fields := map[string]tftypes.Type{}
	for name, each := range b.Attributes {
		fields[name] = each.tfType()
	}
	for name, each := range b.Blocks {
		fields[name] = each.objectType()
	}
	return tftypes.Object{AttributeTypes: fields}
}

func (n *nested) objectType() tftypes.Type {
	switch n.Kind {
	case "list":
		return tftypes.List{ElementType: n.Block.objectType()}
	case "set":
		return tftypes.Set{ElementType: n.Block.objectType()}
	}
	return n.Block.objectType()
}

// What the provider answers for a computed attribute that nobody has set.
type answers func(name string, kind tftypes.Type) tftypes.Value

// The same object with every computed attribute that is null or unknown answered.
func (b *block) fill(value tftypes.Value, answer answers) tftypes.Value {
	if value.IsNull() || !value.IsKnown() {
		return value
	}
	fields := map[string]tftypes.Value{}
	must(value.As(&fields))
	for name, each := range b.Attributes {
		if each.Computed && (fields[name].IsNull() || !fields[name].IsKnown()) {
			fields[name] = answer(name, each.tfType())
		}
	}
	for name, each := range b.Blocks {
		fields[name] = each.fill(fields[name], answer)
	}
	return tftypes.NewValue(b.objectType(), fields)
}

func (n *nested) fill(value tftypes.Value, answer answers) tftypes.Value {
	if n.Kind == "single" || value.IsNull() || !value.IsKnown() {
		return value
	}
	items := []tftypes.Value{}
	must(value.As(&items))
	for index := range items {
		items[index] = n.Block.fill(items[index], answer)
	}
	return tftypes.NewValue(n.objectType(), items)
}

// The values that the published descriptions exclude.
func (b *block) unlisted(value tftypes.Value, at *tftypes.AttributePath) []*tfprotov5.Diagnostic {
	if value.IsNull() || !value.IsKnown() {
		return nil
	}
	var found []*tfprotov5.Diagnostic
	fields := map[string]tftypes.Value{}
	must(value.As(&fields))
	for name, each := range b.Attributes {
		var text string
		if each.Values == nil || fields[name].IsNull() || !fields[name].IsKnown() || fields[name].As(&text) != nil {
			continue
		}
		if !slices.Contains(each.Values, text) {
			found = append(found, refusal(at.WithAttributeName(name), text, each.Values))
		}
	}
	for name, each := range b.Blocks {
		if each.Kind == "single" || fields[name].IsNull() || !fields[name].IsKnown() {
			continue
		}
		items := []tftypes.Value{}
		must(fields[name].As(&items))
		for index, item := range items {
			where := at.WithAttributeName(name)
			if each.Kind == "list" {
				where = where.WithElementKeyInt(index)
			}
			found = append(found, each.Block.unlisted(item, where)...)
		}
	}
	return found
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
