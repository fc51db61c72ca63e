package faults

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/pageclient"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// F1: the server is killed with -9 in mid-cell, again and again. Promises 10 and 5: the same kernel process and variables, the cell
// still running with its clock and its queue, every line once and in order in the page and in the file, the cell run once.
func TestF1_server_killed_in_mid_cell(t *testing.T) {
	rng := random(t)
	s := newServer(t, "7")
	c := s.Client("kill.ipynb")
	dir := t.TempDir()
	stop, count, counter := filepath.Join(dir, "stop"), filepath.Join(dir, "count"), filepath.Join(dir, "runs")
	pid := value(t, c, "before", "import os; marker = 4711; os.getpid()")
	run := start(t, c, "flood", printUntil(stop, count, counter))
	waitRunning(t, c, "flood")
	began := c.State().Cell("flood").Run.StartedAt
	queued := start(t, c, "after", "marker, os.getpid()")
	kills := short(6, 50)
	for range kills {
		time.Sleep(time.Duration(rng.IntN(short(400, 600))) * time.Millisecond)
		s.Kill()
		s.Start()
	}
	late := s.Client("kill.ipynb")
	waitRunning(t, late, "flood")
	if st := late.State(); st.Cell("flood").Run.StartedAt != began || len(st.Queue) != 1 {
		t.Errorf("after the kills the run began at %d, was %d; the queue is %v", st.Cell("flood").Run.StartedAt, began, st.Queue)
	}
	if err := os.WriteFile(stop, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	finish(t, c, run, 3*time.Minute, protocol.StatusOK)
	finish(t, c, queued, time.Minute, protocol.StatusOK)
	st := c.State()
	printed, err := os.ReadFile(count)
	if err != nil {
		t.Fatal(err)
	}
	want := wantLines(atoi(t, string(printed)))
	sameText(t, "the page", streamText(t, s, st, "flood"), want)
	if got, want := resultText(st, "after"), fmt.Sprintf("(4711, %s)", pid); got != want {
		t.Errorf("after the kills the kernel says %s, want %s", got, want)
	}
	if got := executions(counter); got != 1 {
		t.Errorf("the cell ran %d times", got)
	}
	savedText(t, s, c, "kill.ipynb", "flood", want)
	t.Logf("%d kills in mid-cell, %s lines, %d connections, %d snapshots", kills, printed, c.Stats().Connections, c.Stats().Snapshots)
}

// F2: the keeper is killed. Its kernel ends with it, the run ends in exactly one lost, nothing stays behind, a new run starts anew.
func TestF2_keeper_killed(t *testing.T) {
	s := newServer(t, "7")
	c := s.Client("keeper.ipynb")
	pid := atoi(t, value(t, c, "pid", "import os; os.getpid()"))
	keeper := atoi(t, value(t, c, "ppid", "os.getppid()"))
	run := start(t, c, "loop", printLines(100_000, 10, 0.01, filepath.Join(t.TempDir(), "runs")))
	printed(t, c, "loop", 2000, 20*time.Second)
	kill(t, keeper, syscall.SIGKILL)
	status, err := c.WaitRun(within(t, 15*time.Second), run)
	if err != nil {
		t.Fatal(err)
	}
	if status != protocol.StatusLost && status != protocol.StatusKernelDied {
		t.Errorf("run ended as %s", status)
	}
	eventually(t, 10*time.Second, "the kernel is gone too", func() bool { return !alive(pid) })
	wantPrefix(t, streamText(t, s, c.State(), "loop"), 2000)
	if got := value(t, c, "again", "6*7"); got != "42" {
		t.Errorf("a new kernel says %s", got)
	}
}

// F3: the kernel ends in mid-cell in each of the ways it can. Promise 11: within 2 s, with the cause, the output before kept, also in a
// tab opened later, and no restart by itself.
func TestF3_kernel_ends_in_mid_cell(t *testing.T) {
	tests := []struct {
		name, code string
		want       []string // words of the death's text
	}{
		{"exit", "print('before', flush=True)\nimport os, time; time.sleep(0.1); os._exit(3)", []string{"3"}},
		{"killed", "print('before', flush=True)\nimport os, signal, time; time.sleep(0.1); os.kill(os.getpid(), signal.SIGKILL)", []string{"SIGKILL"}},
		{"segmentation fault", "print('before', flush=True)\nimport ctypes, time; time.sleep(0.1); ctypes.string_at(0)", []string{"SIGSEGV"}},
	}
	s := newServer(t, "7")
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			notebook := fmt.Sprintf("death%d.ipynb", i)
			c := s.Client(notebook)
			value(t, c, "warm", "1")
			began := time.Now()
			run := start(t, c, "die", tt.code)
			finish(t, c, run, 10*time.Second, protocol.StatusKernelDied)
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("told after %v", took)
			}
			late := s.Client(notebook)
			for _, client := range []*pageclient.Client{c, late} {
				if err := client.Wait(within(t, 10*time.Second), "the death", func(st *protocol.State) bool {
					return st.Kernel.State == protocol.KernelDead && st.Kernel.Death != nil
				}); err != nil {
					t.Fatal(err)
				}
				st := client.State()
				for _, word := range tt.want {
					if !strings.Contains(st.Kernel.Death.Text, word) {
						t.Errorf("death says %q, want %q in it", st.Kernel.Death.Text, word)
					}
				}
				if got := streamText(t, s, st, "die"); got != "before\n" {
					t.Errorf("output before the death is %q", got)
				}
			}
		})
	}
}

