package importer

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// readPktgen reads /proc/net/pktgen/<dev> of one or several devices, as cat or `grep . /proc/net/pktgen/*` print them:
// one point a device with a result (net/core/pktgen.c, pktgen_if_show and show_results, 6.12).
func readPktgen(r io.Reader, opt Options) (*Import, error) {
	k := pktgenReader{im: &Import{Traffic: &Traffic{Mode: modeOf(opt.Name)}}, opt: opt}
	l := newLines(r, opt.Name)
	for line := range l.all {
		if err := k.line(string(trimSpaces(withoutPath(line))), l.num); err != nil {
			return nil, err
		}
	}
	k.end()
	if len(k.im.Traffic.Points) == 0 && l.failure() == nil {
		return nil, opt.bad(0, "no result of pktgen: no line \"Result: OK: N(cN+dN) usec, N (Nbyte,Nfrags)\"").
			fix("read it when pktgen has stopped")
	}
	numberThreads(k.im.Traffic.Points)
	return k.im, l.failure()
}

// withoutPath takes off what grep prints in front of a line.
func withoutPath(line []byte) []byte {
	if !bytes.HasPrefix(line, []byte("/proc/net/pktgen/")) {
		return line
	}
	_, rest, _ := bytes.Cut(line, []byte(":"))
	return rest
}

type pktgenReader struct {
	im     *Import
	opt    Options
	device string
	point  *Point // whose rates come in the next line
}

func (k *pktgenReader) line(line string, num int) error {
	switch {
	case strings.HasPrefix(line, "Params: "):
		k.end()
		k.device = ""
	case strings.Contains(line, "ifname: "):
		_, name, _ := strings.Cut(line, "ifname: ")
		k.device, _, _ = strings.Cut(name, " ")
	case strings.HasPrefix(line, "Result: OK: ") && strings.Contains(line, " usec,"):
		return k.result(line, num)
	case strings.HasPrefix(line, "Result: "):
		k.im.warn("traffic", "%s has no result (%s): %s",
			k.deviceName(), k.opt.at(num), strings.TrimPrefix(line, "Result: "))
	case k.point != nil && strings.Contains(line, "pps "):
		return k.rates(line, num)
	}
	return nil
}

func (k *pktgenReader) deviceName() string {
	return cmp.Or(k.device, "a device")
}

// result reads "Result: OK: 15430(c15405+d25) usec, 100000 (60byte,0frags)".
func (k *pktgenReader) result(line string, num int) error {
	k.end()
	var usec, busy, idle, packets uint64
	var size, frags int
	_, err := fmt.Sscanf(line, "Result: OK: %d(c%d+d%d) usec, %d (%dbyte,%dfrags)",
		&usec, &busy, &idle, &packets, &size, &frags)
	if err != nil {
		return k.opt.bad(num, "%.80q is no result of pktgen: %v", line, err)
	}
	k.point = &Point{
		Line: num, Factor: "threads", Device: k.device, CPU: cpuOfDevice(k.device),
		Tx:         Side{Packets: &packets},
		FrameBytes: size, Seconds: float64(usec) / 1e6,
	}
	return nil
}

// cpuOfDevice takes the thread, which is the CPU, from "eth0@3".
func cpuOfDevice(device string) int {
	_, cpu, ok := strings.Cut(device, "@")
	n, err := strconv.Atoi(cpu)
	if !ok || err != nil || n < 0 || n > math.MaxInt32 {
		return -1
	}
	return n
}

// rates reads "6480562pps 3110Mb/sec (3110669760bps) errors: 0"; bits are those of frames without FCS, Mb are 10^6.
func (k *pktgenReader) rates(line string, num int) error {
	var pps, mbps, bps, failed uint64
	if _, err := fmt.Sscanf(line, "%dpps %dMb/sec (%dbps) errors: %d", &pps, &mbps, &bps, &failed); err != nil {
		return k.opt.bad(num, "%.80q is no rate of pktgen: %v", line, err)
	}
	k.point.Tx.PPS = new(float64(pps))
	k.point.Tx.Rate = Rate{Value: float64(bps), Unit: bitPerSecond, Layer: inFrame}
	if failed > 0 {
		k.point.warn("%d errors of sending on %s, packets the driver did not take (%s)",
			failed, k.deviceName(), k.opt.at(num))
	}
	k.end()
	return nil
}

// end keeps the point that was read.
func (k *pktgenReader) end() {
	if k.point != nil {
		k.im.Traffic.Points = append(k.im.Traffic.Points, *k.point)
		k.point = nil
	}
}

// numberThreads counts the devices of one run.
func numberThreads(points []Point) {
	for i := range points {
		points[i].N = len(points)
	}
}
