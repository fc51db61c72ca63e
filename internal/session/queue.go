package session

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/runnel-dev/runnel/internal/jupyter"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// run is what the server knows of one run. At most one is sent to the kernel at a time.
//
//	waiting (in Order) ── sent (Current) ── done (kept for late output until its cell runs again)
type run struct {
	ID       protocol.RunID    `json:"id"`
	Cell     protocol.CellID   `json:"cell"`
	Code     string            `json:"code,omitempty"`  // dropped when done
	Group    string            `json:"group,omitempty"` // runs that stop together at the first error
	Client   protocol.ClientID `json:"client,omitempty"`
	QueuedAt int64             `json:"queued_at"`

	KernelID    string `json:"kernel_id,omitempty"` // it was sent to this kernel
	Done        bool   `json:"done,omitempty"`
	Fresh       bool   `json:"fresh,omitempty"` // the outputs of the run before are gone
	ClearNext   bool   `json:"clear_next,omitempty"`
	Interrupted bool   `json:"interrupted,omitempty"`
	TimedOut    bool   `json:"timed_out,omitempty"`
	ErrorShown  bool   `json:"error_shown,omitempty"`
	Idle        bool   `json:"idle,omitempty"`
	Reply       *reply `json:"reply,omitempty"`
}

// reply is the part of an execute_reply that outlives it.
type reply struct {
	Status    string          `json:"status"`
	Count     *int            `json:"count,omitempty"`
	Ename     string          `json:"ename,omitempty"`
	Evalue    string          `json:"evalue,omitempty"`
	Traceback []string        `json:"traceback,omitempty"`
	Variables json.RawMessage `json:"variables,omitempty"`
	At        int64           `json:"at"`
}

func (f runAdded) apply(c *core) {
	r := f.Run
	c.priv.Runs[r.ID] = &r
	c.priv.Order = append(c.priv.Order, r.ID)
}

func (f runMarked) apply(c *core) {
	r := c.priv.Runs[f.RunID]
	if r == nil {
		return
	}
	if f.KernelID != "" {
		r.KernelID = f.KernelID
	}
	if f.ClearNext != nil {
		r.ClearNext = *f.ClearNext
	}
	if f.Reply != nil {
		r.Reply = f.Reply
	}
	r.Fresh = r.Fresh || f.Fresh
	r.Interrupted = r.Interrupted || f.Interrupted
	r.TimedOut = r.TimedOut || f.TimedOut
	r.ErrorShown = r.ErrorShown || f.ErrorShown
	r.Idle = r.Idle || f.Idle
}

// runStarted: from here on the cell belongs to this run; late output of its earlier ones goes with what it replaces.
func (c *core) runStarted(e protocol.RunStarted) {
	c.priv.Current, c.priv.LastCell = e.RunID, e.CellID
	c.dropOrder(e.RunID)
	for id, r := range c.priv.Runs {
		if r.Cell == e.CellID && r.Done {
			delete(c.priv.Runs, id)
		}
	}
}

func (c *core) runDone(e protocol.RunDone) {
	if c.priv.Current == e.RunID {
		c.priv.Current = ""
	}
	c.dropOrder(e.RunID)
	if r := c.priv.Runs[e.RunID]; r != nil {
		r.Done, r.Code, r.Reply = true, "", nil
		if r.KernelID == "" {
			delete(c.priv.Runs, e.RunID)
		}
	}
}

func (c *core) dropOrder(id protocol.RunID) {
	c.priv.Order = slices.DeleteFunc(c.priv.Order, func(o protocol.RunID) bool { return o == id })
}

func (c *core) current() *run { return c.priv.Runs[c.priv.Current] }

// enqueue puts a run of the cell's code at the end of the queue.
func (c *core) enqueue(id protocol.RunID, cell protocol.CellID, code, group string, client protocol.ClientID) {
	c.emit(runAdded{Run: run{ID: id, Cell: cell, Code: code, Group: group, Client: client, QueuedAt: c.now}})
	if c.asked != nil {
		c.asked[id] = true
	}
	c.showQueued(id)
}

// showQueued tells of a waiting run, unless an earlier run of the same cell waits too: the cell is in the queue then.
func (c *core) showQueued(id protocol.RunID) {
	r := c.priv.Runs[id]
	place := 0
	seen := map[protocol.CellID]bool{}
	for _, other := range c.priv.Order {
		cell := c.priv.Runs[other].Cell
		if other == id {
			break
		}
		if cell == r.Cell {
			return
		}
		if !seen[cell] {
			seen[cell] = true
			place++
		}
	}
	c.emit(protocol.RunQueued{CellID: r.Cell, Place: place, Run: &protocol.Run{
		ID: r.ID, State: protocol.StateQueued, Client: r.Client, QueuedAt: r.QueuedAt}})
}

