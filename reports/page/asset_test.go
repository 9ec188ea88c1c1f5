package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"xfrmscope/reports/format"
)

// TestEChartsIsWhatWeSay pins the embedded library: assets/echarts/README.md
// names its version, its hash and where it comes from.
func TestEChartsIsWhatWeSay(t *testing.T) {
	z, err := gzip.NewReader(bytes.NewReader(echartsGzip))
	if err != nil {
		t.Fatal(err)
	}
	script, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(script)
	if got := "sha256-" + base64.StdEncoding.EncodeToString(sum[:]); got != echartsHash {
		t.Errorf("the script's hash is %s, the policy allows %s", got, echartsHash)
	}
	readme, err := os.ReadFile("assets/echarts/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{fmt.Sprintf("%x", sum), echartsVersion,
		format.GroupDigits(fmt.Sprint(len(script))), format.GroupDigits(fmt.Sprint(len(echartsGzip)))} {
		if !strings.Contains(string(readme), want) {
			t.Errorf("assets/echarts/README.md does not say %s", want)
		}
	}
	if !strings.Contains(string(script), `version="`+echartsVersion+`"`) && !strings.Contains(string(script),
		`"`+echartsVersion+`"`) {
		t.Errorf("the script does not call itself %s", echartsVersion)
	}
}
