package session

import (
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/kernel"
	"github.com/runnel-dev/runnel/internal/protocol"
)

func TestRunsOneAfterTheOther(t *testing.T) {
	b := newBench(t, 0)
	b.execute("r1", "a", "1")
	b.execute("r2", "b", "2")
	if n := len(sent[launchKernel](b)); n != 1 {
		t.Fatalf("%d launches", n)
	}
	b.start()
	if m := sent[sendMessage](b); len(m) != 1 || m[0].ID != "r1" {
		t.Fatalf("sent %v", m)
	}
	b.wantRun("a", protocol.StateRunning, "")
	b.wantRun("b", protocol.StateQueued, "")
	b.says(printed1("r1", "one"), printed1("r1", " two\n"))
	b.says(idleOf("r1"))
	b.wantRun("a", protocol.StateRunning, "")
	b.says(replyOf("r1", "ok"))
	b.wantRun("a", protocol.StateDone, protocol.StatusOK)
	b.wantText("a", "one two\n")
	if m := sent[sendMessage](b); len(m) != 1 || m[0].ID != "r2" {
		t.Fatalf("sent %v", m)
	}
	b.says(replyOf("r2", "error"), idleOf("r2"))
	b.wantRun("b", protocol.StateDone, protocol.StatusError)
	b.wantText("b", "!ValueError: bad")
}

func TestDuplicateCommandTakesEffectOnce(t *testing.T) {
	b := newBench(t, 0)
	b.execute("r1", "a", "1")
	b.crash()
	code := "1"
	if ack := b.command(protocol.Command{Type: protocol.CmdExecute, CmdID: "r1", CellID: "a", Code: &code}); ack.Status != protocol.AckDuplicate {
		t.Fatalf("got %+v", ack)
	}
	if n := len(b.c.priv.Runs); n != 1 {
		t.Fatalf("%d runs", n)
	}
}

func TestGroupStopsAtFirstError(t *testing.T) {
	b := newBench(t, 0)
	for _, id := range []protocol.CellID{"a", "b", "c"} {
		b.accept(protocol.Command{Type: protocol.CmdCellInsert, CellID: id, Index: 99, Source: "x"})
	}
	b.accept(protocol.Command{Type: protocol.CmdRun, CmdID: "g"})
	b.execute("other", "d", "y")
	b.start()
	b.says(replyOf("g", "error"), idleOf("g"))
	b.wantRun("a", protocol.StateDone, protocol.StatusError)
	b.wantRun("b", protocol.StateDone, protocol.StatusCancelled)
	b.wantRun("c", protocol.StateDone, protocol.StatusCancelled)
	b.wantRun("d", protocol.StateRunning, "")
}

func TestRerunWhileRunning(t *testing.T) {
	b := newBench(t, 0)
	b.execute("r1", "a", "1")
	b.start()
	b.says(asks("r1", "q1", "Name: ", false))
	b.execute("r2", "a", "2")
	b.wantRun("a", protocol.StateRunning, "")
	if s := b.c.state(); len(s.Prompts) != 1 || len(s.Queue) != 1 {
		t.Fatalf("prompts %v, queue %v", s.Prompts, s.Queue)
	}
	b.accept(protocol.Command{Type: protocol.CmdInputReply, Value: "Ada"})
	b.wantText("a", "<Name: Ada>")
	b.says(replyOf("r1", "ok"), idleOf("r1"))
	b.wantRun("a", protocol.StateRunning, "")
	b.says(printed1("r2", "second"))
	b.wantText("a", "second")
}

func TestLateOutputGoesToItsCell(t *testing.T) {
	b := newBench(t, 0)
	b.execute("r1", "a", "1")
	b.start()
	b.says(replyOf("r1", "ok"), idleOf("r1"))
	b.execute("r2", "b", "2")
	b.says(printed1("r1", "from a thread"), printed1("r2", "mine"))
	b.wantText("a", "from a thread")
	b.wantText("b", "mine")
	b.crash()
	b.says(printed1("r1", ", still"))
	b.wantText("a", "from a thread, still")
}

func TestIdleThatNeverComes(t *testing.T) {
	b := newBench(t, 0)
	b.execute("r1", "a", "1")
	b.start()
	b.says(replyOf("r1", "ok"))
	b.c.now += idleGrace - 1
	b.do((*core).tick)
	b.wantRun("a", protocol.StateRunning, "")
	b.says(printed1("r1", "more"))
	b.c.now += idleGrace - 1
	b.do((*core).tick)
	b.wantRun("a", protocol.StateRunning, "")
	b.c.now += 60_000 // the server was stopped for a minute: what waits is read first
	b.do((*core).tick)
	b.wantRun("a", protocol.StateRunning, "")
	b.says(printed1("r1", "and more"))
	b.c.now = b.c.deadline()
	b.do((*core).tick)
	b.wantRun("a", protocol.StateRunning, "")
	b.c.now = b.c.deadline()
	b.do((*core).tick)
	b.wantRun("a", protocol.StateDone, protocol.StatusOK)
	if o := b.cell("a").Outputs; len(o) != 2 || o[1].Ename != "OutputIncomplete" {
		t.Fatalf("outputs %s", asJSON(o))
	}
	b.says(idleOf("r1"))
}

