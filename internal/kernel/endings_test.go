package kernel_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/keeper"
	"github.com/runnel-dev/runnel/internal/kernel"
	"github.com/runnel-dev/runnel/internal/testpy"
)

// TestDeathExplained: how a kernel ended is known within 2 s.
func TestDeathExplained(t *testing.T) {
	cases := []struct {
		name, code string
		fits       func(e *kernel.Exit) bool
	}{
		{"exit code", "import os; os._exit(3)", func(e *kernel.Exit) bool { return e.Code == 3 && e.Signal == "" }},
		{"segmentation fault", "import ctypes; ctypes.string_at(0)", func(e *kernel.Exit) bool {
			return e.Signal == "SIGSEGV" && strings.Contains(e.Stderr, "Segmentation fault")
		}},
		{"killed", "import os; os.kill(os.getpid(), 9)", func(e *kernel.Exit) bool { return e.Signal == "SIGKILL" && !e.OOM }},
		{"abort", "import os; os.abort()", func(e *kernel.Exit) bool {
			return e.Signal == "SIGABRT" && strings.Contains(e.Stderr, "Fatal Python error")
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			k := launchReady(t, newManager(t), "7")
			h := newHistory(t, k)
			id := execute(t, k, "import time; print('before', flush=True); time.sleep(.1)\n"+c.code)
			h.until(5*time.Second, "output", func(e kernel.Event) bool { return isStream(e, "before") })
			exit := h.untilExit(2 * time.Second)
			if !c.fits(exit) || exit.Requested || exit.Text == "" || exit.PeakRSS < 10<<20 {
				t.Fatalf("%+v", exit)
			}
			if h.printed(id) != "before\n" {
				t.Errorf("printed %q", h.printed(id))
			}
			if err := k.Interrupt(testContext(t, time.Second)); err == nil {
				t.Error("a kernel that is gone was interrupted")
			}
			_, m := executeMessage("1")
			if err := k.Send(testContext(t, time.Second), "x", "shell", m); !errors.Is(err, kernel.ErrGone) {
				t.Errorf("send: %v", err)
			}
		})
	}
}

// TestMemory: a kernel that takes too much is ended by the system, and that is
// said. It needs the right to make a cgroup; a machine that does not give it
// shows that the kernel runs without its limit.
func TestMemory(t *testing.T) {
	m := newManager(t)
	s := pythonSpec(t, "7")
	s.MemoryMax = 300 << 20
	k := launch(t, m, s)
	if err := k.Ready(testContext(t, 20*time.Second)); err != nil {
		t.Fatal(err)
	}
	h := newHistory(t, k)
	log, err := os.ReadFile(filepath.Join(dirOf(m, k.ID()), keeper.LogFile))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(log), "limit memory") {
		id := execute(t, k, "print(1)")
		h.untilIdle(5*time.Second, id)
		t.Logf("no limit here: %s", log)
		return
	}
	id := execute(t, k, "print('before', flush=True)\nx = []\nwhile True: x.append(bytearray(10_000_000))")
	exit := h.untilExit(20 * time.Second)
	if !exit.OOM || exit.Signal != "SIGKILL" || exit.PeakRSS < 200<<20 || h.printed(id) != "before\n" {
		t.Fatalf("%+v %q", exit, h.printed(id))
	}
}

// TestNeverStarts: commands that are no kernel.
func TestNeverStarts(t *testing.T) {
	python := testpy.Python(t, "7")
	cases := []struct {
		name string
		argv []string
		fits func(e *kernel.Exit) bool
	}{
		{"no such file", []string{"/nonexistent/python", "{connection_file}"}, func(e *kernel.Exit) bool {
			return e.NotStarted && strings.Contains(e.Text, "/nonexistent/python")
		}},
		{"not in PATH", []string{"no-such-python"}, func(e *kernel.Exit) bool { return e.NotStarted }},
		{"not executable", []string{"/etc/passwd"}, func(e *kernel.Exit) bool { return e.NotStarted }},
		{"no kernel module", []string{python, "-m", "no_such_module"}, func(e *kernel.Exit) bool {
			return e.Code == 1 && strings.Contains(e.Stderr, "no_such_module")
		}},
		{"much on stderr", []string{python, "-c", "import sys; sys.stderr.write('x' * 1000000 + 'end'); sys.exit(2)"},
			func(e *kernel.Exit) bool {
				return e.Code == 2 && strings.HasSuffix(e.Stderr, "xend") && len(e.Stderr) <= 64<<10
			}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := newManager(t)
			k := launch(t, m, spec(t, c.argv...))
			h := newHistory(t, k)
			exit := h.untilExit(2 * time.Second)
			if !c.fits(exit) {
				t.Fatalf("%+v", exit)
			}
			if err := k.Ready(testContext(t, time.Second)); !errors.Is(err, kernel.ErrGone) {
				t.Errorf("ready: %v", err)
			}
			k.Ack(h.next - 1)
			awaitGone(t, dirOf(m, k.ID()))
		})
	}
}

