package probe

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"xfrmscope/collect/bundle"
)

// The members of structures down to the innermost, without holes.
func TestDeepLayout(t *testing.T) {
	var all []bundle.StructLayout
	for _, name := range []string{"xfrm_state", "xfrm_policy"} {
		s, err := structOf(labKernel(t, "7.3"), name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, deepLayout(s))
	}
	for _, l := range all {
		at := uint32(0)
		for _, f := range l.Fields {
			if f.Offset != at || f.Size == 0 || f.Name == "" {
				t.Fatalf("%s: %+v, want it at %d", l.Struct, f, at)
			}
			at += f.Size
		}
		if at != l.Size {
			t.Errorf("%s: fields end at %d of %d", l.Struct, at, l.Size)
		}
	}
	for _, want := range []struct{ structure, field string }{{"xfrm_state", "id.daddr.a4"},
		{"xfrm_state", "lock"},
		{"xfrm_state", "refcnt"}, {"xfrm_policy", "curlft.use_time"}, {"xfrm_policy", "refcnt"}} {
		if f := fieldOf(all, want.structure, want.field); f.Size == 0 {
			t.Errorf("%v: not there", want)
		}
	}
}

// A namespace with two SAs and a policy, of the running kernel: they are found where the
// probe of lookups sees them.
func TestObjectsOfThisKernel(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	ns := fmt.Sprintf("objects%d", os.Getpid())
	ip := func(args string) error {
		out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("ip %s: %w: %s", args, err, out)
		}
		return nil
	}
	if err := ip("netns add " + ns); err != nil {
		t.Skip(err)
	}
	defer func() { _ = ip("netns del " + ns) }()
	const key = " mode tunnel aead rfc4106(gcm(aes)) 0x0102030405060708091011121314151617181920 128"
	for _, args := range []string{"link add red0 type veth peer name red1", "link set red0 up",
		"link set red1 up", "addr add 192.0.2.2/24 dev red0",
		"xfrm state add src 192.0.2.2 dst 192.0.2.3 proto esp spi 0x1001 reqid 1" + key,
		"xfrm state add src 192.0.2.2 dst 192.0.2.3 proto esp spi 0x1002 reqid 2" + key,
		"xfrm policy add dir out src 192.0.2.2/32 dst 192.0.2.9/32 tmpl src 192.0.2.2 dst 192.0.2.3 " +
			"proto esp reqid 1 mode tunnel"} {
		if err := ip("-n " + ns + " " + args); err != nil {
			t.Skip(err)
		}
	}
	find, passed := NewLoader().Lookup(1)
	if find == nil {
		t.Skip(WhyNot(passed))
	}
	defer func() { _ = find.Close() }()
	if err := find.Attach(); err != nil {
		t.Skip(err)
	}
	if err := find.Open(); err != nil {
		t.Fatal(err)
	}
	_ = ip("netns exec " + ns + " ping -c 1 -W 1 192.0.2.9") // nobody answers
	if err := find.Shut(); err != nil {
		t.Fatal(err)
	}
	lookups, err := find.Read()
	if err != nil || len(lookups.States) == 0 {
		t.Fatalf("no lookup was seen: %+v %v", lookups, err)
	}
	state := lookups.States[0]
	got, err := NewLoader().Objects([]uint64{state.Net})
	if err != nil {
		t.Fatal(err)
	}
	has := func(start uint64, kind string, id bundle.LineObject) bool {
		return slices.ContainsFunc(got.Objects, func(o bundle.KernelObject) bool {
			return o.Struct == kind && o.LineObject == id &&
				(start == 0 || o.Start == fmt.Sprintf("%#x", start))
		})
	}
	if !has(state.Address, "xfrm_state", bundle.LineObject{SPI: 0x1001}) ||
		!has(0, "xfrm_state", bundle.LineObject{SPI: 0x1002}) || !has(state.Net, "net", bundle.LineObject{}) ||
		!has(0, "net_device", bundle.LineObject{Device: "red0"}) {
		t.Errorf("%+v", got.Objects)
	}
	// The slab cache of an SA tells the same object, by any of its addresses.
	slabs, err := slabObjectsOf(t, state.Address+130, state.Address)
	switch {
	case err != nil:
		t.Logf("slab caches: %v", err)
	case len(slabs.Objects) != 1 || slabs.Objects[0].Start != fmt.Sprintf("%#x", state.Address) ||
		slabs.Objects[0].Struct != "" && slabs.Objects[0].Struct != "xfrm_state":
		t.Errorf("of the SA at %#x: %#v", state.Address, slabs.Objects)
	default:
		o := slabs.Objects[0]
		t.Logf("slab caches: the SA at %#x: %s, %d bytes at %s, %q", state.Address, o.Cache, o.Size, o.Start,
			o.Struct)
	}
	other := func(o bundle.KernelObject) bool { return o.Struct != "xfrm_policy" }
	policies := slices.DeleteFunc(got.Objects, other)
	if len(policies) != 1 || policies[0].Policy == 0 {
		t.Errorf("policies %+v", policies)
	}
}
