package push

import (
	"context"
	"fmt"
	"math"
	"net/http"

	common "go.opentelemetry.io/proto/slim/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/slim/otlp/profiles/v1development"
	resource "go.opentelemetry.io/proto/slim/otlp/resource/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"xfrmscope/analyze/profile"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
	"xfrmscope/reports"
)

// OTLP sends profiles to an OpenTelemetry collector, as OTLP over HTTP.
type OTLP struct {
	URL    string      // "http://host:4318"
	Header http.Header // added to every request
}

// otlpPath is the path of the call while the signal is in development
// (opentelemetry.io/docs/specs/otlp, "OTLP/HTTP").
const otlpPath = "/v1development/profiles"

// Push sends one profile of each event of each run that has samples, a request
// each. It returns how many were taken and how many there are.
func (c *OTLP) Push(ctx context.Context, r *result.Result) (taken, all int, err error) {
	target, err := endpoint(c.URL, otlpPath)
	if err != nil {
		return 0, 0, err
	}
	for _, run := range r.Runs {
		for _, e := range run.Events {
			if e.Profile == nil || len(e.Profile.Cells) == 0 {
				continue
			}
			if all++; err != nil {
				continue
			}
			if err = c.push(ctx, target, run, e.Profile); err != nil {
				err = fmt.Errorf("profile of %s, event %s: %w", run.Name, e.Name, err)
				continue
			}
			taken++
		}
	}
	return taken, all, err
}

func (c *OTLP) push(ctx context.Context, target string, run *result.Run, p *profile.Profile) error {
	body, err := proto.Marshal(otlpData(run, p))
	if err != nil {
		return err
	}
	answer, err := send(ctx, http.MethodPost, target, "application/x-protobuf", c.Header, body)
	if err != nil {
		return err
	}
	if why, refused := rejected(answer); refused {
		return &Error{target, "200, with profiles rejected", why}
	}
	return nil
}

// rejected reads an ExportProfilesServiceResponse, whose fields are of messages and
// numbers:
//
//	ExportProfilesServiceResponse { ExportProfilesPartialSuccess partial_success = 1 }
//	ExportProfilesPartialSuccess  { int64 rejected_profiles = 1; string error_message = 2 }
func rejected(answer []byte) (why string, refused bool) {
	for message := answer; len(message) > 0; {
		number, kind, tag := protowire.ConsumeTag(message)
		if tag < 0 {
			return "", false
		}
		size := protowire.ConsumeFieldValue(number, kind, message[tag:])
		if size < 0 {
			return "", false
		}
		value := message[tag : tag+size]
		message = message[tag+size:]
		switch {
		case number == 1 && kind == protowire.BytesType: // partial_success
			message, _ = protowire.ConsumeBytes(value)
		case number == 1 && kind == protowire.VarintType:
			n, _ := protowire.ConsumeVarint(value)
			refused = n > 0
		case number == 2 && kind == protowire.BytesType:
			why, _ = protowire.ConsumeString(value)
		}
	}
	return why, refused
}

// otlpData is one event of one run, twice: its samples' weight, and their number. The
// message has the fields of an ExportProfilesServiceRequest.
func otlpData(run *result.Run, p *profile.Profile) *otlp.ProfilesData {
	d := dictionary{attributes: map[attribute]int32{}, strings: map[string]int32{}}
	d.str("")
	d.StackTable = []*otlp.Stack{{}}
	d.LinkTable = []*otlp.Link{{TraceId: make([]byte, 16), SpanId: make([]byte, 8)}}
	d.AttributeTable = []*otlp.KeyValueAndUnit{{}}
	d.code(p)
	for _, stack := range p.Stacks {
		s := &otlp.Stack{}
		for _, l := range stack {
			s.LocationIndices = append(s.LocationIndices, l+1)
		}
		d.StackTable = append(d.StackTable, s)
	}
	weights := &otlp.Profile{SampleType: d.valueType(p.Event.Name, p.Event.Unit)}
	counts := &otlp.Profile{SampleType: d.valueType("samples", "count")}
	for _, list := range []*otlp.Profile{weights, counts} {
		if started := run.Manifest.Started; !started.IsZero() {
			list.TimeUnixNano = uint64(started.UnixNano())
		}
		list.DurationNano = uint64(max(run.Manifest.Window.EndNS-run.Manifest.Window.StartNS, 0))
		if n := p.Event.PeriodFixed; n > 0 {
			list.PeriodType, list.Period = weights.SampleType, int64(min(n, math.MaxInt64))
		}
		for _, text := range profile.Comments(p) {
			list.AttributeIndices = append(list.AttributeIndices, d.attribute("xfrmscope.caveat", text, 0))
		}
	}
	stages := reports.PprofOptions(p).Stage
	ofStage := make([]int32, len(p.Stacks))
	for i := range ofStage {
		if name := stages(p, int32(i)); name != "" {
			ofStage[i] = d.attribute("xfrmscope.stage", name, 0)
		}
	}
	for _, c := range profile.WithoutTasks(p.Cells) {
		var attributes []int32
		if c.CPU >= 0 {
			attributes = append(attributes, d.attribute("cpu.logical_number", "", int64(c.CPU)))
		}
		if c.Comm >= 0 {
			attributes = append(attributes, d.attribute("thread.name", p.Comms[c.Comm], 0))
		}
		if s := ofStage[c.Stack]; s > 0 {
			attributes = append(attributes, s)
		}
		weights.Samples = append(weights.Samples, &otlp.Sample{StackIndex: c.Stack + 1,
			AttributeIndices: attributes, Values: []int64{int64(min(c.Period, math.MaxInt64))}})
		counts.Samples = append(counts.Samples, &otlp.Sample{StackIndex: c.Stack + 1,
			AttributeIndices: attributes, Values: []int64{int64(min(c.Count, math.MaxInt64))}})
	}
	return &otlp.ProfilesData{Dictionary: &d.ProfilesDictionary, ResourceProfiles: []*otlp.ResourceProfiles{{
		Resource: &resource.Resource{Attributes: resourceOf(run)},
		ScopeProfiles: []*otlp.ScopeProfiles{{Scope: &common.InstrumentationScope{Name: Service},
			Profiles: []*otlp.Profile{weights, counts}}}}}}
}

