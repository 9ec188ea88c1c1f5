package importer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// readIPerf3 reads results of iperf3 --json or --json-stream: a point a result and direction. Results behind one
// another, as `iperf3 -J >> file` in a loop writes them, are runs. Text around them is what iperf3 or a shell printed
// beside them. Rates are of payload.
func readIPerf3(r io.Reader, opt Options) (*Import, error) {
	data, err := document(r, opt)
	if err != nil {
		return nil, err
	}
	f := iperfFile{im: &Import{Traffic: &Traffic{Mode: modeOf(opt.Name)}}, opt: opt, seen: map[string]int{}}
	for at := f.passText(data, 0); at < len(data); at = f.passText(data, at) {
		dec := json.NewDecoder(bytes.NewReader(data[at:]))
		var raw json.RawMessage
		err := dec.Decode(&raw)
		if err == nil {
			err = f.document(raw, lineAt(data, int64(at)))
		}
		if err != nil {
			f.failures = append(f.failures, jsonError(data, int64(at), err, opt))
			break
		}
		at += int(dec.InputOffset())
	}
	switch {
	case f.twice != nil:
		return nil, f.twice
	case len(f.im.Traffic.Points) > 0:
		for _, err := range f.failures {
			f.im.warn("traffic", "%v: only the other results are used", err)
		}
	case len(f.failures) > 0:
		return nil, f.failures[0]
	default:
		return nil, opt.bad(0, "no result of iperf3").fix("the run may have been interrupted")
	}
	f.im.Traffic.setSettings()
	f.im.Traffic.numberRuns()
	if f.text > 0 {
		f.im.warn("traffic", "lines of text beside the JSON are passed over: %d, the first at %s",
			f.text, opt.at(f.firstText))
	}
	return f.im, nil
}

// An iperfFile gathers the results of one file.
type iperfFile struct {
	im       *Import
	opt      Options
	failures []error
	twice    error          // a result stands there again
	seen     map[string]int // line of each result
	stream   iperfResult    // of --json-stream, so far

	text, firstText int // lines that are no JSON
}

// passText returns where the next JSON begins, from at on: an object at the
// start of a line, or right behind the one before, also in a list of them.
func (f *iperfFile) passText(data []byte, at int) int {
	for at < len(data) {
		line, _, _ := bytes.Cut(data[at:], []byte("\n"))
		word := bytes.Trim(line, " \t\r[],")
		if len(word) > 0 && word[0] == '{' {
			return at + bytes.IndexByte(line, '{')
		}
		if len(word) > 0 {
			if f.text == 0 {
				f.firstText = lineAt(data, int64(at))
			}
			f.text++
		}
		at += len(line) + 1
	}
	return at
}

// document takes one value of the file.
func (f *iperfFile) document(raw json.RawMessage, line int) error {
	var doc iperfDocument
	if err := json.Unmarshal(raw, &doc); err != nil {
		return err
	}
	if doc.Event == "" {
		var key bytes.Buffer
		if err := json.Compact(&key, raw); err != nil {
			return err
		}
		if first, twice := f.seen[key.String()]; twice {
			f.twice = f.opt.bad(line, "the same result stands at line %d: one run, written twice", first).
				fix("delete one")
			return nil
		}
		f.seen[key.String()] = line
		f.add(&doc.iperfResult, line)
		return nil
	}
	done, err := f.stream.follow(doc.Event, doc.Data)
	if err != nil {
		return f.opt.bad(line, "event %q of a JSON stream: %v", doc.Event, err)
	}
	if done {
		f.add(&f.stream, line)
		f.stream = iperfResult{}
	}
	return nil
}

// An iperfDocument is a result, or one event of --json-stream (iperf 3.17).
type iperfDocument struct {
	Event string          `json:"event"`
	Data  json.RawMessage `json:"data"`
	iperfResult
}

