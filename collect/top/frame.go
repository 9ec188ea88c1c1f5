package top

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/probe"
)

// A Number is a value that may not have been measured.
type Number struct {
	Value float64
	Known bool
}

func known(v float64) Number { return Number{v, true} }

// per divides, and knows nothing where there is nothing to divide by.
func per(a Number, b Number) Number {
	if !a.Known || !b.Known || b.Value == 0 {
		return Number{}
	}
	return known(a.Value / b.Value)
}

// MarshalJSON writes null for what was not measured.
func (n Number) MarshalJSON() ([]byte, error) {
	if !n.Known {
		return []byte("null"), nil
	}
	return json.Marshal(n.Value)
}

// A Row is one CPU, or all that are shown, over the time of a Frame. Rates are
// per second.
type Row struct {
	CPU      int    `json:"cpu"`                     // -1: all
	Own      Number `json:"own_packets_per_s"`       // packets by SAs of this CPU
	Fallback Number `json:"fallback_packets_per_s"`  // packets by SAs of any CPU
	Wrong    Number `json:"wrong_cpu_packets_per_s"` // packets by SAs of another CPU
	Waits    Number `json:"lock_waits_per_s"`        // for spin locks
	WaitNS   Number `json:"lock_wait_ns_per_packet"` // spent in them, per packet that the CPU sent
	Received Number `json:"received_packets_per_s"`  // packets the softirq took in (softnet_stat)
	Dropped  Number `json:"dropped_packets_per_s"`   // and dropped

	// shares of the CPU's time
	Softirq Number `json:"softirq_ratio"`
	System  Number `json:"system_ratio"`
	User    Number `json:"user_ratio"`
	Idle    Number `json:"idle_ratio"`
}

// An SARate is an SA over the time of a Frame.
type SARate struct {
	bundle.SA
	Outbound bool   `json:"outbound"`
	New      bool   `json:"new,omitempty"` // it was not there before, or began again
	Packets  Number `json:"packets_per_s"`
	BitsPerS Number `json:"bits_per_s"`  // of the inner packets
	Drops    Number `json:"drops_per_s"` // replay, replay window, integrity
}

// An ErrorRate is a counter of xfrm_stat that rose.
type ErrorRate struct {
	NetNS string  `json:"netns,omitempty"`
	Name  string  `json:"name"`
	PerS  float64 `json:"per_s"`
}

// A Frame is what happened between two readings.
type Frame struct {
	Seconds       float64       `json:"seconds"`
	Rows          []Row         `json:"cpus"`
	All           Row           `json:"all"` // of all SAs and rows
	FallbackShare Number        `json:"fallback_ratio"`
	WrongShare    Number        `json:"wrong_cpu_ratio"`
	SAs           []SARate      `json:"sas"`   // busiest first, outbound before inbound
	Locks         []LockRate    `json:"locks"` // most waited for first
	Errors        []ErrorRate   `json:"xfrm_errors,omitempty"`
	Spread        []string      `json:"inbound_spread,omitempty"` // inbound SPIs that more than one CPU looked up
	Losses        []bundle.Loss `json:"losses,omitempty"`         // of the wait probe, since it was attached
	Blind         []string      `json:"blind,omitempty"`          // what it cannot see
	Unmeasured    []string      `json:"not_measured,omitempty"`
	Notes         []string      `json:"notes,omitempty"`
	Problems      []string      `json:"problems,omitempty"`
}

