package procfs

import (
	"encoding/binary"
	"slices"
	"testing"

	"xfrmscope/collect/bundle"
)

func FuzzParseSymbol(f *testing.F) {
	f.Add("ffffffffc0611040 t esp_output\t[esp4]")
	f.Add("0000000000000000 T _text")
	f.Add("0 T ")
	f.Fuzz(func(t *testing.T, line string) {
		s, err := parseSymbol(line)
		if err != nil || s.Name == "" {
			return
		}
		text := string(s.AppendTo(nil))
		again, err := parseSymbol(text[:len(text)-1])
		if err == nil && again != s {
			t.Errorf("%q is %+v, written %q, read %+v", line, s, text, again)
		}
	})
}

func FuzzGNUBuildID(f *testing.F) {
	f.Add([]byte("\x04\x00\x00\x00\x04\x00\x00\x00\x03\x00\x00\x00GNU\x00\x01\x02\x03\x04"))
	f.Fuzz(func(t *testing.T, notes []byte) {
		if id := bundle.BuildIDOfNotes(notes, binary.NativeEndian); len(id) > 2*len(notes) {
			t.Errorf("an id of %d digits out of %d bytes", len(id), len(notes))
		}
	})
}

// The counters' files are of the kernel, but a container may put others there.
func FuzzCounters(f *testing.F) {
	f.Add("cpu0 1 2 3 4 5 6 7 8 9 10\n", "0000000a 0 0 0 0 0 0 0 0 0 0 0 1\n", "XfrmInError 0\n",
		"CPU0\nNET_RX: 1\n", "Ip: A\nIp: 1\n")
	f.Fuzz(func(t *testing.T, stat, softnet, xfrm, softirqs, snmp string) {
		root := tree(t, map[string]string{
			"proc/stat": stat, "proc/net/softnet_stat": softnet, "proc/thread-self/net/xfrm_stat": xfrm,
			"proc/softirqs": softirqs, "proc/thread-self/net/snmp": snmp,
			"proc/thread-self/net/netstat": snmp, "proc/thread-self/net/snmp6": snmp,
			"sys/devices/system/cpu/online": "0-3\n",
		})
		times, _ := root.CPUTimes()
		rows, _ := root.Softnet()
		more, _ := root.XfrmStat()
		soft, _ := root.Softirqs()
		protocols, _ := root.Nstat()
		for _, c := range slices.Concat(times, rows, more, soft, protocols) {
			if c.Name == "" || c.Source == "" || c.Unit == "" {
				t.Errorf("counter %+v", c)
			}
		}
	})
}
