package ethtool

import (
	"errors"
	"fmt"

	"github.com/mdlayher/genetlink"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// pauseRequest asks for the pause settings of a device.
func pauseRequest(conn *genetlink.Conn, name string, flags uint32) (*netlink.AttributeDecoder, error) {
	family, err := conn.GetFamily(unix.ETHTOOL_GENL_NAME)
	if err != nil {
		return nil, fmt.Errorf("%w: this kernel has no ethtool netlink (5.6): %w", unix.EOPNOTSUPP, err)
	}
	enc := netlink.NewAttributeEncoder()
	enc.Nested(unix.ETHTOOL_A_PAUSE_HEADER, func(e *netlink.AttributeEncoder) error {
		e.String(unix.ETHTOOL_A_HEADER_DEV_NAME, name)
		e.Uint32(unix.ETHTOOL_A_HEADER_FLAGS, flags)
		return nil
	})
	data, err := enc.Encode()
	if err != nil {
		return nil, err
	}
	answers, err := conn.Execute(genetlink.Message{
		Header: genetlink.Header{Command: unix.ETHTOOL_MSG_PAUSE_GET, Version: unix.ETHTOOL_GENL_VERSION},
		Data:   data,
	}, family.ID, netlink.Request)
	if err != nil {
		return nil, err
	}
	if len(answers) != 1 {
		return nil, fmt.Errorf("%d answers, want 1", len(answers))
	}
	return netlink.NewAttributeDecoder(answers[0].Data)
}

// queryPause reads what `ethtool --include-statistics -a` shows.
func queryPause(name string) (Pause, error) {
	conn, err := genetlink.Dial(nil)
	if err != nil {
		return Pause{}, err
	}
	defer conn.Close()
	dec, err := pauseRequest(conn, name, unix.ETHTOOL_FLAG_STATS)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP) { // before 5.9 there are no counts to ask for
		dec, err = pauseRequest(conn, name, 0)
	}
	if err != nil {
		return Pause{}, err
	}
	return decodePause(dec)
}

func decodePause(dec *netlink.AttributeDecoder) (Pause, error) {
	var p Pause
	for dec.Next() {
		switch dec.Type() {
		case unix.ETHTOOL_A_PAUSE_AUTONEG:
			p.Auto = dec.Uint8() != 0
		case unix.ETHTOOL_A_PAUSE_RX:
			p.RX = dec.Uint8() != 0
		case unix.ETHTOOL_A_PAUSE_TX:
			p.TX = dec.Uint8() != 0
		case unix.ETHTOOL_A_PAUSE_STATS:
			dec.Nested(func(d *netlink.AttributeDecoder) error {
				for d.Next() {
					switch d.Type() {
					case unix.ETHTOOL_A_PAUSE_STAT_TX_FRAMES:
						p.TXFrames, p.Counted = d.Uint64(), true
					case unix.ETHTOOL_A_PAUSE_STAT_RX_FRAMES:
						p.RXFrames, p.Counted = d.Uint64(), true
					}
				}
				return nil
			})
		}
	}
	return p, dec.Err()
}
