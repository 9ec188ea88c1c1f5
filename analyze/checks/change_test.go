package checks

import (
	"slices"
	"strings"
	"testing"
)

func TestChange(t *testing.T) {
	table := func(queues ...string) string { return strings.Join(slices.Repeat(queues, 128/len(queues)), " ") }
	for _, test := range []struct{ was, is, want string }{
		{"256 of 4096", "512 of 4096", "256 of 4096 -> 512 of 4096"},
		{"", "udp4 src-port 4500: queue 0", "not there -> udp4 src-port 4500: queue 0"},
		{table("0", "1", "2", "3"), table("0", "1"),
			"64 of 128 entries are others, from number 2 on: 2 3 0 1 2 3 0 1 2 3 0 1 ... -> 0 1 0 1 0 1 " +
				"0 1 0 1 0 1 ..."},
		{"0 1", table("0", "1"),
			"126 of 128 entries are others, from number 2 on:  ... -> 0 1 0 1 0 1 0 1 0 1 0 1 ..."},
	} {
		if got := Change(test.was, test.is); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}
