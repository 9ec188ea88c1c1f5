package xfrm

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/mdlayher/netlink"
	"github.com/mdlayher/netlink/nltest"
	"golang.org/x/sys/unix"

	"xfrmscope/collect/bundle"
)

// key is what no result may contain, in whatever form.
const key = "ABCDEFGHIJKLMNOPQRST"

// message makes the body of an XFRM_MSG_NEWSA as net/xfrm/xfrm_user.c
// copy_to_user_state_extra does (6.12), keys included.
func message(t *testing.T, attrs func(*netlink.AttributeEncoder)) []byte {
	t.Helper()
	body := make([]byte, sizeofUserSA)
	copy(body[offDaddr:], []byte{192, 0, 2, 3})
	copy(body[offSaddr:], []byte{192, 0, 2, 2})
	binary.BigEndian.PutUint32(body[offSPI:], 0x1001)
	body[offProto] = unix.IPPROTO_ESP
	binary.NativeEndian.PutUint64(body[offBytes:], 4600)
	binary.NativeEndian.PutUint64(body[offPackets:], 100)
	binary.NativeEndian.PutUint32(body[offReplayW:], 1)
	binary.NativeEndian.PutUint32(body[offReplay:], 2)
	binary.NativeEndian.PutUint32(body[offFailed:], 3)
	binary.NativeEndian.PutUint32(body[offReqID:], 9)
	binary.NativeEndian.PutUint16(body[offFamily:], unix.AF_INET)
	binary.NativeEndian.PutUint64(body[offAdded:], 1700000000)
	binary.NativeEndian.PutUint64(body[offUsed:], 1700000001)
	body[offMode], body[offWindow], body[offFlags] = 1, 32, 128
	enc := netlink.NewAttributeEncoder()
	for _, alg := range []uint16{1, 2, 3, 18, 20} { // XFRMA_ALG_*
		enc.Bytes(alg, append(make([]byte, 72), key...))
	}
	attrs(enc)
	encoded, err := enc.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return append(body, encoded...)
}

func words(values ...uint32) []byte {
	var b []byte
	for _, v := range values {
		b = binary.NativeEndian.AppendUint32(b, v)
	}
	return b
}

func TestDecodeSA(t *testing.T) {
	cpu := uint32(3)
	plain := bundle.SA{
		Src: "192.0.2.2", Dst: "192.0.2.3", Proto: "esp", SPI: 0x1001, Mode: "tunnel", ReqID: 9,
		Packets: 100, Bytes: 4600, Replay: 32, Drops: bundle.SADrop{ReplayWindow: 1, Replay: 2, Integrity: 3},
		AddTimeS: 1700000000, UseTimeS: 1700000001, Flags: []string{"esn"},
	}
	withOSeq, withESN, perCPU := plain, plain, plain
	withOSeq.OSeq, withOSeq.Seq = 77, 1
	withESN.OSeq, withESN.Seq, withESN.Replay = 5<<32|77, 6<<32|1, 4096
	perCPU.PCPU, perCPU.Dir = &cpu, "out"
	rest := plain
	rest.LastUsedS, rest.Encap, rest.Offload, rest.Mark, rest.IfID = 1700000009, "udp 4500 4501", "packet 7", 0x10,
		42
	rest.Flags = []string{"esn", "oseq-may-wrap", "0x4"}
	tests := []struct {
		name  string
		attrs func(*netlink.AttributeEncoder)
		want  bundle.SA
	}{
		{"fallback", func(*netlink.AttributeEncoder) {}, plain},
		{"replay state", func(e *netlink.AttributeEncoder) { e.Bytes(attrReplayVal, words(77, 1, 2)) },
			withOSeq},
		{"extended sequence number", func(e *netlink.AttributeEncoder) {
			e.Bytes(attrReplayESNVal, words(2, 77, 1, 5, 6, 4096, 0, 0))
		}, withESN},
		{"per-CPU, outbound", func(e *netlink.AttributeEncoder) {
			e.Uint32(attrSAPCPU, 3)
			e.Uint8(attrSADir, 2)
		}, perCPU},
		{"all the rest", func(e *netlink.AttributeEncoder) {
			e.Uint64(attrLastUsed, 1700000009)
			e.Bytes(attrEncap, append(binary.NativeEndian.AppendUint16(nil, 2), 0x11, 0x94, 0x11, 0x95))
			e.Bytes(attrOffloadDev, append(words(7), 4, 0, 0, 0))
			e.Bytes(attrMark, words(0x10, 0xff))
			e.Uint32(attrIfID, 42)
			e.Uint32(attrExtraFlags, 6)
		}, rest},
		{"an attribute of tomorrow", func(e *netlink.AttributeEncoder) { e.Bytes(999, []byte("?")) }, plain},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := decodeSA(message(t, test.attrs))
			if err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("got  %+v, %v\nwant %+v", got, err, test.want)
			}
		})
	}
}

