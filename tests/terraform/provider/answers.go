package main

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

var made = map[string]string{
	"address":            "203.0.113.7",
	"ip_address":         "203.0.113.7",
	"private_ip_address": "10.0.0.7",
	"public_ip_address":  "",
	"number":             "123456789012",
}

// Made-up answers for one resource, each a function of its type and its own name alone.
func maker(kind string, resource tftypes.Value) answers {
	name := kind
	fields := map[string]tftypes.Value{}
	must(resource.As(&fields))
	for _, each := range []string{"account_id", "name", "secret_id", "repository_id", "project_id"} {
		var text string
		if value, there := fields[each]; there && value.IsKnown() && !value.IsNull() && value.As(&text) == nil {
			name = text
			break
		}
	}
	var answer answers
	answer = func(attribute string, wanted tftypes.Type) tftypes.Value {
		switch {
		case wanted.Is(tftypes.String):
			if text, there := made[attribute]; there {
				return tftypes.NewValue(wanted, text)
			}
			if attribute == "email" {
				return tftypes.NewValue(wanted, name+"@made-up.iam.gserviceaccount.com")
			}
			return tftypes.NewValue(wanted, fmt.Sprintf("%s/%s", name, attribute))
		case wanted.Is(tftypes.Number):
			return tftypes.NewValue(wanted, 1)
		case wanted.Is(tftypes.Bool):
			return tftypes.NewValue(wanted, false)
		}
		switch kind := wanted.(type) {
		case tftypes.List:
			return tftypes.NewValue(wanted, []tftypes.Value{answer(attribute, kind.ElementType)})
		case tftypes.Set:
			return tftypes.NewValue(wanted, []tftypes.Value{answer(attribute, kind.ElementType)})
		case tftypes.Object:
			parts := map[string]tftypes.Value{}
			for part, inner := range kind.AttributeTypes {
				parts[part] = answer(part, inner)
			}
			return tftypes.NewValue(wanted, parts)
		}
		return tftypes.NewValue(wanted, map[string]tftypes.Value{})
	}
	return answer
}
