package bundle

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"
)

// decoderLines are lines in part as this package writes them, in part not.
var decoderLines = []string{
	`{"phase":"start","time_ns":1000000000,"source":"/proc/stat","cpu":0,"name":"user","unit":"ns",` +
		`"value":616436223}`,
	`{"phase":"end","time_ns":-1,"source":"","netns":"west","name":"a\"b","unit":"count",` +
		`"value":18446744073709551615}`,
	`{"value":18446744073709551616}`, `{"value":01}`, `{"value":1.5}`, `{"value":1e3}`, `{"value":-0}`,
	`{"cpu":9223372036854775808}`, `{"cpu":null,"cpu":3,"Value":4}`,
	`{"phase":"end","time_ns":6000000000,"netns":"west","src":"192.0.2.2","dst":"192.0.2.3","proto":"esp",` +
		`"spi":4096,"mode":"tunnel","dir":"out","reqid":1,"pcpu":3,"packets":7500000,"bytes":480000000,` +
		`"oseq":7500000,"drops":{"replay_window":1,"replay":2,"integrity":3}}`,
	`{"spi":4294967296}`, `{"flags":["esn"],"spi":1}`, `{"drops":{"replay":1,"x":"}"}}`, `{"drops":{"replay":1}`,
	`{"drops":{"x":{}}}`, `{"drops":{}}`,
	`{"phase":"start","topic":"stat","subject":"eth0","name":"rx","value":"7","counter":true}`, `{"counter":false}`,
	`{"counter":tru}`, `{"name":"ä"}`,
	` { "name" : "x" , "value" : 3 } `, `{}`, `{`, `{"name":"x",}`, `{"name":"x"}x`, `{"name":"x"`, `null`, `[]`,
	`{"name":"` + "\x01" + `"}`,
	`{"row":{"cpu":3,"lock":"0xffff888100000040","id":{"kind":"sa","name":"lock","spi":4097,"pcpu":3},"flags":0,` +
		`"count":7,"wait_ns":5600,"max_ns":90000,"hist":[0,0,7]}}`,
	`{"row":{"hist":[]}}`, `{"row":{"hist":[1,]}}`, `{"row":{"hist":[01]}}`,
	`{"row":{"hist":[1 , 2]},"account":{}}`,
	`{"row":{"cpu":1},"row":{"count":2}}`, `{"row":{"id":{"kind":"a}","cpu":1}}}`, `{"row":{"id":{"kind":1}}}`,
	`{"row":null}`, `{"acquire":{"id":{"cpu":1},"id":{"pcpu":2}}}`, `{"row":{"hist":[1],"hist":[2,3]}}`,
	`{"row":{"hist":[1}]}}`, `{"row":{"hist":[[1]]}}`,
}

// FuzzDecoder: a line decodes as encoding/json decodes it, or is left to it.
func FuzzDecoder(f *testing.F) {
	for _, line := range decoderLines {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		sameAsJSON[Counter](t, line)
		sameAsJSON[SA](t, line)
		sameAsJSON[Fact](t, line)
		sameAsJSON[LockLine](t, line)
	})
}

func sameAsJSON[T any](t *testing.T, line string) {
	t.Helper()
	var d decoder
	var got, want, zero T
	if !d.decodePlain([]byte(line), &got) {
		if !reflect.DeepEqual(got, zero) {
			t.Errorf("%s: refused, but %+v is set", line, got)
		}
		return
	}
	if err := json.Unmarshal([]byte(line), &want); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v, %v", line, got, want, err)
	}
}

// Rows as they are written take the short way, with every field set.
func TestDecoderTakesOwnRows(t *testing.T) {
	cpu, pcpu := 7, uint32(math.MaxUint32)
	takes(t, Counter{"end", math.MaxInt64, "/proc/net/xfrm_stat", "west", &cpu, "XfrmInError", "count",
		math.MaxUint64})
	takes(t, Fact{"start", "irq", "eth0 rx-3", "affinity", "4", true})
	takes(t, SA{
		Phase: "start", TimeNS: 1, NetNS: "west", Src: "2001:db8::1", Dst: "2001:db8::2", Proto: "esp",
		SPI: math.MaxUint32, Mode: "tunnel", Dir: "out", ReqID: 2, PCPU: &pcpu,
		Packets: 3, Bytes: 4, OSeq: 5, Seq: 6, Replay: 7, Drops: SADrop{8, 9, 10}, AddTimeS: 11, UseTimeS: 12,
		LastUsedS: 13, Larval: true,
		Flags: []string{"esn", "oseq-may-wrap"}, Encap: "udp 4500 4500", Offload: "packet eth0", IfID: 14,
		Mark: 15,
	})
}

// Lines of locks.jsonl have one field set each.
func TestDecoderTakesLockLines(t *testing.T) {
	n, hist := 3, []uint64{0, math.MaxUint64, 1}
	sa := LockID{LockOfSA, "lock", 0x1001, &n, true, "west", &n}
	for _, line := range []LockLine{
		{Row: &LockRow{1, "0xffff888100000040", sa, "x", 2, 3, 4, 5, hist}},
		{Account: &LockAccount{1, 2, 3, 4, 5, 6, 7, 8}},
		{Acquire: &AcquireRow{"acquire", 1, "0xffff888100000040", sa, "x", 2, 3, 4, hist, 5, 6}},
		{AcquireAccount: &AcquireAccount{"time", 1, 2, 3, 4, 5, 6}},
	} {
		text, err := json.Marshal(line)
		if err != nil {
			t.Fatal(err)
		}
		var d decoder
		var got LockLine
		if !d.decodePlain(text, &got) || !reflect.DeepEqual(got, line) {
			t.Errorf("%s:\n got %+v", text, got)
		}
	}
}

func takes[T any](t *testing.T, row T) {
	t.Helper()
	for i := range reflect.TypeFor[T]().NumField() {
		if reflect.ValueOf(row).Field(i).IsZero() {
			t.Errorf("%T: field %s is not tested", row, reflect.TypeFor[T]().Field(i).Name)
		}
	}
	line, err := json.Marshal(row)
	if err != nil {
		t.Fatal(err)
	}
	var d decoder
	var got T
	if !d.decodePlain(line, &got) || !reflect.DeepEqual(got, row) {
		t.Errorf("%s:\n got %+v", line, got)
	}
}