func TestDecodeSADamaged(t *testing.T) {
	tests := []struct {
		name string
		body []byte
		want string
	}{
		{"empty", nil, "0 bytes"},
		{"cut in the structure", make([]byte, sizeofUserSA-1), "223 bytes"},
		{"cut in an attribute", append(make([]byte, sizeofUserSA), 200, 0, 1), "reading its attributes"},
		{"short replay state", message(t,
			func(e *netlink.AttributeEncoder) { e.Bytes(attrReplayVal, words(77)) }), "4 bytes, want 12"},
		{"pcpu of one byte", message(t, func(e *netlink.AttributeEncoder) { e.Uint8(attrSAPCPU, 3) }),
			"reading its attributes"},
	}
	for _, test := range tests {
		if _, err := decodeSA(test.body); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
}

// TestNoKey looks for the key in a whole dump's result, printed in every way
// it could reach a file, and in the buffer the kernel's answer was read into.
func TestNoKey(t *testing.T) {
	body := message(t, func(e *netlink.AttributeEncoder) { e.Uint32(attrSAPCPU, 1) })
	var answer []netlink.Message
	conn := nltest.Dial(func(request []netlink.Message) ([]netlink.Message, error) {
		header := netlink.Header{Type: msgNewSA, Sequence: request[0].Header.Sequence,
			PID: request[0].Header.PID}
		answer = []netlink.Message{{Header: header, Data: bytes.Clone(body)}}
		return answer, nil
	})
	defer conn.Close()
	sas, err := exchange(conn, msgGetSA, msgNewSA, decodeSA)
	if err != nil || len(sas) != 1 {
		t.Fatalf("got %v, %v", sas, err)
	}
	asJSON, err := json.Marshal(sas)
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{string(asJSON), fmt.Sprintf("%v %+v %#v %x", sas, sas, sas, asJSON)}
	for _, form := range []string{key, fmt.Sprintf("%x", key), fmt.Sprint([]byte(key)), key[:4],
		fmt.Sprintf("%x", key[:4])} {
		for _, text := range texts {
			if strings.Contains(text, form) {
				t.Errorf("%q is in %s", form, text)
			}
		}
	}
	if len(answer) == 1 && bytes.Contains(answer[0].Data, []byte(key[:4])) {
		t.Error("the receive buffer still holds the key")
	}
}

func FuzzDecodeSA(f *testing.F) {
	f.Add(make([]byte, sizeofUserSA))
	f.Add(append(make([]byte, sizeofUserSA), 8, 0, attrSAPCPU, 0, 1, 0, 0, 0))
	f.Fuzz(func(t *testing.T, body []byte) {
		if sa, err := decodeSA(body); err == nil && sa.Proto == "" {
			t.Error("an SA without a protocol")
		}
	})
}

// TestKernel lets the running kernel allocate larval SAs, which need no
// algorithm, in a namespace of their own and reads them back.
func TestKernel(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("a network namespace needs root")
	}
	err := inNewNamespace(func() error {
		for spi := uint32(0x2000); spi < 0x2003; spi++ {
			if err := allocate(spi); err != nil {
				return err
			}
		}
		sas, err := SAs("", "")
		if err != nil {
			return err
		}
		t.Logf("%+v", sas)
		return checkAllocated(sas)
	})
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EPROTONOSUPPORT) || errors.Is(err, ErrNotSupported) {
		t.Skip("this kernel or container cannot: ", err)
	}
	if err != nil {
		t.Error(err)
	}
}

