package session

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/runnel-dev/runnel/internal/jupyter"
	"github.com/runnel-dev/runnel/internal/kernel"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// reader decodes the kernel's messages; it remembers the parent header that came last, because most follow each other.
type reader struct {
	parentRaw []byte
	parent    string
}

func (m *reader) parentID(msg jupyter.Message) string {
	if m.parentRaw == nil || !bytes.Equal(m.parentRaw, msg.Parent) {
		h, err := msg.ParentHeader()
		if err != nil {
			return ""
		}
		m.parentRaw, m.parent = append(m.parentRaw[:0], msg.Parent...), h.MsgID
	}
	return m.parent
}

// kernelEvents applies what the kernel said, in order. Text that follows text of the same run and stream becomes one fact.
func (c *core) kernelEvents(id string, events []kernel.Event) {
	if id != c.priv.KernelID {
		return
	}
	c.heard()
	var m reader
	var text []string // joined without a copy when it is one, as the longest are
	var textRun *run
	var textName string
	flush := func() {
		if len(text) > 0 {
			c.print(textRun, textName, strings.Join(text, ""))
			text = text[:0]
		}
	}
	for _, e := range events {
		if e.Kind == kernel.Message && e.Channel == jupyter.IOPub && messageType(e.Msg) == "stream" {
			s, err := jupyter.DecodeStream(e.Msg.Content)
			if err != nil {
				continue
			}
			name, parent := streamName(s.Name), m.parentID(e.Msg)
			if r := c.runOf(parent); r == nil || c.catcher(parent) != "" {
				flush()
				c.kernelEvent(e, &m)
			} else {
				if r != textRun || name != textName {
					flush()
					textRun, textName = r, name
				}
				text = append(text, s.Text)
			}
		} else {
			flush()
			c.kernelEvent(e, &m)
		}
		if e.Record > c.priv.Record && c.priv.KernelID == id {
			c.priv.Record = e.Record
		}
	}
	flush()
	if r := c.current(); r != nil && r.Reply != nil && r.Idle {
		c.lateUntil = c.now + lateGrace
	}
	c.countDropped()
}

// messageType finds msg_type without reading the whole header when it can.
func messageType(msg jupyter.Message) string {
	const key = `"msg_type"`
	if i := bytes.Index(msg.Header, []byte(key)); i >= 0 {
		rest := bytes.TrimLeft(msg.Header[i+len(key):], ": ")
		if len(rest) > 1 && rest[0] == '"' {
			if end := bytes.IndexByte(rest[1:], '"'); end >= 0 && bytes.IndexByte(rest[1:end+1], '\\') < 0 {
				return string(rest[1 : end+1])
			}
		}
	}
	h, err := msg.ParseHeader()
	if err != nil {
		return ""
	}
	return h.MsgType
}

func (c *core) kernelEvent(e kernel.Event, m *reader) {
	switch e.Kind {
	case kernel.Started:
		k := c.pub.Kernel
		k.PID = e.PID
		k.StartedAt = e.Time.UnixMilli()
		c.emit(protocol.KernelChanged{Kernel: k})
	case kernel.Message:
		if e.Channel != jupyter.Stdin && c.priv.Current == "" && len(c.priv.Order) > 0 {
			c.begun(c.priv.Runs[protocol.RunID(m.parentID(e.Msg))], e.Time)
		}
		c.message(e.Channel, e.Msg, m)
	case kernel.Sent:
		c.begun(c.priv.Runs[protocol.RunID(e.SentID)], e.Time)
		c.wasSent(e.SentID)
	case kernel.Unresponsive:
		if c.pub.Kernel.State == protocol.KernelBusy || c.pub.Kernel.State == protocol.KernelIdle {
			c.setKernelState(protocol.KernelUnresponsive)
		}
	case kernel.Responsive:
		if c.pub.Kernel.State == protocol.KernelUnresponsive {
			c.setKernelState(c.busyOrIdle())
		}
	case kernel.Lost:
		c.recordsLost(e)
	case kernel.Exited:
		c.kernelExited(e)
	}
}

// recordsLost shows that something the kernel said could not be kept.
func (c *core) recordsLost(e kernel.Event) {
	text := "Some of what the kernel said could not be kept"
	if e.LostRecords > 0 {
		text = plural(e.LostRecords, "message") + " of the kernel could not be kept"
	}
	if e.Text != "" {
		text += ": " + e.Text
	}
	r := c.current()
	if r == nil {
		c.notice("warning", "output_lost", text, "")
		return
	}
	c.print(r, "stderr", "\n["+text+"]\n")
	c.notice("warning", "output_lost", text, r.Cell)
}