// F5: the kernel is stopped for longer than its heartbeat allows: it is called unresponsive, not killed, and goes on afterwards.
func TestF5_kernel_stopped_is_unresponsive(t *testing.T) {
	t.Parallel()
	s := newServer(t, "7")
	c := s.Client("stopped.ipynb")
	pid := atoi(t, value(t, c, "pid", "import os; os.getpid()"))
	run := start(t, c, "loop", printLines(3000, 10, 0.01, filepath.Join(t.TempDir(), "runs")))
	printed(t, c, "loop", 100, 20*time.Second)
	kill(t, pid, syscall.SIGSTOP)
	defer kill(t, pid, syscall.SIGCONT)
	if err := c.Wait(within(t, 40*time.Second), "unresponsive", func(st *protocol.State) bool {
		return st.Kernel.State == protocol.KernelUnresponsive
	}); err != nil {
		t.Fatal(err)
	}
	if soak() {
		time.Sleep(60 * time.Second)
	}
	kill(t, pid, syscall.SIGCONT)
	finish(t, c, run, time.Minute, protocol.StatusOK)
	sameText(t, "the page", streamText(t, s, c.State(), "loop"), wantLines(3000))
}

// F6: the server is stopped under fast output. Promise 5: every line and every idle, with ipykernel 6 and 7.
func TestF6_server_stopped_under_fast_output(t *testing.T) {
	for _, version := range []string{"6", "7"} {
		t.Run("ipykernel "+version, func(t *testing.T) {
			s := newServer(t, version)
			c := s.Client("frozen.ipynb")
			value(t, c, "warm", "1")
			n := short(8000, 100_000)
			run := start(t, c, "flood", printFlushed(n))
			printed(t, c, "flood", 10, 20*time.Second)
			s.Signal(syscall.SIGSTOP)
			time.Sleep(time.Duration(short(3, 30)) * time.Second)
			s.Signal(syscall.SIGCONT)
			finish(t, c, run, time.Duration(short(3, 10))*time.Minute, protocol.StatusOK)
			sameText(t, "the page", streamText(t, s, c.State(), "flood"), wantLines(n))
		})
	}
}