// TestNothingLeft: a kernel that ignores signals, and children that made
// themselves daemons, are gone after Stop.
func TestNothingLeft(t *testing.T) {
	const code = `
import os, signal, subprocess, sys, time, warnings
warnings.simplefilter('ignore') # Python 3.12 warns of fork beside threads
for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(s, signal.SIG_IGN)
def daemon():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.pause()
        os._exit(0)
    os.wait()
pids = []
for i in range(3):
    r, w = os.pipe()
    if os.fork() == 0:
        os.setsid()
        pid = os.fork()
        if pid == 0:
            os.close(r)
            while True: time.sleep(1)
        os.write(w, b'%d' % pid)
        os._exit(0)
    os.wait()
    pids.append(int(os.read(r, 20)))
pids.append(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1000)'], start_new_session=True).pid)
print('pids', *pids)
while True:
    try: time.sleep(1)
    except BaseException: pass
`
	for _, force := range []bool{false, true} {
		t.Run(fmt.Sprintf("force %v", force), func(t *testing.T) {
			m := newManager(t)
			k := launchReady(t, m, "7")
			h := newHistory(t, k)
			id := execute(t, k, code)
			h.until(5*time.Second, "children", func(e kernel.Event) bool { return isStream(e, "pids") })
			var pids []int
			for _, f := range strings.Fields(h.printed(id))[1:] {
				pid, err := strconv.Atoi(f)
				if err != nil || keeper.ProcessStart(pid) == "" {
					t.Fatalf("child %s does not run: %v", f, err)
				}
				pids = append(pids, pid)
			}
			begun := time.Now()
			if err := k.Stop(testContext(t, time.Second), force); err != nil {
				t.Fatal(err)
			}
			limit := 7 * time.Second
			if force {
				limit = 5 * time.Second
			}
			exit := h.untilExit(limit)
			t.Logf("after %v: %+v", time.Since(begun), exit)
			if exit.Signal != "SIGKILL" || !exit.Requested {
				t.Errorf("%+v", exit)
			}
			for _, pid := range pids {
				if keeper.ProcessStart(pid) != "" {
					t.Errorf("child %d still runs", pid)
				}
			}
		})
	}
}

