package packets

import (
	"fmt"
	"math"

	"xfrmscope/analyze/metric"
	"xfrmscope/analyze/result"
	"xfrmscope/collect/bundle"
)

// fewPackets is the part of the packets that may be of an unknown CPU: the
// first ones of a flow take the fallback SA until its CPU has one of its own.
const fewPackets = 0.001

// minLookups is how many lookups of an SA its senders may be told by.
const minLookups = 100

// senders tells which part of the packets the measured CPUs sent. What is
// counted on some CPUs is divided by the packets of these, not of all.
type senders struct {
	cpus    bundle.CPUSet           // measured; none: not known, and taken to be all that send
	load    []bundle.CPUPackets     // if the load counts by CPU
	lookups map[SAName]*lookupCount // of outbound SAs, in the find probe's phase
	arrived map[SAName]*lookupCount // packets of inbound SAs, in the same phase
	stray   float64                 // part of the packets that network softirqs of other CPUs processed
}

// An SAName is what the find probe tells an SA by.
type SAName struct {
	NetNS string
	SPI   uint32
}

// A lookupCount is what was seen of one SA.
type lookupCount struct{ all, measured, elsewhere float64 } // elsewhere: on a CPU that is not the SA's

func NewSenders(cpus bundle.CPUSet, in *Rows) *senders {
	s := &senders{cpus: cpus, lookups: map[SAName]*lookupCount{}, arrived: map[SAName]*lookupCount{}}
	if in.Traffic != nil {
		s.load = in.Traffic.PerCPU
	}
	for _, r := range in.Finds.Rows {
		if r.State != "" {
			s.count(s.lookups, SAName{r.NetNS, r.SPI}, r.CPU, r.PCPU, r.Count)
		}
	}
	for _, r := range in.Finds.Inbound {
		s.count(s.arrived, SAName{r.NetNS, r.SPI}, r.CPU, nil, r.Packets)
	}
	s.stray = strayShare(cpus, in.Counters)
	return s
}

func (s *senders) count(to map[SAName]*lookupCount, name SAName, cpu int, pcpu *int, n uint64) {
	c := to[name]
	if c == nil {
		c = &lookupCount{}
		to[name] = c
	}
	c.all += float64(n)
	if s.cpus.Contains(cpu) {
		c.measured += float64(n)
	}
	if pcpu == nil || *pcpu != cpu {
		c.elsewhere += float64(n)
	}
}

// strayShare is the part of the packets that network softirqs processed on CPUs
// that are not measured; 0 if nothing tells. The kernel's counter has 32 bits.
func strayShare(cpus bundle.CPUSet, counters []bundle.Counter) float64 {
	start, all, outside := map[int]uint32{}, 0.0, 0.0
	for _, c := range counters {
		if c.Source != "/proc/net/softnet_stat" || c.Name != "processed" || c.CPU == nil {
			continue
		}
		switch c.Phase {
		case bundle.PhaseStart:
			start[*c.CPU] = uint32(c.Value)
		case bundle.PhaseEnd:
			n := float64(uint32(c.Value) - start[*c.CPU])
			all += n
			if !cpus.Contains(*c.CPU) {
				outside += n
			}
		}
	}
	if all == 0 {
		return 0
	}
	return outside / all
}

// A sent is the packets of some SAs by who sent them.
type sent struct {
	measured, others, unknown float64
	variance                  float64 // of measured
	lookups                   float64 // by which senders were told, not by the SA's CPU number
}

func (s *sent) all() float64 { return s.measured + s.others + s.unknown }

// share is the part of the SAs' packets that the measured CPUs sent, nil if it is
// all of them.
func (s *senders) share(sas []result.SA) *metric.Value {
	if len(s.cpus) == 0 {
		return nil
	}
	p := s.split(sas)
	v := metric.Value{ID: metric.SentID, Unit: "ratio", SE: math.Sqrt(p.variance) / p.all(),
		Samples: uint64(p.lookups)}
	v.Value = (p.measured + p.unknown) / p.all()
	switch unknown := p.unknown / p.all(); {
	case unknown == 0 || s.stray <= metric.RangeLoss:
		if p.others == 0 {
			return nil
		}
	case unknown <= fewPackets:
		v.Low, v.High = p.measured/p.all(), v.Value
	case s.stray <= metric.RefuseLoss:
		v.Low, v.High = (p.measured+p.unknown*(1-s.stray))/p.all(), v.Value
	default:
		v = metric.NotMeasured(metric.SentID, "ratio", bundle.Gap{
			What: "packets of the CPUs measured",
			Why: fmt.Sprintf("network softirqs processed %.0f %% of the packets on CPUs other than %s, "+
				"and whose the packets of an SA without a CPU number are is not known",
				100*s.stray, s.cpus),
			Fix: "record with -C of all CPUs that send, or with the find probe, which counts lookups by " +
				"SA and CPU",
		})
	}
	return &v
}

