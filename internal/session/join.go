package session

import (
	"maps"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// join makes one event of neighbours that one event says as well (P23).
func join(events []protocol.Event) []protocol.Event {
	var j joiner
	for _, e := range events {
		j.add(e)
	}
	return j.events()
}

// joiner joins events as they are added; they themselves are not changed.
type joiner struct {
	pages bool     // text that a later event drops is left out (Skipped), and what was printed is not kept
	text  *textRun // follows out
	out   []protocol.Event
	bytes int // of out
}

// size is about how many bytes the joined events are on the wire.
func (j *joiner) size() int {
	if j.text == nil {
		return j.bytes
	}
	return j.bytes + perEventCost + len(j.text.text)
}

// room says whether the event goes into the batch as well.
func (j *joiner) room(e entry) bool {
	if size := j.size() + e.size; size <= batchBytes {
		return true
	} else if p, ok := e.event.(protocol.TextPut); ok && j.pages && j.text != nil {
		return size <= 2*batchBytes+maxPut && !j.text.full(p)
	}
	return false
}

func (j *joiner) add(e protocol.Event) {
	if p, ok := e.(protocol.TextPut); ok {
		if j.text == nil || !j.text.add(p) {
			j.endText()
			j.text = newTextRun(p, j.pages)
		}
		return
	}
	j.endText()
	if u, ok := e.(protocol.WidgetUpdated); ok && joinUpdate(j.out, u) {
		j.bytes += eventSize(u)
		return
	}
	if n := len(j.out); n > 0 {
		if joined, ok := joinTwo(j.out[n-1], e); ok {
			j.bytes += eventSize(joined) - eventSize(j.out[n-1])
			j.out[n-1] = joined
			return
		}
	}
	j.out = append(j.out, e)
	j.bytes += eventSize(e)
}

func (j *joiner) endText() {
	if j.text != nil {
		e := j.text.event()
		j.out, j.text = append(j.out, e), nil
		j.bytes += eventSize(e)
	}
}

func (j *joiner) events() []protocol.Event {
	j.endText()
	return j.out
}

func joinTwo(a, b protocol.Event) (protocol.Event, bool) {
	switch b := b.(type) {
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
