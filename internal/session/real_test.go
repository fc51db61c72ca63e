package session

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// bothKernels runs a test with ipykernel 6 and 7.
func bothKernels(t *testing.T, test func(t *testing.T, w *world)) {
	for _, major := range []string{"6", "7"} {
		t.Run("ipykernel "+major, func(t *testing.T) {
			t.Parallel()
			test(t, newWorld(t, major))
		})
	}
}

func TestRealKernel(t *testing.T) {
	bothKernels(t, func(t *testing.T, w *world) {
		w.write("a.ipynb", "")
		sv, s, p := w.begin()
		sv.execute(s, "one", "import time\nfor i in range(3):\n    print('line', i)\nx = 41\nx + 1")
		p.untilDone("one", protocol.StatusOK)
		if got := text(p.state.Cell("one")); got != "line 0\nline 1\nline 2\n[\"42\"]" {
			t.Errorf("shows %q", got)
		}
		sv.execute(s, "two", "name = input('Name: ')\nprint('hello', name)")
		p.until("a prompt", func(s *protocol.State) bool { return len(s.Prompts) == 1 })
		sv.do(s, protocol.Command{Type: protocol.CmdInputReply, RequestID: p.state.Prompts[0].RequestID, Value: "Ada"})
		p.untilDone("two", protocol.StatusOK)
		if got := text(p.state.Cell("two")); got != "<Name: Ada>hello Ada\n" {
			t.Errorf("shows %q", got)
		}
		sv.execute(s, "three", "print('begin')\nwhile True: time.sleep(0.01)")
		p.untilText("three", "begin")
		sv.do(s, protocol.Command{Type: protocol.CmdInterrupt})
		p.untilDone("three", protocol.StatusInterrupted)
		sv.execute(s, "four", "print('no')\nthis is no python")
		p.untilDone("four", protocol.StatusError)
		if got := text(p.state.Cell("four")); !strings.HasPrefix(got, "!SyntaxError") {
			t.Errorf("a syntax error shows %q", got)
		}
		p.untilSaved()
		p.same()
		for _, part := range []string{"line 0", "hello Ada", "Name: Ada", "SyntaxError", "python3"} {
			if !strings.Contains(w.read("a.ipynb"), part) {
				t.Errorf("the file lacks %q", part)
			}
		}
	})
}

// ipykernel's event loop sleeps while a cell awaits, and its handler of an interrupt does not wake it.
func TestInterruptOfAnAwait(t *testing.T) {
	bothKernels(t, func(t *testing.T, w *world) {
		w.write("a.ipynb", "")
		sv, s, p := w.begin()
		sv.execute(s, "one", "import asyncio\nprint('sleeps')\nawait asyncio.sleep(1000)")
		p.untilText("one", "sleeps")
		sv.do(s, protocol.Command{Type: protocol.CmdInterrupt})
		p.untilDone("one", protocol.StatusInterrupted)
	})
}

// An interrupt that reaches ipykernel in its own code, before the cell's: it replies nothing, and the notebook goes on.
func TestInterruptBeforeTheCode(t *testing.T) {
	bothKernels(t, func(t *testing.T, w *world) {
		w.write("a.ipynb", "")
		sv, s, p := w.begin()
		sv.execute(s, "one", `import time
kernel = get_ipython().kernel
forward = kernel._forward_input
def slowly(*args):
    kernel._forward_input = forward
    print("not yet in the cell")
    time.sleep(60)
kernel._forward_input = slowly`)
		p.untilDone("one", protocol.StatusOK)
		sv.execute(s, "two", "print('in the cell')")
		p.untilText("two", "not yet in the cell")
		sv.do(s, protocol.Command{Type: protocol.CmdInterrupt})
		p.untilDone("two", protocol.StatusInterrupted)
		sv.execute(s, "three", "6 * 7")
		p.untilDone("three", protocol.StatusOK)
		p.same()
	})
}

