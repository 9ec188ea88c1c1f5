// Package placement reads what decides on which CPU a packet is processed:
// interrupts and their CPUs, receive-side scaling, flow rules, packet steering,
// isolation, clocks, topology, queueing disciplines. It changes nothing; what
// it reads are facts, to be compared between two moments.
//
//	Read(root, netns) -> []bundle.Fact, []bundle.Gap
package placement

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/ethtool"
	"xfrmscope/collect/procfs"
)

// NameLacks is what the parts that a driver does not support are called, of
// bundle.TopicNIC.
const NameLacks = "not supported by the driver"

// Values of facts that are either so or not.
const (
	On  = "on"
	Off = "off"

	OffFixed = Off + fixed // of a feature that cannot be switched on
	fixed    = " [fixed]"  // as ethtool says it
)

// Read returns the facts of the machine, then those of the interfaces of each
// namespace that are up, the loopback left out. What could not be read is a
// gap; the rest is kept. Phase is the caller's to set. Needs CAP_SYS_ADMIN for
// a namespace other than "", the own one.
func Read(root procfs.Root, namespaces []string) ([]bundle.Fact, []bundle.Gap) {
	r := &reader{root: root}
	if root == "" { // a recorded tree has no driver to ask
		r.nic, r.qdiscs = ethtool.Read, qdiscs
	}
	r.machine()
	for _, ns := range namespaces {
		err := root.InNetNSWithSys(ns, func() error {
			r.interfaces(ns)
			r.sysctls(ns)
			return nil
		})
		if err != nil {
			r.gap("placement of network namespace "+ns, err)
			continue
		}
		r.listeners(ns)
	}
	return r.facts, r.gaps
}

// A reader gathers facts.
type reader struct {
	root   procfs.Root
	nic    func(dev string) (ethtool.NIC, error) // nil: there is none to ask
	qdiscs func() ([]qdisc, error)

	irqs  []procfs.Interrupt
	facts []bundle.Fact
	gaps  []bundle.Gap
}

func (r *reader) add(topic, subject, name, value string) {
	r.facts = append(r.facts, bundle.Fact{Topic: topic, Subject: subject, Name: name, Value: value})
}

func (r *reader) count(topic, subject, name string, value uint64) {
	r.facts = append(r.facts,
		bundle.Fact{Topic: topic, Subject: subject, Name: name, Value: fmt.Sprint(value), Counter: true})
}

// addFile adds what a file says, if it is there.
func (r *reader) addFile(topic, subject, name, file string) {
	if value := r.root.ReadTrimmed(file); value != "" {
		r.add(topic, subject, name, value)
	}
}

func (r *reader) gap(what string, err error) {
	g := bundle.Gap{What: what, Why: err.Error()}
	if errors.Is(err, fs.ErrPermission) {
		g.Fix = "run as root"
	}
	if !slices.Contains(r.gaps, g) {
		r.gaps = append(r.gaps, g)
	}
}

func onOff(on bool) string {
	if on {
		return On
	}
	return Off
}