// TestKeeperKilled: the kernel and its children go with the keeper, and a server
// gets what was said and why it ended.
func TestKeeperKilled(t *testing.T) {
	for _, when := range []string{"attached", "away"} {
		t.Run(when, func(t *testing.T) {
			m := newManager(t)
			k := launchReady(t, m, "7")
			h := newHistory(t, k)
			id := execute(t, k, `
import os, subprocess, sys
p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1000)'], start_new_session=True)
print(os.getpid(), p.pid)
`)
			h.untilIdle(5*time.Second, id)
			var pids []int
			for _, f := range strings.Fields(h.printed(id)) {
				pid, _ := strconv.Atoi(f)
				pids = append(pids, pid)
			}
			if len(pids) != 2 {
				t.Fatal(h.printed(id))
			}
			if when == "away" {
				k.Close()
			}
			if err := syscall.Kill(k.Status().KeeperPID, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			if when == "away" {
				await(t, 5*time.Second, "end", func() bool { return !kernel.Alive(dirOf(m, k.ID())) })
				found, err := m.Find(testContext(t, time.Second))
				if err != nil || len(found) != 1 || found[0].Alive || found[0].ID != k.ID() || found[0].NotebookID != "notebook" {
					t.Fatalf("%+v %v", found, err)
				}
				if k, err = m.Attach(testContext(t, time.Second), k.ID(), 1); err != nil {
					t.Fatal(err)
				}
				defer k.Close()
				before := h.events
				h = newHistory(t, k)
				for _, b := range before {
					e, err := k.Next(testContext(t, time.Second))
					if err != nil || e.Record != b.Record || e.Kind != b.Kind || string(e.Msg.Content) != string(b.Msg.Content) {
						t.Fatalf("record %d: %v, was %v; %v", e.Record, e.Kind, b.Kind, err)
					}
					h.add(e)
				}
			}
			exit := h.untilExit(2 * time.Second)
			if !exit.KeeperLost || exit.Text == "" {
				t.Fatalf("%+v", exit)
			}
			await(t, 2*time.Second, "end of all processes", func() bool {
				return keeper.ProcessStart(pids[0]) == "" && keeper.ProcessStart(pids[1]) == ""
			})
			k.Ack(h.next - 1)
			if _, err := os.Stat(dirOf(m, k.ID())); !os.IsNotExist(err) {
				t.Errorf("the folder stays: %v", err)
			}
		})
	}
}

// TestKeepFor: without a server the kernel stops in time, but not while it runs
// something; what it said stays for a later server.
func TestKeepFor(t *testing.T) {
	m := newManager(t, func(c *kernel.Config) { c.KeepFor = 700 * time.Millisecond })
	k := launchReady(t, m, "7")
	h := newHistory(t, k)
	id := execute(t, k, "print('begin')\nimport time; time.sleep(2)\nprint('end')")
	h.until(5*time.Second, "begin", func(e kernel.Event) bool { return isStream(e, "begin") })
	k.Close()
	begun := time.Now()
	dir := dirOf(m, k.ID())
	pid := k.Status().KernelPID
	await(t, 6*time.Second, "end", func() bool { return !kernel.Alive(dir) })
	if took := time.Since(begun); took < 2500*time.Millisecond {
		t.Errorf("a running cell was culled after %v", took)
	}
	if keeper.ProcessStart(pid) != "" {
		t.Error("the kernel still runs")
	}
	left, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, path := range left {
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() || strings.HasSuffix(path, keeper.ConnectionFile) {
			t.Errorf("%s is left", path)
		}
	}
	k, err := m.Attach(testContext(t, 5*time.Second), k.ID(), h.next)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	h.k = k
	exit := h.untilExit(2 * time.Second)
	if !exit.Requested || exit.KeeperLost || h.printed(id) != "begin\nend\n" {
		t.Fatalf("%+v %q", exit, h.printed(id))
	}
	k.Ack(h.next - 1)
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder stays: %v", err)
	}
}

// TestStoppedKernel: one that does not answer is said to be so, and never ended.
func TestStoppedKernel(t *testing.T) {
	t.Parallel()
	k := launchReady(t, newManager(t), "7")
	h := newHistory(t, k)
	pid := k.Status().KernelPID
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	h.until(patience, "unresponsive", func(e kernel.Event) bool { return e.Kind == kernel.Unresponsive })
	if !k.Status().Unresponsive {
		await(t, time.Second, "state", func() bool { return k.Status().Unresponsive })
	}
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	h.until(patience, "responsive", func(e kernel.Event) bool { return e.Kind == kernel.Responsive })
	id := execute(t, k, "print(1)")
	h.untilIdle(5*time.Second, id)
}

// TestManager: listing, and asking without attaching.
func TestManager(t *testing.T) {
	m := newManager(t)
	k := launchReady(t, m, "7")
	h := newHistory(t, k)
	id := execute(t, k, "print('loop')\nwhile True: pass")
	h.until(5*time.Second, "loop", func(e kernel.Event) bool { return isStream(e, "loop") })
	ctx := testContext(t, 10*time.Second)
	found, err := m.Find(ctx)
	if err != nil || len(found) != 1 {
		t.Fatalf("%+v %v", found, err)
	}
	f := found[0]
	if f.ID != k.ID() || !f.Alive || !f.Attached || f.State.Busy != 1 || f.Memory == 0 || f.Name != "python3" || f.Started.IsZero() {
		t.Errorf("%+v", f)
	}
	if err := m.Interrupt(ctx, k.ID()); err != nil {
		t.Fatal(err)
	}
	h.untilIdle(2*time.Second, id)
	if err := m.Stop(ctx, k.ID(), false); err != nil {
		t.Fatal(err)
	}
	h.untilExit(time.Second)
	if _, err := m.Attach(ctx, "nobody", 1); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an unknown kernel: %v", err)
	}
	if _, err := m.Launch(ctx, kernel.LaunchSpec{KernelID: k.ID(), Argv: []string{"x"}}); !errors.Is(err, os.ErrExist) {
		t.Errorf("the same id twice: %v", err)
	}
}
