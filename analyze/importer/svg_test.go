package importer

import (
	"fmt"
	"html"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"xfrmscope/analyze/profile"
	"xfrmscope/collect/bundle"
)

// A drawn frame of a made flame graph.
type drawnFrame struct {
	path     []string
	from, to uint64
}

// layout places stacks as flamegraph.pl does: sorted by text, side by side.
func layout(stacks map[string]uint64) []drawnFrame {
	var frames, open []drawnFrame
	at := uint64(0)
	close := func(depth int) {
		for i := len(open) - 1; i >= depth; i-- {
			open[i].to = at
			frames = append(frames, open[i])
		}
		open = open[:depth]
	}
	for _, stack := range slices.SortedFunc(maps.Keys(stacks), func(a, b string) int {
		return strings.Compare(a+" ", b+" ")
	}) {
		path := strings.Split("all;"+stack, ";")
		same := 0
		for same < len(open) && same < len(path) && open[same].path[same] == path[same] {
			same++
		}
		close(same)
		for i := same; i < len(path); i++ {
			open = append(open, drawnFrame{path: path[:i+1], from: at})
		}
		at += stacks[stack]
	}
	close(0)
	return frames
}

// A drawStyle is how a made flame graph is written.
type drawStyle struct {
	exact   bool // fg:x and fg:w, as inferno
	icicle  bool
	minimum float64 // px
	unit    string
}

// draw writes a flame graph of stacks, its frames in random order, and returns
// what can be read from it: the weight of frames not drawn is their caller's.
func draw(stacks map[string]uint64, style drawStyle, rng *rand.Rand) (svg string, readable map[string]uint64) {
	frames := layout(stacks)
	root := frames[len(frames)-1]
	scale := 1180 / float64(root.to)
	readable = map[string]uint64{}
	var out []string
	for _, f := range frames {
		w := float64(f.to-f.from) * scale
		key := strings.Join(f.path[1:], ";")
		if w < style.minimum {
			continue
		}
		readable[key] += f.to - f.from
		if len(f.path) > 1 {
			readable[strings.Join(f.path[1:len(f.path)-1], ";")] -= f.to - f.from
		}
		y := 1000 - 16*len(f.path)
		if style.icicle {
			y = 16 * len(f.path)
		}
		title := fmt.Sprintf("%s (%s %s, %.2f%%)", html.EscapeString(f.path[len(f.path)-1]),
			thousands(float64(f.to-f.from)), style.unit, 100*w/1180)
		rect := fmt.Sprintf(`x="%.1f" width="%.1f"`, 10+float64(f.from)*scale, w)
		if style.exact {
			rect = fmt.Sprintf(`x="%.4f%%" width="%.4f%%" fg:x="%d" fg:w="%d"`, float64(f.from)*scale/11.8,
				w/11.8, f.from, f.to-f.from)
		}
		out = append(out,
			fmt.Sprintf("<g >\n<title>%s</title><rect %s y=\"%d\" height=\"15.0\" />\n<text "+
				">..</text>\n</g>\n", title, rect, y))
	}
	rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	maps.DeleteFunc(readable, func(_ string, n uint64) bool { return n == 0 })
	return `<?xml version="1.0" standalone="no"?>
<svg version="1.1" width="1200" height="854" xmlns="http://www.w3.org/2000/svg" xmlns:fg="http://github.com/jonhoo/inferno">
<rect x="0" y="0" width="1200" height="854" fill="url(#background)" />
<text id="title">Flame Graph</text><g id="frames">
` + strings.Join(out, "") + "</g></svg>", readable
}

// folded returns a profile's weights by stack, from root to leaf.
func foldedWeights(p *profile.Profile) map[string]uint64 {
	out := map[string]uint64{}
	for _, c := range p.Cells {
		var frames []string
		if c.Comm >= 0 {
			frames = append(frames, p.Comms[c.Comm])
		}
		for _, l := range slices.Backward(p.Stacks[c.Stack]) {
			if p.Locations[l].Function >= 0 {
				frames = append(frames, p.FunctionName(l))
			}
		}
		out[strings.Join(frames, ";")] += c.Period
	}
	return out
}

// randomStacks makes stacks of a tree; weights spread over decades.
func randomStacks(rng *rand.Rand, n int, heavy bool) map[string]uint64 {
	stacks := map[string]uint64{}
	for range n {
		path := []string{[]string{"ksoftirqd/5", "swapper", "pool 1"}[rng.IntN(3)]}
		for range 1 + rng.IntN(8) {
			path = append(path, fmt.Sprintf("f%d<&>", rng.IntN(4)))
		}
		weight := uint64(1) << rng.IntN(12)
		if heavy {
			weight = weight*1_000_000 + rng.Uint64N(1_000_000)
		}
		stacks[strings.Join(path, ";")] += weight
	}
	return stacks
}

