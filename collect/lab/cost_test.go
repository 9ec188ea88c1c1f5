package lab

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"xfrmscope/collect/bundle"
)

// The analysis reckons with what the plugin lets an access wait.
func TestTransferCost(t *testing.T) {
	source, err := os.ReadFile("plugin/coherent.c")
	if err != nil {
		t.Fatal(err)
	}
	// L2, LLC, DRAM, HITM, UPGRADE
	want := fmt.Sprintf("cost[] = { 14, 50, 200, %d, 60 };", bundle.SimTransferCycles)
	if !strings.Contains(string(source), want) {
		t.Errorf("coherent.c has no %q", want)
	}
}
