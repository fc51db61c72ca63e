package session

import (
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/kernel"
	"github.com/runnel-dev/runnel/internal/protocol"
)

func TestPromptTimesOut(t *testing.T) {
	b := newBench(t, time.Minute)
	b.execute("r1", "a", "input()")
	b.start()
	b.says(asks("r1", "q1", "?", false))
	if d := b.c.pub.Prompts[0].Deadline; d != 0 {
		t.Fatal("the clock runs while nobody is connected")
	}
	b.do(func(c *core) { c.clientsChanged(1) })
	b.c.now += 30_000
	b.do(func(c *core) { c.clientsChanged(0) })
	b.c.now += 3_600_000
	b.do((*core).tick)
	b.do(func(c *core) { c.clientsChanged(1) })
	if left := b.c.pub.Prompts[0].Deadline - b.c.now; left != 30_000 {
		t.Fatalf("%d ms left", left)
	}
	b.accept(protocol.Command{Type: protocol.CmdPromptExtend, RequestID: "q1", Seconds: 10})
	b.c.now += 40_000
	b.do((*core).tick)
	if len(b.c.pub.Prompts) != 0 || len(sent[interruptKernel](b)) != 1 {
		t.Fatal("not timed out")
	}
	b.says(iopub("error", "r1", map[string]any{"ename": "KeyboardInterrupt", "evalue": "", "traceback": []string{"long"}}), replyOf("r1", "error"), idleOf("r1"))
	b.wantRun("a", protocol.StateDone, protocol.StatusError)
	b.wantText("a", "!InputTimeout: Input request timed out")
}

// A kernel in which a thread waits for a person is not idle; from the answer on it is.
func TestNotCulledWhileAThreadAsks(t *testing.T) {
	b := newBench(t, 0)
	b.c.cfg.idleCull = time.Minute
	b.execute("r1", "a", "Thread(target=input).start()")
	b.start()
	b.says(asksFrom("r1", "q1", map[string]any{"prompt": "?", "runnel_thread": true}), replyOf("r1", "ok"), idleOf("r1"))
	b.c.now += 3_600_000
	b.do((*core).tick)
	b.accept(protocol.Command{Type: protocol.CmdInputReply, Value: "yes"})
	b.c.now += 59_999
	b.do((*core).tick)
	if n := len(sent[stopKernel](b)); n > 0 {
		t.Fatal("culled too early")
	}
	b.c.now++
	b.do((*core).tick)
	if n := len(sent[stopKernel](b)); n != 1 {
		t.Fatalf("stopped %d times", n)
	}
}

func TestFirstAnswerWins(t *testing.T) {
	b := newBench(t, 0)
	b.execute("r1", "a", "input()")
	b.start()
	sent[sendMessage](b)
	b.says(asks("r1", "q1", "Secret: ", true))
	b.accept(protocol.Command{Type: protocol.CmdInputReply, RequestID: "q1", Value: "hunter2-canary", Client: "one"})
	if ack := b.command(protocol.Command{Type: protocol.CmdInputReply, RequestID: "q1", Value: "late"}); ack.Code != protocol.CodeAlreadyAnswered {
		t.Fatalf("second answer: %+v", ack)
	}
	if m := sent[sendMessage](b); len(m) != 1 {
		t.Fatalf("sent %v", m)
	}
	b.wantText("a", "<Secret: >")
	b.snapshot()
	if s := string(b.load().Snapshot.Data) + asJSON(b.events); contains(s, "hunter2-canary") {
		t.Fatal("the password is kept")
	}
}

func TestTypedAhead(t *testing.T) {
	b := newBench(t, 0)
	b.c.clientsChanged(1)
	if ack := b.command(protocol.Command{Type: protocol.CmdInputReply, Value: "x"}); ack.Code != protocol.CodeNoPrompt {
		t.Fatalf("with nothing running: %+v", ack)
	}
	b.execute("r1", "a", "input()")
	b.start()
	sent[sendMessage](b)
	b.accept(protocol.Command{Type: protocol.CmdInputReply, Value: "one"})
	b.accept(protocol.Command{Type: protocol.CmdInputReply, Value: "two"})
	b.says(asks("r1", "q1", "?", false))
	b.wantText("a", "<?one>")
	b.says(replyOf("r1", "ok"), idleOf("r1"))
	b.wantDropped()
}

