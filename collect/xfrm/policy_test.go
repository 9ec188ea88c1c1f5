package xfrm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"xfrmscope/collect/bundle"
)

// policyBody makes the body of an XFRM_MSG_NEWPOLICY: 10.0.0.0/24 to
// 10.1.0.0/16, outbound, by way of one ESP tunnel.
func policyBody(t *testing.T, flags byte) []byte {
	t.Helper()
	body := make([]byte, sizeofUserPolicy)
	copy(body[offSelDaddr:], []byte{10, 1, 0, 0})
	copy(body[offSelSaddr:], []byte{10, 0, 0, 0})
	binary.NativeEndian.PutUint16(body[offSelFamily:], unix.AF_INET)
	body[offSelDLen], body[offSelSLen] = 16, 24
	for off := 56; off < 56+4*8; off += 8 { // no limits on bytes and packets
		binary.NativeEndian.PutUint64(body[off:], ^uint64(0))
	}
	binary.NativeEndian.PutUint32(body[offPriority:], 5)
	body[offPolDir], body[offPolFlags] = 1, flags
	tmpl := make([]byte, sizeofUserTmpl)
	copy(tmpl[offTmplDaddr:], []byte{192, 0, 2, 3})
	copy(tmpl[offTmplSaddr:], []byte{192, 0, 2, 2})
	tmpl[offTmplProto], tmpl[offTmplMode] = unix.IPPROTO_ESP, 1
	binary.NativeEndian.PutUint16(tmpl[offTmplFamily:], unix.AF_INET)
	binary.NativeEndian.PutUint32(tmpl[offTmplReqID:], 7)
	for i := 52; i < sizeofUserTmpl; i++ { // any algorithm
		tmpl[i] = 0xff
	}
	enc := netlink.NewAttributeEncoder()
	enc.Bytes(attrTmpl, tmpl)
	attrs, err := enc.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return append(body, attrs...)
}

func wantPolicy(acquire bool) bundle.Policy {
	return bundle.Policy{
		Dir: "out", Priority: 5, Src: "10.0.0.0/24", Dst: "10.1.0.0/16", Action: "allow",
		Templates: []string{"esp tunnel 192.0.2.2 192.0.2.3 reqid 7"}, CPUAcquire: acquire,
	}
}

func TestDecodePolicy(t *testing.T) {
	for _, acquire := range []bool{false, true} {
		flags := byte(1) // XFRM_POLICY_LOCALOK
		if acquire {
			flags |= flagCPUAcquire
		}
		got, err := decodePolicy(policyBody(t, flags))
		if want := wantPolicy(acquire); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
		}
	}
	any := make([]byte, sizeofUserPolicy)
	any[offPolDir], any[offPolAction] = 4, 1
	want := bundle.Policy{Dir: "socket out", Src: "any", Dst: "any", Action: "block"}
	if got, err := decodePolicy(any); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
	cut := policyBody(t, 0)
	if _, err := decodePolicy(cut[:len(cut)-1]); err == nil {
		t.Error("a policy whose template is cut was taken")
	}
	if _, err := decodePolicy(cut[:100]); err == nil || !strings.Contains(err.Error(), "100 bytes") {
		t.Errorf("cut in the structure: %v", err)
	}
}

func FuzzDecodePolicy(f *testing.F) {
	f.Add(make([]byte, sizeofUserPolicy))
	f.Fuzz(func(t *testing.T, body []byte) {
		if p, err := decodePolicy(body); err == nil && p.Dir == "" {
			t.Error("a policy without a direction")
		}
	})
}

// TestKernelPolicies reads back a policy that `ip` made, and one with
// CPU_ACQUIRE, which only newer ones can make.
func TestKernelPolicies(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("a network namespace needs root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip(err)
	}
	body := policyBody(t, flagCPUAcquire)
	err := inNewNamespace(func() error {
		ip := exec.Command("ip", strings.Fields("xfrm policy add src 10.0.0.0/24 dst 10.2.0.0/16 dir out "+
			"priority 6 tmpl src 192.0.2.2 dst 192.0.2.3 proto esp reqid 7 mode tunnel")...)
		if out, err := ip.CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s%w", unix.EPERM, out, err)
		}
		conn, err := netlink.Dial(unix.NETLINK_XFRM, nil)
		if err != nil {
			return err
		}
		defer conn.Close()
		request := netlink.Message{Header: netlink.Header{Type: msgNewPolicy,
			Flags: netlink.Request | netlink.Acknowledge}, Data: body}
		if _, err := conn.Execute(request); err != nil {
			return err
		}
		policies, err := Policies("", "")
		if err != nil || len(policies) != 2 {
			return fmt.Errorf("%d policies, want 2: %+v, %w", len(policies), policies, err)
		}
		for i := range policies {
			policies[i].Index = 0
		}
		second := wantPolicy(false)
		second.Priority, second.Dst = 6, "10.2.0.0/16"
		for _, want := range []bundle.Policy{wantPolicy(true), second} {
			if !reflect.DeepEqual(policies[0], want) && !reflect.DeepEqual(policies[1], want) {
				return fmt.Errorf("got %+v\nwant %+v", policies, want)
			}
		}
		return nil
	})
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EPROTONOSUPPORT) || errors.Is(err, ErrNotSupported) {
		t.Skip("this kernel or container cannot: ", err)
	}
	if err != nil {
		t.Error(err)
	}
}
