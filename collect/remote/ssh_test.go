package remote

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"xfrmscope/collect/bundle"
)

// Two network namespaces with an sshd each stand for two hosts.
func TestSSH(t *testing.T) {
	needsPerf(t)
	for _, program := range []string{"sshd", "ssh", "ssh-keygen", "ip"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed", program)
		}
	}
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	shell(t, fmt.Sprintf("ssh-keygen -q -t ed25519 -N '' -f %[1]s/key; ssh-keygen -q -t ed25519 -N '' -f "+
		"%[1]s/hostkey; mkdir -p /run/sshd", dir))
	for i, name := range []string{"xs-west", "xs-east"} {
		startSSHD(t, dir, name, i)
	}
	program := filepath.Join(dir, "xfrmscope")
	// Of the packages that tests are built with; the hosts have the libraries of this one.
	build := exec.Command("go", "build", "-o", program, "xfrmscope/cmd/xfrmscope")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ssh := &SSH{Program: program, Command: []string{"ssh", "-F", "none", "-i", key, "-o",
		"StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"}}
	hosts := []Host{{"west", "root@198.51.100.2"}, {"east", "root@198.51.100.6"}}

	for range 2 { // the second time the program is there
		f, err := Dial(t.Context(), ssh, hosts)
		if err != nil {
			t.Fatal(err)
		}
		f.Against = "here"
		out := filepath.Join(t.TempDir(), "n1")
		names, err := f.Record(t.Context(), plan(), out)
		if err != nil || !slices.Equal(names, []string{"west", "east"}) {
			t.Fatalf("Record = %v, %v", names, err)
		}
		runs, err := bundle.OpenAll(out)
		if err != nil || len(runs) != 2 {
			t.Fatal(runs, err)
		}
		for i, name := range names {
			if err := runs[i].Verify(); err != nil || runs[i].Plan.Labels["host"] != name {
				t.Fatalf("%s: %v", name, err)
			}
			c := f.Sessions[i].Clock // one machine: one clock
			if abs(c.OffsetNS) > c.ErrorNS {
				t.Errorf("%s: offset %v, error %v", name, time.Duration(c.OffsetNS),
					time.Duration(c.ErrorNS))
			}
			t.Logf("%s: offset %v +- %v", name, time.Duration(c.OffsetNS), time.Duration(c.ErrorNS))
		}
		if err := f.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "tmp", "*")); len(left) > 0 {
			t.Errorf("the hosts keep %q", left)
		}
	}

	t.Run("unreachable", func(t *testing.T) {
		shell(t, "ip -n xs-east link set up0 down")
		defer shell(t, "ip -n xs-east link set up0 up")
		slow := &SSH{Program: program, Command: append(slices.Clone(ssh.Command), "-o", "ConnectTimeout=2")}
		f, err := Dial(t.Context(), slow, hosts)
		if err == nil || !strings.Contains(err.Error(), "host east: copying the program") ||
			len(f.Sessions) != 1 {
			t.Fatalf("Dial = %d sessions, %v", len(f.Sessions), err)
		}
		defer f.Close()
		names, err := f.Record(t.Context(), plan(), filepath.Join(t.TempDir(), "n1"))
		if err != nil || !slices.Equal(names, []string{"west"}) {
			t.Errorf("Record = %v, %v", names, err)
		}
	})
	t.Run("wrong architecture", func(t *testing.T) {
		other := &SSH{Command: ssh.Command, Other: map[string]string{"west": "ssh_test.go"}, Program: program}
		if _, err := Dial(t.Context(), other, hosts[:1]); err == nil ||
			!strings.Contains(err.Error(), "ssh_test.go") {
			t.Errorf("Dial = %v, want an error of the program", err)
		}
	})
}

// startSSHD lays a namespace that is reached at 198.51.100.(4 i + 2) and runs
// sshd in it.
func startSSHD(t *testing.T, dir, name string, i int) {
	t.Helper()
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", name).Run() })
	here, there := fmt.Sprintf("198.51.100.%d", 4*i+1), fmt.Sprintf("198.51.100.%d", 4*i+2)
	shell(t, fmt.Sprintf(`ip netns del %[1]s 2>/dev/null; ip netns add %[1]s &&
		ip link add %[1]s type veth peer name up0 netns %[1]s &&
		ip addr add %[2]s/30 dev %[1]s && ip link set %[1]s up && ip -n %[1]s link set lo up &&
		ip -n %[1]s addr add %[3]s/30 dev up0 && ip -n %[1]s link set up0 up`, name, here, there))
	config := filepath.Join(dir, name+".conf")
	text := fmt.Sprintf("ListenAddress %[1]s\nHostKey %[2]s/hostkey\nAuthorizedKeysFile "+
		"%[2]s/key.pub\nStrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin yes\nSetEnv "+
		"XDG_CACHE_HOME=%[2]s/cache-%[3]s TMPDIR=%[2]s/tmp PATH=%[4]s\n",
		there, dir, name, os.Getenv("PATH"))
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "tmp"), 0o755); err != nil {
		t.Fatal(err)
	}
	path, err := exec.LookPath("sshd")
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	cmd := exec.Command("ip", "netns", "exec", name, path, "-D", "-e", "-f", config)
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("sshd of %s: %s", name, said.String())
		}
	})
	for range 100 {
		if exec.Command("ip", "netns", "exec", name, "sh", "-c",
			"grep -q ':0016 00000000:0000 0A' /proc/net/tcp").Run() == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("sshd of %s does not listen: %s", name, said.String())
}

func shell(t *testing.T, script string) {
	t.Helper()
	if out, err := exec.Command("sh", "-c", script).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", script, err, out)
	}
}
