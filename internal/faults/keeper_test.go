package faults

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// F2: the keeper is killed. Its kernel ends with it, the run ends once and with the cause, also for who comes later; nothing stays behind, a new run starts anew.
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
	if status != protocol.StatusLost {
		t.Errorf("run ended as %s", status)
	}
	eventually(t, 10*time.Second, "the kernel is gone too", func() bool { return !alive(pid) })
	wantPrefix(t, streamText(t, s, c.State(), "loop"), 2000)
	s.Kill()
	s.Start()
	late := s.Client("keeper.ipynb")
	if err := late.Wait(within(t, 20*time.Second), "the death", func(st *protocol.State) bool {
		return st.Kernel.State == protocol.KernelDead && st.Kernel.Death != nil && st.Cell("loop").Run.Status == protocol.StatusLost
	}); err != nil {
		t.Fatal(err)
	}
	if text := late.State().Kernel.Death.Text; !strings.Contains(text, "process that kept the kernel is gone") {
		t.Errorf("a page that comes later is told %q", text)
	}
	wantPrefix(t, streamText(t, s, late.State(), "loop"), 2000)
	if got := value(t, c, "again", "6*7"); got != "42" {
		t.Errorf("a new kernel says %s", got)
	}
}

// F7: the keeper is stopped under fast output. With XPUB_NODROP the kernel waits; nothing is lost. Whoever flushes waits for 10 s at most,
// then ipykernel itself says so on stderr, and goes on.
func TestF7_keeper_stopped_under_fast_output(t *testing.T) {
	for _, version := range []string{"6", "7"} {
		t.Run("ipykernel "+version, func(t *testing.T) {
			s := newServer(t, version)
			c := s.Client("frozen.ipynb")
			keeper := atoi(t, value(t, c, "ppid", "import os; os.getppid()"))
			n := short(3000, 20_000)
			at := filepath.Join(t.TempDir(), "at")
			run := start(t, c, "flood", printNoting(n, at))
			printed(t, c, "flood", 10, 20*time.Second)
			kill(t, keeper, syscall.SIGSTOP)
			stopped := time.Now()
			fillQueue(t, at)
			time.Sleep(time.Until(stopped.Add(time.Duration(short(3, 60)) * time.Second)))
			kill(t, keeper, syscall.SIGCONT)
			if st := c.State(); st.Cell("flood").Run.State != protocol.StateRunning {
				t.Error("the cell had ended before the keeper went on")
			}
			finish(t, c, run, time.Duration(short(2, 10))*time.Minute, protocol.StatusOK)
			sameText(t, "the page", streamText(t, s, c.State(), "flood", "stdout"), wantLines(n))
			onlyFlushNotes(t, s, c.State(), "flood")
		})
	}
}

// fillQueue waits until a kernel to whom nobody listens stands still, or has printed many more messages than it would keep for who is slow (1,000).
func fillQueue(t *testing.T, at string) {
	t.Helper()
	read := func() int { data, _ := os.ReadFile(at); return atoiOr(string(data), 0) }
	first, last, moved := read(), read(), time.Now()
	eventually(t, 2*time.Minute, "the kernel fills its queue", func() bool {
		if now := read(); now != last {
			last, moved = now, time.Now()
		}
		return last > first+1800 || time.Since(moved) > 8*time.Second
	})
	t.Logf("while nobody listened the kernel printed %d lines", last-first)
}

// Promise 12: a restart that hangs, since the keeper itself does, can be forced: what stands still is ended, and a new kernel is there.
func TestRestart_of_a_stuck_keeper(t *testing.T) {
	t.Parallel()
	s := newServer(t, "7")
	c := s.Client("stuck.ipynb")
	pid := atoi(t, value(t, c, "pid", "import os; os.getpid()"))
	keeper := atoi(t, value(t, c, "ppid", "os.getppid()"))
	kill(t, keeper, syscall.SIGSTOP)
	defer kill(t, keeper, syscall.SIGCONT)
	do(t, c, protocol.Command{Type: protocol.CmdKernelRestart})
	if err := c.Wait(within(t, 10*time.Second), "the restart", func(st *protocol.State) bool { return st.Kernel.State == protocol.KernelRestarting }); err != nil {
		t.Fatal(err)
	}
	do(t, c, protocol.Command{Type: protocol.CmdKernelRestart, Force: true})
	run := start(t, c, "again", "6*7")
	finish(t, c, run, 30*time.Second, protocol.StatusOK)
	if alive(keeper) || alive(pid) {
		t.Errorf("of the old ones there is: keeper %v, kernel %v", alive(keeper), alive(pid))
	}
}
