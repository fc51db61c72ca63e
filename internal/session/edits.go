package session

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/runnel-dev/runnel/internal/changes"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// How many changes of a cell are kept to rebase edits that come late.
const (
	logMax      = 500
	logMaxBytes = 256 << 10
)

// editLog holds the last changes of one cell: Changes[i] made version First+i+1 of version First+i.
type editLog struct {
	First   int               `json:"first"`
	Changes []json.RawMessage `json:"changes"`
	bytes   int
}

func (l *editLog) add(version int, change json.RawMessage) {
	if version != l.First+len(l.Changes)+1 {
		l.First, l.Changes, l.bytes = version-1, nil, 0
	}
	if l.bytes == 0 {
		for _, old := range l.Changes {
			l.bytes += len(old)
		}
	}
	l.Changes = append(l.Changes, change)
	l.bytes += len(change)
	for len(l.Changes) > logMax || l.bytes > logMaxBytes && len(l.Changes) > 1 {
		l.bytes -= len(l.Changes[0])
		l.Changes = l.Changes[1:]
		l.First++
	}
}

func (c *core) logEdit(e protocol.Edited) {
	if cell := c.pub.Cell(e.CellID); cell == nil || e.Version != cell.Version+1 {
		return
	}
	l := c.priv.Logs[e.CellID]
	if l == nil {
		l = &editLog{First: e.Version - 1}
		c.priv.Logs[e.CellID] = l
	}
	l.add(e.Version, e.Changes)
}

// edit is the command: its changes are moved over those that came before it (P27).
func (c *core) edit(cmd protocol.Command) *reject {
	cell := c.pub.Cell(cmd.CellID)
	if cell == nil {
		return rejectf(protocol.CodeUnknownCell, "there is no cell %q", cmd.CellID)
	}
	set, err := changes.Decode(cmd.Changes)
	if err != nil {
		return rejectf(protocol.CodeInvalid, "the changes cannot be read: %v", err)
	}
	if cmd.Version > cell.Version || cmd.Version < 0 {
		return rejectf(protocol.CodeStale, "version %d is not one of this cell's", cmd.Version)
	}
	if cmd.Version < cell.Version {
		l := c.priv.Logs[cell.ID]
		if l == nil || cmd.Version < l.First {
			return rejectf(protocol.CodeStale, "the cell has changed too much since version %d", cmd.Version)
		}
		for _, raw := range l.Changes[cmd.Version-l.First:] {
			other, err := changes.Decode(raw)
			if err == nil {
				set, err = set.Map(other, false)
			}
			if err != nil {
				return rejectf(protocol.CodeInvalid, "the changes do not fit: %v", err)
			}
		}
	}
	if _, err := set.Apply(cell.Source); err != nil {
		return rejectf(protocol.CodeInvalid, "the changes do not fit: %v", err)
	}
	c.emit(protocol.Edited{CellID: cell.ID, Version: cell.Version + 1, Changes: mustMarshal(set), Client: cmd.Client, CmdID: cmd.CmdID})
	return nil
}

// replaceSource makes the cell's source what somebody else than an editor says it is.
func (c *core) replaceSource(cell *protocol.Cell, source string, client protocol.ClientID) {
	source = strings.ReplaceAll(strings.ReplaceAll(source, "\r\n", "\n"), "\r", "\n")
	if source == cell.Source {
		return
	}
	c.emit(protocol.Edited{CellID: cell.ID, Version: cell.Version + 1, Changes: mustMarshal(changes.FromDiff(cell.Source, source)), Client: client})
}

func newCell(id protocol.CellID, kind, source string) *protocol.Cell {
	return &protocol.Cell{ID: id, Type: kind, Source: source, Metadata: json.RawMessage("{}"), Outputs: []*protocol.Output{}}
}

// checkCellID takes any short text without control characters.
func checkCellID(id protocol.CellID) *reject {
	s := string(id)
	if s == "" || len(s) > 128 || !utf8.ValidString(s) || strings.IndexFunc(s, unicode.IsControl) >= 0 {
		return rejectf(protocol.CodeInvalid, "a cell id is 1 to 128 bytes without control characters")
	}
	return nil
}

func knownType(kind string) bool { return kind == "code" || kind == "markdown" || kind == "raw" }

func (c *core) cellInsert(cmd protocol.Command) *reject {
	id := cmd.CellID
	if id == "" {
		id = protocol.CellID(c.cfg.newID())
	}
	if r := checkCellID(id); r != nil {
		return r
	}
	kind := cmd.CellType
	if kind == "" {
		kind = "code"
	}
	if !knownType(kind) {
		return rejectf(protocol.CodeInvalid, "there is no cell type %q", kind)
	}
	if c.pub.Cell(id) != nil || c.priv.Bin[id] != nil {
		return rejectf(protocol.CodeInvalid, "the cell id %q is taken", id)
	}
	cell := newCell(id, kind, cmd.Source)
	if len(cmd.Metadata) > 0 {
		if r := checkObject(cmd.Metadata); r != nil {
			return r
		}
		cell.Metadata = cmd.Metadata
	}
	c.copyInto(cell, cmd.Like)
	c.emit(protocol.CellAdded{Index: min(max(cmd.Index, 0), len(c.pub.Cells)), Cell: cell})
	return nil
}

// copyInto gives a new cell what another of its type has beside the source and the metadata. One that is nowhere any more gives nothing.
func (c *core) copyInto(cell *protocol.Cell, like protocol.CellID) {
	from := c.cell(like)
	if from == nil || from.Type != cell.Type {
		return
	}
	from = from.Clone()
	cell.Attachments, cell.ExecutionCount, cell.Outputs = from.Attachments, from.ExecutionCount, from.Outputs
	for i, o := range cell.Outputs {
		o.ID, o.Rev, o.DisplayID = outputID(c.priv.NextOutput+1+uint64(i)), 0, ""
	}
}

