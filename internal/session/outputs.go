package session

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/runnel-dev/runnel/internal/journal"
	"github.com/runnel-dev/runnel/internal/jsontext"
	"github.com/runnel-dev/runnel/internal/jupyter"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// maxPut is the most text of one TextPut, in bytes.
const maxPut = 256 << 10

// freshen drops the outputs of the cell's run before, once per run.
func (c *core) freshen(r *run) {
	if r.Fresh {
		return
	}
	c.emit(runMarked{RunID: r.ID, Fresh: true})
	cell := c.cell(r.Cell)
	if cell != nil && (len(cell.Outputs) > 0 || cell.ExecutionCount != nil) {
		c.emit(protocol.OutputsCleared{CellID: r.Cell, Count: true})
	}
}

// beforeOutput makes the cell ready for an output of the run: the outputs before are dropped, a clear_output that waited takes effect.
func (c *core) beforeOutput(r *run) {
	c.freshen(r)
	if r.ClearNext {
		c.clearWaits(r, false)
		c.emit(protocol.OutputsCleared{CellID: r.Cell})
	}
}

func (c *core) clearWaits(r *run, on bool) { c.emit(runMarked{RunID: r.ID, ClearNext: &on}) }

func (c *core) clearOutput(r *run, wait bool) {
	if wait {
		c.clearWaits(r, true)
		return
	}
	if r.ClearNext {
		c.clearWaits(r, false)
	}
	c.freshen(r)
	if cell := c.cell(r.Cell); cell != nil && len(cell.Outputs) > 0 {
		c.emit(protocol.OutputsCleared{CellID: r.Cell})
	}
}

// print adds what was printed to the cell's last output, when that is the same stream, else to a new one.
func (c *core) print(r *run, name, raw string) {
	if raw == "" {
		return
	}
	c.beforeOutput(r)
	cell := c.cell(r.Cell)
	if cell == nil {
		return
	}
	var id protocol.OutputID
	if n := len(cell.Outputs); n > 0 && cell.Outputs[n-1].Kind == protocol.KindStream && cell.Outputs[n-1].Name == name {
		id = cell.Outputs[n-1].ID
	} else {
		id = c.addOutput(r.Cell, protocol.Output{Kind: protocol.KindStream, Name: name, Text: &protocol.Text{}})
	}
	if id == "" {
		return
	}
	for raw != "" {
		n := cutAt(raw, maxPut)
		c.emit(protocol.TextPut{CellID: r.Cell, OutputID: id, Raw: raw[:n]})
		raw = raw[n:]
	}
}

// cutAt is the end of the longest prefix of at most n bytes that cuts no character.
func cutAt(s string, n int) int {
	if len(s) <= n {
		return len(s)
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return n
}

// maxOutputs bounds how many outputs a cell keeps; how many more there were is counted in a last one. Errors and answers always find room.
const maxOutputs = 5_000

// addOutput returns the new output's id, empty when it was only counted.
func (c *core) addOutput(cell protocol.CellID, o protocol.Output) protocol.OutputID {
	if have := c.cell(cell); have != nil && len(have.Outputs) >= maxOutputs && o.Kind != protocol.KindError && o.Kind != protocol.KindInput {
		c.dropped[cell]++
		return ""
	}
	o.ID = outputID(c.priv.NextOutput + 1)
	c.emit(protocol.OutputSet{CellID: cell, Output: &o})
	return o.ID
}

// countDropped brings the counts of outputs that were not kept into their cells: once per batch, not per output.
func (c *core) countDropped() {
	for _, id := range slices.Sorted(maps.Keys(c.dropped)) {
		n := c.dropped[id]
		cell := c.cell(id)
		delete(c.dropped, id)
		if cell == nil {
			continue
		}
		var mark struct {
			Runnel struct {
				Dropped int `json:"dropped"`
			} `json:"runnel"`
		}
		o := protocol.Output{ID: outputID(c.priv.NextOutput + 1), Kind: protocol.KindDisplay}
		for _, old := range cell.Outputs[min(maxOutputs, len(cell.Outputs)):] {
			if json.Unmarshal(old.Metadata, &mark) == nil && mark.Runnel.Dropped > 0 {
				o.ID, o.Rev = old.ID, old.Rev+1
				break
			}
		}
		mark.Runnel.Dropped += n
		text := plural(uint64(mark.Runnel.Dropped), "further output") + " of this cell not kept: a cell keeps " + plural(maxOutputs, "output") + "."
		o.Metadata = mustMarshal(mark)
		o.Data = map[string]json.RawMessage{"text/plain": mustMarshal(text)}
		c.emit(protocol.OutputSet{CellID: id, Output: &o})
	}
}

func outputID(n uint64) protocol.OutputID { return protocol.OutputID(fmt.Sprintf("o%d", n)) }

func (c *core) showError(r *run, ename, evalue string, traceback []string) {
	c.beforeOutput(r)
	c.emit(runMarked{RunID: r.ID, ErrorShown: true})
	c.addOutput(r.Cell, protocol.Output{Kind: protocol.KindError, Ename: ename, Evalue: evalue, Traceback: traceback})
}

// display adds a rich output; count is set for a result.
func (c *core) display(r *run, d jupyter.DisplayData, count *int) {
	c.beforeOutput(r)
	o := protocol.Output{Kind: protocol.KindDisplay, Data: c.keepBig(d.Data), Metadata: metadata(d.Metadata), DisplayID: d.Transient.DisplayID}
	if count != nil {
		o.Kind, o.ExecutionCount = protocol.KindResult, count
	}
	c.addOutput(r.Cell, o)
}

func metadata(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 || string(raw) == "null" {
		return json.RawMessage("{}")
	}
	return raw
}

// updateDisplay replaces every output with this display id, in whatever cell, deleted or not, or Output widget.
func (c *core) updateDisplay(d jupyter.DisplayData) {
	id := d.Transient.DisplayID
	if id == "" {
		return
	}
	c.updateCaught(d)
	data := c.keepBig(d.Data)
	for _, output := range slices.Clone(c.priv.Displays[id]) {
		cell := c.cell(c.owner[output])
		if cell == nil {
			continue
		}
		if old := cell.Output(output); old != nil {
			o := *old
			o.Rev++
			o.Data, o.Metadata = data, metadata(d.Metadata)
			c.emit(protocol.OutputSet{CellID: cell.ID, Output: &o})
		}
	}
}

// keepBig puts values over protocol.InlineMax into blobs. The others get memory of their own: they were parts of the message.
func (c *core) keepBig(data map[string]json.RawMessage) map[string]json.RawMessage {
	out := make(map[string]json.RawMessage, len(data))
	for mime, value := range data {
		if len(value) <= protocol.InlineMax {
			out[mime] = bytes.Clone(value)
			continue
		}
		content, isJSON := blobContent(mime, value)
		var ref protocol.BlobRef
		ref.Blob.Hash, ref.Blob.Size, ref.Blob.JSON = journal.Hash(content), int64(len(content)), isJSON
		c.out.blobs = append(c.out.blobs, blob{hash: ref.Blob.Hash, data: content})
		out[mime] = mustMarshal(ref)
	}
	return out
}

// blobContent is what a blob holds: the text itself, the bytes of a base64 value, or JSON.
func blobContent(mime string, value json.RawMessage) (content []byte, isJSON bool) {
	text, rest, ok := jsontext.Read(value)
	if !ok || len(rest) > 0 {
		if json.Unmarshal(value, &text) != nil {
			return value, true
		}
	}
	if binaryMIME(mime) {
		if raw, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(text, "\n", "")); err == nil {
			return raw, false
		}
		return value, true
	}
	return []byte(text), false
}