// resourceOf are the labels of a run: those that semantic conventions have by their
// names there.
func resourceOf(run *result.Run) []*common.KeyValue {
	out := []*common.KeyValue{{Key: "service.name", Value: stringValue(Service)}}
	for _, l := range Labels(run) {
		key := map[string]string{bundle.LabelHost: "host.name", "kernel": "os.version"}[l.Name]
		if key == "" {
			key = "xfrmscope." + l.Name
		}
		out = append(out, &common.KeyValue{Key: key, Value: stringValue(l.Value)})
	}
	return out
}

func stringValue(s string) *common.AnyValue {
	return &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: utf8(s)}}
}

// A dictionary is filled with what a profile names, each once; entry 0 of each table
// is none.
type dictionary struct {
	otlp.ProfilesDictionary
	strings    map[string]int32
	attributes map[attribute]int32
}

type attribute struct {
	key, text string
	number    int64
}

func (d *dictionary) str(s string) int32 {
	s = utf8(s)
	at, ok := d.strings[s]
	if !ok {
		at = int32(len(d.StringTable))
		d.strings[s] = at
		d.StringTable = append(d.StringTable, s)
	}
	return at
}

// attribute is that of a text or, if it is "", of a number.
func (d *dictionary) attribute(key, text string, number int64) int32 {
	a := attribute{key, text, number}
	at, ok := d.attributes[a]
	if !ok {
		at = int32(len(d.AttributeTable))
		d.attributes[a] = at
		value := stringValue(text)
		if text == "" {
			value = &common.AnyValue{Value: &common.AnyValue_IntValue{IntValue: number}}
		}
		d.AttributeTable = append(d.AttributeTable,
			&otlp.KeyValueAndUnit{KeyStrindex: d.str(key), Value: value})
	}
	return at
}

func (d *dictionary) valueType(name, unit string) *otlp.ValueType {
	return &otlp.ValueType{TypeStrindex: d.str(name), UnitStrindex: d.str(unit)}
}

// code fills in mappings, functions and locations.
func (d *dictionary) code(p *profile.Profile) {
	d.MappingTable = []*otlp.Mapping{{}}
	for _, m := range p.Mappings {
		to := &otlp.Mapping{MemoryStart: m.Start, MemoryLimit: m.Limit, FileOffset: m.Offset,
			FilenameStrindex: d.str(m.File)}
		if m.BuildID != "" {
			to.AttributeIndices = []int32{d.attribute("process.executable.build_id.gnu", m.BuildID, 0)}
		}
		d.MappingTable = append(d.MappingTable, to)
	}
	d.FunctionTable = []*otlp.Function{{}}
	for _, f := range p.Functions {
		d.FunctionTable = append(d.FunctionTable,
			&otlp.Function{NameStrindex: d.str(f.Name), SystemNameStrindex: d.str(f.Name)})
	}
	unknown := int32(len(d.FunctionTable))
	d.FunctionTable = append(d.FunctionTable, &otlp.Function{NameStrindex: d.str(profile.Unknown)})
	d.LocationTable = []*otlp.Location{{}}
	for _, l := range p.Locations {
		function, frame := int32(l.Function+1), "native"
		if l.Function < 0 {
			function = unknown
		}
		if l.Mapping >= 0 && p.Mappings[l.Mapping].Kernel {
			frame = "kernel"
		}
		d.LocationTable = append(d.LocationTable, &otlp.Location{Address: l.Address,
			MappingIndex: int32(l.Mapping + 1), Lines: []*otlp.Line{{FunctionIndex: function}},
			AttributeIndices: []int32{d.attribute("profile.frame.type", frame, 0)}})
	}
}