func checkObject(raw json.RawMessage) *reject {
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil || object == nil {
		return rejectf(protocol.CodeInvalid, "metadata must be a JSON object")
	}
	return nil
}

func (c *core) cellDelete(cmd protocol.Command) *reject {
	ids := cmd.CellIDs
	if cmd.CellID != "" {
		ids = append(slices.Clone(ids), cmd.CellID)
	}
	if len(ids) == 0 {
		return rejectf(protocol.CodeInvalid, "cell_ids is missing")
	}
	for _, id := range ids {
		if c.pub.Cell(id) == nil {
			return rejectf(protocol.CodeUnknownCell, "there is no cell %q", id)
		}
	}
	for _, id := range ids {
		if c.pub.Cell(id) != nil {
			c.cancelWaiting(id, "The cell was deleted.")
			c.emit(protocol.CellRemoved{CellID: id, At: c.now})
		}
	}
	return nil
}

// binned is a deleted cell.
type binned struct {
	Cell *protocol.Cell `json:"cell"`
}

func (c *core) toBin(e protocol.CellRemoved) {
	cell := c.pub.Cell(e.CellID)
	if cell == nil {
		return
	}
	kept := cell.Clone()
	if kept.Run != nil && kept.Run.State == protocol.StateQueued {
		kept.Run = nil
	}
	c.priv.Bin[cell.ID] = &binned{Cell: kept}
	if len(c.pub.Bin) >= protocol.BinMax {
		oldest := c.pub.Bin[0].CellID
		if b := c.priv.Bin[oldest]; b != nil && oldest != cell.ID {
			c.forgetOutputs(oldest)
			delete(c.priv.Bin, oldest)
			delete(c.priv.Logs, oldest)
		}
	}
}

// outOfBin: a cell with this id is there again; what is kept beside its outputs is noted with it.
func (c *core) outOfBin(id protocol.CellID) {
	b := c.priv.Bin[id]
	if b == nil {
		return
	}
	for _, o := range b.Cell.Outputs {
		delete(c.owner, o.ID)
		c.dropDisplay(o)
	}
	delete(c.priv.Bin, id)
}

// applyToBin: the run of a deleted cell goes on, and the cell keeps what it says, for when it is brought back.
func (c *core) applyToBin(e protocol.Event) {
	var id protocol.CellID
	switch e := e.(type) {
	case protocol.OutputSet:
		id = e.CellID
	case protocol.OutputsCleared:
		id = e.CellID
	case protocol.RunCounted:
		id = e.CellID
	case protocol.RunDone:
		id = e.CellID
	default:
		return
	}
	if b := c.priv.Bin[id]; b != nil {
		(&protocol.State{Cells: []*protocol.Cell{b.Cell}}).Apply(e)
	}
}

// cell is a cell of the notebook or of the bin.
func (c *core) cell(id protocol.CellID) *protocol.Cell {
	if b := c.priv.Bin[id]; b != nil {
		return b.Cell
	}
	return c.pub.Cell(id)
}

func (c *core) cellRestore(cmd protocol.Command) *reject {
	b := c.priv.Bin[cmd.CellID]
	if b == nil {
		return rejectf(protocol.CodeUnknownCell, "the bin has no cell %q", cmd.CellID)
	}
	c.emit(protocol.CellAdded{Index: min(max(cmd.Index, 0), len(c.pub.Cells)), Cell: b.Cell})
	return nil
}

func (c *core) cellMove(cmd protocol.Command) *reject {
	if c.pub.Cell(cmd.CellID) == nil {
		return rejectf(protocol.CodeUnknownCell, "there is no cell %q", cmd.CellID)
	}
	c.emit(protocol.CellMoved{CellID: cmd.CellID, Index: min(max(cmd.Index, 0), len(c.pub.Cells)-1)})
	return nil
}

func (c *core) cellChange(cmd protocol.Command) *reject {
	cell := c.pub.Cell(cmd.CellID)
	switch {
	case cell == nil:
		return rejectf(protocol.CodeUnknownCell, "there is no cell %q", cmd.CellID)
	case cmd.CellType != "" && !knownType(cmd.CellType):
		return rejectf(protocol.CodeInvalid, "there is no cell type %q", cmd.CellType)
	case len(cmd.Metadata) > 0:
		if r := checkObject(cmd.Metadata); r != nil {
			return r
		}
	}
	if cmd.CellType != "" && cmd.CellType != "code" {
		if r := c.current(); r != nil && r.Cell == cell.ID {
			return rejectf(protocol.CodeInvalid, "the cell is running; interrupt it first")
		}
		c.cancelWaiting(cell.ID, "The cell is no code cell any more.")
	}
	c.emit(protocol.CellChanged{CellID: cell.ID, CellType: cmd.CellType, Metadata: cmd.Metadata})
	return nil
}

func (c *core) clearOutputs(cmd protocol.Command) *reject {
	if cmd.CellID != "" && c.pub.Cell(cmd.CellID) == nil {
		return rejectf(protocol.CodeUnknownCell, "there is no cell %q", cmd.CellID)
	}
	for _, cell := range slices.Clone(c.pub.Cells) {
		if cmd.CellID != "" && cell.ID != cmd.CellID || len(cell.Outputs) == 0 && cell.ExecutionCount == nil {
			continue
		}
		c.emit(protocol.OutputsCleared{CellID: cell.ID, Count: true})
	}
	return nil
}

// reject is why a command changed nothing.
type reject struct{ code, text string }

func rejectf(code, format string, args ...any) *reject {
	return &reject{code: code, text: fmt.Sprintf(format, args...)}
}

// plural is "1 message" or "n messages".
func plural(n uint64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