// binaryMIME says whether values of the type are base64 in a notebook.
func binaryMIME(mime string) bool {
	if mime == "image/svg+xml" {
		return false
	}
	for _, prefix := range []string{"image/", "audio/", "video/", "font/", "application/pdf", "application/octet-stream", "application/zip"} {
		if strings.HasPrefix(mime, prefix) {
			return true
		}
	}
	return false
}

// blobHash is the blob that value stands for, empty when it is a value itself.
func blobHash(value json.RawMessage) (protocol.BlobRef, bool) {
	var ref protocol.BlobRef
	if !strings.HasPrefix(string(value), `{"runnel_blob":`) || json.Unmarshal(value, &ref) != nil {
		return ref, false
	}
	return ref, ref.Blob.Hash != ""
}

// ownOutput notes what an output needs beside the public state.
func (c *core) ownOutput(cell protocol.CellID, o *protocol.Output) {
	var n uint64
	if _, err := fmt.Sscanf(string(o.ID), "o%d", &n); err == nil && n > c.priv.NextOutput {
		c.priv.NextOutput = n
	}
	c.owner[o.ID] = cell
	if o.DisplayID != "" && !slices.Contains(c.priv.Displays[o.DisplayID], o.ID) {
		c.priv.Displays[o.DisplayID] = append(c.priv.Displays[o.DisplayID], o.ID)
	}
}

func (c *core) ownOutputs(cell *protocol.Cell) {
	for _, o := range cell.Outputs {
		c.ownOutput(cell.ID, o)
	}
}

// forgetOutputs drops what is kept beside a cell's outputs.
func (c *core) forgetOutputs(id protocol.CellID) {
	cell := c.cell(id)
	if cell == nil {
		return
	}
	for _, o := range cell.Outputs {
		delete(c.owner, o.ID)
		c.dropDisplay(o)
	}
	c.dropStreams(cell.Outputs)
}

func (c *core) dropStreams(outputs []*protocol.Output) {
	for _, o := range outputs {
		if s := c.priv.Streams[o.ID]; s != nil {
			if s.SpillBytes > 0 {
				c.effect(dropSpill{Output: o.ID})
			}
			delete(c.priv.Streams, o.ID)
		}
	}
}

func (c *core) dropDisplay(o *protocol.Output) {
	if o.DisplayID == "" {
		return
	}
	left := slices.DeleteFunc(c.priv.Displays[o.DisplayID], func(id protocol.OutputID) bool { return id == o.ID })
	if c.priv.Displays[o.DisplayID] = left; len(left) == 0 {
		delete(c.priv.Displays, o.DisplayID)
	}
}
