package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// readIPerf3 reads results of iperf3 --json or --json-stream, several behind
// one another too: one point a result and direction. Rates are of payload.
func readIPerf3(r io.Reader, opt Options) (*Import, error) {
	data, err := document(r, opt)
	if err != nil {
		return nil, err
	}
	im := &Import{Traffic: &Traffic{Mode: modeOf(opt.Name)}}
	dec := json.NewDecoder(bytes.NewReader(data))
	var stream iperfResult
	for {
		at := dec.InputOffset()
		var doc iperfDocument
		if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, jsonError(data, err, opt)
		}
		line := lineAt(data, at+int64(len(data[at:])-len(bytes.TrimLeft(data[at:], " \t\r\n"))))
		result := doc.iperfResult
		if doc.Event != "" {
			done, err := stream.follow(doc.Event, doc.Data)
			if err != nil {
				return nil, &SyntaxError{File: opt.Name, Line: line, What: fmt.Sprintf("event %q of a JSON stream: %v", doc.Event, err)}
			}
			if !done {
				continue
			}
			result, stream = stream, iperfResult{}
		}
		if err := im.addIPerf(&result, line, opt); err != nil {
			return nil, err
		}
	}
	if len(im.Traffic.Points) == 0 {
		return nil, &SyntaxError{File: opt.Name, What: "no result of iperf3", Fix: "the run may have been interrupted"}
	}
	return im, nil
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
		Test iperfTest `json:"test_start"`
	} `json:"start"`
	End   iperfEnd `json:"end"`
	Error string   `json:"error"`
}

type iperfTest struct {
	Streams int `json:"num_streams"`
	Reverse int `json:"reverse"`
}

type iperfEnd struct {
	Sum             *iperfSum `json:"sum"`
	Sent            *iperfSum `json:"sum_sent"`
	Received        *iperfSum `json:"sum_received"`
	SentReverse     *iperfSum `json:"sum_sent_bidir_reverse"`
	ReceivedReverse *iperfSum `json:"sum_received_bidir_reverse"`
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

// addIPerf adds the points of a result.
func (im *Import) addIPerf(r *iperfResult, line int, opt Options) error {
	sent, received := r.End.Sent, r.End.Received
	if sent == nil && r.End.Sum != nil {
		sent = r.End.Sum // before 3.7 UDP results have this one only, and it is the sender's
	}
	if sent == nil {
		what := "a result of iperf3 without its end"
		if r.Error != "" {
			what = "iperf3 failed: " + r.Error
		}
		return &SyntaxError{File: opt.Name, Line: line, What: what, Fix: "repeat the run"}
	}
	if r.Error != "" {
		im.Warnings = append(im.Warnings, trafficWarning("%s:%d: iperf3 says: %s", opt.Name, line, r.Error))
	}
	direction := ""
	if r.Start.Test.Reverse != 0 {
		direction = "rev"
	}
	p := r.point(sent, received, line, direction)
	im.Traffic.Points = append(im.Traffic.Points, p)
	if r.End.SentReverse != nil {
		im.Traffic.Points[len(im.Traffic.Points)-1].Direction = "fwd"
		im.Traffic.Points = append(im.Traffic.Points, r.point(r.End.SentReverse, r.End.ReceivedReverse, line, "rev"))
	}
	return nil
}

func payloadRate(bps float64) Rate { return Rate{Value: bps, Unit: bitPerSecond, Layer: inPayload} }

func (r *iperfResult) point(sent, received *iperfSum, line int, direction string) Point {
	t := r.Start.Test
	p := Point{
		Line: line, Factor: "streams", N: max(t.Streams, 0), Direction: direction, CPU: -1,
		Tx: sent.side(), Seconds: sent.Seconds,
	}
	if received != nil {
		p.Rx = received.side()
	}
	lost := r.End.Sum
	if direction == "rev" || lost == nil {
		lost = received
	}
	p.lose(lost)
	return p
}

// side reads bytes and rate; packets are counted for UDP only.
func (s *iperfSum) side() Side {
	side := Side{Rate: payloadRate(s.BPS)}
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
	if s == nil || s.Lost == nil || s.Packets == nil || *s.Packets <= 0 {
		return
	}
	p.LostPackets = new(int64(*s.Lost))
	p.LossShare = new(*s.Lost / *s.Packets)
	if came := *s.Packets - *s.Lost; came >= 0 {
		p.Rx.Packets = new(uint64(came))
		if p.Seconds > 0 {
			p.Rx.PPS = new(came / p.Seconds)
		}
	}
}
