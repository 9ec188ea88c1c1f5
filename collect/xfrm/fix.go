package xfrm

import (
	"errors"
	"io/fs"
)

// FixOf returns what to do about an error of reading SAs or counters, "" if nothing is known
// to help.
func FixOf(err error) string {
	switch {
	case errors.Is(err, ErrNotSupported):
		return "modprobe xfrm_user"
	case errors.Is(err, fs.ErrPermission):
		return "run as root, or with CAP_NET_ADMIN and, for another namespace, CAP_SYS_ADMIN"
	case errors.Is(err, fs.ErrNotExist):
		return "boot a kernel that has the file: CONFIG_XFRM_STATISTICS makes xfrm_stat"
	}
	return ""
}
