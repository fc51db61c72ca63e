package pageclient

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// receive handles one frame. An error ends the connection.
func (c *Client) receive(data []byte) error {
	var tag struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(data, &tag); err != nil {
		return fmt.Errorf("frame is not JSON: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.signalLocked()
	c.stats.Frames++
	c.stats.Bytes += int64(len(data))
	c.stats.LargestRead = max(c.stats.LargestRead, len(data))
	switch tag.Type {
	case "resume":
		return decode(data, func(f protocol.Resume) error {
			c.stats.Resumes++
			c.rememberLocked("resume from %d of %s", f.From, f.Epoch)
			if c.state == nil || f.Epoch != c.state.Epoch || f.From != c.state.N+1 {
				c.violateLocked("resume from %d of %s does not follow", f.From, f.Epoch)
			}
			c.liveLocked()
			return nil
		})
	case "snapshot":
		return decode(data, func(f protocol.Snapshot) error {
			c.stats.Snapshots++
			c.rememberLocked("snapshot at %d of %s", f.State.N, f.State.Epoch)
			c.partial = &f
			return c.wholeLocked(f.More)
		})
	case "snapshot_part":
		return decode(data, func(f protocol.SnapshotPart) error { return c.partLocked(f) })
	case "events":
		return decode(data, c.eventsLocked)
	case "ack":
		return decode(data, func(a protocol.Ack) error { c.ackLocked(a); return nil })
	case "welcome", "ping":
		return decode(data, func(p protocol.Ping) error {
			c.stats.Pings++
			c.ahead = time.Until(time.UnixMilli(p.Time))
			return nil
		})
	case "gone":
		return decode(data, func(g protocol.Gone) error { c.gone = &g; return nil })
	}
	return nil
}

func decode[T any](data []byte, use func(T) error) error {
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		return fmt.Errorf("decode frame: %w", err)
	}
	return use(v)
}

func (c *Client) partLocked(f protocol.SnapshotPart) error {
	if c.partial == nil {
		c.violateLocked("a snapshot's part without its snapshot")
		return nil
	}
	s := c.partial.State
	s.Cells = append(s.Cells, f.Cells...)
	if len(f.Widgets) > 0 && s.Widgets == nil {
		s.Widgets = map[protocol.WidgetID]*protocol.Widget{}
	}
	maps.Copy(s.Widgets, f.Widgets)
	if len(f.Outputs) > 0 {
		if cell := s.Cell(f.CellID); cell != nil {
			cell.Outputs = append(cell.Outputs, f.Outputs...)
		} else {
			c.violateLocked("a part of the unknown cell %s", f.CellID)
		}
	}
	if f.Text != "" {
		cell := s.Cell(f.CellID)
		switch {
		case cell == nil:
			c.violateLocked("a part of the unknown cell %s", f.CellID)
		case f.OutputID == "":
			cell.Source += f.Text
		case cell.Output(f.OutputID) == nil || cell.Output(f.OutputID).Text == nil:
			c.violateLocked("a part of the unknown output %s", f.OutputID)
		default:
			cell.Output(f.OutputID).Text.Fill(f.At, f.Text)
		}
	}
	return c.wholeLocked(f.More)
}

// wholeLocked takes the snapshot over once its last part is there.
func (c *Client) wholeLocked(more bool) error {
	if more {
		return nil
	}
	if got, want := len(c.partial.State.Cells), c.partial.Cells; got != want {
		c.violateLocked("snapshot with %d cells, %d announced", got, want)
	}
	c.state, c.partial = c.partial.State, nil
	c.liveLocked()
	return nil
}

// liveLocked begins the live phase: what is not acknowledged will be sent (again).
func (c *Client) liveLocked() {
	if !c.live {
		c.live = true
		c.resend = slices.Clone(c.outbox)
	}
}

func (c *Client) eventsLocked(f protocol.Events) error {
	if c.state == nil {
		c.violateLocked("events before a state")
		return nil
	}
	if f.Epoch != c.state.Epoch {
		c.violateLocked("events of epoch %s at a state of %s", f.Epoch, c.state.Epoch)
		return errGap
	}
	if f.From <= c.state.N {
		c.stats.Repeated += min(f.N, c.state.N) - f.From + 1
	}
	if f.From != c.state.N+1 {
		c.violateLocked("events from %d at a state of %d", f.From, c.state.N)
		return errGap
	}
	c.stats.Events += f.N - f.From + 1
	events := make([]protocol.Event, 0, len(f.Events))
	for _, raw := range f.Events {
		e, err := protocol.DecodeEvent(raw)
		if err != nil {
			return fmt.Errorf("event %d..%d: %w", f.From, f.N, err)
		}
		events = append(events, e)
		c.state.Apply(e)
		c.noteLocked(e)
	}
	c.state.N = f.N
	c.rememberEventsLocked(f, events)
	if c.opts.OnEvents != nil {
		c.opts.OnEvents(f, events, c.state)
	}
	return nil
}

// noteLocked keeps what the state does not.
func (c *Client) noteLocked(e protocol.Event) {
	switch e := e.(type) {
	case protocol.RunDone:
		was, ok := c.done[e.RunID]
		if ok && (was.epoch == c.state.Epoch || was.status != e.Status) {
			c.violateLocked("run %s ended twice: %s, then %s", e.RunID, was.status, e.Status)
		}
		c.done[e.RunID], c.variables[e.RunID] = ending{e.Status, c.state.Epoch}, e.Variables
	case protocol.Notice:
		c.notices = append(c.notices, e)
	}
}

func (c *Client) ackLocked(a protocol.Ack) {
	c.rememberLocked("ack of %s: %s %s at %d", a.CmdID, a.Status, a.Code, a.N)
	if a.Status == protocol.AckAccepted {
		if c.accepted[a.CmdID] {
			c.violateLocked("command %s was accepted twice", a.CmdID)
		}
		c.accepted[a.CmdID] = true
	}
	c.outbox = slices.DeleteFunc(c.outbox, func(cmd protocol.Command) bool { return cmd.CmdID == a.CmdID })
	if wait, ok := c.waiting[a.CmdID]; ok {
		delete(c.waiting, a.CmdID)
		wait <- a
	}
}

func (c *Client) violateLocked(format string, args ...any) {
	c.violations = append(c.violations, fmt.Sprintf(format, args...))
}

func (c *Client) signalLocked() {
	close(c.changed)
	c.changed = make(chan struct{})
}
