package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strings"
)

// readTRexJSON reads a TRex sweep as JSON: objects, one a run, in arrays of any depth. Of two generations, the older
// has one direction, keys without a prefix, and asks for packets per flow; the newer has fwd_ and rev_ and asks for
// packets of all flows.
func readTRexJSON(r io.Reader, opt Options) (*Import, error) {
	data, err := document(r, opt)
	if err != nil {
		return nil, err
	}
	t := trexJSON{im: &Import{Traffic: &Traffic{Mode: modeOf(opt.Name)}}, opt: opt}
	err = eachObject(data, func(o map[string]any, line int) error {
		return t.run(&jsonObject{o, opt, line, nil})
	})
	if err != nil {
		return nil, jsonError(data, 0, err, opt)
	}
	if len(t.im.Traffic.Points) == 0 {
		return nil, opt.bad(0, "no run with tx_opackets or fwd_tx_opackets")
	}
	t.im.Traffic.setSettings()
	return t.im, nil
}

// maxNesting is the depth of arrays that runs may stand in.
const maxNesting = 8

// eachObject calls do for every object of arrays in arrays, with its line.
func eachObject(data []byte, do func(o map[string]any, line int) error) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	depth, line, counted := 0, 1, int64(0)
	for {
		at := dec.InputOffset()
		at += int64(len(data[at:]) - len(bytes.TrimLeft(data[at:], " \t\r\n,")))
		line += bytes.Count(data[counted:at], []byte("\n"))
		counted = at
		if at < int64(len(data)) && data[at] == '{' {
			var o map[string]any
			if err := dec.Decode(&o); err != nil {
				return err
			}
			if err := do(o, line); err != nil {
				return err
			}
			continue
		}
		tok, err := dec.Token()
		switch {
		case errors.Is(err, io.EOF) && depth == 0:
			return nil
		case err != nil:
			return err
		case tok == json.Delim('['):
			depth++
		case tok == json.Delim(']'):
			depth--
		default:
			return Options{}.bad(line, "%v where an object of one run should stand", tok)
		}
		if depth > maxNesting {
			return Options{}.bad(line, "arrays nested too deep")
		}
	}
}

// jsonError puts a position to an error of reading data from a byte on.
func jsonError(data []byte, from int64, err error, opt Options) error {
	var ours *SyntaxError
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &ours):
		ours.File = opt.Name
		return ours
	case errors.As(err, &syntax) && !strings.Contains(err.Error(), "unexpected end"):
		at := min(from+syntax.Offset, int64(len(data)))
		bad := opt.bad(lineAt(data, at), "no JSON: %v", err)
		near := bytes.ToLower(data[max(at-2, 0):min(at+3, int64(len(data)))])
		if bytes.Contains(near, []byte("na")) {
			bad.What += ": nan is no number of JSON"
			bad.Fix = "iperf3 writes it for 0 of 0 packets: nothing arrived, or the run is too short; " +
				"repeat the run"
		}
		return bad
	case errors.As(err, &kind):
		return opt.bad(lineAt(data, from+kind.Offset), "%s is a %s", kind.Field, kind.Value)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &syntax):
		return opt.bad(lineAt(data, int64(len(data))), "the JSON ends too early").
			fix("the run may have been interrupted")
	}
	return opt.bad(lineAt(data, from), "%v", err)
}

// A jsonObject is read by key; the first value of a wrong kind is kept in err.
type jsonObject struct {
	values map[string]any
	opt    Options
	line   int
	err    error
}

// number returns a finite number; false if the key is missing or null.
func (o *jsonObject) number(key string) (float64, bool) {
	v, there := o.values[key]
	if !there || v == nil {
		return 0, false
	}
	n, ok := v.(json.Number)
	f, err := n.Float64()
	if (!ok || err != nil || math.IsInf(f, 0)) && o.err == nil {
		o.err = o.opt.bad(o.line, "%s is %v, not a number", key, v)
	}
	return f, ok && err == nil
}

// count returns a whole number from 0 on; nil if the key is missing.
func (o *jsonObject) count(key string) *uint64 {
	f, ok := o.number(key)
	if !ok {
		return nil
	}
	text := string(o.values[key].(json.Number))
	n, ok := parseUint([]byte(text))
	if !ok {
		if f < 0 || f >= 1<<63 || f != math.Trunc(f) {
			if o.err == nil {
				o.err = o.opt.bad(o.line, "%s is %s, not a count", key, text)
			}
			return nil
		}
		n = uint64(f)
	}
	return &n
}

// small returns a whole number that fits an int, 0 if the key is missing.
func (o *jsonObject) small(key string) int {
	n := o.count(key)
	if n == nil || *n > math.MaxInt32 {
		return 0
	}
	return int(*n)
}

type trexJSON struct {
	im       *Import
	opt      Options
	percents int // percentages that contradict the counts
}

// run adds the points of one object: one a direction.
func (t *trexJSON) run(o *jsonObject) error {
	found := false
	for _, prefix := range []string{"", "fwd_", "rev_"} {
		if o.count(prefix+"tx_opackets") == nil {
			continue
		}
		found = true
		p := t.point(o, prefix)
		if o.err != nil {
			return o.err
		}
		t.check(o, prefix, &p)
		p.settings = o.settings(p.RequestedPPS)
		t.im.Traffic.Points = append(t.im.Traffic.Points, p)
	}
	if o.err == nil && !found {
		return o.opt.bad(o.line, "an object without tx_opackets or fwd_tx_opackets: no run of TRex")
	}
	return o.err
}

