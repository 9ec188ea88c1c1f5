package remote

import (
	"fmt"
	"regexp"
	"strings"
)

// A Host is a machine that measures.
type Host struct {
	Name   string // in results: "west"
	Target string // as ssh takes it: "root@west.example"
}

// A name becomes a directory and a label.
var hostName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// ParseHost reads NAME=ssh:TARGET.
func ParseHost(s string) (Host, error) {
	name, rest, ok := strings.Cut(s, "=")
	target, ssh := strings.CutPrefix(rest, "ssh:")
	switch {
	case !ok || !ssh:
		return Host{}, fmt.Errorf("host %q: write NAME=ssh:TARGET, for example west=ssh:root@west", s)
	case !hostName.MatchString(name):
		return Host{}, fmt.Errorf("host %q: the name may hold letters, digits, dots, dashes and underscores", s)
	case target == "" || strings.HasPrefix(target, "-") || strings.ContainsAny(target, " \t\r\n\x00"):
		return Host{}, fmt.Errorf("host %q: %q is no target of ssh", s, target)
	}
	return Host{name, target}, nil
}

// ParseHosts reads several, which must have different names.
func ParseHosts(list []string) ([]Host, error) {
	var hosts []Host
	for _, s := range list {
		h, err := ParseHost(s)
		if err != nil {
			return nil, err
		}
		for _, other := range hosts {
			if other.Name == h.Name {
				return nil, fmt.Errorf("host %q is there twice", h.Name)
			}
		}
		hosts = append(hosts, h)
	}
	return hosts, nil
}
