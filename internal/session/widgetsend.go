package session

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"

	"github.com/runnel-dev/runnel/internal/jupyter"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// sendsMax bounds what waits for a kernel that is busy.
const sendsMax = 200

// widgetSend is what a page has for a model of the kernel. One at a time is at the kernel, of all models of a notebook, so that a
// button is pressed after the text before it has arrived; what waits of one model becomes one message.
//
//	waiting ── sent (first in Sends) ── done, when the kernel says idle
type widgetSend struct {
	ID      string                     `json:"id"` // of the message
	Widget  protocol.WidgetID          `json:"widget"`
	Cell    protocol.CellID            `json:"cell,omitempty"` // where it is shown: what is printed because of it goes there
	State   map[string]json.RawMessage `json:"state,omitempty"`
	Content json.RawMessage            `json:"content,omitempty"` // of a custom message, in place of State
	Buffers []protocol.WidgetBuffer    `json:"buffers,omitempty"`
	Sent    bool                       `json:"sent,omitempty"`
}

// sendsSet: this waits for the kernel now.
type sendsSet struct {
	Sends []widgetSend `json:"sends"`
}

func (sendsSet) EventType() string { return "_widget_sends" }

func (f sendsSet) apply(c *core) { c.priv.Sends = f.Sends }

// widgetChange is the command: a person changed a model, or did something that its view tells of.
func (c *core) widgetChange(cmd protocol.Command) *reject {
	w := c.pub.Widgets[cmd.WidgetID]
	switch {
	case w == nil || w.Closed:
		return rejectf(protocol.CodeNotFound, "there is no such widget any more")
	case w.Kernel != c.priv.KernelID || !c.ready:
		return rejectf(protocol.CodeNotFound, "The kernel that made this widget is gone.")
	case len(cmd.State) == 0 && len(cmd.Content) == 0 && len(cmd.Buffers) == 0:
		return rejectf(protocol.CodeInvalid, "a change needs state or content")
	case len(cmd.State) > 0 && len(cmd.Content) > 0:
		return rejectf(protocol.CodeInvalid, "a change has state or content, not both")
	case sizeOfState(cmd.State)+len(cmd.Content)+sizeOfKept(cmd.Buffers) > 4*protocol.WidgetBytesMax:
		return rejectf(protocol.CodeTooLarge, "the change is too large")
	}
	update := len(cmd.Content) == 0
	if key := unknownAttribute(w, cmd); update && key != "" {
		return rejectf(protocol.CodeInvalid, "the widget has no attribute %q", key)
	}
	send := widgetSend{ID: "comm-" + string(cmd.CmdID), Widget: cmd.WidgetID, Cell: cmd.CellID, State: cmd.State, Content: cmd.Content, Buffers: cmd.Buffers}
	if isSecret(w.State) && update { // at once, past what is journaled
		c.passSend(send)
		return nil
	}
	sends, ok := joinSend(c.priv.Sends, send)
	if !ok {
		return rejectf(protocol.CodeTooLarge, "the kernel is busy and too much waits for it already")
	}
	if update {
		kept := []protocol.WidgetBuffer{}
		for _, b := range cmd.Buffers {
			data, err := base64.StdEncoding.DecodeString(b.Data)
			if err != nil {
				return rejectf(protocol.CodeInvalid, "a buffer is not base64")
			}
			kept = append(kept, c.keepBuffers([]json.RawMessage{b.Path}, [][]byte{data})...)
		}
		c.changeWidget(protocol.WidgetUpdated{WidgetID: cmd.WidgetID, State: c.keepAttributes(cmd.State), Buffers: kept, Origin: cmd.Origin})
	}
	c.emit(sendsSet{Sends: sends})
	c.advanceSends()
	return nil
}

// unknownAttribute is one that the change names and the model does not have.
func unknownAttribute(w *protocol.Widget, cmd protocol.Command) string {
	known := protocol.Attributes(w.State, w.Buffers)
	for key := range protocol.Attributes(cmd.State, cmd.Buffers) {
		if !known[key] {
			return cmp.Or(key, "?")
		}
	}
	return ""
}

// joinSend puts a message behind those that wait, into the last of its model when nothing came between that must stay apart.
func joinSend(waiting []widgetSend, send widgetSend) ([]widgetSend, bool) {
	out := slices.Clone(waiting)
	for i := len(out) - 1; i >= 0 && send.Content == nil && out[i].Content == nil && !out[i].Sent; i-- {
		if out[i].Widget != send.Widget {
			continue
		}
		joined := out[i]
		joined.State = map[string]json.RawMessage{}
		maps.Copy(joined.State, out[i].State)
		maps.Copy(joined.State, send.State)
		joined.Buffers = protocol.JoinBuffers(joined.Buffers, protocol.WidgetUpdated{State: send.State, Buffers: send.Buffers})
		joined.Cell = send.Cell
		out[i] = joined
		return out, true
	}
	return append(out, send), len(out) < sendsMax
}

