package pack

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/klauspost/compress/zstd"

	"xfrmscope/collect/bundle"
	"xfrmscope/samples"
)

// recorded returns the perf.data of a run.
func recorded(t testing.TB) []byte {
	t.Helper()
	fsys, err := samples.Open("pcpu")
	if err != nil {
		t.Fatal(err)
	}
	data, err := fs.ReadFile(fsys, "n1/perf.data")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// testSweep writes a sweep of two runs that share their symbols.
func testSweep(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "gw-berlin")
	table := bundle.Sweep{Name: "on gw-berlin", Planned: []string{"a-n1-r1", "a-n1-r2"}}
	pcpu := uint32(2)
	recording := recorded(t)
	for _, name := range table.Planned {
		w, err := bundle.Create(filepath.Join(dir, name), bundle.Manifest{
			Tool: "test", Source: "record",
			Host: bundle.Host{Name: "gw-berlin", CmdLine: "root=/dev/vda ip=192.0.2.77",
				BootID: "0b7e5a9c-58b7-4a3e-9f14-6d2f0c1e2d31"},
			Plan: bundle.Plan{CPUs: bundle.CPUSet{0}, Load: &bundle.Load{Argv: []string{"sh", "-c",
				"iperf3 -c 2001:DB8:1::1 -B 192.0.2.77%eth7"}}},
			Warnings: []bundle.Warning{{Weakens: "rates",
				Text: "gw-berlin dropped packets of SPI 0x1001 at eth7, not at gw-berlin2"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		err = errors.Join(
			bundle.WriteLines(w, "sas.jsonl",
				[]bundle.SA{{Phase: "end", Src: "192.0.2.77", Dst: "10.0.0.2", SPI: 0x1001, PCPU: &pcpu,
					Packets: 4097}, {Phase: "end", Src: "192.0.2.77", Dst: "2001:4b8::9",
					SPI: 0x1002}}),
			bundle.WriteLines(w, "placement.jsonl",
				[]bundle.Fact{{Phase: "start", Topic: "pause", Subject: "west/eth7", Name: "rx",
					Value: "on"}, {Phase: "start", Topic: "nic", Subject: "eth7", Name: "address",
					Value: "aa:bb:cc:dd:ee:ff"}}),
			w.WriteFile("log/load.log", []byte("connected to 10.0.0.2 port 5201 from gw-berlin "+
				"(aa:bb:cc:dd:ee:ff) at 12:30:45 by ::1\n")),
			w.WriteFile("import/blob", []byte("\x00gw-berlin")),
			w.WriteFile("perf.data", recording),
			w.WriteFile("symbols/kallsyms.gz", []byte("symbols")),
			w.Finish(""))
		if err != nil {
			t.Fatal(err)
		}
		other, err := bundle.Create(filepath.Join(dir, name, bundle.HostsDir, "east"), bundle.Manifest{
			Tool: "test", Source: "record", Host: bundle.Host{Name: "gw-madrid"},
			Clock: &bundle.Clock{Against: "gw-berlin"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(other.WriteFile("log/load.log",
			[]byte("on gw-madrid, called east, by gw-berlin\n")), other.Finish("")); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(dir, "symbols"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, name, "symbols/kallsyms.gz"),
			filepath.Join(dir, "symbols/kallsyms.gz")); err != nil {
			t.Fatal(err)
		}
		table.Dirs = append(table.Dirs, name)
	}
	for name, text := range map[string]string{"scenario.yaml": "load: {command: iperf3 -c 10.0.0.2}\n",
		"log/a.log": "up eth7\n", "aside/x.1/manifest.json": "{}", "sweep.json.part": "{"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := bundle.WriteSweep(dir, &table); err != nil {
		t.Fatal(err)
	}
	return dir
}

func packed(t *testing.T, dir string) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, dir); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "x"+Extension)
	if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestPack(t *testing.T) {
	dir := testSweep(t)
	name := packed(t, dir)
	fsys, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := bundle.OpenSweep(fsys, name)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.VerifyTable(); err != nil {
		t.Error(err)
	}
	for _, r := range s.Runs {
		if err := r.Verify(); err != nil {
			t.Error(err)
		}
	}
	if _, err := fs.Stat(fsys, "aside"); err == nil {
		t.Error("what was set aside is packed")
	}
	if err := fstest.TestFS(fsys, "sweep.json", "scenario.yaml", "log/a.log", "symbols/kallsyms.gz",
		"a-n1-r1/manifest.json", "a-n1-r2/perf.data"); err != nil {
		t.Error(err)
	}
	again, err := os.ReadFile(packed(t, dir))
	first, err2 := os.ReadFile(name)
	if err != nil || err2 != nil || !bytes.Equal(first, again) {
		t.Errorf("equal bundles make files of %d and %d bytes", len(first), len(again))
	}
	if err := Write(&bytes.Buffer{}, filepath.Join(dir, "a-n1-r1")); err == nil ||
		!strings.Contains(err.Error(), "pack the sweep") {
		t.Errorf("a run without its symbols: %v", err)
	}
}

// Any tar reads it.
func TestTar(t *testing.T) {
	if _, err := exec.LookPath("zstd"); err != nil {
		t.Skip("zstd is not installed")
	}
	out, err := exec.Command("tar", "--zstd", "-tf", packed(t, testSweep(t))).CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "gw-berlin/sweep.json\n") {
		t.Errorf("%s%v", out, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	type member struct {
		h    tar.Header
		data string
	}
	manifest := member{tar.Header{Name: "run/manifest.json"}, `{"schema": 1, "status": "complete"}`}
	for _, tt := range []struct {
		name    string
		members []member
		want    string
	}{
		{"parent", []member{{tar.Header{Name: "../etc/cron.d/x"}, "x"}},
			`names a file "../etc/cron.d/x" outside`},
		{"hidden parent", []member{{tar.Header{Name: "run/../../x"}, "x"}}, "outside"},
		{"absolute", []member{{tar.Header{Name: "/etc/passwd"}, "x"}}, "outside"},
		{"link", []member{{tar.Header{Name: "run/perf.data", Typeflag: tar.TypeSymlink,
			Linkname: "/etc/shadow"}, ""}}, "is a link or a device"},
		{"hard link", []member{{tar.Header{Name: "run/perf.data", Typeflag: tar.TypeLink,
			Linkname: "/etc/shadow"}, ""}}, "is a link or a device"},
		{"device", []member{{tar.Header{Name: "run/perf.data", Typeflag: tar.TypeBlock}, ""}},
			"is a link or a device"},
		{"twice", []member{manifest, manifest}, `"run/manifest.json" is there twice`},
		{"file below a file", []member{manifest, {tar.Header{Name: "run/manifest.json/x"}, ""}},
			"is a file and a directory"},
		{"nothing", nil, "holds neither manifest.json nor sweep.json"},
		{"bomb", []member{manifest, {tar.Header{Name: "run/perf.data"}, strings.Repeat("\x00", 80<<20)}},
			"far more than the file's size lets expect"},
	} {
		var b bytes.Buffer
		zw, _ := zstd.NewWriter(&b)
		tw := tar.NewWriter(zw)
		for _, m := range tt.members {
			m.h.Size, m.h.Mode = int64(len(m.data)), 0o644
			if err := tw.WriteHeader(&m.h); err != nil {
				t.Fatal(err)
			}
			if _, err := tw.Write([]byte(m.data)); err != nil {
				t.Fatal(err)
			}
		}
		tw.Close()
		zw.Close()
		name := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := Open(name)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q in it", tt.name, err, tt.want)
		}
	}
	name := packed(t, testSweep(t))
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, cut := range []int{0, 3, 20, len(data) / 2, len(data) - 5} {
		if err := os.WriteFile(name, data[:cut], 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(name); err == nil {
			t.Errorf("cut at %d of %d bytes: no error", cut, len(data))
		}
	}
}

func TestPublish(t *testing.T) {
	dir := testSweep(t)
	to := filepath.Join(t.TempDir(), "published")
	notes, err := Publish(dir, to, true)
	if err != nil {
		t.Fatal(err)
	}
	s, err := bundle.OpenSweep(os.DirFS(to), to)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.VerifyTable(); err != nil {
		t.Error(err)
	}
	for _, r := range s.Runs {
		if err := r.Verify(); err != nil {
			t.Error(err)
		}
	}
	left := 0
	for _, note := range notes {
		if strings.Contains(note, "import/blob is left out: it cannot be masked") {
			left++
		}
	}
	if left != 2 || !slices.Contains(notes, `the load stays: "sh -c iperf3 -c 2001:db8::1 -B 198.18.0.2%if1"`) {
		t.Errorf("notes %q", notes)
	}
	err = filepath.WalkDir(to, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		for _, secret := range []string{"gw-madrid", "gw-berlin\"", "gw-berlin ", "192.0.2.77", "10.0.0.2",
			"eth7", "0x1001", "2001:4b8", "aa:bb:cc", `"spi":4097`, "DB8:1::1", "0b7e5a9c"} {
			if bytes.Contains(data, []byte(secret)) {
				t.Errorf("%s holds %s", name, secret)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	r := s.Runs[0]
	sas, err := r.SAs()
	if err != nil || sas[0].SPI != firstSPI || sas[1].SPI != firstSPI+1 || sas[0].Src != sas[1].Src ||
		sas[0].Packets != 4097 || *sas[0].PCPU != 2 {
		t.Errorf("SAs %+v, %v", sas, err)
	}
	if w := r.Warnings[0].Text; w != "host2 dropped packets of SPI 0x100 at if1, not at gw-berlin2" {
		t.Errorf("warning %q", w)
	}
	if id := r.Host.BootID; !strings.HasPrefix(id, "boot-") || len(id) != 17 || id != s.Runs[2].Host.BootID {
		t.Errorf("boot %q, want one alias in both runs", id)
	}
	if r.Host.Name != "host2" || s.Name != "on host2" || !strings.Contains(r.Plan.Load.Argv[2], "%if1") ||
		!strings.Contains(r.Host.CmdLine, "ip="+sas[0].Src) {
		t.Errorf("manifest %+v", r.Manifest)
	}
	if log, err := os.ReadFile(filepath.Join(to,
		"a-n1-r1/hosts/host1/log/load.log")); string(log) != "on host3, called host1, by host2\n" {
		t.Errorf("log of the other host %q, %v", log, err)
	}
	log, _ := os.ReadFile(filepath.Join(to, "a-n1-r1/log/load.log"))
	if !strings.Contains(string(log), "connected to "+sas[0].Dst+" port 5201 from host2 (02:00:00:00:") ||
		!strings.HasSuffix(string(log), "at 12:30:45 by ::1\n") {
		t.Errorf("log %q", log)
	}
}

func TestMaskPerfData(t *testing.T) {
	sample := recorded(t)
	recordings := map[string][]byte{"(none)": sample}
	if host, err := os.Hostname(); err == nil && len(host) > 1 {
		name := filepath.Join(t.TempDir(), "perf.data")
		if exec.Command("perf", "record", "-q", "-e", "cpu-clock", "-o", name, "true").Run() == nil {
			if recordings[host], err = os.ReadFile(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	for host, data := range recordings {
		name := filepath.Join(t.TempDir(), "perf.data")
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		var seen []string
		err = maskPerfData(f, func(s string) string {
			seen = append(seen, s)
			return "masked"
		})
		f.Close()
		if err != nil || len(seen) < 2 || seen[0] != host {
			t.Fatalf("%v, strings %q", err, seen)
		}
		masked, _ := os.ReadFile(name)
		if len(masked) != len(data) || bytes.Count(masked, []byte("masked\x00")) < len(seen) {
			t.Errorf("%d bytes, were %d; strings %q", len(masked), len(data), seen)
		}
		changed := 0
		for i := range data {
			if data[i] != masked[i] {
				changed++
			}
		}
		if changed == 0 || changed > 64*len(seen) {
			t.Errorf("%d bytes are others, of %d strings", changed, len(seen))
		}
	}
}

func FuzzMaskPerfData(f *testing.F) {
	data := recorded(f)
	f.Add(data[:2000])
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := os.CreateTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if _, err := file.Write(data); err != nil {
			t.Fatal(err)
		}
		_ = maskPerfData(file, strings.ToUpper)
		if info, _ := file.Stat(); info.Size() != int64(len(data)) {
			t.Errorf("%d bytes became %d", len(data), info.Size())
		}
	})
}

func FuzzMaskJSON(f *testing.F) {
	f.Add([]byte(`{"spi":4097,"src":"192.0.2.1","a":["eth0 \u0022x"],"eth0":1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m := &Masker{names: map[string]string{"eth0": "if1"}, spis: map[uint32]uint32{4097: 256},
			addrs: map[string]string{}}
		m.compile()
		masked := m.json(text)
		if json.Valid(text) && !json.Valid(masked) {
			t.Errorf("%q became %q", text, masked)
		}
	})
}

// What nobody listed is told by where it stands, or by how it looks.
func TestMaskFreeText(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	if _, err := bundle.Create(dir, bundle.Manifest{Host: bundle.Host{Name: "edge1.corp.example"}}); err != nil {
		t.Fatal(err)
	}
	runs, err := bundle.OpenAll(dir)
	if err != nil {
		t.Fatal(err)
	}
	m := NewMasker(namesOf(runs))
	m.free = true
	for _, tt := range []struct{ in, want string }{
		{"ip xfrm state add proto esp aead 'rfc4106(gcm(aes))' 0x0123456789abcdef0123456789abcdef01234567 128",
			"ip xfrm state add proto esp aead 'rfc4106(gcm(aes))' KEY 128"},
		{`auth-trunc hmac(sha256) 0xdeadbeef 96 enc "cbc(aes)" 'top secret' comp deflate`,
			`auth-trunc hmac(sha256) KEY 96 enc "cbc(aes)" KEY comp deflate`},
		{"enc aes 0xa5a5a5a5a5a5a5a5", "enc aes KEY"},
		{"the secret is 0x00112233445566778899aabbccddeeff", "the secret is KEY"},
		{"authentication failed, enc is slow", "authentication failed, enc is slow"},
		{"spi 0xfeedf00d, SPI: 4276994270 and spi=feedf00d", "spi 0x100, SPI: 257 and spi=0x100"},
		{"an SA 0xfeedf00d at ffffffff81000000", "an SA 0x100 at ffffffff81000000"},
		{"to vpn.customer-two.example and root@backup9, not perf.data or net.core.somaxconn",
			"to host4 and root@host3, not perf.data or net.core.somaxconn"},
		{"Edge1.corp.example is edge1", "host2 is host1"},
		{"10.1.2.3 and v6.12.rc1 stay apart", "198.18.0.1 and v6.12.rc1 stay apart"},
	} {
		if got := m.Text(tt.in); got != tt.want {
			t.Errorf("%q:\ngot  %q\nwant %q", tt.in, got, tt.want)
		}
	}
}

// Labels, loads and logs of a published run tell nobody's secrets, and it says
// what is left to be read.
func TestPublishFreeText(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	secret := "aead 'rfc4106(gcm(aes))' 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff 128 spi 0xabad1dea " +
		"fw3.bigbank.example"
	w, err := bundle.Create(dir, bundle.Manifest{Source: "record", Plan: bundle.Plan{
		Labels: map[string]string{"mode": "pcpu", "remark": secret},
		Load:   &bundle.Load{Argv: []string{"sh", "-c", secret}},
	}, Commands: []bundle.Command{{Argv: []string{"ip", "xfrm", secret}}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.WriteFile("log/load.log", []byte(secret+"\n")), w.Finish("")); err != nil {
		t.Fatal(err)
	}
	for _, logs := range []bool{false, true} {
		to := filepath.Join(t.TempDir(), "published")
		notes, err := Publish(dir, to, logs)
		if err != nil {
			t.Fatal(err)
		}
		said := strings.Join(notes, "\n")
		if !strings.Contains(said, "label remark stays: ") ||
			strings.Contains(said, "logs are left out") == logs {
			t.Errorf("logs %t: %s", logs, said)
		}
		if _, err := os.Stat(filepath.Join(to, "log/load.log")); (err == nil) != logs {
			t.Errorf("logs %t: %v", logs, err)
		}
		if r, err := bundle.Open(os.DirFS(to), to); err != nil || r.Verify() != nil {
			t.Errorf("logs %t: %v, %v", logs, err, r.Verify())
		}
		err = filepath.WalkDir(to, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(name)
			for _, s := range []string{"00ff00ff", "abad1dea", "bigbank", "fw3"} {
				if bytes.Contains(data, []byte(s)) {
					t.Errorf("logs %t: %s holds %s", logs, name, s)
				}
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// What may hold a secret is its maker's alone, in the bundle and in the pack.
func TestModes(t *testing.T) {
	for name, want := range map[string]os.FileMode{
		"manifest.json": 0o644, "sas.jsonl": 0o644, "locks.jsonl": 0o600, "finds.jsonl": 0o600,
		"log/load.log":        0o600,
		"symbols/kallsyms.gz": 0o600, "symbols/modules": 0o600, "run1/log/perf.record.log": 0o600,
		"perf.data":             0o600,
		"a/hosts/b/locks.jsonl": 0o600, "import/1-stacks": 0o644,
	} {
		if got := bundle.ModeOf(name); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	dir := testSweep(t)
	info, err := os.Stat(filepath.Join(dir, "a-n1-r1/log/load.log"))
	if err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("%v, %v", info, err)
	}
	var packed bytes.Buffer
	if err := Write(&packed, dir); err != nil {
		t.Fatal(err)
	}
	z, err := zstd.NewReader(&packed)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for tr := tar.NewReader(z); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if want := bundle.ModeOf(h.Name); h.FileInfo().Mode() != want {
			t.Errorf("%s is packed as %v, want %v", h.Name, h.FileInfo().Mode(), want)
		}
	}
}
