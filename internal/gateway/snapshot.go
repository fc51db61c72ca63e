package gateway

import (
	"context"
	"encoding/json"
	"log/slog"

	"github.com/runnel-dev/runnel/internal/fault"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// How a state is cut in frames (P20): what is seen first comes first.
const (
	firstCells = 20        // cells of the first frame
	partBytes  = 192 << 10 // a frame is full once it has so much
	longText   = 16 << 10  // a source or tail over this may travel in parts of its own
	textBytes  = 64 << 10  // texts of one cell over this make the long ones travel so
	textPart   = 128 << 10 // text of one such part
	outputsMax = partBytes // outputs of one cell over this travel in parts too
)

// snapshot sends a state in frames of at most about 256 KiB, of which one at a time is in memory.
func (s *subscription) snapshot(state *protocol.State) bool {
	return sendSnapshot(state, s.at.Sub, s.p.c.p.Logger, s.p.c.sendJSON)
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
	sendSnapshot(batch.Snapshot, "", slog.New(slog.DiscardHandler), func(v any) bool {
		frame, err = encode(v)
		return false // no more than this
	})
	return frame, err
}

// sendSnapshot calls send for each frame of a state until it says false.
func sendSnapshot(state *protocol.State, sub string, logger *slog.Logger, send func(v any) bool) bool {
	first := *state
	first.Cells, first.Widgets = nil, nil
	w := &snapshotWriter{send: send, sub: sub, logger: logger, first: &first, total: len(state.Cells)}
	for _, cell := range state.Cells {
		if !w.cell(cell) {
			return false
		}
	}
	return w.widgets(state.Widgets) && w.flush(false)
}

// snapshotWriter collects cells until a frame is full.
type snapshotWriter struct {
	send   func(v any) bool
	sub    string
	logger *slog.Logger
	first  *protocol.State // nil once the first frame was sent
	total  int
	cells  []json.RawMessage
	size   int
}

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
	short, parts := split(c)
	data, err := encode(short)
	if err != nil {
		w.logger.Error("a cell could not be encoded", "cell", c.ID, "reason", err)
		return false
	}
	full := w.size > 0 && w.size+len(data) > partBytes || w.first != nil && len(w.cells) >= firstCells
	if full && !w.flush(true) {
		return false
	}
	w.cells, w.size = append(w.cells, data), w.size+len(data)
	if len(parts) == 0 {
		return true
	}
	if !w.flush(true) {
		return false
	}
	for _, part := range parts {
		part.Type, part.Sub, part.More = "snapshot_part", w.sub, true
		if !w.send(part) {
			return false
		}
	}
	return true
}

// flush sends what was collected; the first time with the rest of the state.
func (w *snapshotWriter) flush(more bool) bool {
	cells := w.cells
	if cells == nil {
		cells = []json.RawMessage{}
	}
	w.cells, w.size = nil, 0
	if w.first == nil {
		return w.send(partFrame{"snapshot_part", w.sub, cells, more})
	}
	frame := stateFrame{"snapshot", w.sub, stateWithCells{w.first, cells}, w.total, more}
	w.first = nil
	return w.send(frame)
}

// split takes long texts, and outputs beyond what a frame holds, out of a cell that is big. c itself is not changed.
func split(c *protocol.Cell) (*protocol.Cell, []protocol.SnapshotPart) {
	texts, outputs := len(c.Source), 0
	for _, o := range c.Outputs {
		size := sizeOf(o)
		outputs += size
		if o.Text != nil {
			texts += len(o.Text.Tail)
		}
	}
	if texts <= textBytes && outputs <= outputsMax {
		return c, nil
	}
	short := *c
	var parts []protocol.SnapshotPart
	if len(c.Source) > longText {
		n := cutText(c.Source, longText)
		short.Source = c.Source[:n]
		parts = textParts(parts, c.ID, "", c.Source[n:])
	}
	short.Outputs = []*protocol.Output{}
	var rest []*protocol.Output
	size := 0
	for _, o := range c.Outputs {
		tail := ""
		if o.Text != nil && len(o.Text.Tail) > longText {
			o, tail = withoutTail(o)
		}
		n := sizeOf(o)
		if len(rest) > 0 && size+n > partBytes {
			parts, rest, size = append(parts, protocol.SnapshotPart{CellID: c.ID, Outputs: rest}), nil, 0
		}
		rest, size = append(rest, o), size+n
		if tail != "" {
			parts, rest, size = append(parts, protocol.SnapshotPart{CellID: c.ID, Outputs: rest}), nil, 0
			parts = textParts(parts, c.ID, o.ID, tail)
		}
	}
	if len(rest) > 0 {
		parts = append(parts, protocol.SnapshotPart{CellID: c.ID, Outputs: rest})
	}
	return &short, parts
}

func withoutTail(o *protocol.Output) (short *protocol.Output, tail string) {
	copied := *o
	text := protocol.Text{Head: o.Text.Head, TailAt: o.Text.TailAt, Total: o.Text.Total}
	copied.Text = &text
	return &copied, o.Text.Tail
}

func textParts(parts []protocol.SnapshotPart, cell protocol.CellID, output protocol.OutputID, text string) []protocol.SnapshotPart {
	for text != "" {
		n := cutText(text, textPart)
		parts = append(parts, protocol.SnapshotPart{CellID: cell, OutputID: output, Text: text[:n]})
		text = text[n:]
	}
	return parts
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
		ok := w.send(protocol.SnapshotPart{Type: "snapshot_part", Sub: w.sub, Widgets: part, More: true})
		part, size = map[protocol.WidgetID]*protocol.Widget{}, 0
		return ok
	}
	if len(all) > 0 && !w.flush(true) {
		return false
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