// split sums the packets of the outbound SAs, of a host that has none those of
// the inbound ones. Without SAs all packets are of an unknown CPU.
func (s *senders) split(sas []result.SA) sent {
	var p sent
	if len(s.load) > 0 {
		for _, c := range s.load {
			s.add(&p, c.CPU, float64(c.Packets))
		}
		return p
	}
	sends := Sends(sas)
	seen := s.lookups
	if !sends {
		seen = s.arrived
	}
	for _, a := range sas {
		n := float64(a.DeltaPackets)
		of := seen[SAName{a.NetNS, a.SPI}]
		switch {
		case a.Outbound != sends:
		case a.CPU() >= 0 && (of == nil || of.elsewhere == 0):
			s.add(&p, a.CPU(), n)
		case of != nil && of.all >= minLookups:
			share := of.measured / of.all
			p.measured += n * share
			p.others += n * (1 - share)
			p.variance += n * n * share * (1 - share) / of.all
			p.lookups += of.all
		default:
			p.unknown += n
		}
	}
	if p.all() == 0 {
		p.unknown = 1
	}
	return p
}

func (s *senders) add(p *sent, cpu int, n float64) {
	if s.cpus.Contains(cpu) {
		p.measured += n
	} else {
		p.others += n
	}
}

// PartOfRate is the rate of the CPUs that sent a share of the packets; nil: all.
func PartOfRate(rate metric.Value, share *metric.Value) metric.Value {
	switch {
	case share == nil || !rate.Measured():
		return rate
	case !share.Measured():
		return metric.NotMeasured(rate.ID, rate.Unit, *share.Missing)
	}
	v := rate
	v.Value *= share.Value
	v.SE = math.Hypot(rate.SE*share.Value, rate.Value*share.SE)
	if share.Ranged() {
		v.Low, v.High = rate.Value*share.Low, rate.Value*share.High
	}
	return v
}

// WeakenedBy gives a number per packet the errors of the packet rate.
func WeakenedBy(v, rate metric.Value) metric.Value {
	if rate.SE > 0 {
		v.SE = math.Hypot(v.SE, v.Value*relative(rate))
	}
	if rate.Ranged() && rate.Low > 0 {
		v.Low, v.High = v.Value*rate.Value/rate.High, v.Value*rate.Value/rate.Low
	}
	return v
}

// ShareIn is share between two reads of the SAs, or in the window of the samples
// if the SAs were not kept then.
func (s *senders) ShareIn(in *Rows, window []result.SA, from, to string) *metric.Value {
	sas := SADeltas(in.SAs, from, to)
	if len(sas) == 0 {
		sas = window
	}
	return s.share(sas)
}

// AddSenders sets the rate of the CPUs measured if others sent, too, and says
// that costs are over other packets than packets/s then.
func AddSenders(r *result.Run, s *senders) {
	share := s.share(r.SAs)
	if share == nil || !r.Packets.Rate.Measured() {
		return
	}
	rate := PartOfRate(r.Packets.Rate, share)
	r.Packets.Measured = &rate
	warn := func(sent string, args ...any) {
		w := bundle.Warn(metric.CostID, "costs, misses and lock wait per packet are over the "+sent+
			"; packets/s are of all", args...)
		// Before what the recorder says of other CPUs: a digest prints the first.
		r.Warnings = append([]bundle.Warning{w}, r.Warnings...)
	}
	switch {
	case !share.Measured():
		r.Gap(*share.Missing)
		return
	case share.Ranged() && share.Low > 1-fewPackets:
		return // the range beside the numbers says it
	case share.Ranged():
		warn("%.1f to %.1f %% of the packets that CPUs %s sent", 100*share.Low, 100*share.High, s.cpus)
	case share.Samples > 0:
		warn("%.1f +- %.1f %% of the packets that CPUs %s sent, as estimated by %d SA lookups in the find "+
			"probe's phase", 100*share.Value, 100*share.Half(), s.cpus, share.Samples)
	default:
		warn("%.1f %% of the packets that CPUs %s sent", 100*share.Value, s.cpus)
	}
}