// showNext tells of the cell's next waiting run, when there is one: after its run before has started or ended.
func (c *core) showNext(cell protocol.CellID) {
	for _, id := range c.priv.Order {
		if c.priv.Runs[id].Cell == cell {
			c.showQueued(id)
			return
		}
	}
}

// advance sends the next waiting run when nothing is in flight, and starts a kernel when there is none.
func (c *core) advance() {
	if c.priv.Current != "" || len(c.priv.Order) == 0 {
		return
	}
	if !c.ready {
		c.wantKernel()
		return
	}
	r := c.priv.Runs[c.priv.Order[0]]
	c.begin(r, c.now)
	c.sendRun(r)
	c.setKernelState(protocol.KernelBusy)
}

func (c *core) begin(r *run, at int64) {
	c.emit(runMarked{RunID: r.ID, KernelID: c.priv.KernelID})
	c.emit(protocol.RunStarted{CellID: r.Cell, RunID: r.ID, At: at})
	c.showNext(r.Cell)
}

// begun: the kernel has this run. One that waits here was sent by a server that ended before it had written that down.
func (c *core) begun(r *run, at time.Time) {
	if r != nil && !r.Done && r.KernelID == "" && c.priv.Current == "" {
		c.begin(r, at.UnixMilli())
	}
}

// sendRun passes the run to the kernel; a second time does nothing, so recovery may call it for a run that may have been sent.
func (c *core) sendRun(r *run) {
	expressions := map[string]string{}
	if c.priv.Implementation == "ipython" {
		expressions[jupyter.VariablesKey] = jupyter.VariablesExpression
	}
	c.effect(sendMessage{ID: string(r.ID), Channel: jupyter.Shell, MsgType: "execute_request", Content: jupyter.ExecuteRequest{
		Code: r.Code, StoreHistory: true, AllowStdin: true, StopOnError: true, UserExpressions: expressions,
	}})
}

// replied: the execute_reply is there; the run ends when idle is too.
func (c *core) replied(r *run, rep reply) {
	c.emit(runMarked{RunID: r.ID, Reply: &rep})
	c.maybeDone(r)
}

func (c *core) maybeDone(r *run) {
	c.expectReply()
	if r.Done || r.Reply == nil || !r.Idle {
		return
	}
	if c.priv.Implementation != "" && c.priv.Implementation != "ipython" {
		c.lateUntil = c.now + lateGrace // tick ends it
		return
	}
	c.finishReplied(r)
}

// expectReply: the current run's idle, an interrupt or a new handle of its kernel came.
func (c *core) expectReply() {
	c.replyDue = 0
	r := c.current()
	switch {
	case r == nil || r.Reply != nil || !r.Idle:
	case r.Interrupted:
		c.replyDue = c.now + interruptedReplyGrace
	default:
		c.replyDue = c.now + replyGrace
	}
}

// finishReplied ends a run as its reply says.
func (c *core) finishReplied(r *run) {
	rep := r.Reply
	done := protocol.RunDone{Status: protocol.StatusOK, Count: rep.Count, Variables: rep.Variables}
	if rep.Status != jupyter.StatusOK {
		done.Status, done.Ename, done.Evalue, done.Traceback = protocol.StatusError, rep.Ename, rep.Evalue, rep.Traceback
		if rep.Status == jupyter.StatusAborted || rep.Ename == "KeyboardInterrupt" || r.Interrupted {
			done.Status = protocol.StatusInterrupted
		}
	}
	if r.TimedOut {
		done.Status, done.Ename, done.Evalue, done.Traceback = protocol.StatusError, inputTimedOut, inputTimedOutText, nil
	}
	if done.Status == protocol.StatusError && !r.ErrorShown {
		c.showError(r, done.Ename, done.Evalue, done.Traceback)
	}
	c.finish(r, done)
}

// finish ends a run, whatever it was doing: the one place that emits RunDone.
func (c *core) finish(r *run, done protocol.RunDone) {
	if r.Done {
		return
	}
	c.countDropped()
	c.showCaptured()
	wasCurrent := c.priv.Current == r.ID
	if wasCurrent {
		c.heldUntil, c.replyDue = 0, 0
		how := "ended"
		switch done.Status {
		case protocol.StatusInterrupted:
			how = "interrupted"
		case protocol.StatusKernelDied:
			how = "kernel_died"
		}
		c.closePrompts(r.ID, how)
		c.dropTypeAhead(r.Cell)
		if !r.Fresh && done.Status != protocol.StatusLost && done.Status != protocol.StatusKernelDied {
			c.freshen(r)
		}
	}
	done.CellID, done.RunID, done.At = r.Cell, r.ID, c.now
	c.emit(done)
	c.showNext(r.Cell)
	if done.Status != protocol.StatusOK && r.Group != "" {
		c.cancelGroup(r.Group)
	}
	if wasCurrent {
		c.idleSince = c.now
		c.advance()
		if c.priv.Current == "" && c.ready {
			c.setKernelState(protocol.KernelIdle)
		}
	}
}