// Promise 5: restart and run all, again and again: every run ends, every idle arrives, every output is whole.
func TestRestart_and_run_all(t *testing.T) {
	for _, version := range []string{"6", "7"} {
		t.Run("ipykernel "+version, func(t *testing.T) {
			s := newServer(t, version)
			c := s.Client("again.ipynb")
			const cells = 5
			for i := range cells {
				do(t, c, protocol.Command{Type: protocol.CmdCellInsert, Index: i, CellID: protocol.CellID(fmt.Sprintf("c%d", i)), CellType: "code",
					Source: fmt.Sprintf("seen = %s\nfor i in range(200): print(seen, i, flush=True)", []string{"0", "seen + 1"}[min(i, 1)])})
			}
			for round := range short(3, 200) {
				do(t, c, protocol.Command{Type: protocol.CmdKernelRestart})
				group := do(t, c, protocol.Command{Type: protocol.CmdRun})
				if err := c.Wait(within(t, time.Duration(short(1, 10))*time.Minute), "all runs to end", func(st *protocol.State) bool {
					for i := range cells {
						cell := st.Cell(protocol.CellID(fmt.Sprintf("c%d", i)))
						if cell == nil || cell.Run == nil || !strings.HasPrefix(string(cell.Run.ID), string(group.CmdID)) || cell.Run.State != protocol.StateDone || cell.ExecutionCount == nil || *cell.ExecutionCount != i+1 {
							return false
						}
					}
					return len(st.Queue) == 0 && st.Kernel.State == protocol.KernelIdle
				}); err != nil {
					t.Fatalf("round %d: %v; %s", round, err, tailOf(withoutClock(c.State()), 3000))
				}
				st := c.State()
				for i := range cells {
					id := protocol.CellID(fmt.Sprintf("c%d", i))
					if got := st.Cell(id).Run.Status; got != protocol.StatusOK {
						t.Fatalf("round %d: cell %d ended as %s", round, i, got)
					}
					var want strings.Builder
					for k := range 200 {
						fmt.Fprintln(&want, i, k)
					}
					if said := streamText(t, s, st, id, "stderr"); said != "" {
						t.Errorf("round %d, cell %d: on stderr: %s", round, i, tailOf(said, 4000))
					}
					sameText(t, fmt.Sprintf("round %d, cell %d", round, i), streamText(t, s, st, id, "stdout"), want.String())
				}
			}
		})
	}
}

// F7: the keeper is stopped under fast output. With XPUB_NODROP the kernel waits; nothing is lost. Whoever flushes waits for 10 s at most,
// then ipykernel itself says so on stderr, and goes on.
func TestF7_keeper_stopped_under_fast_output(t *testing.T) {
	s := newServer(t, "7")
	c := s.Client("frozen.ipynb")
	keeper := atoi(t, value(t, c, "ppid", "import os; os.getppid()"))
	n := short(8000, 20_000) // many more than its queue and the socket hold
	run := start(t, c, "flood", printFlushed(n))
	printed(t, c, "flood", 10, 20*time.Second)
	kill(t, keeper, syscall.SIGSTOP)
	time.Sleep(time.Duration(short(3, 60)) * time.Second)
	kill(t, keeper, syscall.SIGCONT)
	finish(t, c, run, time.Duration(short(2, 10))*time.Minute, protocol.StatusOK)
	sameText(t, "the page", streamText(t, s, c.State(), "flood", "stdout"), wantLines(n))
	onlyFlushNotes(t, s, c.State(), "flood")
}

// F26: a second server on the folder is refused and names the first one's address.
func TestF26_second_server_refused(t *testing.T) {
	t.Parallel()
	s := newServer(t, "7")
	second := *s
	second.log = &lockedBuffer{}
	code := second.runOnce("serve", s.Dir, "--port", "0", "--no-browser")
	if code == 0 {
		t.Fatal("a second server on the same folder started")
	}
	if !strings.Contains(second.log.String(), strings.TrimPrefix(s.URL, "http://")) {
		t.Errorf("the refusal does not name %s: %s", s.URL, second.log.String())
	}
}

