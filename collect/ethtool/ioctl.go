package ethtool

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Commands of SIOCETHTOOL (include/uapi/linux/ethtool.h, 6.12). Generic netlink
// has most of them too, but neither the statistics' nor the flow rules', and
// the RSS key from 6.3 only.
const (
	cmdDriver    = 0x03 // ETHTOOL_GDRVINFO
	cmdRing      = 0x10 // ETHTOOL_GRINGPARAM
	cmdStrings   = 0x1b // ETHTOOL_GSTRINGS
	cmdStats     = 0x1d // ETHTOOL_GSTATS
	cmdHash      = 0x29 // ETHTOOL_GRXFH
	cmdRuleCount = 0x2e // ETHTOOL_GRXCLSRLCNT
	cmdRule      = 0x2f // ETHTOOL_GRXCLSRULE
	cmdRules     = 0x30 // ETHTOOL_GRXCLSRLALL
	cmdSetInfo   = 0x37 // ETHTOOL_GSSET_INFO
	cmdFeatures  = 0x3a // ETHTOOL_GFEATURES
	cmdChannels  = 0x3c // ETHTOOL_GCHANNELS
	cmdRSS       = 0x46 // ETHTOOL_GRSSH
)

// Sets of strings.
const (
	setStats    = 1 // ETH_SS_STATS
	setFeatures = 4 // ETH_SS_FEATURES
)

// maxEntries bounds what a driver may say it has of anything: no driver has
// more than some thousands of statistics.
const maxEntries = 1 << 16

// A device is an interface, asked through a socket of the namespace it is in.
type device struct {
	name string
	fd   int
}

func openDevice(name string) (device, error) {
	if len(name) >= unix.IFNAMSIZ {
		return device{}, unix.ENODEV
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	return device{name, fd}, err
}

func (d device) close() { unix.Close(d.fd) }

// A request is the structure of a command, which begins with its number and is
// filled by the kernel.
type request []byte

func newRequest(command uint32, size int) request {
	r := make(request, size)
	r.put(0, command)
	return r
}

func (r request) u32(off int) uint32    { return binary.NativeEndian.Uint32(r[off:]) }
func (r request) u64(off int) uint64    { return binary.NativeEndian.Uint64(r[off:]) }
func (r request) put(off int, v uint32) { binary.NativeEndian.PutUint32(r[off:], v) }

// text reads a string that ends with a zero or fills its room.
func (r request) text(off, size int) string {
	s, _, _ := strings.Cut(string(r[off:off+size]), "\x00")
	return s
}

// do hands the request to the driver.
func (d device) do(r request) error {
	var ifreq struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte
	}
	copy(ifreq.name[:], d.name)
	ifreq.data = unsafe.Pointer(&r[0])
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(d.fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&ifreq)))
	runtime.KeepAlive(r)
	if errno != 0 {
		return errno
	}
	return nil
}

// strings reads one set of names, none if the device has no such set.
func (d device) strings(set uint32) ([]string, error) {
	const head, each = 12, 32 // cmd, set, len; ETH_GSTRING_LEN
	info := newRequest(cmdSetInfo, 16+4)
	info.put(8, 1<<set) // sset_mask, low half of a u64
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		info.put(8, 0)
		info.put(12, 1<<set)
	}
	if err := d.do(info); err != nil {
		return nil, err
	}
	n := info.u32(16)
	if n == 0 {
		return nil, unix.EOPNOTSUPP
	}
	if n > maxEntries {
		return nil, fmt.Errorf("the driver claims %d names", n)
	}
	r := newRequest(cmdStrings, head+each*int(n))
	r.put(4, set)
	r.put(8, n)
	if err := d.do(r); err != nil {
		return nil, err
	}
	names := make([]string, min(n, r.u32(8)))
	for i := range names {
		names[i] = r.text(head+each*i, each)
	}
	return names, nil
}