// settings are what a script may vary beside the flows.
func (o *jsonObject) settings(offered float64) []setting {
	var out []setting
	if offered > 0 {
		out = append(out, numbered("tx_pps_req", offered, "packets/s offered", "offered pps"))
	}
	for _, s := range [...][2]string{
		{"src_ips", "source addresses"}, {"dst_ips", "destination addresses"},
		{"src_ports", "source ports"}, {"dst_ports", "destination ports"}, {"frame_size", "bytes a frame"},
	} {
		if v, ok := o.number(s[0]); ok {
			out = append(out, numbered(s[0], v, s[1], s[1]))
		}
	}
	return out
}

func (t *trexJSON) point(o *jsonObject, prefix string) Point {
	p := Point{
		Line: o.line, Factor: "flows", N: o.small("flows"), Run: o.small("run"), CPU: -1,
		Direction:  strings.TrimSuffix(prefix, "_"),
		Tx:         o.side(prefix+"tx_", "opackets", "obytes"),
		Rx:         o.side(prefix+"rx_", "ipackets", "ibytes"),
		FrameBytes: o.small("frame_size"),
	}
	if prefix == "" && p.N == 0 {
		p.N = o.small("flow")
	}
	if l, ok := o.number(prefix + "l_pkts"); ok {
		p.LostPackets = new(int64(l))
	}
	sent, came := p.Tx.Packets, p.Rx.Packets
	if p.LostPackets == nil && sent != nil && came != nil {
		p.LostPackets = new(int64(*sent - *came))
	}
	if l, ok := o.number(prefix + "l_pkts_percent"); ok {
		p.LossShare = new(max(l/100, 0))
	}
	if lost := p.LostPackets; lost != nil && sent != nil && *sent > 0 {
		// some files have a share where the key says percent
		p.LossShare = new(float64(max(*lost, 0)) / float64(*sent))
	}
	p.RequestedPPS, _ = o.number("tx_pps_req")
	if prefix == "" {
		p.RequestedPPS *= float64(p.N)
	}
	var ok bool
	if p.Seconds, ok = o.number("duration"); !ok || p.Seconds <= 0 {
		// Not of sending alone: it waits for stragglers, too.
		p.Seconds, _ = o.number("elapsed_runtime")
	}
	return p
}

// preamble is what a frame has on the wire beside itself and its FCS, which
// TRex's *_bps count: preamble, start and gap.
const preamble = 20 * 8

// side reads what was sent or what came. The throughput keys are bits/2^30 of TRex's *_bps_L1: on the wire.
func (o *jsonObject) side(prefix, packets, bytes string) Side {
	s := Side{Packets: o.count(prefix + packets), Bytes: o.count(prefix + bytes)}
	if pps, ok := o.number(prefix + "pps"); ok {
		s.PPS = &pps
		if bps, ok := o.number(prefix + "bps"); ok {
			s.Rate = Rate{Value: bps + pps*preamble, Unit: bitPerSecond, Layer: onWire}
		}
	}
	if v, ok := o.number(prefix + "throughput_gibps"); ok {
		s.Rate = Rate{Value: v, Unit: gibitPerSecond, Layer: onWire}
	}
	return s
}

// check warns of numbers of one run that contradict each other, and of errors.
func (t *trexJSON) check(o *jsonObject, prefix string, p *Point) {
	warn := func(format string, args ...any) {
		p.warn(format+" (%d flows, run %d, %s)", append(args, p.N, p.Run, t.opt.at(o.line))...)
	}
	if p.N == 0 {
		warn("the number of flows is missing")
	}
	if n := o.count(prefix + "tx_errors"); n != nil && *n > 0 {
		warn("TRex counts %d errors of sending", *n)
	}
	sent, came, lost := p.Tx.Packets, p.Rx.Packets, p.LostPackets
	if came != nil && lost != nil && int64(*sent)-int64(*came) != *lost {
		warn("%d packets sent and %d received are no %d lost", *sent, *came, *lost)
	}
	if lost != nil && *lost < 0 {
		warn("%d more packets came than were sent%s: counted as none lost", -*lost, inDirection(p.Direction))
	}
	percent, told := o.number(prefix + "l_pkts_percent")
	if told && percent < 0 && lost == nil {
		warn("%v %% of the packets were lost%s: counted as none lost", percent, inDirection(p.Direction))
	}
	if told && percent >= 0 && p.LossShare != nil && math.Abs(percent-100**p.LossShare) > 0.02 && t.percents == 0 {
		t.percents++
		warn("l_pkts_percent is %v, but %.2f %% of the packets sent were lost: counts are used, here and below",
			percent, 100**p.LossShare)
	}
	bps, ok := o.number(prefix + "rx_bps")
	if ok && p.Rx.PPS != nil && p.Rx.Rate.Known() {
		onWire := bps + *p.Rx.PPS*preamble
		if math.Abs(onWire-p.Rx.Rate.BPS()) > 0.02*onWire {
			warn("the throughput of %v is not rx_bps and preambles on the wire (%.2f Gibit/s): "+
				"another layer is meant", p.Rx.Rate, onWire/gibitPerSecond.bits())
		}
	}
	if p.Rx.PPS == nil || p.Tx.PPS == nil || came == nil || *p.Tx.PPS <= 0 || *sent == 0 {
		return
	}
	byRate, byCount := *p.Rx.PPS / *p.Tx.PPS, float64(*came)/float64(*sent)
	if math.Abs(byRate-byCount) > 0.02*byCount {
		warn("by rates %.1f %% of the packets came, by counts %.1f %%: "+
			"TRex's rates are those of its last seconds, not of the run", 100*byRate, 100*byCount)
	}
}

func inDirection(direction string) string {
	if direction == "" {
		return ""
	}
	return " in direction " + direction
}