// unsent: a person has changed the attribute, and the kernel has not been told yet.
func (c *core) unsent(id protocol.WidgetID, key string) bool {
	return slices.ContainsFunc(c.priv.Sends, func(s widgetSend) bool {
		return s.Widget == id && !s.Sent && s.Content == nil && protocol.Attributes(s.State, s.Buffers)[key]
	})
}

// advanceSends passes the first message on when none is at the kernel.
func (c *core) advanceSends() {
	if len(c.priv.Sends) == 0 || c.priv.Sends[0].Sent || !c.ready {
		return
	}
	sends := slices.Clone(c.priv.Sends)
	sends[0].Sent = true
	c.emit(sendsSet{Sends: sends})
	c.passSend(sends[0])
}

// passSend passes a message to the kernel; a second time does nothing.
func (c *core) passSend(s widgetSend) {
	content := commContent{CommID: string(s.Widget), Data: commData{Method: "update", State: map[string]json.RawMessage{}}}
	maps.Copy(content.Data.State, s.State)
	if s.Content != nil {
		content.Data = commData{Method: "custom", Content: s.Content}
	}
	e := sendMessage{ID: s.ID, Channel: jupyter.Shell, MsgType: "comm_msg", Content: content}
	for _, b := range s.Buffers {
		data, err := base64.StdEncoding.DecodeString(b.Data)
		if err != nil {
			continue // it was checked
		}
		if s.Content == nil {
			content.Data.BufferPaths = append(content.Data.BufferPaths, b.Path)
		}
		e.Buffers = append(e.Buffers, data)
	}
	e.Content = content
	c.effect(e)
}

// sendStatus: the kernel is busy with the message that was sent, or done. False when the parent is another.
func (c *core) sendStatus(parent string, content json.RawMessage) bool {
	if _, called := c.callbackCell(parent); !called {
		return false
	}
	if len(c.priv.Sends) == 0 || c.priv.Sends[0].ID != parent {
		return true
	}
	if s, err := jupyter.Decode[jupyter.Status](content); err == nil && s.ExecutionState == jupyter.StateIdle {
		c.called.add(parent, c.priv.Sends[0].Cell)
		c.showCaptured()
		c.emit(sendsSet{Sends: slices.Clone(c.priv.Sends[1:])})
		c.advanceSends()
	}
	return true
}

// callbackCell is where the output goes that a message of a page has led to.
func (c *core) callbackCell(parent string) (protocol.CellID, bool) {
	if len(c.priv.Sends) > 0 && c.priv.Sends[0].ID == parent && parent != "" {
		return c.priv.Sends[0].Cell, true
	}
	return c.called.cell(parent)
}

// calledMax is how many messages are remembered whose threads may still print.
const calledMax = 100

// called remembers the messages that the kernel has done, oldest first.
type called struct {
	order []string
	cells map[string]protocol.CellID
}

func (l *called) add(id string, cell protocol.CellID) {
	if l.cells == nil {
		l.cells = map[string]protocol.CellID{}
	}
	l.order, l.cells[id] = append(l.order, id), cell
	if len(l.order) > calledMax {
		delete(l.cells, l.order[0])
		l.order = l.order[1:]
	}
}

func (l *called) cell(id string) (protocol.CellID, bool) {
	cell, ok := l.cells[id]
	return cell, ok
}

// calledBack shows what a callback in the kernel has printed or displayed, below the cell that shows the widget.
func (c *core) calledBack(cell protocol.CellID, parent, kind string, content json.RawMessage) {
	if c.pub.Cell(cell) == nil {
		return
	}
	r := &run{ID: protocol.RunID(parent), Cell: cell, Done: true, Fresh: true}
	for _, known := range c.priv.Runs {
		if known.Cell == cell && (known.Done || known.ID == c.priv.Current) {
			r = known
		}
	}
	switch kind {
	case "stream":
		if s, err := jupyter.Decode[jupyter.Stream](content); err == nil {
			c.print(r, streamName(s.Name), s.Text)
		}
	case "error":
		if e, err := jupyter.Decode[jupyter.ErrorContent](content); err == nil {
			c.addOutput(cell, protocol.Output{Kind: protocol.KindError, Ename: e.EName, Evalue: e.EValue, Traceback: e.Traceback})
		}
	case "display_data", "execute_result", "update_display_data", "clear_output":
		c.published(r, kind, content)
	}
}

func streamName(name string) string {
	if name == "stderr" {
		return name
	}
	return "stdout"
}
