package faults

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// Promise 11, the second half: a kernel is stopped for idleness only when that was asked for, never while a cell runs, however silent, or
// waits in input(), and the clock starts when the cell ends. Who comes later is told why the kernel is gone.
func TestIdle_culling(t *testing.T) {
	t.Parallel()
	limit := time.Duration(short(3, 60)) * time.Second
	s := newServer(t, "7", "--cull-idle", limit.String())
	c := s.Client("idle.ipynb")

	silent := start(t, c, "silent", fmt.Sprintf("import time; marker = 4711; time.sleep(%g); 'slept'", (2*limit).Seconds()))
	finish(t, c, silent, 2*limit+time.Minute, protocol.StatusOK)
	if got := resultText(c.State(), "silent"); got != "'slept'" {
		t.Errorf("the silent cell says %q", got)
	}
	time.Sleep(limit / 3) // by then one whose clock had begun before the end would be gone
	if got := value(t, c, "later", "marker"); got != "4711" {
		t.Errorf("after the silent cell the kernel says %q", got)
	}

	asking := start(t, c, "ask", "input('still there? ')")
	p := waitPrompt(t, c, 20*time.Second)
	time.Sleep(2 * limit)
	answer(t, c, p, "yes")
	finish(t, c, asking, 20*time.Second, protocol.StatusOK)
	ended := time.Now()

	if err := c.Wait(within(t, limit+30*time.Second), "the kernel to be stopped", func(st *protocol.State) bool { return st.Kernel.State == protocol.KernelNone }); err != nil {
		t.Fatal(err)
	}
	if rested := time.Since(ended); rested < limit {
		t.Errorf("the kernel was stopped %v after the last cell, the limit is %v", rested, limit)
	}
	if !culled(c.Notices()) {
		t.Errorf("the page was told %v", c.Notices())
	}
	if got := resultText(c.State(), "ask"); got != "'yes'" {
		t.Errorf("the output is %q", got)
	}
	pid := atoi(t, value(t, c, "again", "import os; os.getpid()"))
	c.Close()
	eventually(t, limit+30*time.Second, "the kernel to be stopped with no page open", func() bool { return !alive(pid) })
	late := s.Client("idle.ipynb")
	eventually(t, 20*time.Second, "a page that comes later to be told why", func() bool { return culled(late.Notices()) })
}

// Without --cull-idle nothing is ever stopped for being idle: a kernel lives on with nobody there.
func TestIdle_culling_is_off_by_default(t *testing.T) {
	t.Parallel()
	s := newServer(t, "7")
	c := s.Client("idle.ipynb")
	pid := value(t, c, "before", "import os; os.getpid()")
	c.Close()
	time.Sleep(time.Duration(short(5, 15*60)) * time.Second)
	if got := value(t, s.Client("idle.ipynb"), "after", "os.getpid()"); got != pid {
		t.Errorf("process %s has become %s", pid, got)
	}
}

func culled(notices []protocol.Notice) bool {
	return slices.ContainsFunc(notices, func(n protocol.Notice) bool { return n.Code == "kernel_culled" })
}
