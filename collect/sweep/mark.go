package sweep

import (
	"bytes"
	"os"
	"strconv"
)

// marked returns the processes, but for this one, that have the mark in their
// environment. A zombie's is empty.
func marked(mark string) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil || mark == "" {
		return nil
	}
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		env, err := os.ReadFile("/proc/" + e.Name() + "/environ")
		if err != nil {
			continue // gone, or another user's
		}
		for variable := range bytes.SplitSeq(env, []byte{0}) {
			if string(variable) == mark {
				pids = append(pids, pid)
				break
			}
		}
	}
	return pids
}
