// The facts that what was recorded in the lab must show. `make lab-test` boots
// the kernels, records, and runs this with XFRMSCOPE_LAB naming the recordings.
// No time is asserted: the lab's CPUs are emulated.
package lab

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"xfrmscope/analyze"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
	"xfrmscope/collect/doctor"
	"xfrmscope/collect/pack"
	"xfrmscope/collect/probe"
	"xfrmscope/collect/selftest"
)

// within is how far two counts of the same thing may be apart: they are read one
// after the other while packets flow.
const within = 0.01

// recorded returns the path of what a job left, LAB/JOB/FILE. A kernel that the
// archive did not have is skipped; the main one must be there.
func recorded(t *testing.T, lab, job string, file ...string) string {
	t.Helper()
	dir := os.Getenv("XFRMSCOPE_LAB")
	if dir == "" {
		t.Skip("needs the lab's recordings: make lab-test")
	}
	if why, err := os.ReadFile(filepath.Join(dir, lab+".skipped")); err == nil {
		t.Skip(strings.TrimSpace(string(why)))
	}
	path := filepath.Join(append([]string{dir, lab, job}, file...)...)
	if _, err := os.Stat(path); err != nil {
		log, _ := os.ReadFile(filepath.Join(dir, lab+"."+job+".log"))
		t.Fatalf("the job left no %s; its log ends:\n%s", path, log[max(0, len(log)-2000):])
	}
	return path
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// A run is one bundle, as recorded and as analysed.
type run struct {
	*result.Run
	finds bundle.Finds
	locks bundle.Locks
}

func open(t *testing.T, path string) *run {
	t.Helper()
	bundles, err := bundle.OpenAll(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := bundles[0].Verify(); err != nil {
		t.Error(err)
	}
	result, err := analyze.Runs(context.Background(), bundles, analyze.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := &run{Run: result.Runs[0]}
	if r.finds, err = bundles[0].Finds(); err != nil {
		t.Error(err)
	}
	if r.locks, err = bundles[0].Locks(); err != nil {
		t.Error(err)
	}
	return r
}

// outbound returns the addresses of the x->locks of the SAs that
// xfrm_state_find returned: those that packets were sent on.
func (r *run) outbound() map[string]bool {
	locks := map[string]bool{}
	for _, row := range r.finds.Rows {
		if row.Lock != "" {
			locks[row.Lock] = true
		}
	}
	return locks
}

// phase returns the packets of the phases of a probe, and their time.
func (r *run) phase(t *testing.T, probe string) (packets uint64, seconds float64) {
	t.Helper()
	for _, p := range r.Manifest.Phases {
		if p.Probe != probe {
			continue
		}
		if !p.Counted || p.Packets == 0 {
			t.Errorf("phase %s has no packets", p.Name)
		}
		packets += p.Packets
		seconds += p.Window.Seconds()
	}
	if seconds == 0 {
		t.Fatalf("the %s probe had no phase; gaps: %+v", probe, r.Manifest.Gaps)
	}
	return packets, seconds
}

// waits returns what outbound x->locks were waited for, and acquisitions how
// often they were taken, each with its phase's time.
func (r *run) contention(t *testing.T) (waits, waitNS, taken uint64, ratio float64) {
	t.Helper()
	_, waited := r.phase(t, "wait")
	_, counted := r.phase(t, "count")
	locks := r.outbound()
	for _, row := range r.locks.Waits {
		if locks[row.Lock] {
			waits += row.Count
			waitNS += row.WaitNS
		}
	}
	for _, row := range r.locks.Acquires {
		if locks[row.Lock] && r.probeOf(row.Phase) == "count" {
			taken += row.Count
		}
	}
	if taken == 0 {
		t.Fatalf("no outbound x->lock was taken; locks of SAs are %v", locks)
	}
	return waits, waitNS, taken, float64(waits) / waited / (float64(taken) / counted)
}

func (r *run) probeOf(phase string) string {
	for _, p := range r.Manifest.Phases {
		if p.Name == phase {
			return p.Probe
		}
	}
	return ""
}

// near fails unless two counts are within 1 % of each other.
func near(t *testing.T, what string, got, want uint64) {
	t.Helper()
	t.Logf("%s: %d and %d, %+.3f %%", what, got, want, 100*(float64(got)/float64(want)-1))
	if want == 0 || math.Abs(float64(got)/float64(want)-1) > within {
		t.Errorf("%s: %d and %d are more than 1 %% apart", what, got, want)
	}
}

func TestSharedSAIsContended(t *testing.T) {
	last := -1.0
	for _, n := range []string{"1", "2", "4"} {
		r := open(t, recorded(t, "main", "contention", "shared-n"+n))
		waits, ns, taken, ratio := r.contention(t)
		t.Logf("%s CPUs: %d waits of %d ns, %d acquisitions in the count phase, contention ratio %.4f",
			n, waits, ns, taken, ratio)
		if ratio <= last {
			t.Errorf("%s CPUs: the contention ratio %.4f does not rise, it was %.4f", n, ratio, last)
		}
		last = ratio
		if n == "1" {
			continue
		}
		if waits == 0 || ns == 0 {
			t.Errorf("%s CPUs: no wait for the shared SA", n)
		}
		r.named(t)
	}
}

// named fails unless the lock that is waited for most often is the SA's, by its
// SPI. Not longest: one wait for a virtual CPU that does not run may be longer
// than all others together.
func (r *run) named(t *testing.T) {
	t.Helper()
	if len(r.Locks.Rows) == 0 {
		t.Fatal("no lock was waited for")
	}
	l := slices.MaxFunc(r.Locks.Rows, func(a, b result.Lock) int { return cmp.Compare(a.Waits, b.Waits) })
	t.Logf("waited for most: %s %q SPI %#x: %d waits, %d ns", l.Lock, l.Name, l.SPI, l.Waits, l.WaitNS)
	if l.SPI != 0x1000 || !strings.Contains(l.Name, "0x1000") {
		t.Errorf("the lock waited for most is %q, not the SA's", l.Name)
	}
}

func TestPerCPUSAsAreNot(t *testing.T) {
	r := open(t, recorded(t, "main", "contention", "pcpu-n4"))
	waits, ns, taken, ratio := r.contention(t)
	t.Logf("%d waits of %d ns, %d acquisitions, contention ratio %.6f", waits, ns, taken, ratio)
	shared := open(t, recorded(t, "main", "contention", "shared-n4"))
	if _, _, _, other := shared.contention(t); ratio > other/100 {
		t.Errorf("contention ratio %.6f of per-CPU SAs is more than a hundredth of the shared SA's %.6f",
			ratio, other)
	}
	r.diagonal(t)
}

// diagonal fails unless each CPU's packets are on its own SA, and none on the
// fallback.
func (r *run) diagonal(t *testing.T) {
	t.Helper()
	if r.Matrix == nil {
		t.Fatal("no matrix of SAs and CPUs")
	}
	var own, all, fallback uint64
	for _, row := range r.Matrix.Rows {
		for i, n := range row.Calls {
			all += n
			switch {
			case row.PCPU == nil:
				fallback += n
			case *row.PCPU == r.Matrix.CPUs[i]:
				own += n
			}
		}
	}
	near(t, "calls on the SA of their CPU, and all", own, all)
	for _, s := range r.SAs {
		if s.Fallback && s.DeltaPackets > 0 || fallback > 0 {
			t.Errorf("fallback SA %#x carried %d packets, %d calls returned a fallback",
				s.SPI, s.DeltaPackets, fallback)
		}
	}
}

// balance fails unless a probe counted as many events as its phase had packets:
// within 1 %, or, where a busy host stopped the recorder while it read the SAs
// at an end of the phase, within what was sent meanwhile and a packet a CPU that
// is between the event and the count. It returns how far they are apart.
func (r *run) balance(t *testing.T, what string, count uint64, probe string) float64 {
	t.Helper()
	packets, _ := r.phase(t, probe)
	edge := uint64(2 * len(r.Manifest.Plan.CPUs))
	for _, p := range r.Manifest.Phases {
		if p.Probe == probe {
			edge += p.Edge
		}
	}
	off := float64(count)/float64(packets) - 1
	t.Logf("%s: %d, and packets: %d, %+.3f %%; %.2f %% were sent at the ends",
		what, count, packets, 100*off, 100*float64(edge)/float64(packets))
	if math.Abs(off) > max(within, float64(edge)/float64(packets)) {
		t.Errorf("%s: %d, and packets: %d, %d of them at the ends", what, count, packets, edge)
	}
	return math.Abs(off)
}

// calls returns those of xfrm_state_find.
func (r *run) calls() (n uint64) {
	for _, a := range r.finds.Accounts {
		n += a.Calls
	}
	return n
}

// Each packet takes the x->lock of its outbound SA once (net/xfrm/xfrm_output.c
// xfrm_output_one, 7.3), and looks the SA up once.
func TestLedger(t *testing.T) {
	var apart []float64
	holds := map[string]int{}
	for _, name := range []string{"shared-n1", "shared-n2", "shared-n4", "pcpu-n4"} {
		r := open(t, recorded(t, "main", "contention", name))
		_, _, taken, _ := r.contention(t)
		apart = append(apart, r.balance(t, name+": acquisitions of x->lock", taken, "count"),
			r.balance(t, name+": calls of xfrm_state_find", r.calls(), "find"))
		for _, id := range r.ConsistencyChecks {
			t.Logf("%s: identity %s %s", name, id.ID, id.Verdict)
			if id.Verdict == result.CheckHolds {
				holds[id.ID]++
			}
		}
	}
	slices.Sort(apart)
	t.Logf("the median entry is %.3f %% off, the worst %.3f %%", 100*apart[len(apart)/2], 100*apart[len(apart)-1])
	if median := apart[len(apart)/2]; median > within {
		t.Errorf("the median entry is %.2f %% off", 100*median)
	}
	for _, id := range []string{"lock-packets", "find-packets"} {
		if holds[id] == 0 {
			t.Errorf("the identity %s holds in no run", id)
		}
	}
}

// Is the policy's list of cached SAs ever used? The kernel of 7.3 has it.
func TestStateCache(t *testing.T) {
	for _, name := range []string{"shared-n4", "pcpu-n4"} {
		r := open(t, recorded(t, "main", "contention", name))
		if r.Lookups == nil || !r.Lookups.CacheEmpty.Measured() {
			t.Fatalf("%s: not measured: %+v", name, r.Lookups)
		}
		t.Logf("%s: %.2f %% of %d calls found pol->state_cache_list empty",
			name, 100*r.Lookups.CacheEmpty.Value, r.Lookups.CacheEmpty.Samples)
	}
}

func readSelftest(t *testing.T, lab, job string) (r selftest.Result, exit string) {
	t.Helper()
	readJSON(t, recorded(t, lab, job, "selftest.json"), &r)
	data, err := os.ReadFile(recorded(t, lab, job, "selftest.exit"))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range r.Verdicts {
		t.Logf("%-6s %s", v.Mode, v.Text)
	}
	return r, strings.TrimSpace(string(data))
}

func TestSelftest(t *testing.T) {
	r, exit := readSelftest(t, "main", "selftest")
	if exit != "0" || !r.Valid() {
		t.Errorf("exit %s", exit)
	}
	for _, mode := range r.Modes {
		if mode.Passed != "" {
			t.Errorf("%s does not attach: %s", mode.Mode, mode.Passed)
		}
	}
	if len(r.Pending) != 2 {
		t.Fatalf("the slow path and the tracepoints at once: %+v", r.Pending)
	}
	for _, p := range r.Pending {
		if p.SlowWaits == 0 || p.PendingNS() <= 0 || p.Queued > p.SlowWaits {
			t.Errorf("CPUs %s: %+v: a native lock's first waiter in line must be in the slow path and "+
				"pass no tracepoint", p.CPUs, p)
		}
	}
}

// check returns a check of doctor by its id.
func check(t *testing.T, lab, job, id string) doctor.Check {
	t.Helper()
	var report doctor.Report
	readJSON(t, recorded(t, lab, job, "doctor.json"), &report)
	c := report.Find(id)
	if c.Title == "" {
		t.Fatalf("doctor has no check %s", id)
	}
	t.Logf("%s %s: %s: %s", id, c.Title, c.State, c.Evidence)
	return c
}

// Linux 6.1 has the contention tracepoints, and neither per-CPU SAs nor a list
// of cached SAs at the policy.
func TestKernel61(t *testing.T) {
	if r, exit := readSelftest(t, "k61", "degraded"); exit != "0" || !r.Valid() {
		t.Errorf("selftest: exit %s", exit)
	}
	r := open(t, recorded(t, "k61", "degraded", "shared-n2"))
	if !strings.HasPrefix(r.Manifest.Host.Kernel, "6.1.") {
		t.Fatalf("kernel %s", r.Manifest.Host.Kernel)
	}
	if r.Locks.AttachMode == "" || !r.Locks.Waits.Measured() {
		t.Errorf("no waits: %+v", r.Locks.Gap)
	}
	for _, s := range r.SAs {
		if s.PCPU != nil {
			t.Errorf("SA %#x has a CPU number on a kernel without", s.SPI)
		}
	}
	if r.Lookups != nil && r.Lookups.CacheEmpty.Measured() {
		t.Errorf("a list of cached SAs was measured on a kernel without: %+v", r.Lookups.CacheEmpty)
	}
	// xfrm_state_find has more arguments than fentry takes there, and is counted by kprobe.
	for _, p := range r.Manifest.Probes {
		if p.Name == bundle.ProbeFind && p.AttachMode != string(probe.Kprobe) {
			t.Errorf("%s by %s", p.Name, p.AttachMode)
		}
	}
	r.balance(t, "calls of xfrm_state_find, by kprobe", r.calls(), "find")
	_, _, taken, _ := r.contention(t)
	r.balance(t, "acquisitions of x->lock", taken, "count")
	r.saysWhatIsMissing(t)
}

// On PREEMPT_RT a spinlock_t is a sleeping lock, whose waits no attach mode counts.
func TestRealtime(t *testing.T) {
	if c := check(t, "rt612", "degraded", "XS023"); c.State != doctor.Degraded ||
		!strings.Contains(c.Evidence, "PREEMPT_RT") {
		t.Errorf("doctor does not say what an RT kernel hides: %+v", c)
	}
	if r, exit := readSelftest(t, "rt612", "degraded"); exit != "0" || !r.Valid() {
		t.Errorf("selftest, whose lock spins on RT too: exit %s", exit)
	}
	r := open(t, recorded(t, "rt612", "degraded", "shared-n2"))
	if !strings.Contains(strings.Join(r.Locks.Blind, "\n"), "PREEMPT_RT") {
		t.Errorf("the run does not say what an RT kernel hides: %q", r.Locks.Blind)
	}
	// Inside x->lock, which sleeps on RT, lies a raw lock that spins.
	for _, row := range r.locks.Waits {
		if r.outbound()[row.Lock] && (row.ID.Kind != bundle.LockOfSA || row.ID.Name != "lock.wait_lock") {
			t.Errorf("a wait for x->lock, which sleeps on RT, was counted as spinning: %+v", row)
		}
	}
	r.saysWhatIsMissing(t)
}

// saysWhatIsMissing fails if a probe asked for neither ran nor has a gap with a
// reason.
func (r *run) saysWhatIsMissing(t *testing.T) {
	t.Helper()
	for _, g := range r.Manifest.Gaps {
		t.Logf("not measured: %s: %s", g.What, g.Why)
		if g.Why == "" {
			t.Errorf("gap %q has no reason", g.What)
		}
	}
	for _, name := range r.Manifest.Plan.Probes {
		ran := slices.ContainsFunc(r.Manifest.Probes, func(p bundle.Probe) bool { return p.Name == name })
		if !ran && len(r.Manifest.Gaps) == 0 {
			t.Errorf("probe %s did not run and no gap says why", name)
		}
	}
}

// The slab cache of an SA tells the same object as its pointer; what a kernel before 6.13
// lacks is named.
func TestObjects(t *testing.T) {
	for _, test := range []struct{ lab, job, slabs string }{
		{"main", "live", "the SA at "},
		{"rt612", "degraded", "the kernel has no bpf_get_kmem_cache (since 6.13)"},
	} {
		t.Run(test.lab, func(t *testing.T) {
			said, err := os.ReadFile(recorded(t, test.lab, test.job, "objects"))
			if err != nil || !bytes.Contains(said, []byte("--- PASS: TestObjectsOfThisKernel")) ||
				!bytes.Contains(said, []byte("slab caches: "+test.slabs)) {
				t.Errorf("%v: %s", err, said)
			}
		})
	}
}

// Two IKE daemons agreed on an SA for each CPU that sends, RFC 9611, at times on
// two: either side may ask for it.
func TestNegotiated(t *testing.T) {
	r := open(t, recorded(t, "main", "ike", "pcpu-n4"))
	byCPU := map[uint32]uint64{}
	var own, all uint64
	for _, s := range r.SAs {
		if !s.Outbound {
			continue
		}
		all += s.DeltaPackets
		if s.PCPU != nil {
			own += s.DeltaPackets
			byCPU[*s.PCPU] += s.DeltaPackets
			t.Logf("SA %#x of CPU %d: %d packets", s.SPI, *s.PCPU, s.DeltaPackets)
		}
	}
	for cpu := range uint32(4) {
		if byCPU[cpu] == 0 {
			t.Errorf("no SA negotiated for CPU %d carried packets: %v", cpu, byCPU)
		}
	}
	near(t, "packets on SAs of one CPU, and on all", own, all)
}

// No byte of the keys that the daemons agreed on is in a recording, in any of the
// ways a key is written.
func TestNoKeys(t *testing.T) {
	dir := recorded(t, "main", "ike")
	text, err := os.ReadFile(filepath.Join(dir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	keys := strings.Fields(string(text))
	if len(keys) < 8 { // two directions for each CPU
		t.Fatalf("%d keys: %q", len(keys), keys)
	}
	forms := map[string]bool{}
	for _, key := range keys {
		raw, err := hex.DecodeString(strings.TrimPrefix(key, "0x"))
		if err != nil || len(raw) < 16 {
			t.Fatalf("key %q: %v", key, err)
		}
		cipher := raw[:16] // without the salt
		for _, form := range []string{string(cipher), hex.EncodeToString(cipher),
			strings.ToUpper(hex.EncodeToString(cipher)), base64.StdEncoding.EncodeToString(cipher)[:21]} {
			forms[form] = true
		}
	}
	files, size := 0, 0
	look := func(name string, data []byte) {
		files, size = files+1, size+len(data)
		for form := range forms {
			if bytes.Contains(data, []byte(form)) {
				t.Errorf("%s holds a key", name)
			}
		}
	}
	read := func(name string, fsys fs.FS) {
		err := fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := fs.ReadFile(fsys, path)
			if err != nil {
				return err
			}
			look(name+"/"+path, data)
			if strings.HasSuffix(path, ".gz") {
				z, err := gzip.NewReader(bytes.NewReader(data))
				if err != nil {
					return err
				}
				if data, err = io.ReadAll(z); err != nil {
					return err
				}
				look(name+"/"+path+", unpacked", data)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	read("pcpu-n4", os.DirFS(filepath.Join(dir, "pcpu-n4")))
	published, err := pack.Open(filepath.Join(dir, "published.tar.zst"))
	if err != nil {
		t.Fatal(err)
	}
	read("published", published)
	t.Logf("%d keys in %d files, %.1f MB: none found", len(keys), files, float64(size)/1e6)
}

// The ladder is tried from the best attach mode: where fentry attaches, it is used.
func TestAttachMode(t *testing.T) {
	r := open(t, recorded(t, "main", "contention", "shared-n2"))
	if r.Locks.AttachMode != string(probe.Fentry) {
		t.Errorf("attach mode %q", r.Locks.AttachMode)
	}
}

// TestCost prints what each probe does to packets/s where nothing contends: a
// figure, not a fact. Run `samples/lab/test out/lab-cost out/labs main/cost`.
func TestCost(t *testing.T) {
	if os.Getenv("XFRMSCOPE_LAB") == "" {
		t.Skip("needs the lab's recordings: samples/lab/test out/lab-cost out/labs main/cost")
	}
	paths, _ := filepath.Glob(filepath.Join(os.Getenv("XFRMSCOPE_LAB"), "main", "cost", "run-*"))
	if len(paths) == 0 {
		t.Skip("no costs were recorded: samples/lab/test out/lab-cost out/labs main/cost")
	}
	effects := map[string][]float64{}
	var order []string
	for _, path := range paths {
		for _, p := range open(t, path).Phases {
			if p.Probe == "" || !p.Effect.Measured() {
				continue
			}
			if effects[p.Probe] == nil {
				order = append(order, p.Probe)
			}
			effects[p.Probe] = append(effects[p.Probe], 1+p.Effect.Value)
		}
	}
	for _, probe := range order {
		v := slices.Sorted(slices.Values(effects[probe]))
		t.Logf("%-6s packets/s over none: %.3f (%.3f to %.3f), %d runs",
			probe, v[len(v)/2], v[0], v[len(v)-1], len(v))
	}
}
