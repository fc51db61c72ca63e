package session

import (
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/kernel"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// A server that is killed just after it has sent a run has not written that down, but the keeper tells. The run has begun when the keeper passed it on, and what a
// thread of it prints and asks after its end belongs to its cell.
func TestBegunUnderAServerThatDied(t *testing.T) {
	for _, first := range []string{"what the keeper passed on", "what the kernel says"} {
		t.Run(first, func(t *testing.T) {
			b := newBench(t, time.Minute)
			b.execute("r1", "a", "x")
			passed := time.UnixMilli(b.c.now - 700)
			told := []kernel.Event{{Kind: kernel.Sent, SentID: "r1", Time: passed}, begun("r1")}
			told[1].Time = passed
			if first == "what the kernel says" {
				told[0], told[1] = told[1], told[0]
			}
			b.crash(append(told, replyOf("r1", "ok"), idleOf("r1"), printed1("r1", "late\n"), asks("r1", "q1", "Name: ", false))...)
			c := b.cell("a")
			if c.Run.State != protocol.StateDone || c.Run.Status != protocol.StatusOK || c.Run.StartedAt != passed.UnixMilli() {
				t.Errorf("the run is %+v, it began at %d", c.Run, passed.UnixMilli())
			}
			b.wantText("a", "late\n")
			if p := b.c.pub.Prompts; len(p) != 1 || p[0].CellID != "a" {
				t.Errorf("the prompts are %+v", p)
			}
			if n := b.ended["r1"]; n != 1 {
				t.Errorf("the run ended %d times", n)
			}
			if len(sent[sendMessage](b)) > 1 {
				t.Error("it was sent again")
			}
		})
	}
}
