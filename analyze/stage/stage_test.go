package stage

import (
	"strings"
	"testing"

	"xfrmscope/analyze/profile"
)

func TestOf(t *testing.T) {
	table := Default()
	for _, tt := range []struct{ function, want string }{
		{"xfrm_state_find", "sa"},
		{"xfrm_state_look_at.isra.0", "sa"},
		{"xfrm_policy_lookup_bytype.constprop.0", "spd"},
		{"xfrm_pol_bin_key", "spd"},
		{"xfrm_bundle_create", "bundle"},
		{"xfrm4_dst_destroy", "bundle-free"},
		{"dst_release", "refcount"},
		{"xfrm_output_resume", "output"},
		{"esp_output_tail", "esp"},
		{"aes_gcm_enc_update_vaes_avx10_512", "crypto"},
		{"fq_codel_dequeue", "qdisc"},
		{"__dev_queue_xmit", "tx"},
		{"alloc_iova", "dma"},
		{"kmem_cache_alloc_noprof", "slab"},
		{"kfree", "slab"},
		{"kfree_skb_reason", "skb"},
		{"ip_forward", "ip"},
		{"xfrm_input", "input"},
		{"xfrm4_transport_finish", "input"},
		{"xfrm6_transport_input", "input"},
		{"xfrm4_transport_output", "output"},
		{"xfrm6_tunnel_encap_add", "output"},
		{"xfrmi_xmit", "output"},
		{"xfrmi_rcv_cb", "input"},
		{"pktgen_thread_worker", "generator"},
		{"default_idle_call", "idle"},
		{"handle_softirqs", "softirq"},
		{"_raw_spin_lock_bh", ""},
		{"native_queued_spin_lock_slowpath", ""},
		{"memcpy", ""},
		{"tcp_recvmsg", ""},
	} {
		got := ""
		if row := table.Of(tt.function); row != None {
			got = table.Rows[row].Key
		}
		if got != tt.want {
			t.Errorf("Of(%q) = %q, want %q", tt.function, got, tt.want)
		}
	}
}

func TestStrip(t *testing.T) {
	for in, want := range map[string]string{
		"xfrm4_tunnel_encap_add.constprop.0.isra.0": "xfrm4_tunnel_encap_add",
		"xfrm_lookup.cold":                          "xfrm_lookup",
		"esp_output_[k]":                            "esp_output",
		"__pfx_xfrm_input":                          "xfrm_input",
		"__pi_clear_page_erms":                      "clear_page_erms",
		"f.llvm.1234567":                            "f",
		"f.israel":                                  "f.israel",
		".isra.0":                                   ".isra.0",
		"":                                          "",
	} {
		if got := Strip(in); got != want {
			t.Errorf("Strip(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestLockKindOf(t *testing.T) {
	for in, want := range map[string]LockKind{
		"native_queued_spin_lock_slowpath":        Spin,
		"__pv_queued_spin_lock_slowpath":          Spin,
		"native_queued_spin_lock_slowpath.part.0": Spin,
		"_raw_spin_lock_bh":                       LockWord,
		"__raw_spin_lock_irqsave":                 LockWord,
		"_raw_read_lock":                          LockWord,
		"osq_lock":                                Spin,
		"rwsem_spin_on_owner":                     Spin,
		"osq_unlock":                              NoLock,
		"mutex_lock":                              NoLock,
		"_raw_spin_unlock_bh":                     NoLock,
		"_raw_spin_unlock_irqrestore":             NoLock,
		"xfrm_state_find":                         NoLock,
	} {
		if got := LockKindOf(in); got != want {
			t.Errorf("LockKindOf(%q) = %d, want %d", in, got, want)
		}
	}
}

func TestParseNamesTheLine(t *testing.T) {
	for _, text := range []string{"# c\nbad line\n", "# c\na\tb\t(\n"} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), "stages.txt:2") {
			t.Errorf("Parse(%q) = %v, want an error at stages.txt:2", text, err)
		}
	}
}