// Compare makes a frame of two readings. cpus are the rows; nil means every CPU
// that has times.
func Compare(before, after Reading, cpus bundle.CPUSet) Frame {
	f := Frame{Rows: []Row{},
		Seconds: float64(after.TimeNS-before.TimeNS) / 1e9,
		Blind:   after.Blind, Unmeasured: after.Unmeasured, Notes: after.Notes, Problems: after.Problems,
	}
	c := comparison{seconds: f.Seconds, before: counters(before), after: counters(after)}
	if cpus == nil {
		cpus = c.cpus()
	}
	f.SAs = c.sas(before.SAs, after.SAs)
	f.Errors = c.errors(after.Counters)
	found := c.lookups(before.Lookups, after.Lookups)
	for _, cpu := range cpus {
		row := c.times(cpu)
		row.Received = c.rate(bundle.CounterKey{Source: "/proc/net/softnet_stat", Name: "processed", CPU: cpu})
		row.Dropped = c.rate(bundle.CounterKey{Source: "/proc/net/softnet_stat", Name: "dropped", CPU: cpu})
		packets := c.packets(&row, f.SAs, found)
		waits, ns := c.waits(before.Waits, after.Waits, cpu)
		row.Waits, row.WaitNS = waits, per(ns, packets)
		f.Rows = append(f.Rows, row)
	}
	f.Locks = c.locks(before.Waits, after.Waits, cpus, f.total(c, before.Waits, after.Waits))
	f.Spread = spread(before.Inbound, after.Inbound)
	if after.Waits != nil {
		f.Losses = after.Waits.Losses(cpus)
	}
	return f
}

func counters(r Reading) map[bundle.CounterKey]uint64 {
	all := make(map[bundle.CounterKey]uint64, len(r.Counters))
	for _, c := range r.Counters {
		all[c.Key()] = c.Value
	}
	return all
}

// A comparison holds the counters of two readings.
type comparison struct {
	seconds       float64
	before, after map[bundle.CounterKey]uint64
}

// cpus are those that have times at the end.
func (c *comparison) cpus() bundle.CPUSet {
	var set bundle.CPUSet
	for key := range c.after {
		if key.Source == "/proc/stat" && key.Name == "user" {
			set = append(set, key.CPU)
		}
	}
	slices.Sort(set)
	return set
}

// delta is how far a counter rose; unknown if it is not in both readings or
// began again.
func (c *comparison) delta(key bundle.CounterKey) Number {
	before, ok1 := c.before[key]
	after, ok2 := c.after[key]
	if !ok1 || !ok2 || after < before {
		return Number{}
	}
	return known(float64(after - before))
}

func (c *comparison) rate(key bundle.CounterKey) Number { return per(c.delta(key), known(c.seconds)) }

// times are the shares of a CPU's time. iowait is idle.
func (c *comparison) times(cpu int) Row {
	row := Row{CPU: cpu}
	part := func(names ...string) float64 {
		sum := 0.0
		for _, name := range names {
			// idle and iowait may fall a little: none then
			sum += c.delta(bundle.CounterKey{Source: "/proc/stat", Name: name, CPU: cpu}).Value
		}
		return sum
	}
	softirq, system, user, idle := part("softirq"), part("system", "irq", "steal"), part("user", "nice"),
		part("idle", "iowait")
	if sum := known(softirq + system + user + idle); sum.Value > 0 {
		row.Softirq, row.System, row.User, row.Idle = per(known(softirq), sum), per(known(system), sum),
			per(known(user), sum), per(known(idle), sum)
	}
	return row
}

// sas are the rates of the SAs that are there at the end.
func (c *comparison) sas(before, after []bundle.SA) []SARate {
	earlier := map[bundle.SAKey]*bundle.SA{}
	for i := range before {
		earlier[before[i].Key()] = &before[i]
	}
	drops := func(sa *bundle.SA) uint64 {
		return uint64(sa.Drops.Replay) + uint64(sa.Drops.ReplayWindow) + uint64(sa.Drops.Integrity)
	}
	rates := []SARate{}
	for _, sa := range after {
		r := SARate{SA: sa, Outbound: sa.Dir == "out" || sa.Dir == "" && sa.OSeq > 0, New: true}
		if b := earlier[sa.Key()]; b != nil && b.Packets <= sa.Packets && b.Bytes <= sa.Bytes &&
			drops(b) <= drops(&sa) {
			r.New = false
			r.Packets = per(known(float64(sa.Packets-b.Packets)), known(c.seconds))
			r.BitsPerS = per(known(8*float64(sa.Bytes-b.Bytes)), known(c.seconds))
			r.Drops = per(known(float64(drops(&sa)-drops(b))), known(c.seconds))
		}
		rates = append(rates, r)
	}
	slices.SortStableFunc(rates, func(a, b SARate) int {
		if a.Outbound != b.Outbound {
			return map[bool]int{true: -1, false: 1}[a.Outbound]
		}
		return cmp.Or(cmp.Compare(b.Packets.Value, a.Packets.Value), cmp.Compare(a.SPI, b.SPI))
	})
	return rates
}

