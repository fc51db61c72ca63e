package session

import "github.com/runnel-dev/runnel/internal/protocol"

// A run whose reply has come waits for its idle as long as the kernel says anything at all, and idleGrace more, in milliseconds: the
// reply overtakes a flood on its way. Then the loop looks once more after idleDoubt: a server that was stopped for a while finds its
// clock far ahead, and must read first what waits for it.
const (
	idleGrace = 10_000
	idleDoubt = 1_000
)

// interruptHold is how long an interrupt waits for its run to begin, in milliseconds.
const interruptHold = 300

// How long a run whose idle has come waits for its reply, in milliseconds. ipykernel sends none when an interrupt reaches it between the
// announcement of the run and its code, or when its own code fails.
const (
	interruptedReplyGrace = 500
	replyGrace            = 10_000
)

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
			at(c.idleDue(r))
		}
	}
	at(c.save.due())
	at(c.askAgain)
	at(c.heldUntil)
	at(c.replyDue)
	at(c.captureDue())
	if c.cullable() {
		at(c.idleSince + millis(c.cfg.idleCull))
	}
	return next
}

// idleDue is when the idle of a run is given up.
func (c *core) idleDue(r *run) int64 {
	if c.doubtAt > 0 {
		return c.doubtAt
	}
	return max(r.Reply.At, c.heardAt) + idleGrace
}

func (c *core) giveUpIdle(r *run) {
	if c.doubtAt == 0 {
		c.doubtAt = c.now + idleDoubt
		return
	}
	c.doubtAt = 0
	c.showError(r, "OutputIncomplete", "The kernel's reply came, but not the end of its output: some of it may be missing.", []string{})
	c.finishReplied(r)
}

func (c *core) giveUpReply(r *run) {
	if r.Interrupted {
		c.finish(r, protocol.RunDone{Status: protocol.StatusInterrupted})
		return
	}
	const ename, evalue = "ReplyMissing", "The kernel ended the run and did not say how: it was interrupted too early, or failed itself."
	if !r.ErrorShown {
		c.showError(r, ename, evalue, []string{})
	}
	c.finish(r, protocol.RunDone{Status: protocol.StatusError, Ename: ename, Evalue: evalue})
}

// heard: the kernel has said something, or cannot be listened to just now.
func (c *core) heard() { c.heardAt, c.doubtAt = c.now, 0 }

func (c *core) cullable() bool {
	return c.cfg.idleCull > 0 && c.ready && c.priv.Current == "" && len(c.priv.Order) == 0 && len(c.pub.Prompts) == 0 &&
		c.pub.Kernel.State == protocol.KernelIdle
}

// tick does what is due.
func (c *core) tick() {
	c.promptTimeouts()
	if c.heldUntil != 0 && c.now >= c.heldUntil {
		c.heldUntil = 0
		c.effect(interruptKernel{})
	}
	if c.replyDue != 0 && c.now >= c.replyDue {
		c.giveUpReply(c.current())
	}
	if c.askAgain != 0 && c.now >= c.askAgain {
		c.reopen()
	}
	if r := c.current(); r != nil && r.Reply != nil && !r.Idle && c.now >= c.idleDue(r) {
		c.giveUpIdle(r)
	}
	if r := c.current(); r != nil && r.Reply != nil && r.Idle && c.now >= c.lateUntil {
		c.finishReplied(r)
	}
	if c.cullable() && c.now >= c.idleSince+millis(c.cfg.idleCull) {
		c.notice("info", "kernel_culled", "The kernel was stopped because it had been idle for "+c.cfg.idleCull.String()+".", "")
		c.stopping("The kernel was idle for too long.", false)
	}
	if due := c.captureDue(); due != 0 && c.now >= due {
		c.showCaptured()
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