func TestInterruptEmptiesTheQueue(t *testing.T) {
	b := newBench(t, 0)
	b.execute("r1", "a", "1")
	b.execute("r2", "b", "1")
	b.start()
	b.says(begun("r1"))
	b.accept(protocol.Command{Type: protocol.CmdInterrupt})
	b.wantRun("b", protocol.StateDone, protocol.StatusCancelled)
	if len(sent[interruptKernel](b)) != 1 {
		t.Fatal("not interrupted")
	}
	b.says(replyOf("r1", "error"), idleOf("r1"))
	b.wantRun("a", protocol.StateDone, protocol.StatusInterrupted)
}

// A kernel that has not yet begun with a run ignores an interrupt: it is passed on when the run begins. For a kernel that is busy with
// something else it is passed on soon, and again when the run begins.
func TestInterruptBeforeTheRunBegins(t *testing.T) {
	interrupts := func(b *bench) int { return len(sent[interruptKernel](b)) }
	t.Run("it begins at once", func(t *testing.T) {
		b := newBench(t, 0)
		b.execute("r1", "a", "1")
		b.start()
		b.accept(protocol.Command{Type: protocol.CmdInterrupt})
		if n := interrupts(b); n != 0 {
			t.Fatalf("%d interrupts for a kernel that has not begun", n)
		}
		b.says(begun("r1"))
		if n := interrupts(b); n != 1 {
			t.Fatalf("%d interrupts when it began", n)
		}
		b.c.now += 10_000
		b.do((*core).tick)
		b.says(printed1("r1", "x"))
		if n := interrupts(b); n != 0 {
			t.Fatalf("%d interrupts more", n)
		}
	})
	t.Run("it is late", func(t *testing.T) {
		b := newBench(t, 0)
		b.execute("r1", "a", "1")
		b.start()
		b.accept(protocol.Command{Type: protocol.CmdInterrupt})
		if d := b.c.deadline(); d != b.c.now+interruptHold {
			t.Fatalf("deadline in %d ms", d-b.c.now)
		}
		b.c.now += interruptHold
		b.do((*core).tick)
		b.do((*core).tick)
		if n := interrupts(b); n != 1 {
			t.Fatalf("%d interrupts for what else the kernel does", n)
		}
		b.says(begun("r1"))
		if n := interrupts(b); n != 1 {
			t.Fatalf("%d interrupts when it began", n)
		}
	})
	t.Run("the server dies between", func(t *testing.T) {
		b := newBench(t, 0)
		b.execute("r1", "a", "1")
		b.start()
		b.accept(protocol.Command{Type: protocol.CmdInterrupt})
		b.crash()
		b.says(begun("r1"))
		if n := interrupts(b); n != 1 {
			t.Fatalf("%d interrupts when it began", n)
		}
	})
}

func TestRestartKeepsTheQueue(t *testing.T) {
	b := newBench(t, 0)
	b.execute("r1", "a", "1")
	b.execute("r2", "b", "1")
	b.start()
	b.says(asks("r1", "q1", "?", false))
	sent[sendMessage](b)
	old := b.c.priv.KernelID
	b.accept(protocol.Command{Type: protocol.CmdKernelRestart})
	b.wantRun("a", protocol.StateDone, protocol.StatusInterrupted)
	b.wantRun("b", protocol.StateQueued, "")
	if len(b.c.pub.Prompts) != 0 {
		t.Fatal("the prompt stays open")
	}
	b.execute("r3", "c", "1")
	b.says(kernel.Event{Kind: kernel.Exited, Exit: &kernel.Exit{Requested: true}})
	if id := b.c.priv.KernelID; id == old || id == "" {
		t.Fatalf("kernel %q", id)
	}
	b.start()
	if m := sent[sendMessage](b); len(m) != 1 || m[0].ID != "r2" {
		t.Fatalf("sent %v", m)
	}
	b.wantRun("b", protocol.StateRunning, "")
}

// TestFreshKernel is P42.
func TestFreshKernel(t *testing.T) {
	b := newBench(t, 0)
	fresh := func(when string, want bool) {
		t.Helper()
		if got := b.c.pub.Kernel.Fresh; got != want {
			t.Errorf("%s: fresh is %v", when, got)
		}
	}
	b.accept(protocol.Command{Type: protocol.CmdKernelStart})
	b.start()
	fresh("started", true)
	b.execute("r1", "a", "1")
	fresh("running", false)
	b.accept(protocol.Command{Type: protocol.CmdKernelRestart})
	fresh("restarting", false)
	b.says(kernel.Event{Kind: kernel.Exited, Exit: &kernel.Exit{Requested: true}})
	b.start()
	fresh("restarted", true)
}

