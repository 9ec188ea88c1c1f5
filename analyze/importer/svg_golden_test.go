package importer

import (
	"math"
	"slices"
	"strings"
	"testing"

	"xfrmscope/analyze/profile"
	"xfrmscope/analyze/stage"
	"xfrmscope/collect/bundle"
)

const seedSVG = "seed/flamegraph-xfrm_state_find.svg"

func within(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.IsNaN(got) || math.Abs(got-want) > tolerance {
		t.Errorf("%s is %.4f, want %.4f within %.4f", what, got, want, tolerance)
	}
}

// shares returns the percentage of a profile's weight by what of says of a
// stack, leaf first.
func shares(p *profile.Profile, of func(frames []string) string) map[string]float64 {
	_, whole := p.Total()
	out := map[string]float64{}
	for _, c := range p.Cells {
		var frames []string
		for _, l := range p.Stacks[c.Stack] {
			frames = append(frames, p.FunctionName(l))
		}
		out[of(frames)] += 100 * float64(c.Period) / float64(whole)
	}
	return out
}

// The self shares were computed from the published drawing by other means
// (Python, frames nested by their rectangles).
func TestSeedSelfShares(t *testing.T) {
	p := mustRead(t, seedSVG, fixture(t, seedSVG)).Profiles[0]
	if _, weight := p.Total(); weight != 66_247_577_424 {
		t.Errorf("weight is %d, want that of the root, 66,247,577,424", weight)
	}
	self := shares(p, func(f []string) string { return stage.Strip(f[0]) })
	for name, want := range map[string]float64{
		"xfrm_state_find":                   10.49,
		"xfrm_pol_bin_key":                  4.97,
		"xfrm_bundle_create":                4.80,
		"dst_release":                       4.36,
		"__slab_free":                       3.57,
		"_raw_spin_lock_bh":                 3.13,
		"xfrm4_dst_destroy":                 3.02,
		"aes_gcm_enc_update_vaes_avx10_512": 2.98,
		"xfrm_policy_lookup_bytype":         2.60,
		"xfrm_output_one":                   2.34,
		"fq_codel_dequeue":                  2.19,
		"native_queued_spin_lock_slowpath":  1.63,
	} {
		within(t, name, self[name], want, 0.005)
	}
}

// No XFRM or ESP frame waits for a lock there: all of the slow path is below
// IOVA allocation and the page allocator; _raw_spin_lock_bh is slow by itself.
func TestSeedLocks(t *testing.T) {
	p := mustRead(t, seedSVG, fixture(t, seedSVG)).Profiles[0]
	callers := shares(p, func(f []string) string {
		if f[0] != "_raw_spin_lock_bh" {
			return ""
		}
		return f[1]
	})
	for name, want := range map[string]float64{"xfrm_output_resume": 1.96, "esp_output": 0.81,
		"xfrm4_dst_destroy": 0.29, "xfrm4_fill_dst": 0.06} {
		within(t, "_raw_spin_lock_bh below "+name, callers[name], want, 0.006)
	}
	slow := shares(p, func(f []string) string {
		if f[0] != "native_queued_spin_lock_slowpath" {
			return ""
		}
		has := func(part string) bool {
			return slices.ContainsFunc(f, func(s string) bool { return strings.Contains(s, part) })
		}
		switch {
		case slices.Contains(f, "_raw_spin_lock_bh"):
			return "bh"
		case has("iova"):
			return "iova"
		case has("rmqueue"), has("free_unref"), has("free_frozen"), has("get_page_from_freelist"):
			return "pages"
		}
		return "other: " + strings.Join(f, ";")
	})
	within(t, "slow path below _raw_spin_lock_bh", slow["bh"], 0, 0)
	within(t, "slow path below IOVA allocation", slow["iova"], 1.21, 0.005)
	within(t, "slow path below the page allocator", slow["pages"], 0.42, 0.005)
}

// The shares were computed from the published drawing with the same table by
// other means.
func TestSeedStages(t *testing.T) {
	p := mustRead(t, seedSVG, fixture(t, seedSVG)).Profiles[0]
	table := stage.Default()
	got := shares(p, func(frames []string) string {
		for _, f := range frames {
			if row := table.Of(f); row != stage.None {
				return table.Rows[row].Key
			}
		}
		return "unmatched"
	})
	if got["unmatched"] > 0.1 {
		t.Errorf("%.3f %% of the weight is in no stage, want at most 0.1", got["unmatched"])
	}
	for key, want := range map[string]float64{
		"sa": 11.6, "bundle": 10.3, "dma": 9.8, "spd": 9.5, "output": 9.3, "slab": 9.1, "ip": 7.6,
		"refcount": 5.7,
		"qdisc":    5.5, "crypto": 5.4, "tx": 5.4, "rx": 3.8, "bundle-free": 3.5, "esp": 1.9, "skb": 1.5,
		"softirq": 0.3,
	} {
		within(t, "stage "+key, got[key], want, 0.1)
	}
	t.Logf("shares: %.2v", got)
}

func TestSeedSaysWhatItIs(t *testing.T) {
	im := mustRead(t, seedSVG, fixture(t, seedSVG))
	p := im.Profiles[0]
	if p.Event.Unit != "count" {
		t.Errorf("unit is %q, want count: the drawing does not say", p.Event.Unit)
	}
	if n, _ := p.Total(); n != 0 {
		t.Errorf("%d samples, want 0: not known", n)
	}
	for _, want := range []string{"sums of periods", "66,247,577,424", "does not name the event"} {
		if !slices.ContainsFunc(im.Warnings, func(w bundle.Warning) bool {
			return strings.Contains(w.Text, want)
		}) {
			t.Errorf("no warning says %q: %v", want, im.Warnings)
		}
	}
}