// byCPU is what the lookups of one CPU found, per second.
type byCPU struct{ own, fallback, wrong float64 }

// lookups sorts the SAs that each CPU was given; nil if that is not measured.
func (c *comparison) lookups(before, after *probe.Lookups) map[int]byCPU {
	if before == nil || after == nil || c.seconds <= 0 {
		return nil
	}
	type key struct {
		cpu     int
		address uint64
		spi     uint32
	}
	earlier := map[key]uint64{}
	for _, s := range before.States {
		earlier[key{s.CPU, s.Address, s.SPI}] += s.Count
	}
	found := map[int]byCPU{}
	for _, s := range after.States {
		n := s.Count - min(s.Count, earlier[key{s.CPU, s.Address, s.SPI}])
		row, rate := found[s.CPU], float64(n)/c.seconds
		switch {
		case s.PCPU == nil:
			row.fallback += rate
		case *s.PCPU == s.CPU:
			row.own += rate
		default:
			row.wrong += rate
		}
		found[s.CPU] = row
	}
	return found
}

// packets fills in what the CPU sent, by whose SA, and returns the sum. Without
// the probe the SAs' own counters tell, but not who used the fallback: then, and
// only if nothing was sent by it, the sum is known.
func (c *comparison) packets(row *Row, sas []SARate, found map[int]byCPU) Number {
	if found != nil {
		n := found[row.CPU]
		row.Own, row.Fallback, row.Wrong = known(n.own), known(n.fallback), known(n.wrong)
		return known(n.own + n.fallback + n.wrong)
	}
	own, fallback := 0.0, 0.0
	for _, sa := range sas {
		switch {
		case !sa.Outbound:
		case sa.PCPU == nil:
			fallback += sa.Packets.Value
		case int(*sa.PCPU) == row.CPU:
			own += sa.Packets.Value
		}
	}
	row.Own = known(own)
	if fallback > 0 {
		return Number{}
	}
	row.Fallback = known(0)
	return row.Own
}

// waits are the waits and the nanoseconds of them that ended on a CPU, per
// second.
func (c *comparison) waits(before, after *probe.Waits, cpu int) (count, ns Number) {
	if before == nil || after == nil {
		return Number{}, Number{}
	}
	n1, t1 := ended(before, cpu)
	n2, t2 := ended(after, cpu)
	return per(known(n2-n1), known(c.seconds)), per(known(t2-t1), known(c.seconds))
}

func ended(w *probe.Waits, cpu int) (count, ns float64) {
	for _, r := range w.Rows {
		if r.CPU == cpu {
			ns += float64(r.WaitNS)
		}
	}
	for _, a := range w.Accounts {
		if a.CPU == cpu {
			count += float64(a.Ended)
			ns += float64(a.OverflowNS)
		}
	}
	return count, ns
}