// A stack spins if only what waits, or is inlined, stands above its slow path.
func TestLockOfAStack(t *testing.T) {
	for _, tt := range []struct {
		stack, caller string // root first; "+" before a frame: inlined into the one before it
		lock          LockKind
	}{
		{"xfrm_input;_raw_spin_lock;native_queued_spin_lock_slowpath", "xfrm_input", Spin},
		{"xfrm_input;_raw_spin_lock;native_queued_spin_lock_slowpath;+trace_contention_begin", "xfrm_input",
			Spin},
		{"xfrm_input;_raw_spin_lock;native_queued_spin_lock_slowpath;+a;+b", "xfrm_input", Spin},
		{"xfrm_input;_raw_spin_lock;__pv_queued_spin_lock_slowpath;hv_qlock_wait", "xfrm_input", Spin},
		{"rtnl_lock;mutex_lock;__mutex_lock.constprop.0;osq_lock", "rtnl_lock", Spin},
		{"rtnl_lock;mutex_lock;__mutex_lock.constprop.0;mutex_spin_on_owner;+vcpu_is_preempted;" +
			"__kvm_vcpu_is_preempted", "rtnl_lock", Spin},
		{"exc_page_fault;down_write;rwsem_down_write_slowpath;rwsem_optimistic_spin;rwsem_spin_on_owner",
			"exc_page_fault", Spin},
		{"rtnl_lock;mutex_lock;__mutex_lock.constprop.0;osq_lock;asm_common_interrupt", "", NoLock},
		{"rtnl_lock;mutex_lock;__mutex_lock.constprop.0", "", NoLock}, // asleep soon: not told from taking it
		{"rtnl_lock;mutex_lock;__mutex_lock;_raw_spin_lock;native_queued_spin_lock_slowpath", "__mutex_lock",
			Spin},
		{"xfrm_input;_raw_spin_lock;__pv_queued_spin_lock_slowpath;__pv_wait_node;kvm_wait", "xfrm_input",
			Spin},
		{"xfrm_input;_raw_spin_lock;native_queued_spin_lock_slowpath;clear_bhb_loop", "xfrm_input", Spin},
		{"xfrm_input;_raw_spin_lock;native_queued_spin_lock_slowpath;arch_atomic_read.constprop.0",
			"xfrm_input", Spin},
		{"xfrm_input;+spin_lock;_raw_spin_lock;+queued_spin_lock;native_queued_spin_lock_slowpath;+cpu_relax",
			"xfrm_input", Spin},
		{"xfrm_input;_raw_spin_lock;native_queued_spin_lock_slowpath;asm_sysvec_apic_timer_interrupt", "",
			NoLock},
		{"xfrm_input;_raw_spin_lock;native_queued_spin_lock_slowpath;asm_common_interrupt;+a", "", NoLock},
		{"xfrm_input;_raw_spin_lock_bh;+queued_spin_lock", "xfrm_input", LockWord},
		{"xfrm_input;_raw_spin_lock_bh;+arch_atomic_try_cmpxchg", "xfrm_input", LockWord},
		{"xfrm_input;+spin_lock_bh", "xfrm_input", LockWord},
		{"xfrm_input;arch_atomic_inc", "", NoLock},
		{"xfrm_input;_raw_spin_unlock_bh", "", NoLock},
	} {
		p := &profile.Profile{Mappings: []profile.Mapping{{File: "[kernel.kallsyms]", Kernel: true}}}
		var s profile.Stack
		for name := range strings.SplitSeq(tt.stack, ";") {
			plain, inlined := strings.CutPrefix(name, "+")
			p.Locations = append(p.Locations,
				profile.Location{Function: len(p.Functions), Inlined: inlined})
			s = append(profile.Stack{int32(len(p.Functions))}, s...)
			p.Functions = append(p.Functions, profile.Function{Name: plain})
		}
		place, caller := NewClassifier(Default(), p).Of(s), ""
		if place.Caller >= 0 {
			caller = p.Functions[place.Caller].Name
		}
		if place.Lock != tt.lock || caller != tt.caller {
			t.Errorf("%s: lock %d of %q, want %d of %q", tt.stack, place.Lock, caller, tt.lock, tt.caller)
		}
	}
}