func checkAllocated(sas []bundle.SA) error {
	if len(sas) != 3 {
		return fmt.Errorf("%d SAs, want 3: %+v", len(sas), sas)
	}
	for _, sa := range sas {
		if !sa.Larval || sa.AddTimeS == 0 {
			return fmt.Errorf("an SA without keys is larval, and has a birthday: %+v", sa)
		}
		if sa.Src != "192.0.2.2" || sa.Dst != "192.0.2.3" || sa.Proto != "esp" || sa.ReqID != 7 ||
			sa.Mode != "tunnel" {
			return fmt.Errorf("read back as %+v", sa)
		}
		// Kernels before 6.13 know no pcpu and pass over the attribute.
		if want := sa.SPI - 0x2000; sa.PCPU != nil && *sa.PCPU != want%uint32(runtime.NumCPU()) {
			return fmt.Errorf("SPI %#x has pcpu %d, want %d", sa.SPI, *sa.PCPU, want)
		}
	}
	return nil
}

// inNewNamespace runs fn on a thread with a fresh network namespace; both end
// with it.
func inNewNamespace(fn func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			done <- err
			return
		}
		done <- fn()
	}()
	return <-done
}

// allocate sends XFRM_MSG_ALLOCSPI: struct xfrm_userspi_info is an SA, then
// the smallest and the largest SPI.
func allocate(spi uint32) error {
	conn, err := netlink.Dial(unix.NETLINK_XFRM, nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	body := make([]byte, sizeofUserSA, sizeofUserSA+8)
	copy(body[offDaddr:], []byte{192, 0, 2, 3})
	copy(body[offSaddr:], []byte{192, 0, 2, 2})
	body[offProto], body[offMode] = unix.IPPROTO_ESP, 1
	binary.NativeEndian.PutUint32(body[offReqID:], 7)
	binary.NativeEndian.PutUint16(body[offFamily:], unix.AF_INET)
	body = append(body, words(spi, spi)...)
	enc := netlink.NewAttributeEncoder()
	enc.Uint32(attrSAPCPU, (spi-0x2000)%uint32(runtime.NumCPU()))
	attrs, err := enc.Encode()
	if err != nil {
		return err
	}
	const msgAllocSPI = 0x16
	_, err = conn.Execute(netlink.Message{
		Header: netlink.Header{Type: msgAllocSPI, Flags: netlink.Request},
		Data:   append(body, attrs...),
	})
	return err
}

// TestRecordedDump decodes what kernel 7.3.4 answered in a namespace with a
// fallback SA and one for each of four CPUs; its key is the text of key.
func TestRecordedDump(t *testing.T) {
	raw, err := os.ReadFile("testdata/dump.netlink")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Count(raw, []byte(key)) != 5 {
		t.Fatal("the recorded dump does not hold the key five times: the test proves nothing")
	}
	var sas []bundle.SA
	for len(raw) >= unix.NLMSG_HDRLEN {
		size := binary.NativeEndian.Uint32(raw)
		if typ := binary.NativeEndian.Uint16(raw[4:]); typ == msgNewSA {
			sa, err := decodeSA(raw[unix.NLMSG_HDRLEN:size])
			if err != nil {
				t.Fatal(err)
			}
			sas = append(sas, sa)
		}
		raw = raw[size:]
	}
	slices.SortFunc(sas, compare)
	if len(sas) != 5 || sas[0].PCPU != nil || sas[0].SPI != 0x1000 {
		t.Fatalf("the fallback is not first: %+v", sas)
	}
	for i, sa := range sas {
		want := bundle.SA{
			Src: "192.0.2.2", Dst: "192.0.2.3", Proto: "esp", SPI: uint32(0x1000 + i), Mode: "tunnel",
			Dir: "out", ReqID: 1, PCPU: sa.PCPU,
			AddTimeS: sa.AddTimeS,
		}
		if !reflect.DeepEqual(sa, want) || i > 0 && int(*sa.PCPU) != i-1 {
			t.Errorf("got  %+v\nwant %+v", sa, want)
		}
	}
	if text := fmt.Sprintf("%+v %x", sas, fmt.Sprint(sas)); strings.Contains(text, key[:4]) ||
		strings.Contains(text, fmt.Sprintf("%x", key[:4])) {
		t.Errorf("the key is in %s", text)
	}
}
