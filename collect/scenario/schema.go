package scenario

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"xfrmscope/collect/bundle"
)

// Schema returns the JSON schema of a scenario, for editors.
func Schema() ([]byte, error) {
	s := object(reflect.TypeFor[Scenario]())
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "xfrmscope scenario"
	s["properties"].(map[string]any)["apiVersion"].(map[string]any)["const"] = APIVersion
	text, err := json.MarshalIndent(s, "", "  ")
	return append(text, '\n'), err
}

// object describes a structure; keys without omitempty are required.
func object(t reflect.Type) map[string]any {
	properties := map[string]any{}
	var required []string
	for f := range t.Fields() {
		p := describe(f.Type)
		p["description"] = f.Tag.Get("doc")
		if values := enumOf(f); values != nil {
			p["enum"] = values
		}
		properties[keyOf(f)] = p
		if !strings.Contains(f.Tag.Get("yaml"), "omitempty") {
			required = append(required, keyOf(f))
		}
	}
	s := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if required != nil {
		s["required"] = required
	}
	return s
}

// duration is how the YAML library reads a time: 2s, 500ms, 1m30s.
const duration = `^([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+$|^0$`

func describe(t reflect.Type) map[string]any {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return map[string]any{"type": "string", "pattern": duration}
	case reflect.TypeFor[Counts]():
		return map[string]any{"type": []string{"string", "integer", "array"}, "items": map[string]any{"type": "integer", "minimum": 1}}
	case reflect.TypeFor[bundle.CPUSet]():
		return map[string]any{"type": []string{"string", "integer"}, "pattern": `^[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*$`}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return describe(t.Elem())
	case reflect.Struct:
		return object(t)
	case reflect.Slice:
		return map[string]any{"type": "array", "items": describe(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": describe(t.Elem())}
	case reflect.Int:
		return map[string]any{"type": "integer"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	}
	return map[string]any{"type": "string"}
}
