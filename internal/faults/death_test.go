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
	run := start(t, c, "flood", printUntil(0, 20*time.Millisecond, true, stop, count, counter))
	waitRunning(t, c, "flood")
	began := c.State().Cell("flood").Run.StartedAt
	queued := start(t, c, "after", "marker, os.getpid()")
	kills := short(6, 50)
	for i := range kills {
		if i%3 == 0 { // else the page may not have come back since the last one
			eventually(t, 30*time.Second, "the page is back", c.Live)
		}
		time.Sleep(time.Duration(rng.IntN(short(400, 600))) * time.Millisecond)
		s.Kill()
		if i == 0 { // promise 10: away for a minute
			time.Sleep(time.Duration(short(1, 60)) * time.Second)
		}
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
	printed, err := os.ReadFile(count)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := resultText(c.State(), "after"), fmt.Sprintf("(4711, %s)", pid); got != want {
		t.Errorf("after the kills the kernel says %s, want %s", got, want)
	}
	if got := executions(counter); got != 1 {
		t.Errorf("the cell ran %d times", got)
	}
	everywhere(t, s, "kill.ipynb", "flood", wantLines(atoi(t, string(printed))), c, late)
	t.Logf("%d kills in mid-cell, %s lines, %d connections, %d snapshots", kills, printed, c.Stats().Connections, c.Stats().Snapshots)
}

// F1: the server is killed when it was asked for runs and is about to start a kernel for them, or has just started it. They run in the next one, once, in order.
func TestF1_server_killed_as_a_kernel_starts(t *testing.T) {
	t.Parallel()
	rng := random(t)
	s := newServer(t, "7")
	for i := range short(4, 40) {
		c := s.Client(fmt.Sprintf("cold%d.ipynb", i))
		counter := filepath.Join(t.TempDir(), "runs")
		first := start(t, c, "first", fmt.Sprintf("open(%q, 'a').write('1')", counter))
		second := start(t, c, "second", fmt.Sprintf("open(%q, 'a').write('2')", counter))
		time.Sleep(time.Duration(rng.IntN(120)) * time.Millisecond)
		s.Kill()
		s.Start()
		finish(t, c, first, time.Minute, protocol.StatusOK)
		finish(t, c, second, time.Minute, protocol.StatusOK)
		if ran, _ := os.ReadFile(counter); string(ran) != "12" {
			t.Errorf("what ran is %q", ran)
		}
	}
}

// F3: the kernel ends in mid-cell in each of the ways it can. Promise 11: within 2 s, with the cause, the output before kept, also in a
// tab opened later, and no restart by itself.
func TestF3_kernel_ends_in_mid_cell(t *testing.T) {
	tests := []struct {
		name, code   string
		word, signal string // in the death's text, and of it
	}{
		{"exit", "import os; os._exit(3)", "3", ""},
		{"killed", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL", "SIGKILL"},
		{"segmentation fault", "import ctypes; ctypes.string_at(0)", "SIGSEGV", "SIGSEGV"},
	}
	s := newServer(t, "7")
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			notebook := fmt.Sprintf("death%d.ipynb", i)
			counter := filepath.Join(t.TempDir(), "runs")
			c := s.Client(notebook)
			pid := atoi(t, value(t, c, "pid", "import os; os.getpid()"))
			run := start(t, c, "die", fmt.Sprintf("print('before', flush=True)\nopen(%q, 'a').write('x')\nimport time; time.sleep(0.1)\n%s", counter, tt.code))
			waiting := start(t, c, "waiting", fmt.Sprintf("open(%q, 'a').write('y')", counter))
			eventually(t, 30*time.Second, "the kernel ends", func() bool { return !alive(pid) })
			gone := time.Now()
			finish(t, c, run, 10*time.Second, protocol.StatusKernelDied)
			if took := time.Since(gone); took > 2*time.Second {
				t.Errorf("the page was told after %v", took)
			}
			if status, err := c.WaitRun(within(t, 10*time.Second), waiting); err != nil || status != protocol.StatusCancelled {
				t.Errorf("the run that waited ended as %s, %v", status, err)
			}
			dead(t, s, c, tt.word, tt.signal)
			dead(t, s, s.Client(notebook), tt.word, tt.signal)
			s.Kill()
			s.Start()
			dead(t, s, s.Client(notebook), tt.word, tt.signal)
			if got := executions(counter); got != 1 {
				t.Errorf("%d executions", got)
			}
		})
	}
}