// What waits for its kernel asks next, so an answer that comes meanwhile is its.
func TestTypedAhead_whileTheKernelStarts(t *testing.T) {
	b := newBench(t, 0)
	b.c.clientsChanged(1)
	b.execute("r1", "a", "input()")
	b.execute("r2", "b", "input()")
	b.accept(protocol.Command{Type: protocol.CmdInputReply, Value: "of r1"})
	b.accept(protocol.Command{Type: protocol.CmdCancel, CellID: "a"})
	b.wantDropped()
	b.accept(protocol.Command{Type: protocol.CmdInputReply, Value: "of r2"})
	b.start()
	b.says(asks("r2", "q1", "?", false))
	b.wantText("b", "<?of r2>")
}

func TestTypedAhead_kernelNeverStarts(t *testing.T) {
	b := newBench(t, 0)
	b.c.clientsChanged(1)
	b.execute("r1", "a", "input()")
	b.accept(protocol.Command{Type: protocol.CmdInputReply, Value: "x"})
	b.do(func(c *core) { c.kernelFailed(c.priv.KernelID, "no ipykernel") })
	b.wantDropped()
	if ack := b.command(protocol.Command{Type: protocol.CmdInputReply, Value: "x"}); ack.Code != protocol.CodeNoPrompt {
		t.Fatalf("with an empty queue: %+v", ack)
	}
}

// wantDropped wants it said that an answer was not used, before the end of its run.
func (b *bench) wantDropped() {
	b.t.Helper()
	said := false
	for _, e := range b.events {
		switch e := e.(type) {
		case protocol.Notice:
			said = said || e.Code == "input_dropped"
		case protocol.RunDone:
			if !said {
				b.t.Fatalf("run %s ended before it was said that an answer was not used", e.RunID)
			}
		}
	}
	if !said {
		b.t.Fatalf("nothing said about the answer that was not used")
	}
}

func TestAnswerThatMayNotHaveArrived(t *testing.T) {
	for _, password := range []bool{false, true} {
		b := newBench(t, 0)
		b.execute("r1", "a", "input()")
		b.start()
		b.says(asks("r1", "q1", "? ", password))
		b.accept(protocol.Command{Type: protocol.CmdInputReply, Value: "yes"})
		b.crash()
		var answers []sendMessage
		for _, m := range sent[sendMessage](b) {
			if m.MsgType == "input_reply" {
				answers = append(answers, m)
			}
		}
		if want := 1; !password && len(answers) != want || password && len(answers) != 0 {
			t.Fatalf("password %v: sent again %v", password, answers)
		}
		b.c.now += askAgainAfter
		b.do((*core).tick)
		if open := len(b.c.pub.Prompts); password && open != 1 || !password && open != 0 {
			t.Fatalf("password %v: %d prompts", password, open)
		}
	}
}

func TestAnswerThatArrived(t *testing.T) {
	b := newBench(t, 0)
	b.execute("r1", "a", "input()")
	b.start()
	b.says(asks("r1", "q1", "? ", true))
	b.accept(protocol.Command{Type: protocol.CmdInputReply, Value: "yes"})
	b.crash()
	b.says(kernel.Event{Kind: kernel.Sent, SentID: "input-q1"})
	b.c.now += askAgainAfter
	b.do((*core).tick)
	if len(b.c.pub.Prompts) != 0 {
		t.Fatal("asked again")
	}
}

func TestAnswerOfAServerThatEnded(t *testing.T) {
	b := newBench(t, 0)
	b.execute("r1", "a", "input()")
	b.start()
	b.says(asks("r1", "q1", "Name: ", false))
	b.crash() // after it had passed an answer on, before that was in its journal
	b.says(kernel.Event{Kind: kernel.Sent, SentID: "input-q1"})
	if len(b.c.pub.Prompts) != 0 {
		t.Fatal("still asked")
	}
	if out := b.cell("a").Outputs; len(out) != 1 || out[0].Kind != protocol.KindInput || out[0].Prompt != "Name: " || out[0].Value != "" {
		t.Errorf("outputs %+v", out)
	}
	again := b.c.command(protocol.Command{Type: protocol.CmdInputReply, CmdID: "c9", RequestID: "q1", Value: "Ann"})
	if again.Code != protocol.CodeAlreadyAnswered {
		t.Errorf("the answer again: %+v", again)
	}
}
