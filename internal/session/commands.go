package session

import (
	"encoding/json"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// maxOutcomes bounds how many commands are remembered to know duplicates.
const maxOutcomes = 50_000

// outcomes remembers which commands took effect, oldest first.
type outcomes struct {
	order []protocol.CommandID
	done  map[protocol.CommandID]uint64 // the event number after it
}

func (o *outcomes) add(id protocol.CommandID, n uint64) {
	if o.done == nil {
		o.done = map[protocol.CommandID]uint64{}
	}
	if _, known := o.done[id]; !known {
		o.order = append(o.order, id)
	}
	o.done[id] = n
	for len(o.order) > maxOutcomes {
		delete(o.done, o.order[0])
		o.order = o.order[1:]
	}
}

type outcome struct {
	ID protocol.CommandID `json:"c"`
	N  uint64             `json:"n"`
}

// MarshalJSON writes a list, oldest first.
func (o outcomes) MarshalJSON() ([]byte, error) {
	list := make([]outcome, len(o.order))
	for i, id := range o.order {
		list[i] = outcome{id, o.done[id]}
	}
	return json.Marshal(list)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (o *outcomes) UnmarshalJSON(data []byte) error {
	var list []outcome
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	*o = outcomes{}
	for _, e := range list {
		o.add(e.ID, e.N)
	}
	return nil
}

func (f commandDone) apply(c *core) { c.priv.Outcomes.add(f.CmdID, f.N) }

// command applies a command at most once (P26).
func (c *core) command(cmd protocol.Command) protocol.Ack {
	ack := protocol.Ack{Type: "ack", CmdID: cmd.CmdID, Notebook: cmd.Notebook, Status: protocol.AckAccepted}
	if cmd.CmdID == "" || len(cmd.CmdID) > 128 {
		ack.Status, ack.Code, ack.Error = protocol.AckRejected, protocol.CodeInvalid, "cmd_id is missing or too long"
		return ack
	}
	if n, known := c.priv.Outcomes.done[cmd.CmdID]; known {
		ack.Status, ack.N = protocol.AckDuplicate, n
		return ack
	}
	if r := c.perform(cmd); r != nil {
		ack.Status, ack.Code, ack.Error, ack.N = protocol.AckRejected, r.code, r.text, c.pub.N
		return ack
	}
	c.settle()
	c.emit(commandDone{CmdID: cmd.CmdID, N: c.pub.N, At: c.now})
	ack.N = c.pub.N
	return ack
}

// wantsKernel says whether a command runs something, or starts what could.
func wantsKernel(cmd protocol.Command) bool {
	switch cmd.Type {
	case protocol.CmdExecute, protocol.CmdRun, protocol.CmdKernelStart, protocol.CmdKernelRestart:
		return true
	}
	return false
}

// perform changes everything or, when it rejects, nothing.
func (c *core) perform(cmd protocol.Command) *reject {
	if c.ending && wantsKernel(cmd) {
		return rejectf(protocol.CodeStopping, "the server stops: nothing is run any more")
	}
	switch cmd.Type {
	case protocol.CmdExecute:
		return c.execute(cmd)
	case protocol.CmdRun:
		return c.runCells(cmd)
	case protocol.CmdCancel:
		c.cancelWaiting(cmd.CellID, "It was taken out of the queue.")
		return nil
	case protocol.CmdInterrupt:
		return c.interrupt(cmd)
	case protocol.CmdInputReply:
		return c.inputReply(cmd)
	case protocol.CmdPromptExtend:
		return c.promptExtend(cmd)
	case protocol.CmdEdit:
		return c.edit(cmd)
	case protocol.CmdCellInsert:
		return c.cellInsert(cmd)
	case protocol.CmdCellDelete:
		return c.cellDelete(cmd)
	case protocol.CmdCellRestore:
		return c.cellRestore(cmd)
	case protocol.CmdCellMove:
		return c.cellMove(cmd)
	case protocol.CmdCellChange:
		return c.cellChange(cmd)
	case protocol.CmdClearOutputs:
		return c.clearOutputs(cmd)
	case protocol.CmdKernelStart:
		return c.kernelStart(cmd)
	case protocol.CmdKernelRestart:
		return c.kernelRestart(cmd)
	case protocol.CmdKernelStop:
		return c.kernelStop(cmd)
	case protocol.CmdWidgetChange:
		return c.widgetChange(cmd)
	case protocol.CmdSave:
		c.saveNow()
		return nil
	}
	return rejectf(protocol.CodeInvalid, "there is no command %q", cmd.Type)
}
