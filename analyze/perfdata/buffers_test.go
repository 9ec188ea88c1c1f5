package perfdata

import "testing"

// What is read with the memory of other recordings is the same, and stays so
// when that memory goes on to the next.
func TestReuse(t *testing.T) {
	var shared Buffers
	var alone, reused []*File
	for _, fixture := range fixtures(t) {
		a, r := openBytes(t, fixture.data), openBytes(t, fixture.data)
		r.Reuse(&shared)
		diffLines(t, fixture.name+": samples", dumpSamples(t, a), dumpSamples(t, r))
		alone, reused = append(alone, a), append(reused, r)
	}
	for i := range alone {
		diffLines(t, "side-band", dumpSide(t, alone[i]), dumpSide(t, reused[i]))
	}
}
