package session

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"slices"

	"github.com/runnel-dev/runnel/internal/journal"
	"github.com/runnel-dev/runnel/internal/jsontext"
	"github.com/runnel-dev/runnel/internal/notebook"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// fileTextMax is the most text of one output that the file gets, in bytes; the rest is marked.
const fileTextMax = 8 << 20

// load makes doc the state's document. It is not a change: nothing has to be saved.
func (c *core) load(doc *notebook.Document) {
	c.save.off = true
	defer func() { c.save.off = false }()
	meta, models := splitWidgets(metadata(doc.Metadata))
	c.emit(protocol.MetadataChanged{Metadata: meta})
	c.widgetsFromFile(models)
	for i, cell := range doc.Cells {
		c.emit(protocol.CellAdded{Index: i, Cell: c.fromFile(cell)})
	}
}

func (c *core) fromFile(cell *notebook.Cell) *protocol.Cell {
	out := &protocol.Cell{
		ID: protocol.CellID(cell.ID), Type: cell.Type, Source: cell.Source, Metadata: metadata(cell.Metadata), Attachments: cell.Attachments,
		ExecutionCount: cell.ExecutionCount, Outputs: []*protocol.Output{},
	}
	for _, o := range cell.Outputs {
		out.Outputs = append(out.Outputs, c.outputFromFile(o))
	}
	return out
}

func (c *core) outputFromFile(o notebook.Output) *protocol.Output {
	c.priv.NextOutput++
	out := &protocol.Output{ID: outputID(c.priv.NextOutput), Metadata: o.Metadata}
	switch o.Type {
	case notebook.Stream:
		out.Kind, out.Name, out.Text, out.Metadata = protocol.KindStream, o.Name, wholeOf(o.Text), nil
	case notebook.ErrorOutput:
		out.Kind, out.Ename, out.Evalue, out.Traceback, out.Metadata = protocol.KindError, o.Ename, o.Evalue, o.Traceback, nil
	case notebook.ExecuteResult:
		out.Kind, out.Data, out.ExecutionCount = protocol.KindResult, c.keepBig(o.Data), o.ExecutionCount
	default:
		out.Kind, out.Data = protocol.KindDisplay, c.keepBig(o.Data)
	}
	return out
}

// document makes the .ipynb's content of a state. carried is the version read or written last; blobs and spill are looked up in j.
func document(s *protocol.State, carried *notebook.Document, j shelf, id journal.NotebookID) (*notebook.Document, error) {
	doc := notebook.New()
	meta, err := joinWidgets(s, j)
	if err != nil {
		return nil, err
	}
	doc.Metadata = meta
	for _, cell := range s.Cells {
		out := &notebook.Cell{ID: notebook.CellID(cell.ID), Type: cell.Type, Source: cell.Source, Metadata: cell.Metadata, Attachments: cell.Attachments}
		if cell.Type == notebook.Code {
			out.ExecutionCount = cell.ExecutionCount
			outputs, err := fileOutputs(cell, j, id)
			if err != nil {
				return nil, err
			}
			out.Outputs = outputs
		}
		doc.Cells = append(doc.Cells, out)
	}
	if carried != nil {
		doc.Carry(carried)
	}
	return doc, nil
}

func fileOutputs(cell *protocol.Cell, j shelf, id journal.NotebookID) ([]notebook.Output, error) {
	running := cell.Run != nil && cell.Run.State == protocol.StateRunning
	var out []notebook.Output
	for _, o := range cell.Outputs {
		var f notebook.Output
		switch o.Kind {
		case protocol.KindStream:
			f = notebook.Output{Type: notebook.Stream, Name: o.Name, Text: wholeText(o, running, j, id)}
		case protocol.KindInput:
			value := o.Value
			if o.Password {
				value = "········"
			}
			f = notebook.Output{Type: notebook.Stream, Name: "stdout", Text: o.Prompt + value + "\n"}
		case protocol.KindError:
			f = notebook.Output{Type: notebook.ErrorOutput, Ename: o.Ename, Evalue: o.Evalue, Traceback: o.Traceback}
		default:
			data, err := inline(o.Data, j)
			if err != nil {
				return nil, err
			}
			f = notebook.Output{Type: notebook.DisplayData, Data: data, Metadata: metadata(o.Metadata)}
			if o.Kind == protocol.KindResult {
				f.Type, f.ExecutionCount = notebook.ExecuteResult, o.ExecutionCount
			}
		}
		if n := len(out); n > 0 && f.Type == notebook.Stream && out[n-1].Type == notebook.Stream && out[n-1].Name == f.Name {
			out[n-1].Text += f.Text
			continue
		}
		out = append(out, f)
	}
	return out, nil
}