// dead checks what a page shows of a kernel that ended in the cell "die".
func dead(t *testing.T, s *Server, c *pageclient.Client, word, signal string) {
	t.Helper()
	if err := c.Wait(within(t, 10*time.Second), "the death", func(st *protocol.State) bool {
		return st.Kernel.State == protocol.KernelDead && st.Kernel.Death != nil
	}); err != nil {
		t.Fatal(err)
	}
	st := c.State()
	if d := st.Kernel.Death; !strings.Contains(d.Text, word) || d.Signal != signal || d.PeakMemory < 10<<20 || d.OOM {
		t.Errorf("the death is %+v, want %q and %q", *d, word, signal)
	}
	if got := streamText(t, s, st, "die"); got != "before\n" {
		t.Errorf("output before the death is %q", got)
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
			if st := c.State(); st.Cell("flood").Run.State != protocol.StateRunning {
				t.Fatal("the cell had ended before the server was stopped")
			}
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
	// A child that a cell waits for, and that ignores nothing, ends with the cell.
	run = start(t, c, "wait", "import subprocess\nq = subprocess.Popen(['sleep', '600'])\nprint(q.pid, flush=True)\nq.wait()")
	printed(t, c, "wait", 2, 20*time.Second)
	polite := atoi(t, streamText(t, s, c.State(), "wait", "stdout"))
	if !alive(polite) || !alive(child) || !alive(grandchild) {
		t.Fatal("a child is gone already")
	}
	do(t, c, protocol.Command{Type: protocol.CmdInterrupt})
	finish(t, c, run, 5*time.Second, protocol.StatusInterrupted)
	eventually(t, 5*time.Second, "the child that the cell waited for is gone", func() bool { return !alive(polite) })
	do(t, c, protocol.Command{Type: protocol.CmdKernelStop, Force: true})
	eventually(t, 10*time.Second, "kernel, child and daemonised grandchild are gone", func() bool {
		return !alive(pid) && !alive(child) && !alive(grandchild)
	})
}

// F30: a kernel that ignores SIGINT and SIGTERM, in code that catches everything. An interrupt does not end it and is not said to have; a
// restart that is not forced has ended it all the same within 10 s, and its child with it. What is submitted meanwhile runs in order in the new kernel.
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
	// All go out one behind the other: when the runs come, the restart has begun and cannot have ended.
	acks := []<-chan protocol.Ack{c.Send(&protocol.Command{Type: protocol.CmdKernelRestart})}
	meanwhile := make([]protocol.RunID, 5)
	for i := range meanwhile {
		code := fmt.Sprintf("order = [*globals().get('order', []), %d]; order", i)
		cmd := protocol.Command{Type: protocol.CmdExecute, CellID: protocol.CellID(fmt.Sprintf("meanwhile%d", i)), Code: &code}
		acks = append(acks, c.Send(&cmd))
		meanwhile[i] = protocol.RunID(cmd.CmdID)
	}
	for _, ack := range acks {
		if got := <-ack; got.Status == protocol.AckRejected {
			t.Fatalf("rejected: %s", got.Error)
		}
	}
	finish(t, c, run, 10*time.Second, protocol.StatusInterrupted)
	eventually(t, 10*time.Second, "the kernel and its child are gone", func() bool { return !alive(pid) && !alive(child) })
	for i, r := range meanwhile {
		finish(t, c, r, 30*time.Second, protocol.StatusOK)
		if got, want := resultText(c.State(), protocol.CellID(fmt.Sprintf("meanwhile%d", i))), fmt.Sprint([]int{0, 1, 2, 3, 4}[:i+1]); got != strings.ReplaceAll(want, " ", ", ") {
			t.Errorf("run %d found %s, want %s", i, got, want)
		}
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