// Whatever is drawn is read back exactly, in any order, both ways up, by exact
// places and by those rounded to 0.1 px.
func TestSVGReadsWhatIsDrawn(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 1))
		stacks := randomStacks(rng, 1+rng.IntN(300), seed%2 == 0)
		for _, style := range []drawStyle{
			{unit: "samples"},
			{unit: "samples", minimum: 0.1},
			{unit: "cycles", icicle: true, minimum: 0.1},
			{unit: "samples", exact: true},
			{unit: "samples", exact: true, minimum: 0.5, icicle: true},
		} {
			if !style.exact && style.minimum == 0 {
				style.minimum = 0.1
			}
			svg, want := draw(stacks, style, rng)
			im, err := Read(strings.NewReader(svg), Options{Name: "made"})
			if err != nil {
				t.Fatalf("seed %d, %+v: %v", seed, style, err)
			}
			p := im.Profiles[0]
			checkProfile(t, p)
			if got := foldedWeights(p); !maps.Equal(got, want) {
				t.Errorf("seed %d, %+v: %s", seed, style, mapDiff(got, want))
			}
			if len(im.Losses) > 0 {
				t.Errorf("seed %d, %+v: losses %v", seed, style, im.Losses)
			}
		}
	}
}

func mapDiff(got, want map[string]uint64) string {
	var out []string
	for k, v := range got {
		if want[k] != v {
			out = append(out, fmt.Sprintf("%s is %d, want %d", k, v, want[k]))
		}
	}
	for k, v := range want {
		if _, ok := got[k]; !ok {
			out = append(out, fmt.Sprintf("%s is missing, want %d", k, v))
		}
	}
	slices.Sort(out)
	return fmt.Sprintf("%d of %d stacks differ: %s", len(out), len(want),
		strings.Join(out[:min(5, len(out))], "; "))
}

func TestSVGUnits(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, tt := range []struct {
		weight uint64
		unit   string
		want   string // unit, samples
		warns  string
	}{
		{100, "samples", "count 100", "does not name the event"},
		{5e9, "samples", "count 0", "sums of periods"},
		{100, "cycles", "cycles 0", "errors are not given"},
		{100, "ns", "nanoseconds 0", "errors are not given"},
	} {
		svg, _ := draw(map[string]uint64{"comm;f": tt.weight}, drawStyle{unit: tt.unit}, rng)
		im, err := Read(strings.NewReader(svg), Options{})
		if err != nil {
			t.Fatal(err)
		}
		p := im.Profiles[0]
		if got := fmt.Sprintf("%s %d", p.Event.Unit, total(p)); got != tt.want ||
			p.Event.Name != bundle.UnnamedEvent {
			t.Errorf("%d %s: got %s of %s, want %s", tt.weight, tt.unit, got, p.Event.Name, tt.want)
		}
		text := fmt.Sprint(p.Warnings)
		if !strings.Contains(text, tt.warns) || tt.want == "count 100" && len(p.Warnings) > 1 {
			t.Errorf("%d %s: warnings are %s, want %q", tt.weight, tt.unit, text, tt.warns)
		}
	}
}

// A frame that hangs in the air, or is heavier than what it stands on, is a
// loss, not a guess.
func TestSVGContradictions(t *testing.T) {
	const svg = `<svg width="1200"><g><title>all (100 samples, 100%)</title><rect x="10" width="1180" y="100"/></g>
<g><title>a (50 samples, 50%)</title><rect x="10" width="590" y="84"/></g>
<g><title>b (60 samples, 60%)</title><rect x="600" width="590" y="84"/></g>
<g><title>c (5 samples, 5%)</title><rect x="900" width="59" y="68"/></g>
<g><title>A title of something else</title></g><rect x="1"/>
<g><title>d (1 samples, 1%)</title><rect x="10.0" width="11.8" y="68"/></g></svg>`
	im := readText(t, flameSVG, "made", svg)
	p := im.Profiles[0]
	want := map[string]uint64{"": 50, "a": 49, "a;d": 1}
	if got := foldedWeights(p); !maps.Equal(got, want) {
		t.Error(mapDiff(got, want))
	}
	if len(p.Losses) != 1 || p.Losses[0].Count != 2 {
		t.Errorf("losses are %v, want 2 frames", p.Losses)
	}
	for _, broken := range []string{
		`<svg><g><title>a (1 samples, 1%)</title><rect x="1" width="1" y="1"/></g><g><title>b (1 samples, ` +
			`1%)</title><rect x="3" width="1" y="1"/></g></svg>`,
		`<svg><g><title>all (0 samples, 1%)</title><rect x="1" width="1" y="1"/></g></svg>`,
		`<svg xmlns:fg="x"><g><title>all (2 samples, 1%)</title><rect x="1" width="1" y="1" fg:x="0" ` +
			`fg:w="2"/></g><g><title>b (1 samples, 1%)</title><rect x="3" width="1" y="1"/></g></svg>`,
	} {
		if im, err := readAs(flameSVG, strings.NewReader(broken), Options{}); err == nil {
			t.Errorf("%s is read as %v", broken, dumpAll(im))
		}
	}
}
