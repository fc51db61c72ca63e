package session

import (
	"maps"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// join makes one event of neighbours that one event says as well (P23). It is pure: the events themselves are not changed.
func join(events []protocol.Event) []protocol.Event {
	out := events[:0:0]
	for _, e := range events {
		if u, ok := e.(protocol.WidgetUpdated); ok && joinUpdate(out, u) {
			continue
		}
		if n := len(out); n > 0 {
			if joined, ok := joinTwo(out[n-1], e); ok {
				out[n-1] = joined
				continue
			}
		}
		out = append(out, e)
	}
	return out
}

func joinTwo(a, b protocol.Event) (protocol.Event, bool) {
	switch b := b.(type) {
	case protocol.TextPut:
		if a, ok := a.(protocol.TextPut); ok && a.OutputID == b.OutputID && a.CellID == b.CellID {
			return joinText(a, b)
		}
	case protocol.OutputSet:
		if a, ok := a.(protocol.OutputSet); ok && a.Output.ID == b.Output.ID && a.CellID == b.CellID && b.Output.Rev > a.Output.Rev {
			return b, true
		}
	case protocol.SaveChanged:
		if _, ok := a.(protocol.SaveChanged); ok {
			return b, true
		}
	case protocol.KernelChanged:
		if _, ok := a.(protocol.KernelChanged); ok {
			return b, true
		}
	}
	return nil, false
}

// joinText says what both puts say, where one can: b begins within what a wrote or before it, and neither drops more of the tail
// than the text it leaves has. Both fit the texts they come to, as all that a session makes do.
func joinText(a, b protocol.TextPut) (protocol.Event, bool) {
	if len(a.Raw)+len(b.Raw) > maxPut || len(a.Text)+len(b.Text) > maxPut {
		return nil, false
	}
	afterA, afterB := a.At+int64(protocol.UTF16Len(a.Text)), b.At+int64(protocol.UTF16Len(b.Text))
	tailAt := max(a.TailAt, b.TailAt)
	if b.At < a.TailAt || b.At > afterA || a.TailAt > afterA || tailAt > afterB {
		return nil, false
	}
	out := b
	out.Raw, out.TailAt = a.Raw+b.Raw, tailAt
	if b.At > a.At {
		kept := a.Text[:protocol.UTF16Offset(a.Text, int(b.At-a.At))]
		if int64(protocol.UTF16Len(kept)) != b.At-a.At {
			return nil, false // between the halves of a pair
		}
		out.At, out.Text = a.At, kept+b.Text
	}
	return out, true
}

// joinFar is how many updates of other widgets may stand between two that are joined: a bar is several models.
const joinFar = 32

// joinUpdate puts an update into an earlier one of the same model, past updates of others, which it does not touch.
func joinUpdate(out []protocol.Event, b protocol.WidgetUpdated) bool {
	for i := len(out) - 1; i >= 0 && i >= len(out)-joinFar; i-- {
		a, ok := out[i].(protocol.WidgetUpdated)
		if !ok {
			return false
		}
		if a.WidgetID != b.WidgetID {
			continue
		}
		if a.Origin != b.Origin || sizeOfState(a.State)+sizeOfState(b.State) > protocol.WidgetBytesMax {
			return false
		}
		joined := a
		joined.State = maps.Clone(a.State)
		maps.Copy(joined.State, b.State)
		joined.Buffers = protocol.JoinBuffers(a.Buffers, b)
		out[i] = joined
		return true
	}
	return false
}

// joinFacts makes fewer facts of a batch for the journal. Numbers are not lost: the batch has the last.
func joinFacts(facts []protocol.Event) []protocol.Event {
	var out []protocol.Event
	for _, e := range facts {
		switch e := e.(type) {
		case protocol.WidgetSaid: // not kept
		case protocol.WidgetUpdated:
			if !joinUpdate(out, e) {
				out = append(out, e)
			}
		default:
			out = append(out, e)
		}
	}
	return out
}
