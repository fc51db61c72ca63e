package session

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// A session that nobody looks at and that has no kernel leaves memory, and comes back as it was; one with a kernel, however idle, stays.
func TestUnload(t *testing.T) {
	quiet(t, func(t *testing.T, w *world) {
		sv, s, p := w.begin()
		k, run := sv.running(s, p)
		k.says(printed1(run, "kept\n"), replyOf(run, "ok"), idleOf(run))
		p.untilDone("a", protocol.StatusOK)
		p.untilSaved()
		ended := func() bool {
			synctest.Wait()
			select {
			case <-s.done:
				return true
			default:
				return false
			}
		}
		time.Sleep(2 * unloadAfter)
		if ended() {
			t.Fatal("unloaded under a page that is open")
		}
		p.c.Close()
		time.Sleep(2 * unloadAfter)
		if ended() {
			t.Fatal("unloaded with its kernel")
		}
		p = sv.page(s)
		sv.do(s, protocol.Command{Type: protocol.CmdKernelStop})
		p.until("no kernel", func(s *protocol.State) bool { return s.Kernel.State == protocol.KernelNone })
		p.untilSaved()
		p.c.Close()
		time.Sleep(unloadAfter - 1)
		if ended() {
			t.Fatal("unloaded too early")
		}
		time.Sleep(time.Minute + 1) // it looks round once a minute
		if !ended() {
			t.Fatal("a session that nobody needs stays")
		}
		again := sv.open("a.ipynb")
		if again == s {
			t.Fatal("the session that ended was given")
		}
		p = sv.page(again)
		if got := text(p.state.Cell("a")); got != "kept\n" {
			t.Errorf("after it was unloaded it shows %q", got)
		}
	})
}
