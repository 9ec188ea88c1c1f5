package scenario

import (
	"cmp"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"xfrmscope/collect/bundle"
)

// A mistake is a value that cannot be carried out, at a path such as
// modes, 1, name.
type mistake struct {
	path []string
	what string
	fix  string
}

func at(path ...string) *mistake { return &mistake{path: path} }

func (m *mistake) say(fix, format string, args ...any) *mistake {
	m.what, m.fix = fmt.Sprintf(format, args...), fix
	return m
}

// Bounds that keep a slip of the pen from asking for a million runs.
const (
	maxRepeats = 1000
	maxRuns    = 10_000
	maxTime    = 24 * time.Hour
)

// check returns the first mistake, nil if there is none.
func (s *Scenario) check() *mistake {
	if s.APIVersion != APIVersion {
		return at("apiVersion").say("write apiVersion: "+APIVersion,
			"apiVersion is %q, and this program reads %s", s.APIVersion, APIVersion)
	}
	for _, check := range []func() *mistake{s.checkCPUs, s.checkFactors, s.checkLoad, s.checkTimes, s.checkRest} {
		if m := check(); m != nil {
			return m
		}
	}
	if bad := checkEnum(reflect.ValueOf(*s), nil); bad != nil {
		return bad
	}
	n := 0
	for _, l := range s.levels() {
		n += max(len(s.CPUs.Counts), len(s.CPUs.Sets)) * orElse(l.repeats, defaultRepeats)
	}
	if n > maxRuns {
		return at("repeats").say("", "%d runs are more than %d", n, maxRuns)
	}
	return nil
}

func (s *Scenario) checkCPUs() *mistake {
	c := &s.CPUs
	switch {
	case len(c.Counts) == 0 && len(c.Sets) == 0:
		return at("cpus").say("write for example cpus: {counts: 1..4}", "no set of CPUs is named")
	case len(c.Counts) > 0 && len(c.Sets) > 0:
		return at("cpus", "sets").say("keep one of them", "sets and counts are both given")
	case len(c.Sets) > 0 && (len(c.From) > 0 || c.Order != ""):
		return at("cpus").say("leave them out", "from and order choose CPUs for counts, and there are sets")
	}
	for i, n := range c.Counts {
		if n < 1 || slices.Index(c.Counts, n) != i {
			return at("cpus", "counts", strconv.Itoa(i)).say("name each number once, from 1",
				"%d CPUs cannot be measured, or are there twice", n)
		}
		if len(c.From) > 0 && n > len(c.From) {
			return at("cpus", "counts", strconv.Itoa(i)).say("", "%d CPUs are more than the %d of from: %s",
				n, len(c.From), c.From)
		}
	}
	for i, set := range c.Sets {
		if len(set) == 0 || slices.IndexFunc(c.Sets,
			func(o bundle.CPUSet) bool { return slices.Equal(o, set) }) != i {
			return at("cpus", "sets", strconv.Itoa(i)).say("", "the set %q is empty or there twice", set)
		}
	}
	return nil
}