// An iperfResult is what iperf_json_finish writes (src/iperf_api.c, 3.16).
type iperfResult struct {
	Start struct {
		Accepted json.RawMessage `json:"accepted_connection"` // of a server alone
		Test     struct {
			Streams  int     `json:"num_streams"`
			Reverse  int     `json:"reverse"`
			Bidir    int     `json:"bidir"`
			Protocol string  `json:"protocol"`
			Offered  float64 `json:"target_bitrate"` // of each stream; 0: as much as it can
			Block    float64 `json:"blksize"`
		} `json:"test_start"`
	} `json:"start"`
	End   iperfEnd `json:"end"`
	Error string   `json:"error"`
}

// An iperfEnd has the sums of one direction, or with --bidir of both.
type iperfEnd struct {
	sums [2]iperfSums
}

type iperfSums struct{ all, sent, received *iperfSum }

// UnmarshalJSON reads the sums. Of --bidir the other direction has keys of its
// own, or, before they had (iperf 3.7), the same keys a second time.
func (e *iperfEnd) UnmarshalJSON(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return fmt.Errorf("end is no object")
	}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return err
		}
		key, _ := tok.(string)
		name, reverse := key, 0
		if cut, ok := bytes.CutSuffix([]byte(key), []byte("_bidir_reverse")); ok {
			name, reverse = string(cut), 1
		}
		of := func(s *iperfSums) **iperfSum {
			switch name {
			case "sum":
				return &s.all
			case "sum_sent":
				return &s.sent
			case "sum_received":
				return &s.received
			}
			return nil
		}
		to := of(&e.sums[reverse])
		if to == nil {
			continue
		}
		if *to != nil {
			to = of(&e.sums[1])
		}
		if err := json.Unmarshal(value, to); err != nil {
			return err
		}
	}
	return nil
}

type iperfSum struct {
	Seconds float64  `json:"seconds"`
	Bytes   float64  `json:"bytes"`
	BPS     float64  `json:"bits_per_second"`
	Packets *float64 `json:"packets"`
	Lost    *float64 `json:"lost_packets"`
}

// follow takes an event of a stream; done with its end.
func (r *iperfResult) follow(event string, data json.RawMessage) (done bool, err error) {
	switch event {
	case "start":
		*r = iperfResult{}
		return false, json.Unmarshal(data, &r.Start)
	case "end":
		return true, json.Unmarshal(data, &r.End)
	case "error":
		return true, json.Unmarshal(data, &r.Error)
	}
	return false, nil
}

// add adds the points of a result.
func (f *iperfFile) add(r *iperfResult, line int) {
	sums := r.End.sums
	if sums[0] == (iperfSums{}) {
		what := "a result of iperf3 without its end"
		if r.Error != "" {
			what = "iperf3 failed: " + r.Error
		}
		f.failures = append(f.failures, f.opt.bad(line, "%s", what).fix("repeat the run"))
		return
	}
	if r.Error != "" {
		f.im.warn("traffic", "iperf3 says %q (%s)", r.Error, f.opt.at(line))
	}
	directions := []string{"fwd", "rev"}
	if sums[1] == (iperfSums{}) {
		directions = []string{""}
		if r.Start.Test.Reverse != 0 {
			directions[0] = "rev"
		}
	}
	server := len(r.Start.Accepted) > 0
	for i, direction := range directions {
		p := Point{Line: line, Factor: "streams", N: max(r.Start.Test.Streams, 0), CPU: -1}
		p.Direction = direction
		sums[i].fill(&p, server, r.Error == "")
		if p.LostPackets != nil && *p.LostPackets < 0 {
			p.warn("iperf3 counts %d datagrams lost%s: out of order or twice they are taken off, and none "+
				"is counted as lost (%s)", *p.LostPackets, inDirection(direction), f.opt.at(line))
		}
		if server && i > 0 { // a sum of what came and what was sent is neither
			f.im.warn("traffic", "direction rev is left out: a server does not know what of its %s "+
				"came (%s)", p.Tx.Rate, f.opt.at(line))
			continue
		}
		p.settings = r.settings()
		f.im.Traffic.Points = append(f.im.Traffic.Points, p)
	}
}

