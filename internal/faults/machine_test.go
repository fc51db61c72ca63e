//go:build vm

package faults

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/runnel-dev/runnel/internal/pageclient"
	"github.com/runnel-dev/runnel/internal/protocol"
	"github.com/runnel-dev/runnel/internal/testpy"
)

// machine is a Linux of its own (User-mode Linux: its kernel and all that runs in it are ordinary processes here), with one processor, this
// machine's files for reading only, control groups of version 2, its own clock and, at /mnt, its own ext4 disk. scripts/vm.sh made the network
// between the two.
type machine struct {
	*Server // inside; its Dir and State are paths there

	disk    string // the image of what is at /mnt
	kernel  *exec.Cmd
	shell   *os.File // runs there what is written here
	console *lockedBuffer
}

// newMachine boots a machine with an empty disk of so many MiB, and starts no server.
func newMachine(t *testing.T, disk int64) *machine {
	t.Helper()
	if os.Getenv("RUNNEL_VM_KERNEL") == "" {
		t.Fatal("no kernel for the machine: run `make vm`, or scripts/vm.sh NAME for one test")
	}
	slowness = 10
	dir, err := os.MkdirTemp("", "rf") // a comma in the path would mean a second file to User-mode Linux
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	m := &machine{
		Server: &Server{t: t, Dir: "/mnt/files", State: "/mnt/state", URL: "http://10.0.2.2:8000", Token: "faults-" + strings.Repeat("k", 40),
			Python: testpy.Python(t, "7")},
		disk: filepath.Join(dir, "disk"), console: &lockedBuffer{},
	}
	if err := os.WriteFile(m.disk, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(m.disk, disk<<20); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.ext4", "-q", m.disk).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.ext4: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if t.Failed() && m.kernel.ProcessState == nil {
			t.Logf("server log (end):\n%s", tailOf(m.try("cat /run/serve.log"), 6000))
		}
		m.powerOff()
		if t.Failed() {
			t.Logf("console (end):\n%s", tailOf(m.console.String(), 3000))
		}
	})
	m.boot()
	m.sh("mkdir %s", m.Dir)
	return m
}

