package gateway

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/runnel-dev/runnel/internal/fault"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// How a state is cut in frames (P20): what is seen first comes first. A frame has at most half of what went before it, so that none
// takes much longer than all before it.
const (
	firstCells  = 20        // cells of the first frame
	frameMin    = 16 << 10  // a frame may always have so much
	partBytes   = 192 << 10 // and never more than about so much
	textPart    = 128 << 10 // of text that is not encoded yet; it grows by that
	longText    = 16 << 10  // a source or an output's text over this travels in pieces
	besideCells = 2 << 10   // outputs of a cell up to this come with it

	// wholeWithin is the time in which texts are sent as they are. After that their ends must do: what happens in the notebook
	// waits behind a snapshot. The whole can be fetched (P31).
	wholeWithin = 3 * time.Second
	beginUnits  = 1 << 10 // units of text at the begin,
	endUnits    = 4 << 10 // and at the end
)

// snapshot sends a state in frames of at most about 256 KiB, of which one at a time is in memory.
func (s *subscription) snapshot(state *protocol.State) bool {
	until := time.Now().Add(wholeWithin)
	quick := func() bool { return time.Now().Before(until) }
	return sendSnapshot(state, &snapshotWriter{send: s.p.c.sendJSON, quick: quick, sub: s.at.Sub, logger: s.p.c.p.Logger})
}

// First is the first frame of a snapshot of a notebook (P20), as of a subscription without a name: what a page draws while
// its line is being opened.
func First(ctx context.Context, hub Hub, notebook string) ([]byte, error) {
	open, err := hub.Open(ctx, notebook, false)
	if err != nil {
		return nil, err
	}
	cursor := open.Subscribe("", protocol.Subscription{Notebook: notebook})
	defer cursor.Close()
	batch, err := cursor.Next(ctx)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "The notebook is being closed.", err)
	}
	if batch.Snapshot == nil {
		return nil, fault.New(fault.NotFound, "The notebook is gone.")
	}
	var frame []byte
	send := func(v any) bool {
		frame, err = encode(v)
		return false // no more than this
	}
	sendSnapshot(batch.Snapshot, &snapshotWriter{send: send, logger: slog.New(slog.DiscardHandler)})
	return frame, err
}

// sendSnapshot sends each frame of a state until w.send says false: the cells with their sources and what is small of their outputs,
// then the rest of their sources, then the rest of their outputs.
func sendSnapshot(state *protocol.State, w *snapshotWriter) bool {
	first := *state
	first.Cells, first.Widgets = nil, nil
	w.first, w.total = &first, len(state.Cells)
	for _, cell := range state.Cells {
		if !w.cell(cell) {
			return false
		}
	}
	if (len(w.rests) > 0 || len(state.Widgets) > 0) && !w.flush(true) {
		return false
	}
	for _, r := range w.rests {
		if !w.source(r.cell, r.source) {
			return false
		}
	}
	for _, r := range w.rests {
		if !w.outputs(r.cell, r.outputs) {
			return false
		}
	}
	return w.widgets(state.Widgets) && w.flush(false)
}

// snapshotWriter makes the frames of one snapshot.
type snapshotWriter struct {
	send   func(v any) bool
	quick  func() bool // whether there is time for whole texts
	sub    string
	logger *slog.Logger
	first  *protocol.State // nil once the first frame was sent
	total  int
	cells  []json.RawMessage // encoded, of the next frame
	size   int
	sent   int // about how many bytes
	rests  []rest
}

// rest is what of a cell comes after all cells.
type rest struct {
	cell    protocol.CellID
	source  string
	outputs []*protocol.Output
}

// room is how much the next frame may have.
func (w *snapshotWriter) room() int { return min(max(w.sent/2, frameMin), partBytes) }

// stateFrame is protocol.Snapshot with its cells encoded already.
type stateFrame struct {
	Type  string         `json:"type"`
	Sub   string         `json:"sub"`
	State stateWithCells `json:"state"`
	Cells int            `json:"cells"`
	More  bool           `json:"more"`
}

type stateWithCells struct {
	*protocol.State
	Cells []json.RawMessage `json:"cells"`
}

// partFrame is protocol.SnapshotPart with its cells encoded already.
type partFrame struct {
	Type  string            `json:"type"`
	Sub   string            `json:"sub"`
	Cells []json.RawMessage `json:"cells"`
	More  bool              `json:"more"`
}

func (w *snapshotWriter) cell(c *protocol.Cell) bool {
	short, later := split(c)
	if later.source != "" || len(later.outputs) > 0 {
		w.rests = append(w.rests, later)
	}
	data, err := encode(short)
	if err != nil {
		w.logger.Error("a cell could not be encoded", "cell", c.ID, "reason", err)
		return false
	}
	full := w.size > 0 && w.size+len(data) > w.room() || w.first != nil && len(w.cells) >= firstCells
	if full && !w.flush(true) {
		return false
	}
	w.cells, w.size = append(w.cells, data), w.size+len(data)
	return true
}

// flush sends what was collected; the first time with the rest of the state.
func (w *snapshotWriter) flush(more bool) bool {
	cells := w.cells
	if cells == nil {
		cells = []json.RawMessage{}
	}
	w.sent += w.size
	w.cells, w.size = nil, 0
	if w.first == nil {
		return w.send(partFrame{"snapshot_part", w.sub, cells, more})
	}
	frame := stateFrame{"snapshot", w.sub, stateWithCells{w.first, cells}, w.total, more}
	w.first = nil
	return w.send(frame)
}

