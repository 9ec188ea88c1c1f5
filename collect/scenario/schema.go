package scenario

import (
	"cmp"
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
		p["description"] = cmp.Or(f.Tag.Get("doc"), longDescription(t.Name()+"."+keyOf(f)))
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
		return map[string]any{"type": []string{"string", "integer", "array"},
			"items": map[string]any{"type": "integer", "minimum": 1}}
	case reflect.TypeFor[bundle.CPUSet]():
		return map[string]any{"type": []string{"string", "integer"},
			"pattern": `^[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*$`}
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
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int:
		return map[string]any{"type": "integer"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	}
	return map[string]any{"type": "string"}
}

// longDescription is the description of a key that no line of code holds.
func longDescription(key string) string {
	return map[string]string{
		"Scenario.modes": "what makes curves side by side, such as shared and pcpu; each with its set-up",
		"Scenario.ceiling": "the same path without IPsec, what the others are held against; a mode named " +
			"plain",
		"Scenario.netns": "network namespaces whose SAs are read; the current one if none is named",
		"Scenario.order": "interleaved: A B B A, what is compared is measured side by side in time; " +
			"grouped: one mode after the other",
		"Scenario.probes": "eBPF probes, each in a phase of its own after the window; [none] loads none",
		"Scenario.phase":  "length of each probe's phase; 2s, or the window's if that is shorter",
		"Scenario.gates": "gates that must hold in every run: if one does not, the sweep goes on and ends " +
			"with exit code 4",
		"Scenario.headline": "metrics named beforehand: these are tested plainly, all others corrected for " +
			"being many",
		"CPUs.order": "number: lowest first; l3: one L3 cache after the other; spread: from each L3 " +
			"cache in turn. The second thread of a core comes after all first ones, but by number",
		"Factor.teardown": "shell command after each of its runs, after a set-up that failed too",
		"Packets.from": "sa: counters of the outbound SAs; file: a running count, read at both ends of " +
			"the window; the others: a result the load leaves",
		"Packets.command": "shell command that prints the result, run after the load has ended",
	}[key]
}
