package session

import "github.com/runnel-dev/runnel/internal/protocol"

// idleGrace is how long a run's idle may come after its reply, in milliseconds.
const idleGrace = 3_000

// lateGrace is how long a run stays open after its idle with nothing heard from the kernel, in milliseconds. IPython sends idle last;
// others do not promise it: Deno's comes before the cell's own output.
const lateGrace = 60

// deadline is when tick has something to do, 0 for never.
func (c *core) deadline() int64 {
	var next int64
	at := func(t int64) {
		if t > 0 && (next == 0 || t < next) {
			next = t
		}
	}
	for _, p := range c.pub.Prompts {
		at(p.Deadline)
	}
	if r := c.current(); r != nil && r.Reply != nil {
		if r.Idle {
			at(max(c.lateUntil, 1))
		} else {
			at(r.Reply.At + idleGrace)
		}
	}
	at(c.save.due())
	at(c.askAgain)
	if c.cullable() {
		at(c.idleSince + millis(c.cfg.idleCull))
	}
	return next
}

func (c *core) cullable() bool {
	return c.cfg.idleCull > 0 && c.ready && c.priv.Current == "" && len(c.priv.Order) == 0 && c.pub.Kernel.State == protocol.KernelIdle
}

// tick does what is due.
func (c *core) tick() {
	c.promptTimeouts()
	if c.askAgain != 0 && c.now >= c.askAgain {
		c.reopen()
	}
	if r := c.current(); r != nil && r.Reply != nil && !r.Idle && c.now >= r.Reply.At+idleGrace {
		c.showError(r, "OutputIncomplete", "The kernel's reply came, but not the end of its output: some of it may be missing.", []string{})
		c.finishReplied(r)
	}
	if r := c.current(); r != nil && r.Reply != nil && r.Idle && c.now >= c.lateUntil {
		c.finishReplied(r)
	}
	if c.cullable() && c.now >= c.idleSince+millis(c.cfg.idleCull) {
		c.notice("info", "kernel_culled", "The kernel was stopped because it had been idle for "+c.cfg.idleCull.String()+".", "")
		c.stopping("The kernel was idle for too long.", false)
	}
	c.maybeSave()
}

// clientsChanged: n clients are connected to see the notebook.
func (c *core) clientsChanged(n int) {
	before := c.clients
	c.clients = n
	switch {
	case before == 0 && n > 0:
		c.startClocks()
	case before > 0 && n == 0:
		c.stopClocks()
	}
}