func (w *snapshotWriter) part(size int, p protocol.SnapshotPart) bool {
	p.Type, p.Sub, p.More = "snapshot_part", w.sub, true
	w.sent += size
	return w.send(p)
}

// split takes out of a cell what of a long source and of its outputs need not come with it. c itself is not changed.
func split(c *protocol.Cell) (*protocol.Cell, rest) {
	with, size := 0, 0
	for _, o := range c.Outputs {
		if size += sizeOf(o); size > besideCells {
			break
		}
		with++
	}
	at := cutText(c.Source, longText)
	if with == len(c.Outputs) && at == len(c.Source) {
		return c, rest{}
	}
	short := *c
	short.Source = c.Source[:at]
	short.Outputs = append([]*protocol.Output{}, c.Outputs[:with]...)
	return &short, rest{c.ID, c.Source[at:], c.Outputs[with:]}
}

func (w *snapshotWriter) source(cell protocol.CellID, text string) bool {
	for text != "" {
		n := cutText(text, min(w.room(), textPart))
		if !w.part(n, protocol.SnapshotPart{CellID: cell, Text: text[:n]}) {
			return false
		}
		text = text[n:]
	}
	return true
}

func (w *snapshotWriter) outputs(cell protocol.CellID, all []*protocol.Output) bool {
	var next []*protocol.Output
	size := 0
	send := func() bool {
		ok := len(next) == 0 || w.part(size, protocol.SnapshotPart{CellID: cell, Outputs: next})
		next, size = nil, 0
		return ok
	}
	for _, o := range all {
		var text *protocol.Text
		if o.Text != nil && len(o.Text.Head)+len(o.Text.Tail) > longText {
			text, o = o.Text, withoutText(o)
		}
		n := sizeOf(o)
		if size+n > min(w.room(), textPart) && !send() {
			return false
		}
		next, size = append(next, o), size+n
		if text != nil && !(send() && w.text(cell, o.ID, text)) {
			return false
		}
	}
	return send()
}

func withoutText(o *protocol.Output) *protocol.Output {
	copied := *o
	copied.Text = &protocol.Text{}
	return &copied
}

// text sends a text in pieces; when there is no time for all of it, its ends.
func (w *snapshotWriter) text(cell protocol.CellID, output protocol.OutputID, text *protocol.Text) bool {
	piece := func(at int64, s string) bool {
		return w.part(len(s), protocol.SnapshotPart{CellID: cell, OutputID: output, At: at, Text: s})
	}
	sent := int64(0)
	for _, run := range []struct {
		at int64
		s  string
	}{{0, text.Head}, {text.TailAt, text.Tail}} {
		for at, s := run.at, run.s; s != ""; {
			if !w.quick() {
				return w.ends(text, sent, piece)
			}
			n := cutText(s, min(w.room(), textPart))
			if !piece(at, s[:n]) {
				return false
			}
			at, s = at+int64(protocol.UTF16Len(s[:n])), s[n:]
			sent = at
		}
	}
	return true
}

// ends sends the begin of a text of which the first sent units went already, and its end.
func (w *snapshotWriter) ends(text *protocol.Text, sent int64, piece func(at int64, s string) bool) bool {
	if sent == 0 {
		begin := text.Head[:protocol.UTF16Offset(text.Head, beginUnits)]
		if !piece(0, begin) {
			return false
		}
		sent = int64(protocol.UTF16Len(begin))
	}
	last := text.Tail
	if last == "" {
		last = text.Head
	}
	units := int64(protocol.UTF16Len(last))
	from := max(text.Total-units, text.Total-endUnits, sent)
	end := last[protocol.UTF16Offset(last, int(from-(text.Total-units))):]
	return end == "" || piece(text.Total-int64(protocol.UTF16Len(end)), end)
}

// sizeOf is about how many bytes an output takes in a frame.
func sizeOf(o *protocol.Output) int {
	n := 160 + len(o.Metadata) + len(o.Evalue) + len(o.Prompt) + len(o.Value)
	if o.Text != nil {
		n += len(o.Text.Head) + len(o.Text.Tail)
	}
	for media, value := range o.Data {
		n += len(media) + len(value)
	}
	for _, line := range o.Traceback {
		n += len(line)
	}
	return n
}

// widgets sends the models in parts of their own, after the cells.
func (w *snapshotWriter) widgets(all map[protocol.WidgetID]*protocol.Widget) bool {
	part, size := map[protocol.WidgetID]*protocol.Widget{}, 0
	send := func() bool {
		ok := w.part(size, protocol.SnapshotPart{Widgets: part})
		part, size = map[protocol.WidgetID]*protocol.Widget{}, 0
		return ok
	}
	for id, model := range all {
		n := 200
		for key, value := range model.State {
			n += len(key) + len(value) + 8
		}
		for _, b := range model.Buffers {
			n += len(b.Data) + len(b.Path) + len(b.Blob) + 40
		}
		if size > 0 && size+n > partBytes && !send() {
			return false
		}
		part[id], size = model, size+n
	}
	return len(part) == 0 || send()
}