// F30: a kernel with children that ignore every polite signal: interrupt within 1 s where it can be, and no survivor after a stop.
func TestF30_stubborn_children(t *testing.T) {
	s := newServer(t, "7")
	c := s.Client("children.ipynb")
	pid := atoi(t, value(t, c, "pid", "import os; os.getpid()"))
	child := atoi(t, value(t, c, "child", `import subprocess, sys
p = subprocess.Popen([sys.executable, "-c", """
import signal, time, os
signal.signal(signal.SIGINT, signal.SIG_IGN); signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open('grandchild', 'w').write(str(os.getpid()))
        time.sleep(600)
    os._exit(0)
time.sleep(600)
"""])
p.pid`))
	var grandchild int
	eventually(t, 10*time.Second, "the grandchild writes its pid", func() bool {
		grandchild = atoiOr(string(s.File("grandchild")), 0)
		return grandchild > 0
	})
	run := start(t, c, "sleep", "import time\nwhile True: time.sleep(0.1)")
	waitRunning(t, c, "sleep")
	began := time.Now()
	do(t, c, protocol.Command{Type: protocol.CmdInterrupt})
	finish(t, c, run, 5*time.Second, protocol.StatusInterrupted)
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("interrupt took %v", took)
	}
	do(t, c, protocol.Command{Type: protocol.CmdKernelStop, Force: true})
	eventually(t, 10*time.Second, "kernel, child and daemonised grandchild are gone", func() bool {
		return !alive(pid) && !alive(child) && !alive(grandchild)
	})
}

// F30: a kernel that ignores SIGINT and SIGTERM, in code that catches everything. An interrupt does not end it and is not said to have; a
// restart that is not forced has ended it all the same within 10 s, and its child with it.
func TestF30_kernel_ignores_signals(t *testing.T) {
	t.Parallel()
	s := newServer(t, "7")
	c := s.Client("deaf.ipynb")
	pid := atoi(t, value(t, c, "pid", "import os; os.getpid()"))
	run := start(t, c, "deaf", `import signal, subprocess, time
child = subprocess.Popen(["sleep", "600"], start_new_session=True)
for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP): signal.signal(s, signal.SIG_IGN)
print(child.pid, flush=True)
while True:
    try: time.sleep(1)
    except BaseException: pass`)
	printed(t, c, "deaf", 2, 30*time.Second)
	child := atoi(t, streamText(t, s, c.State(), "deaf"))
	do(t, c, protocol.Command{Type: protocol.CmdInterrupt})
	if got := c.State().Cell("deaf").Run.State; got != protocol.StateRunning {
		t.Errorf("the run that goes on is shown as %s", got)
	}
	do(t, c, protocol.Command{Type: protocol.CmdKernelRestart})
	finish(t, c, run, 10*time.Second, protocol.StatusInterrupted)
	eventually(t, 10*time.Second, "the kernel and its child are gone", func() bool { return !alive(pid) && !alive(child) })
	if got := value(t, c, "again", "6*7"); got != "42" {
		t.Errorf("the new kernel says %s", got)
	}
}

// Promise 10, last sentence: when no server comes back, kernels and their children are gone after the stated time.
func TestKernels_end_when_no_server_returns(t *testing.T) {
	t.Parallel()
	wait := time.Duration(short(2, 60)) * time.Second
	s := newServer(t, "7", "--keep-for", wait.String())
	c := s.Client("alone.ipynb")
	pid := atoi(t, value(t, c, "pid", "import os; os.getpid()"))
	keeper := atoi(t, value(t, c, "ppid", "os.getppid()"))
	child := atoi(t, value(t, c, "child", "import subprocess; subprocess.Popen(['sleep', '600'], start_new_session=True).pid"))
	s.Kill()
	killed := time.Now()
	eventually(t, wait+20*time.Second, "kernel, child and keeper are gone", func() bool { return !alive(pid) && !alive(child) && !alive(keeper) })
	if took := time.Since(killed); took < wait {
		t.Errorf("they were gone after %v already", took)
	}
	s.Start()
}

func alive(pid int) bool {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	rest := string(data[strings.LastIndexByte(string(data), ')')+1:])
	return !strings.HasPrefix(strings.TrimSpace(rest), "Z")
}