// inline puts the blobs' values back in place of their names.
func inline(data map[string]json.RawMessage, j shelf) (map[string]json.RawMessage, error) {
	out, lost := make(map[string]json.RawMessage, len(data)), false
	for mime, value := range data {
		out[mime] = value
		ref, is := blobHash(value)
		if !is {
			continue
		}
		f, err := j.Blob(ref.Blob.Hash)
		if errors.Is(err, fs.ErrNotExist) { // the machine ended before it was on the disk: the rest is saved without it
			delete(out, mime)
			lost = true
			continue
		}
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(f)
		_ = f.Close()
		if err != nil {
			return nil, err
		}
		switch {
		case ref.Blob.JSON:
			out[mime] = content
		case binaryMIME(mime):
			text := make([]byte, 0, base64.StdEncoding.EncodedLen(len(content))+2)
			out[mime] = append(base64.StdEncoding.AppendEncode(append(text, '"'), content), '"')
		default:
			out[mime] = jsontext.Append(make([]byte, 0, len(content)+len(content)/16+2), string(content))
		}
	}
	if lost && len(out) == 0 {
		out["text/plain"] = json.RawMessage(`"This output was lost: the machine ended before it was on the disk."`)
	}
	return out, nil
}

// wholeText is the output's text, with what was cut out of its middle as far as the file takes it; while the cell runs without it: what is
// being printed would be written anew, all of it, every ten seconds.
func wholeText(o *protocol.Output, running bool, j shelf, id journal.NotebookID) string {
	head := protocol.UTF16Len(o.Text.Head)
	if o.Text.TailAt <= int64(head) {
		return o.Text.Head + o.Text.Tail
	}
	var middle []byte
	if !running {
		if f, err := j.OpenSpill(id, string(o.ID)); err == nil {
			middle, _ = io.ReadAll(io.LimitReader(f, fileTextMax))
			_ = f.Close()
		}
	}
	left := o.Text.TailAt - int64(head) - int64(protocol.UTF16Len(string(middle)))
	if left <= 0 {
		return o.Text.Head + string(middle) + o.Text.Tail
	}
	if i := bytes.LastIndexByte(middle, '\n'); i >= 0 {
		left += int64(protocol.UTF16Len(string(middle[i+1:])))
		middle = middle[:i+1]
	}
	return o.Text.Head + string(middle) + "\n[" + plural(uint64(left), "character") + " left out here]\n" + o.Text.Tail
}

// adopt turns the document into doc, one change at a time, so that clients need no new snapshot. carried is what doc came from.
func (c *core) adopt(doc, carried *notebook.Document) {
	meta, models := splitWidgets(metadata(doc.Metadata))
	if !sameJSON(meta, c.pub.Metadata) {
		c.emit(protocol.MetadataChanged{Metadata: meta})
	}
	c.widgetsFromFile(models)
	wanted := map[protocol.CellID]bool{}
	for _, cell := range doc.Cells {
		wanted[protocol.CellID(cell.ID)] = true
	}
	for _, cell := range slices.Clone(c.pub.Cells) {
		if !wanted[cell.ID] {
			c.cancelWaiting(cell.ID, "The cell was deleted in the file.")
			c.emit(protocol.CellRemoved{CellID: cell.ID, At: c.now})
		}
	}
	before := map[notebook.CellID]*notebook.Cell{}
	if carried != nil {
		for _, cell := range carried.Cells {
			before[cell.ID] = cell
		}
	}
	for i, cell := range doc.Cells {
		id := protocol.CellID(cell.ID)
		have := c.pub.Cell(id)
		if have == nil {
			c.emit(protocol.CellAdded{Index: i, Cell: c.fromFile(cell)})
			continue
		}
		c.adoptCell(have, cell, before[cell.ID])
		if c.index(id) != i {
			c.emit(protocol.CellMoved{CellID: id, Index: i})
		}
	}
}

func (c *core) adoptCell(have *protocol.Cell, cell, before *notebook.Cell) {
	c.replaceSource(have, cell.Source, "")
	change := protocol.CellChanged{CellID: have.ID}
	if cell.Type != have.Type {
		change.CellType = cell.Type
	}
	if !sameJSON(metadata(cell.Metadata), have.Metadata) {
		change.Metadata = metadata(cell.Metadata)
	}
	if !sameJSON(cell.Attachments, have.Attachments) {
		change.Attachments = metadata(cell.Attachments)
	}
	if change.CellType != "" || change.Metadata != nil || change.Attachments != nil {
		c.emit(change)
	}
	if before != nil && sameOutputs(before, cell) || cell.Type != notebook.Code {
		return
	}
	if r := c.current(); r != nil && r.Cell == have.ID {
		return // its outputs are being made
	}
	c.emit(protocol.OutputsCleared{CellID: have.ID, Count: true})
	for _, o := range cell.Outputs {
		c.emit(protocol.OutputSet{CellID: have.ID, Output: c.outputFromFile(o)})
	}
	if cell.ExecutionCount != nil {
		c.emit(protocol.RunCounted{CellID: have.ID, Count: *cell.ExecutionCount})
	}
}

func sameOutputs(a, b *notebook.Cell) bool {
	if (a.ExecutionCount == nil) != (b.ExecutionCount == nil) || a.ExecutionCount != nil && *a.ExecutionCount != *b.ExecutionCount {
		return false
	}
	return len(a.Outputs) == len(b.Outputs) && bytes.Equal(mustMarshal(a.Outputs), mustMarshal(b.Outputs))
}

// sameJSON compares values whatever their spaces and the order of their keys.
func sameJSON(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	return bytes.Equal(mustMarshal(x), mustMarshal(y))
}