// total sums the rows, and the SAs whichever CPU they are of. It returns the
// packets sent, by which waits are divided.
func (f *Frame) total(c comparison, before, after *probe.Waits) (sent Number) {
	var outbound, fallback float64
	for _, sa := range f.SAs {
		if sa.Outbound {
			outbound += sa.Packets.Value
			if sa.PCPU == nil {
				fallback += sa.Packets.Value
			}
		}
	}
	f.All.CPU = -1
	f.All.Own, f.All.Fallback = known(outbound-fallback), known(fallback)
	f.FallbackShare = per(known(fallback), known(outbound))
	add := func(sum *Number, n Number) {
		if n.Known {
			*sum = known(sum.Value + n.Value)
		}
	}
	var waited Number
	for _, row := range f.Rows {
		add(&f.All.Wrong, row.Wrong)
		add(&f.All.Waits, row.Waits)
		add(&f.All.Received, row.Received)
		add(&f.All.Dropped, row.Dropped)
		_, ns := c.waits(before, after, row.CPU)
		add(&waited, ns)
		add(&f.All.Softirq, row.Softirq)
		add(&f.All.System, row.System)
		add(&f.All.User, row.User)
		add(&f.All.Idle, row.Idle)
		if row.Wrong.Known {
			add(&sent, known(row.Own.Value+row.Fallback.Value+row.Wrong.Value))
		}
	}
	rows := known(float64(len(f.Rows)))
	f.All.Softirq, f.All.System, f.All.User, f.All.Idle = per(f.All.Softirq, rows), per(f.All.System, rows),
		per(f.All.User, rows), per(f.All.Idle, rows)
	f.WrongShare = per(f.All.Wrong, sent)
	if !sent.Known {
		sent = f.sentByRows(&c, outbound, fallback)
	}
	f.All.WaitNS = per(waited, sent)
	return sent
}

// sentByRows is what the CPUs shown sent, by the SAs' counters: who used the
// fallback is known only if every CPU is shown.
func (f *Frame) sentByRows(c *comparison, outbound, fallback float64) Number {
	switch {
	case len(f.Rows) == len(c.cpus()):
		return known(outbound)
	case fallback > 0:
		return Number{}
	}
	sum := 0.0
	for _, row := range f.Rows {
		sum += row.Own.Value
	}
	return known(sum)
}

// errors are the counters of xfrm_stat that rose.
func (c *comparison) errors(rows []bundle.Counter) []ErrorRate {
	var rates []ErrorRate
	for _, r := range rows {
		if r.Source != "/proc/net/xfrm_stat" {
			continue
		}
		if n := c.rate(bundle.CounterKey{Source: r.Source, NetNS: r.NetNS, Name: r.Name,
			CPU: -1}); n.Value > 0 {
			rates = append(rates, ErrorRate{r.NetNS, r.Name, n.Value})
		}
	}
	return rates
}

// spread names the inbound SPIs that more than one CPU looked up. Two namespaces
// or addresses may have an SA each of one SPI: what tells SAs apart is where they
// are.
func spread(before, after *probe.Lookups) []string {
	if before == nil || after == nil {
		return nil
	}
	type sa struct {
		spi     uint32
		address uint64
	}
	type key struct {
		sa
		cpu int
	}
	earlier, later := map[key]uint64{}, map[key]uint64{}
	for _, s := range before.States {
		earlier[key{sa{s.SPI, s.Address}, s.CPU}] += s.Count
	}
	for _, s := range after.States {
		later[key{sa{s.SPI, s.Address}, s.CPU}] += s.Count
	}
	on := map[sa]bundle.CPUSet{}
	for k, n := range later {
		if n > earlier[k] {
			on[k.sa] = append(on[k.sa], k.cpu)
		}
	}
	var all []string
	for _, s := range slices.SortedFunc(maps.Keys(on),
		func(a, b sa) int { return cmp.Or(cmp.Compare(a.spi, b.spi), cmp.Compare(a.address, b.address)) }) {
		if len(on[s]) > 1 {
			slices.Sort(on[s])
			all = append(all, fmt.Sprintf("%#x on CPUs %s", s.spi, on[s]))
		}
	}
	return all
}