// boot starts the machine and waits until it takes commands.
func (m *machine) boot() {
	m.t.Helper()
	root, err := testpy.Root()
	if err != nil {
		m.t.Fatal(err)
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		m.t.Fatal(err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "serial line")
	defer func() { _ = theirs.Close() }()
	if err := unix.SetNonblock(pair[0], true); err != nil { // so that reads know deadlines
		m.t.Fatal(err)
	}
	m.shell = os.NewFile(uintptr(pair[0]), "shell")
	m.kernel = exec.Command(os.Getenv("RUNNEL_VM_KERNEL"), "mem=1200M", "rootfstype=hostfs", "rootflags=/", "ro", "quiet", "panic=-1",
		"init="+filepath.Join(root, "scripts/vm-init.sh"), "con=null", "con0=null,fd:1", "ssl0=fd:3", "ubda="+m.disk, "vec0:transport=tap,ifname=runnel0,depth=64")
	m.kernel.ExtraFiles = []*os.File{theirs}
	m.kernel.Stdout, m.kernel.Stderr = m.console, m.console
	m.kernel.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	m.kernel.WaitDelay = time.Second
	if err := m.kernel.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.until("ready\n")
	m.sh("%s -c 'import ipykernel.kernelapp'", m.Python) // the first time takes so long here that Runnel would not wait for it
}

// sh runs a script inside and returns what it printed; a script that fails fails the test.
func (m *machine) sh(format string, args ...any) string {
	m.t.Helper()
	script := fmt.Sprintf(format, args...)
	out := m.try(script)
	at := strings.LastIndex(strings.TrimSuffix(out, "\n"), "\n") + 1
	if status := strings.TrimSpace(out[at:]); status != "0" {
		m.t.Fatalf("in the machine, %s: status %s: %s", script, status, out[:at])
	}
	return strings.TrimSuffix(out[:at], "\n")
}

// try runs a script inside and returns what it printed and, in a last line, its status.
func (m *machine) try(script string) string {
	m.t.Helper()
	mark := fmt.Sprintf("end-%d", time.Now().UnixNano())
	// In a shell of its own, and at once: the line is written whole before any of it runs.
	if _, err := fmt.Fprintf(m.shell, "{ ( %s\n) </dev/null; printf '\\n%%s\\n%%s\\n' $? %s; }\n", script, mark); err != nil {
		m.t.Fatalf("to the machine: %v", err)
	}
	out := m.until("\n" + mark + "\n")
	if before, ok := strings.CutPrefix(out, "\n"); ok { // nothing was printed
		return before
	}
	return out
}

// until reads from the machine up to a mark.
func (m *machine) until(mark string) string {
	m.t.Helper()
	_ = m.shell.SetReadDeadline(time.Now().Add(patience))
	var got bytes.Buffer
	buf := make([]byte, 64<<10)
	for {
		n, err := m.shell.Read(buf)
		got.Write(buf[:n])
		if before, ok := strings.CutSuffix(got.String(), mark); ok {
			return before
		}
		if err != nil {
			m.t.Fatalf("the machine says no %q: %v; %q\n%s", mark, err, tailOf(got.String(), 2000), tailOf(m.console.String(), 2000))
		}
	}
}

// patience is how long the machine may take for a step: beside much other work it is slow.
const patience = 10 * time.Minute

// powerOff is the pulled plug: the machine is gone at once, with all that it had not written to its disk.
func (m *machine) powerOff() {
	if m.kernel == nil || m.kernel.ProcessState != nil {
		return
	}
	_ = syscall.Kill(-m.kernel.Process.Pid, syscall.SIGKILL)
	_ = m.kernel.Wait()
	_ = m.shell.Close()
}

// Start starts a server inside and waits until it answers.
func (m *machine) Start(args ...string) {
	m.t.Helper()
	m.sh(`cat >/run/serve.sh <<'end'
echo $$ >/run/serve.pid
%s
exec env -i PATH=/usr/bin:/bin HOME=/run RUNNEL_STATE_DIR=%s %s serve %s --host 10.0.2.2 --port 8000 --token %s --no-browser --python %s %s
end
setsid sh /run/serve.sh >>/run/serve.log 2>&1 &`,
		m.Shell, m.State, binary, m.Dir, m.Token, m.Python, strings.Join(append(m.Args, args...), " "))
	m.waitHealthy(time.Minute)
}

// Kill ends the server inside as kill -9 does.
func (m *machine) Kill() {
	m.t.Helper()
	m.sh("kill -9 $(cat /run/serve.pid); while kill -0 $(cat /run/serve.pid); do sleep 0.02; done 2>/dev/null")
}

// Client opens a page client on a notebook inside, which is made when it is not there.
func (m *machine) Client(notebook string) *pageclient.Client {
	m.t.Helper()
	m.sh("test -e %[1]s/%[2]s || echo '%[3]s' >%[1]s/%[2]s", m.Dir, notebook, emptyNotebook)
	return m.open(notebook, pageclient.Options{URL: m.URL})
}

// withKernel is a client whose notebook has a kernel. On a machine that is slow enough the first may not come: then a person tries again.
func (m *machine) withKernel(notebook string) *pageclient.Client {
	m.t.Helper()
	c := m.Client(notebook)
	eventually(m.t, time.Minute, "a kernel", func() bool {
		time.Sleep(time.Second) // not to keep it from it by asking
		status, err := c.Execute(within(m.t, time.Minute), "ready", "1")
		return err == nil && status == protocol.StatusOK
	})
	return c
}

// File reads a file of the served folder, as it is on the disk.
func (m *machine) File(name string) []byte {
	m.t.Helper()
	return []byte(m.sh("cat %s/%s", m.Dir, name))
}

// setClock moves the machine's clock, as a person or a time server does; what measures evenly is not touched.
func (m *machine) setClock(by time.Duration) {
	m.t.Helper()
	m.sh("date -s @$(( $(date +%%s) + %d ))", int(by.Seconds()))
}

// freeze stops the machine as a hypervisor does: nothing in it goes on, and nobody outside is told. The result lets it go on.
func (m *machine) freeze() (thaw func()) {
	_ = m.kernel.Process.Signal(syscall.SIGSTOP)
	return func() { _ = m.kernel.Process.Signal(syscall.SIGCONT) }
}

// sleep has the machine's own kernel suspend it: all that runs in it is stopped, and its devices. The result wakes it.
func (m *machine) sleep() (wake func()) {
	m.t.Helper()
	m.sh("sh -c 'sleep 1; echo freeze >/sys/power/state' >/dev/null 2>&1 &")
	time.Sleep(2 * time.Second)
	return func() { _ = m.kernel.Process.Signal(syscall.SIGUSR1) }
}