// A signal that comes just before the code begins to sleep would be noticed when it wakes: of interrupts right at a run's start 1 in 30.
func TestInterruptAsTheCodeBeginsToSleep(t *testing.T) {
	bothKernels(t, func(t *testing.T, w *world) {
		w.write("a.ipynb", "")
		sv, s, p := w.begin()
		sv.execute(s, "a", "import time")
		p.untilDone("a", protocol.StatusOK)
		for range 40 {
			run := sv.execute(s, "b", "time.sleep(1000)")
			sv.do(s, protocol.Command{Type: protocol.CmdInterrupt})
			p.until("its end", func(state *protocol.State) bool {
				cell := state.Cell("b")
				return cell != nil && cell.Run != nil && cell.Run.ID == run && cell.Run.State == protocol.StateDone
			})
		}
	})
}

func TestServerRestartInMidCell(t *testing.T) {
	bothKernels(t, func(t *testing.T, w *world) {
		w.write("a.ipynb", "")
		sv, s, p := w.begin()
		sv.execute(s, "one", "import os, time\nprint('pid', os.getpid())\nfor i in range(200):\n    print('line', i)\n    time.sleep(0.01)\nprint(input('end? '))")
		sv.execute(s, "two", "print('second', os.getpid())")
		p.untilText("one", "line 20\n")
		epoch := p.state.Epoch
		p.c.Close()
		sv.stop()

		sv = w.serve()
		s = sv.open("a.ipynb")
		p = sv.page(s)
		if p.state.Epoch == epoch {
			t.Error("the epoch is the same")
		}
		if r := p.state.Cell("one").Run; r.State != protocol.StateRunning {
			t.Errorf("the run is %s", asJSON(r))
		}
		if len(p.state.Queue) != 1 {
			t.Errorf("queue %v", p.state.Queue)
		}
		p.until("a prompt", func(s *protocol.State) bool { return len(s.Prompts) == 1 })
		sv.do(s, protocol.Command{Type: protocol.CmdInputReply, Value: "yes"})
		p.untilDone("two", protocol.StatusOK)
		lines := strings.Split(text(p.state.Cell("one")), "\n")
		if len(lines) != 203 || lines[200] != "line 199" || lines[201] != "<end? yes>yes" {
			t.Errorf("%d lines: %q", len(lines), lines[max(0, len(lines)-4):])
		}
		if pid := strings.TrimPrefix(lines[0], "pid "); text(p.state.Cell("two")) != "second "+pid+"\n" {
			t.Errorf("another process: %q %q", lines[0], text(p.state.Cell("two")))
		}
		p.same()
	})
}

// What a server is asked for in its first moments, before it has heard that the kernel which was kept for it was killed, runs on a new one.
func TestKernelKilledBetweenServers(t *testing.T) {
	bothKernels(t, func(t *testing.T, w *world) {
		sv, s, p := w.begin()
		sv.execute(s, "one", "x = 1")
		p.untilDone("one", protocol.StatusOK)
		pid := p.state.Kernel.PID
		p.c.Close()
		sv.stop()
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}

		sv = w.serve()
		s = sv.open("a.ipynb")
		sv.execute(s, "two", "'x' in globals()")
		p = sv.page(s)
		p.untilDone("two", protocol.StatusOK)
		if got := text(p.state.Cell("two")); got != `["False"]` {
			t.Errorf("the cell shows %s", got)
		}
		p.same()
	})
}

// The keeper waits for word that its last record is in the journal; a server that stops as soon as the kernel has ended gives it.
func TestStopLeavesNoKernelFolder(t *testing.T) {
	w := newWorld(t, "7")
	sv, s, p := w.begin()
	sv.execute(s, "one", "1")
	p.untilDone("one", protocol.StatusOK)
	sv.do(s, protocol.Command{Type: protocol.CmdKernelStop})
	p.until("no kernel", func(s *protocol.State) bool { return s.Kernel.State == protocol.KernelNone })
	sv.stop()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		left, err := os.ReadDir(w.runtime)
		if err != nil {
			t.Fatal(err)
		}
		if len(left) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%v is left", left)
		}
	}
}
