package pack

import "testing"

func TestInterfaceOf(t *testing.T) {
	for _, test := range []struct {
		topic, subject, want string
	}{
		{"pause", "west/eth7", "eth7"}, {"xps", "eth7 tx-0", "eth7"}, {"qdisc", "west/eth7", "eth7"},
		{"iommu", "kernel", ""}, {"rps", "kernel", ""}, {"topology", "cpu 4", ""}, {"nic", "", ""},
	} {
		if got, ok := interfaceOf(test.topic, test.subject); got != test.want || ok != (test.want != "") {
			t.Errorf("%s of %q: %q", test.topic, test.subject, got)
		}
	}
}
