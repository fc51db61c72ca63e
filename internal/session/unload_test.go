package session

import (
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// A session that nobody looks at and that has no kernel leaves memory, and comes back as it was; one with a kernel, however idle, stays.
func TestUnload(t *testing.T) {
	w := newWorld(t, "7")
	sv, s, p := w.begin()
	sv.execute(s, "a", "print('kept')")
	p.untilDone("a", protocol.StatusOK)
	p.untilSaved()
	look := func(s *Session) {
		t.Helper()
		if err := s.call(testContext(t), func() {
			s.mu.Lock()
			s.left = time.Now().Add(-unloadAfter)
			s.mu.Unlock()
			s.maybeUnload()
		}); err != nil {
			t.Fatal(err)
		}
	}
	ended := func(s *Session) bool {
		select {
		case <-s.done:
			return true
		default:
			return false
		}
	}
	look(s)
	if ended(s) {
		t.Fatal("unloaded under a page that is open")
	}
	p.c.Close()
	look(s)
	if ended(s) {
		t.Fatal("unloaded with its kernel")
	}
	p = sv.page(s)
	sv.do(s, protocol.Command{Type: protocol.CmdKernelStop})
	p.until("no kernel", func(s *protocol.State) bool { return s.Kernel.State == protocol.KernelNone })
	p.untilSaved()
	p.c.Close()
	look(s)
	select {
	case <-s.done:
	case <-time.After(20 * time.Second):
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
}
