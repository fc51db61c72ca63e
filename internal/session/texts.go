package session

import (
	"github.com/runnel-dev/runnel/internal/protocol"
	"github.com/runnel-dev/runnel/internal/termtext"
)

// In units: a text longer than longText keeps a short tail, so that a flood does not cost what nobody can read. A tail grows by tailSlack
// before it is cut: not every line shall cut it.
const (
	longText  = 4 << 20
	shortTail = 128 << 10
	tailSlack = 128 << 10
)

// tailOver is how much of a text's tail is over what it keeps; 0 until that is worth a cut.
func tailOver(t *protocol.Text) int64 {
	most := int64(protocol.TailMax)
	if t.Total > longText {
		most = shortTail
	}
	if over := t.Total - t.TailAt - most; over > tailSlack {
		return over
	}
	return 0
}

// stream is what is kept beside a stream output so that more can be printed to it.
type stream struct {
	Terminal   termtext.Buffer `json:"terminal"`
	SpillBytes int64           `json:"spill_bytes,omitempty"` // of text that its Tail has dropped, in the spill file
}

// putText works out what printing e.Raw does to its output, and does it.
func (c *core) putText(e protocol.TextPut) protocol.TextPut {
	cell := c.cell(e.CellID)
	if cell == nil {
		return e
	}
	o := cell.Output(e.OutputID)
	if o == nil || o.Text == nil {
		return e
	}
	s := c.priv.Streams[e.OutputID]
	if s == nil {
		s = &stream{}
		c.priv.Streams[e.OutputID] = s
	}
	e.At, e.Text = s.Terminal.Len(), ""
	if edit, changed := s.Terminal.Write(e.Raw); changed {
		e.At, e.Text = edit.At, edit.Text
	}
	if e.Text == e.Raw {
		e.Text = e.Raw // plain text is in memory once
	}
	o.Text.Put(e.At, e.Text, 0)
	if over := tailOver(o.Text); over > 0 {
		dropped := o.Text.Tail[:protocol.UTF16Offset(o.Text.Tail, int(over))]
		e.TailAt = o.Text.TailAt + int64(protocol.UTF16Len(dropped))
		c.effect(keepSpill{Output: o.ID, Offset: s.SpillBytes, Text: dropped})
		s.SpillBytes += int64(len(dropped))
		o.Text.Put(o.Text.Total, "", e.TailAt)
	}
	return e
}

// wholeOf is a text with its middle cut out when it is too long for an output; such text comes from a file.
func wholeOf(text string) *protocol.Text {
	t := &protocol.Text{}
	t.Put(0, text, 0)
	if over := tailOver(t); over > 0 {
		t.Put(t.Total, "", t.TailAt+over)
	}
	return t
}