var plainName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._]{0,63}$`)

func (s *Scenario) checkFactors() *mistake {
	if s.Ceiling != nil {
		if n := s.Ceiling.Name; n != "" && n != "plain" && n != "no-ipsec" {
			return at("ceiling", "name").say("", "the ceiling is named plain or no-ipsec, not %q", n)
		}
		if m := s.Ceiling.check(s.Load, "ceiling"); m != nil {
			return m
		}
	}
	for _, list := range []struct {
		key     string
		factors []Factor
	}{{"sides", s.Sides}, {"modes", s.Modes}} {
		key, factors := list.key, list.factors
		for i := range factors {
			index := strconv.Itoa(i)
			f := &factors[i]
			if !plainName.MatchString(f.Name) {
				return at(key, index, "name").say("use letters, digits, dots and underscores",
					"%q is no name for a directory", f.Name)
			}
			if slices.IndexFunc(factors, func(o Factor) bool { return o.Name == f.Name }) != i ||
				key == "modes" && s.Ceiling != nil && f.Name == s.ceilingName() {
				return at(key, index, "name").say("", "%q is there twice", f.Name)
			}
			if key == "sides" && (f.Packets != nil || f.Repeats != 0) {
				return at(key, index).say("give them to a mode", "a side has set-up and tear-down only")
			}
			if m := f.check(s.Load, key, index); m != nil {
				return m
			}
		}
	}
	return nil
}

func (s *Scenario) ceilingName() string {
	return cmp.Or(s.Ceiling.Name, "plain")
}

func (f *Factor) check(load *Load, path ...string) *mistake {
	if f.Teardown != "" && f.Setup == "" {
		return at(append(path, "teardown")...).say("give a setup, true if there is nothing to do",
			"there is a tear-down without a set-up")
	}
	if f.Repeats < 0 || f.Repeats > maxRepeats {
		return at(append(path, "repeats")...).say("", "%d repeats are not within 1 and %d", f.Repeats,
			maxRepeats)
	}
	if f.Packets == nil {
		return nil
	}
	return f.Packets.check(load, append(path, "packets")...)
}

func (s *Scenario) checkLoad() *mistake {
	if s.Load != nil && strings.TrimSpace(s.Load.Command) == "" {
		return at("load", "command").say("give one, or leave the load out", "the load has no command")
	}
	if s.Load != nil && s.Load.CPUs != "" {
		if _, err := bundle.ParseCPUSet(strings.ReplaceAll(s.Load.CPUs, "{cpus}", "0")); err != nil {
			return at("load", "cpus").say("", "%v", err)
		}
	}
	return s.Packets.check(s.Load, "packets")
}

func (p *Packets) check(load *Load, path ...string) *mistake {
	at := at(path...)
	switch p.From {
	case "", FromSA:
		if p.File != "" || p.Command != "" {
			return at.say("say from: file, iperf3, trex or pktgen",
				"the SAs' counters are read without a file or a command")
		}
	case FromFile:
		if p.File == "" || p.Command != "" {
			return at.say("a result that a command prints is from: pktgen, iperf3 or trex",
				"packets from a file need file, and no command")
		}
	default:
		if (p.File == "") == (p.Command == "") {
			return at.say("", "packets from %s need either the file of the result or a command that "+
				"prints it", p.From)
		}
		if load == nil {
			return at.say("name the load", "%s leaves a result when it ends, and there is no load to end",
				p.From)
		}
	}
	return nil
}

func (s *Scenario) checkTimes() *mistake {
	for _, t := range []struct {
		key string
		d   time.Duration
	}{{"warm_up", *orElse(s.WarmUp, new(time.Duration))}, {"window", s.Window}, {"phase", s.Phase}} {
		if t.d < 0 || t.d > maxTime {
			return at(t.key).say("", "%s is not within 0s and %s", t.d, maxTime)
		}
	}
	if st := s.Steady; st != nil {
		if !(st.Tolerance >= 0 && st.Tolerance < 1) {
			return at("steady", "tolerance").say("5 per cent are 0.05",
				"a tolerance of %g is not within 0 and 1", st.Tolerance)
		}
		if st.Interval < 0 || st.Within < 0 || st.Within > maxTime || st.Interval > maxTime {
			return at("steady").say("", "interval and within are times from 0s to %s", maxTime)
		}
	}
	if s.Repeats < 0 || s.Repeats > maxRepeats {
		return at("repeats").say("", "%d repeats are not within 1 and %d", s.Repeats, maxRepeats)
	}
	if repeats := orElse(s.Repeats, defaultRepeats); s.Boots < 0 || s.Boots > repeats {
		return at("boots").say("each boot makes a repeat or more",
			"%d boots are not within 1 and the %d repeats", s.Boots, repeats)
	}
	return nil
}

func (s *Scenario) checkRest() *mistake {
	if s.Frequency < 0 {
		return at("frequency").say("", "%d samples per second are no frequency", s.Frequency)
	}
	if len(s.Probes) > 1 && slices.Contains(s.Probes, NoProbes) {
		return at("probes").say("", "none and others are both asked for")
	}
	for _, key := range []string{bundle.LabelSide, bundle.LabelMode, bundle.LabelN, bundle.LabelRepeat} {
		if _, ok := s.Labels[key]; ok {
			return at("labels", key).say("leave it out", "the label %s is the sweep's own", key)
		}
	}
	return nil
}

// checkEnum reports the first value that is none of its key's.
func checkEnum(v reflect.Value, path []string) *mistake {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			return checkEnum(v.Elem(), path)
		}
	case reflect.Slice:
		for i := range v.Len() {
			if m := checkEnum(v.Index(i), append(path, strconv.Itoa(i))); m != nil {
				return m
			}
		}
	case reflect.Struct:
		for f := range v.Type().Fields() {
			here := append(slices.Clone(path), keyOf(f))
			value := v.FieldByIndex(f.Index)
			if values := enumOf(f); values != nil && value.String() != "" &&
				!slices.Contains(values, value.String()) {
				return at(here...).say("it is one of "+strings.Join(values, ", "), "%s is %q", keyOf(f),
					value)
			}
			if m := checkEnum(value, here); m != nil {
				return m
			}
		}
	}
	return nil
}
