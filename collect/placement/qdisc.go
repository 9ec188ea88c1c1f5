package placement

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"xfrmscope/collect/bundle"
)

// A qdisc is a queueing discipline as `tc -s qdisc` shows it.
type qdisc struct {
	dev        string
	kind       string
	parent     uint32
	drops      uint64
	requeues   uint64
	overlimits uint64
}

// rootParent is TC_H_ROOT.
const rootParent = 0xffffffff

// name tells the qdiscs of a device apart: "root", or the class it hangs on.
func (q qdisc) name() string {
	if q.parent == rootParent {
		return "root"
	}
	return fmt.Sprintf("parent %x:%x", q.parent>>16, q.parent&0xffff)
}

func (r *reader) qdisc(subject string, q qdisc) {
	r.add(bundle.TopicQdisc, subject, q.name(), q.kind)
	if q.kind == "noqueue" {
		return
	}
	r.count(bundle.TopicQdisc, subject, q.name()+" drops", q.drops)
	r.count(bundle.TopicQdisc, subject, q.name()+" requeues", q.requeues)
	r.count(bundle.TopicQdisc, subject, q.name()+" overlimits", q.overlimits)
}

// qdiscs dumps those of the calling thread's namespace (RTM_GETQDISC,
// net/sched/sch_api.c tc_dump_qdisc, 6.12).
func qdiscs() ([]qdisc, error) {
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, nil)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	messages, err := conn.Execute(netlink.Message{
		Header: netlink.Header{Type: unix.RTM_GETQDISC, Flags: netlink.Request | netlink.Dump},
		Data:   make([]byte, sizeofTCMsg),
	})
	if err != nil {
		return nil, err
	}
	var all []qdisc
	var errs []error
	for _, m := range messages {
		q, index, err := decodeQdisc(m.Data)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if dev, err := net.InterfaceByIndex(index); err == nil {
			q.dev = dev.Name
			all = append(all, q)
		}
	}
	return all, errors.Join(errs...)
}

// sizeofTCMsg is the size of struct tcmsg: family and padding, ifindex, handle,
// parent, info.
const sizeofTCMsg = 20

func decodeQdisc(body []byte) (q qdisc, index int, err error) {
	const statsQueue = 3 // TCA_STATS_QUEUE: struct gnet_stats_queue: qlen, backlog, drops, requeues, overlimits
	if len(body) < sizeofTCMsg {
		return q, 0, fmt.Errorf("a queueing discipline of %d bytes, want %d or more", len(body), sizeofTCMsg)
	}
	index = int(int32(binary.NativeEndian.Uint32(body[4:])))
	q.parent = binary.NativeEndian.Uint32(body[12:])
	dec, err := netlink.NewAttributeDecoder(body[sizeofTCMsg:])
	if err != nil {
		return q, index, err
	}
	for dec.Next() {
		switch dec.Type() {
		case unix.TCA_KIND:
			q.kind = dec.String()
		case unix.TCA_STATS2:
			dec.Nested(func(d *netlink.AttributeDecoder) error {
				for d.Next() {
					if d.Type() != statsQueue {
						continue
					}
					b := d.Bytes()
					if len(b) < 20 {
						return fmt.Errorf("queue statistics of %d bytes, want 20", len(b))
					}
					u32 := func(i int) uint64 { return uint64(binary.NativeEndian.Uint32(b[4*i:])) }
					q.drops, q.requeues, q.overlimits = u32(2), u32(3), u32(4)
				}
				return nil
			})
		}
	}
	return q, index, dec.Err()
}