// runOf finds whose output it is: the run of that message id, also after its end; without a known parent the latest.
func (c *core) runOf(parent string) *run {
	if r := c.priv.Runs[protocol.RunID(parent)]; r != nil {
		return r
	}
	if parent != "" {
		return nil
	}
	if r := c.current(); r != nil {
		return r
	}
	for _, r := range c.priv.Runs {
		if r.Done && r.Cell == c.priv.LastCell {
			return r
		}
	}
	return nil
}

func (c *core) message(channel jupyter.Channel, msg jupyter.Message, m *reader) {
	kind, parent := messageType(msg), m.parentID(msg)
	if channel == jupyter.Stdin {
		c.onStdin(kind, parent, msg)
		return
	}
	if channel == jupyter.IOPub && c.beside(kind, parent, msg) {
		return
	}
	r := c.runOf(parent)
	if r == nil {
		if kind == "update_display_data" {
			if d, err := jupyter.DecodeDisplay(msg.Content); err == nil {
				c.updateDisplay(d)
			}
		}
		return
	}
	switch channel {
	case jupyter.Shell:
		if kind == "execute_reply" {
			c.executeReply(r, msg.Content)
		}
	case jupyter.IOPub:
		c.published(r, kind, msg.Content)
	}
}

// beside handles what is no output of a run: what is said on comms, what an Output widget catches, and what a message of a page has
// led to. False when it is none of these.
func (c *core) beside(kind, parent string, msg jupyter.Message) bool {
	switch kind {
	case "comm_open", "comm_msg", "comm_close":
		c.comm(kind, msg)
		return true
	case "status":
		return c.sendStatus(parent, msg.Content)
	}
	if id := c.catcher(parent); id != "" && c.catch(id, kind, msg.Content) {
		return true
	}
	cell, called := c.callbackCell(parent)
	if called {
		c.calledBack(cell, parent, kind, msg.Content)
	}
	return called
}

func (c *core) published(r *run, kind string, content json.RawMessage) {
	switch kind {
	case "status":
		if s, err := jupyter.Decode[jupyter.Status](content); err == nil && s.ExecutionState == jupyter.StateIdle && !r.Idle && !r.Done {
			c.emit(runMarked{RunID: r.ID, Idle: true})
			c.maybeDone(r)
		}
	case "execute_input":
		if in, err := jupyter.Decode[jupyter.ExecuteInput](content); err == nil && in.ExecutionCount > 0 {
			c.begins(r)
			c.freshen(r)
			c.emit(protocol.RunCounted{CellID: r.Cell, RunID: r.ID, Count: in.ExecutionCount})
		}
	case "display_data":
		if d, err := jupyter.DecodeDisplay(content); err == nil {
			c.display(r, d, nil)
		}
	case "execute_result":
		if d, err := jupyter.DecodeResult(content); err == nil {
			c.display(r, d.DisplayData, &d.ExecutionCount)
		}
	case "update_display_data":
		if d, err := jupyter.DecodeDisplay(content); err == nil {
			c.updateDisplay(d)
		}
	case "clear_output":
		if clear, err := jupyter.Decode[jupyter.ClearOutput](content); err == nil {
			c.clearOutput(r, clear.Wait)
		}
	case "error":
		if e, err := jupyter.Decode[jupyter.ErrorContent](content); err == nil && !r.TimedOut {
			c.showError(r, e.EName, e.EValue, e.Traceback)
		}
	}
}

func (c *core) executeReply(r *run, content json.RawMessage) {
	rep, err := jupyter.Decode[jupyter.ExecuteReply](content)
	if err != nil || r.Done || r.Reply != nil {
		return
	}
	out := reply{Status: rep.Status, Ename: rep.EName, Evalue: rep.EValue, Traceback: rep.Traceback, At: c.now}
	if rep.ExecutionCount > 0 {
		out.Count = &rep.ExecutionCount
	}
	if vars, _ := jupyter.DecodeVariables(rep); vars != nil {
		out.Variables = mustMarshal(vars)
	}
	for _, raw := range rep.Payload {
		if p, err := jupyter.Decode[jupyter.Payload](raw); err == nil {
			c.payload(r, p)
		}
	}
	c.replied(r, out)
}

// payload is what a reply asks the page to do.
func (c *core) payload(r *run, p jupyter.Payload) {
	switch p.Source {
	case "page":
		c.emit(protocol.Payload{CellID: r.Cell, Kind: "pager", Data: c.keepBig(p.Data)})
	case "set_next_input":
		i := c.index(r.Cell)
		if i < 0 {
			return
		}
		if p.Replace {
			c.replaceSource(c.pub.Cells[i], p.Text, "")
			return
		}
		c.emit(protocol.CellAdded{Index: i + 1, Cell: newCell(protocol.CellID(c.cfg.newID()), "code", p.Text)})
	}
}