func TestDeathEndsEverythingAndIsExplained(t *testing.T) {
	b := newBench(t, 0)
	b.execute("r1", "a", "1")
	b.execute("r2", "b", "1")
	b.start()
	b.says(printed1("r1", "before\n"))
	b.says(kernel.Event{Kind: kernel.Exited, Exit: &kernel.Exit{Code: -1, Signal: "SIGKILL", OOM: true, PeakRSS: 7, Text: "It ran out of memory.", Stderr: "Killed"}})
	b.wantRun("a", protocol.StateDone, protocol.StatusKernelDied)
	b.wantRun("b", protocol.StateDone, protocol.StatusCancelled)
	b.wantText("a", "before\n!KernelDied: It ran out of memory.")
	k := b.c.state().Kernel
	if k.State != protocol.KernelDead || k.Death == nil || !k.Death.OOM || k.Death.PeakMemory != 7 {
		t.Fatalf("kernel %s", asJSON(k))
	}
	sent[launchKernel](b)
	b.execute("r3", "a", "1")
	if len(sent[launchKernel](b)) != 1 {
		t.Fatal("no new kernel")
	}
}

func TestLaunchFailureEndsTheRuns(t *testing.T) {
	b := newBench(t, 0)
	b.execute("r1", "a", "1")
	b.do(func(c *core) { c.kernelFailed(c.priv.KernelID, "python3 has no ipykernel: run pip install ipykernel") })
	b.wantRun("a", protocol.StateDone, protocol.StatusKernelDied)
	if r := b.cell("a").Run; r.Reason == "" {
		t.Fatal("no reason")
	}
}

func TestRestartOfTheServerSendsAgainWhatMayNotHaveArrived(t *testing.T) {
	b := newBench(t, 0)
	b.execute("r1", "a", "1")
	b.execute("r2", "b", "1")
	b.start()
	b.says(printed1("r1", "x"))
	b.crash()
	if m := sent[sendMessage](b); len(m) != 1 || m[0].ID != "r1" {
		t.Fatalf("sent %v", m)
	}
	b.says(printed1("r1", "y"), replyOf("r1", "ok"), idleOf("r1"))
	b.wantText("a", "xy")
	b.wantRun("b", protocol.StateRunning, "")
	if b.c.pub.N == 0 || b.c.priv.Record != 4 {
		t.Fatalf("record %d", b.c.priv.Record)
	}
}

// The machine's clock is set between two servers: the keeper knows when it began by the clock of now, and the run's clock goes on from where
// it was. What a cell has waiting is not lost by it.
func TestClockSetBetweenTwoServers(t *testing.T) {
	for name, by := range map[string]int64{"forward": 3_600_000, "back": -86_400_000, "hardly": 3_000} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, 0)
			b.execute("r1", "a", "1")
			b.start()
			b.says(kernel.Event{Kind: kernel.Started, PID: 7, Time: time.UnixMilli(b.c.now)})
			if name == "back" {
				b.execute("r2", "b", "2")
			}
			want := b.cell("a").Run.StartedAt + by
			if name == "hardly" {
				want -= by // that is no more than two readings differ by
			}
			b.began = time.UnixMilli(b.c.pub.Kernel.StartedAt + by)
			b.c.now += 10_000 + by
			b.crash()
			if got := b.cell("a").Run.StartedAt; got != want {
				t.Errorf("the run began at %d, want %d", got, want)
			}
			if name == "back" {
				b.wantRun("b", protocol.StateQueued, "")
			}
			b.says(replyOf("r1", "ok"), idleOf("r1"))
			b.wantRun("a", protocol.StateDone, protocol.StatusOK)
			again := b.c.pub.Kernel.StartedAt
			b.crash()
			if got := b.c.pub.Kernel.StartedAt; got != again {
				t.Errorf("a second time the kernel began at %d, first at %d", got, again)
			}
		})
	}
}

func TestMoreOutputsThanAreKept(t *testing.T) {
	b := newBench(t, 0)
	b.execute("r1", "a", "1")
	b.start()
	display := iopub("display_data", "r1", map[string]any{"data": map[string]any{"text/plain": "v"}, "metadata": map[string]any{}})
	var events []kernel.Event
	for range 2000 {
		events = append(events, display)
	}
	for range 4 {
		b.says(events...)
	}
	b.says(printed1("r1", "more"))
	b.says(replyOf("r1", "error"), idleOf("r1"))
	outputs := b.cell("a").Outputs
	if n := len(outputs); n != maxOutputs+2 {
		t.Fatalf("%d outputs", n)
	}
	if mark := string(outputs[maxOutputs].Data["text/plain"]); !contains(mark, "3001 further outputs") {
		t.Errorf("the mark says %s", mark)
	}
	if outputs[maxOutputs+1].Kind != protocol.KindError {
		t.Error("the error found no room")
	}
}
