package finding

import (
	"fmt"
	"slices"
	"strings"

	"xfrmscope/analyze/result"
	"xfrmscope/reports/format"
)

// noIPsec: was there IPsec at all? Where no function of it is among those that
// were seen, what else is said is about the kernel at large. Runs that are meant
// to be without are not asked.
func noIPsec(r *result.Result) []result.Finding {
	var without []string
	f := result.Finding{
		ID: result.NoIPsec,
		NotProven: "That there was none: few samples may miss it, as may a filter of the recording; " +
			"other findings are about the kernel at large.",
		Next: "record while traffic runs, on the CPUs that carry it; ip -s xfrm state says whether SAs count " +
			"packets",
	}
	what := "XFRM, ESP or the network"
	for _, run := range r.Runs {
		if !withoutIPsec(run) || result.IsPlain(run.Mode) {
			continue
		}
		functions, network := kernelFunctions(run)
		if network {
			what = "XFRM or ESP"
		}
		without = append(without, run.Name)
		f.Evidence = append(f.Evidence, fmt.Sprintf("%s: %s seen, as %s",
			run.Name, format.Counted(len(functions), "kernel function"), listed(functions)))
	}
	if len(without) == 0 {
		return nil
	}
	claim := "no IPsec traffic was seen in this recording: no function of " + what + " is among its symbols"
	if len(without) == len(r.Runs) {
		f.Claim = claim
	} else {
		f.Say(listed(without), "%s", claim)
	}
	f.Evidence = cut(f.Evidence)
	return []result.Finding{f}
}

// withoutIPsec reports whether a run whose kernel functions have names shows
// none of IPsec, and counted none of its packets either.
func withoutIPsec(run *result.Run) bool {
	if run.Lookups != nil || slices.ContainsFunc(run.SAs, func(s result.SA) bool { return s.DeltaPackets > 0 }) {
		return false
	}
	functions, _ := kernelFunctions(run)
	return len(functions) > 0 && !slices.ContainsFunc(functions, ofIPsec) &&
		!slices.ContainsFunc(run.Locks.Rows, func(l result.Lock) bool { return l.SPI != 0 || ofIPsec(l.Name) })
}

// kernelFunctions are the names seen, the heaviest of each event first, and
// whether some are of the network.
func kernelFunctions(run *result.Run) (names []string, network bool) {
	seen := map[string]bool{}
	add := func(name string) {
		if name != "" && !strings.HasPrefix(name, "[") && !seen[name] { // "[user]", "[unknown]" name none
			seen[name] = true
			names = append(names, name)
			network = network || ofNetwork(name)
		}
	}
	for _, e := range run.Events {
		for _, list := range [][]result.Share{e.All.Functions, e.All.SpinCallers, e.All.LockWordCallers} {
			for _, s := range list {
				if s.Module == "" || strings.HasPrefix(s.Module, "[") {
					add(s.Name)
				}
			}
		}
		if e.Profile == nil {
			continue
		}
		for _, fn := range e.Profile.Functions {
			if fn.Mapping < 0 || e.Profile.Mappings[fn.Mapping].Kernel {
				add(fn.Name)
			}
		}
	}
	return names, network
}

// ofIPsec reports whether a function is of XFRM, ESP, AH or IPTFS, by its name.
func ofIPsec(name string) bool {
	name = strings.TrimLeft(name, "_")
	for _, begin := range strings.Fields(
		"esp_ esp4_ esp6_ ah_ ah4_ ah6_ ipcomp iptfs seqiv_ echainiv_ rfc4106 x->") {
		if strings.HasPrefix(name, begin) {
			return true
		}
	}
	return strings.Contains(name, "xfrm")
}

// ofNetwork reports whether a function is of the network, by its name.
func ofNetwork(name string) bool {
	name = strings.TrimLeft(name, "_")
	for _, begin := range strings.Fields(
		"ip_ ip6_ ipv6_ tcp_ tcp4_ udp_ udp4_ udp6_ inet_ net_ netif_ napi_ dev_ " +
			"skb_ sock_ nf_ qdisc_ sch_ eth_ mlx5e_ ice_ i40e_ ixgbe_ virtnet_ veth_ br_ gro_ pktgen_ " +
			"raw_sendmsg") {
		if strings.HasPrefix(name, begin) {
			return true
		}
	}
	return false
}
