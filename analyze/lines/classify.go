package lines

import (
	"strings"

	"xfrmscope/analyze/perfdata"
)

// A place is the cache that a line came from.
type place uint8

const (
	nowhere   place = iota // no transfer: the core's own caches, memory, or not known
	near                   // another core of the node, under the same last-level cache where that is told
	otherCCX               // another CCX of the same node (AMD)
	otherNode              // another node, or another socket
	places
)

func (p place) String() string {
	switch p {
	case near:
		return "same node"
	case otherCCX:
		return "other CCX"
	case otherNode:
		return "other node"
	}
	return ""
}

// A proof is what made an access a transfer: CPUs tell it in three ways that count
// different things.
type proof uint8

const (
	modified proof = iota // HITM: another core held the line modified
	peer                  // SNOOPX FWD or PEER: another core's, clean or dirty not told
	remote                // a cache that is not the node's own
	proofs
)

func (p proof) String() string {
	return [...]string{"a line that another core held modified (HITM)",
		"a line of another core, clean or modified not told (FWD, PEER)",
		"a line of a cache elsewhere (REMOTE)"}[p]
}

// A transfer is an access that another core's cache answered.
type transfer struct {
	from place // nowhere: none
	by   proof
}

// A cpuKind is what differs between the CPUs that take samples.
type cpuKind struct {
	amd bool
	// noHITM: IBS of this CPU does not say whether a line was modified (Zen 3: family 19h, models
	// 00h-0Fh and 20h-5Fh; arch/x86/events/amd/ibs.c perf_ibs_cache_hit_st_valid, 7.3)
	noHITM bool
}

// cpuOf reads perf's CPUID of a recording: "AuthenticAMD,25,1,1".
func cpuOf(id string) cpuKind {
	f := strings.Split(id, ",")
	if len(f) < 3 || f[0] != "AuthenticAMD" {
		return cpuKind{}
	}
	c := cpuKind{amd: true}
	model := number(f[2])
	c.noHITM = f[1] == "25" && (model <= 0x0f || model >= 0x20 && model <= 0x5f)
	return c
}

// number reads a small decimal number, a large one if it is none.
func number(s string) int {
	n := 0
	for _, c := range s {
		if c < '0' || c > '9' || n > 1<<16 {
			return 1 << 20
		}
		n = 10*n + int(c-'0')
	}
	return n
}

// classify reads a data source as the CPU's vendor means it. A line is a transfer if it
// was modified elsewhere, if a peer forwarded it, or if the cache that answered is
// remote; each sample counts once, whatever bits of a coarse encoding are set together.
func classify(d perfdata.DataSrc, c cpuKind) transfer {
	const ram, none = 13, 15 // PERF_MEM_LVLNUM_RAM and _NA
	var a transfer
	level := d.Level()
	cache := level >= 1 && level <= 4 || level == 11 // ANY_CACHE
	switch {
	case d.Store() && !d.Load() && c.amd: // no source; what is set means nothing
		return a
	case d.HitModified():
		a.by = modified
	case d.Peer():
		a.by = peer
	case d.Remote() && (cache || d.OtherCache()) && level != ram:
		a.by = remote
	default:
		return a
	}
	switch {
	case d.Hops() >= 2, d.Hops() == 0 && !c.amd && (d.Remote() || d.OtherCache() && level == none):
		a.from = otherNode
	case d.Remote() && c.amd: // HOPS_0: another CCX of the node, which perf calls remote
		a.from = otherCCX
	default: // HOPS_0 of others, as of POWER10, is another core of the node
		a.from = near
	}
	return a
}
