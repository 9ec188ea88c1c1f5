// Package ethtool reads how a network interface spreads packets over its
// queues, and what it counted, as ethtool(8) does: by ioctl, and the pause counts by
// generic netlink. It changes nothing.
//
// It works in the network namespace of the calling thread; see procfs.Root.InNetNS.
package ethtool

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// What Lacks calls the pause settings and the flow rules.
const (
	PartPause = "pause frames"
	PartRules = "flow rules"
)

// A NIC is what an interface says of itself. A part that it does not support
// is zero and named in Lacks.
type NIC struct {
	Driver   string
	Bus      string // "0000:00:03.0"; of a virtual interface ""
	Channels Channels
	Ring     Ring
	Pause    Pause
	Features map[string]Feature // names as the kernel has them: "rx-ntuple-filter"
	RSS      RSS
	// by flow type, the fields hashed as `ethtool -N DEV rx-flow-hash` takes them: "udp4": "sdfn"
	Hash  map[string]string
	Rules []Rule
	Stats []Stat // in the driver's order

	Lacks []string // parts, as PartPause
}

// A Feature is what `ethtool -k` shows a line of.
type Feature struct {
	On    bool
	Fixed bool // the driver lets nobody change it
}

// Channels are the queues in use.
type Channels struct{ RX, TX, Combined, MaxRX, MaxCombined uint32 }

// A Ring is the length of each queue, in packets.
type Ring struct{ RX, MaxRX, TX, MaxTX uint32 }

// Pause is whether the link's ends may stop each other, and how often they did.
type Pause struct {
	RX, TX, Auto       bool
	Counted            bool
	RXFrames, TXFrames uint64
}

// RSS is how received packets are spread.
type RSS struct {
	Table []uint32 // queue by the low bits of the hash
	Key   []byte   // of the Toeplitz hash
	XOR   bool     // both directions of a flow hash alike (RXH_XFRM_SYM_XOR, 6.8)
}

// A Stat is a counter of the driver. A name may be there more than once.
type Stat struct {
	Name  string
	Value uint64
}

// Read asks the interface for everything. A part that fails costs that part.
func Read(name string) (NIC, error) {
	var n NIC
	d, err := openDevice(name)
	if err != nil {
		return n, fmt.Errorf("%s: %w", name, err)
	}
	defer d.close()
	var errs []error
	for _, part := range []struct {
		what string
		read func(device) error
	}{
		{"driver", n.readDriver},
		{"channels", n.readChannels},
		{"ring sizes", n.readRing},
		{PartPause, n.readPause},
		{"features", n.readFeatures},
		{"RSS", n.readRSS},
		{"hashed fields", n.readHash},
		{PartRules, n.readRules},
		{"statistics", n.readStats},
	} {
		switch err := part.read(d); {
		// which some drivers say of what they do not know
		case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EINVAL):
			n.Lacks = append(n.Lacks, part.what)
		case errors.Is(err, unix.ENODEV):
			return n, fmt.Errorf("%s: there is no such interface in this namespace: %w", name, err)
		case err != nil:
			errs = append(errs, fmt.Errorf("%s: reading its %s: %w", name, part.what, err))
		}
	}
	return n, errors.Join(errs...)
}

// readDriver reads struct ethtool_drvinfo: driver [32] at 4, bus_info at 100.
func (n *NIC) readDriver(d device) error {
	r := newRequest(cmdDriver, 196)
	if err := d.do(r); err != nil {
		return err
	}
	n.Driver, n.Bus = r.text(4, 32), r.text(100, 32)
	return nil
}

// readChannels reads struct ethtool_channels: the largest rx, tx, other,
// combined, then those there are.
func (n *NIC) readChannels(d device) error {
	r := newRequest(cmdChannels, 36)
	if err := d.do(r); err != nil {
		return err
	}
	n.Channels = Channels{MaxRX: r.u32(4), MaxCombined: r.u32(16), RX: r.u32(20), TX: r.u32(24),
		Combined: r.u32(32)}
	return nil
}

// readRing reads struct ethtool_ringparam: the largest rx, mini, jumbo, tx,
// then those there are.
func (n *NIC) readRing(d device) error {
	r := newRequest(cmdRing, 36)
	if err := d.do(r); err != nil {
		return err
	}
	n.Ring = Ring{MaxRX: r.u32(4), MaxTX: r.u32(16), RX: r.u32(20), TX: r.u32(32)}
	return nil
}

// Sizes of struct ethtool_gfeatures: size, then blocks of 32 features: available,
// requested, active, never_changed.
const featuresHead, featuresBlock = 8, 16

func (n *NIC) readFeatures(d device) error {
	names, err := d.strings(setFeatures)
	if err != nil {
		return err
	}
	blocks := (len(names) + 31) / 32
	r := newRequest(cmdFeatures, featuresHead+featuresBlock*blocks)
	r.put(4, uint32(blocks))
	if err := d.do(r); err != nil {
		return err
	}
	n.Features = decodeFeatures(names, r)
	return nil
}

func decodeFeatures(names []string, r request) map[string]Feature {
	features := map[string]Feature{}
	for i, name := range names {
		if name == "" {
			continue
		}
		is := func(word int) bool { return r.u32(featuresHead+featuresBlock*(i/32)+4*word)&(1<<(i%32)) != 0 }
		features[name] = Feature{On: is(2), Fixed: !is(0) || is(3)}
	}
	return features
}

// readStats reads struct ethtool_stats: n_stats, then a u64 for each name.
func (n *NIC) readStats(d device) error {
	const head = 8
	names, err := d.strings(setStats)
	if err != nil {
		return err
	}
	r := newRequest(cmdStats, head+8*len(names))
	r.put(4, uint32(len(names)))
	if err := d.do(r); err != nil {
		return err
	}
	for i, name := range names[:min(len(names), int(r.u32(4)))] {
		if name != "" {
			n.Stats = append(n.Stats, Stat{name, r.u64(head + 8*i)})
		}
	}
	return nil
}

// readRSS reads struct ethtool_rxfh: context, indir_size, key_size, hfunc and
// input_xfrm of a byte each; after 24 bytes the table and the key. Sizes of 0 ask for the
// sizes.
func (n *NIC) readRSS(d device) error {
	const head, symXOR = 24, 1
	ask := newRequest(cmdRSS, head)
	if err := d.do(ask); err != nil {
		return err
	}
	table, key := int(ask.u32(8)), int(ask.u32(12))
	if table > maxEntries || key > maxEntries {
		return fmt.Errorf("the driver claims a table of %d and a key of %d bytes", table, key)
	}
	r := newRequest(cmdRSS, head+4*table+key)
	r.put(8, uint32(table))
	r.put(12, uint32(key))
	if err := d.do(r); err != nil {
		return err
	}
	for i := range table {
		n.RSS.Table = append(n.RSS.Table, r.u32(head+4*i))
	}
	n.RSS.Key = r[head+4*table:]
	n.RSS.XOR = r[17]&symXOR != 0
	return nil
}

func (n *NIC) readPause(d device) (err error) {
	n.Pause, err = queryPause(d.name)
	return err
}