func (c *core) cancelGroup(group string) {
	for _, id := range slices.Clone(c.priv.Order) {
		if r := c.priv.Runs[id]; r != nil && r.Group == group {
			c.cancelRun(r, "A cell that ran before it failed.")
		}
	}
}

func (c *core) cancelRun(r *run, reason string) {
	if r.Group != "" {
		r = c.priv.Runs[r.ID]
	}
	c.endWaiting(r, protocol.RunDone{Status: protocol.StatusCancelled, Reason: reason})
}

// endWaiting ends a run that has not been sent.
func (c *core) endWaiting(r *run, done protocol.RunDone) {
	if c.priv.Current == "" && c.priv.Order[0] == r.ID {
		c.dropTypeAhead(r.Cell)
	}
	done.CellID, done.RunID, done.At = r.Cell, r.ID, c.now
	c.emit(done)
	c.showNext(r.Cell)
}

// cancelWaiting empties the queue, or takes one cell's runs out of it.
func (c *core) cancelWaiting(cell protocol.CellID, reason string) {
	for _, id := range slices.Clone(c.priv.Order) {
		if r := c.priv.Runs[id]; r != nil && (cell == "" || r.Cell == cell) {
			c.cancelRun(r, reason)
		}
	}
}

// execute is the command: the code becomes the source, a run is queued.
func (c *core) execute(cmd protocol.Command) *reject {
	id := cmd.CellID
	if id == "" {
		id = protocol.CellID(c.cfg.newID())
	}
	cell := c.pub.Cell(id)
	if cell == nil {
		if cmd.Code == nil {
			return rejectf(protocol.CodeUnknownCell, "there is no cell %q", id)
		}
		if c.priv.Bin[id] != nil && cmd.CellID != "" {
			return rejectf(protocol.CodeUnknownCell, "the cell was deleted")
		}
		if r := checkCellID(id); r != nil {
			return r
		}
		c.emit(protocol.CellAdded{Index: len(c.pub.Cells), Cell: newCell(id, "code", *cmd.Code)})
		cell = c.pub.Cell(id)
	}
	if cell.Type != "code" {
		return rejectf(protocol.CodeInvalid, "cell %q is not a code cell", id)
	}
	if cmd.Code != nil && *cmd.Code != cell.Source {
		c.replaceSource(cell, *cmd.Code, cmd.Client)
	}
	c.enqueue(protocol.RunID(cmd.CmdID), id, cell.Source, "", cmd.Client)
	c.advance()
	return nil
}

// runCells is the command run: a group that stops at the first error.
func (c *core) runCells(cmd protocol.Command) *reject {
	ids := cmd.CellIDs
	if len(ids) == 0 {
		for _, cell := range c.pub.Cells {
			if cell.Type == "code" {
				ids = append(ids, cell.ID)
			}
		}
	}
	for _, id := range ids {
		if c.pub.Cell(id) == nil {
			return rejectf(protocol.CodeUnknownCell, "there is no cell %q", id)
		}
	}
	n := 0
	for _, id := range ids {
		cell := c.pub.Cell(id)
		if cell.Type != "code" {
			continue
		}
		runID := string(cmd.CmdID)
		if n > 0 {
			runID = fmt.Sprintf("%s.%d", cmd.CmdID, n)
		}
		n++
		c.enqueue(protocol.RunID(runID), id, cell.Source, string(cmd.CmdID), cmd.Client)
	}
	c.advance()
	return nil
}

// interrupt empties the queue and interrupts what runs; when nothing does, what threads ask ends. ipykernel ignores an interrupt until it
// begins with a run, so for one that has been sent and has not begun the interrupt waits: until it begins, or for interruptHold, as the
// kernel may be busy with something else.
func (c *core) interrupt(cmd protocol.Command) *reject {
	r := c.current()
	if cmd.Client == protocol.OverHTTP && (r != nil || len(c.priv.Order) > 0) {
		c.notice("info", "interrupted", "The run was interrupted from outside of the page.", "")
	}
	c.cancelWaiting("", "The queue was emptied by an interrupt.")
	if r != nil {
		c.emit(runMarked{RunID: r.ID, Interrupted: true})
	}
	switch {
	case !c.attached || c.pub.Kernel.State == protocol.KernelStarting: // it runs nothing, and one without its handlers yet would end
	case r != nil && !r.Fresh:
		c.heldUntil = c.now + interruptHold
		for _, m := range c.interruptPrompts(nil) {
			c.effect(m)
		}
	default:
		c.effect(interruptKernel{Then: c.interruptPrompts(r)})
	}
	c.expectReply()
	return nil
}

// begins: the kernel has taken the run up. What came before to interrupt it was ignored.
func (c *core) begins(r *run) {
	if r.Interrupted && !r.Fresh && c.priv.Current == r.ID && c.attached {
		c.heldUntil = 0
		c.effect(interruptKernel{})
	}
}