// settings are what a script may vary beside the streams.
func (r *iperfResult) settings() []setting {
	t := r.Start.Test
	if t.Protocol == "" {
		return nil
	}
	direction, offered := "forward", setting{key: "target_bitrate", text: "as much as it can"}
	switch {
	case t.Bidir != 0:
		direction = "both directions"
	case t.Reverse != 0:
		direction = "reverse"
	}
	if t.Offered > 0 {
		offered = numbered(offered.key, t.Offered, "bit/s offered a stream", "offered bit/s")
	}
	out := []setting{{key: "protocol", text: t.Protocol}, {key: "direction", text: direction}, offered}
	if t.Protocol == "UDP" {
		out = append(out, numbered("blksize", t.Block, "bytes a datagram", "bytes a datagram"))
	}
	return out
}

// fill tells what was sent and what came. A server knows its own end alone, and has zeros for the other; at a
// client's, zeros for the receiver are a network that let nothing through, if the test went to its end.
func (s iperfSums) fill(p *Point, server, ended bool) {
	reverse, sent, received := p.Direction == "rev", s.sent, s.received
	if sent == nil && received == nil { // before 3.7 UDP results have this one only: what was sent, and lost
		sent = s.all
		if server {
			received = s.all
		}
	}
	none := func(s *iperfSum) bool { return s == nil || s.Bytes == 0 && s.BPS == 0 }
	if server && reverse || !server && !ended && none(received) {
		received = nil
	}
	if server && !reverse || none(sent) && !none(received) {
		sent = nil
	}
	if sent != nil {
		p.Tx, p.Seconds = sent.side(), sent.Seconds
	}
	counts := s.all
	if received != nil {
		if received != s.all || !none(received) {
			p.Rx.Rate, p.Rx.Bytes = received.side().Rate, received.side().Bytes
		}
		if received.Seconds > 0 {
			p.Seconds = received.Seconds
		}
		if reverse || counts == nil {
			counts = received
		}
	}
	switch {
	case server && !reverse, !none(received):
		p.lose(counts)
	case !server && ended && received == nil: // datagrams are of one size
		if p.lose(s.all); p.LossShare != nil {
			p.Rx.Rate = p.Tx.Rate
			p.Rx.Rate.Value *= 1 - *p.LossShare
		}
	case !server && ended && p.Tx.Packets != nil && *p.Tx.Packets > 0:
		n := float64(*p.Tx.Packets)
		p.lose(&iperfSum{Packets: &n, Lost: &n})
	}
}

// side reads bytes and rate; packets are counted for UDP only.
func (s *iperfSum) side() Side {
	side := Side{Rate: Rate{Value: s.BPS, Unit: bitPerSecond, Layer: inPayload}}
	if s.Bytes >= 0 && s.Bytes < 1<<63 {
		side.Bytes = new(uint64(s.Bytes))
	}
	if s.Packets != nil && *s.Packets >= 0 && *s.Packets < 1<<63 {
		side.Packets = new(uint64(*s.Packets))
		if s.Seconds > 0 {
			side.PPS = new(*s.Packets / s.Seconds)
		}
	}
	return side
}

// lose takes the receiver's count of lost datagrams. iperf3 repeats the
// packets sent as those received: what came is the difference.
func (p *Point) lose(s *iperfSum) {
	if s == nil || s.Lost == nil || s.Packets == nil || *s.Packets < 0 || *s.Packets >= 1<<63 {
		return
	}
	lost := max(*s.Lost, 0)
	if *s.Packets > 0 {
		p.LostPackets = new(int64(*s.Lost))
		p.LossShare = new(lost / *s.Packets)
	}
	if came := *s.Packets - lost; came >= 0 {
		p.Rx.Packets = new(uint64(came))
		if p.Seconds > 0 {
			p.Rx.PPS = new(came / p.Seconds)
		}
	}
}
