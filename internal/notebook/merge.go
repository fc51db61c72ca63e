package notebook

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
)

// Clash is a cell that both sides changed differently. Ours kept its place and id; Theirs is the id of the copy put right after it,
// marked in its metadata: {"runnel": {"clash": {"of": Ours, "side": "disk"}}}. Theirs is empty when they deleted what we edited
// and the cell was kept; Ours is empty when we had deleted what they edited, and it came back.
type Clash struct {
	Ours, Theirs CellID
}

// Merge joins two changes of one document. A change of one side is taken; where both changed a cell differently both versions
// are kept. Outputs go with the source that made them. newID makes the ids of copies.
func Merge(base, ours, theirs *Document, newID func() CellID) (merged *Document, clashes []Clash) {
	m := merger{base: byID(base), ours: byID(ours), theirs: byID(theirs), newID: newID}
	out := &Document{
		Minor:    theirs.Minor,
		Metadata: mergeObjects(base.Metadata, ours.Metadata, theirs.Metadata),
		Extra:    theirs.Extra,
	}
	order := cellOrder(base, ours, theirs)
	for _, id := range order {
		out.Cells = append(out.Cells, m.cell(id)...)
	}
	return out, m.clashes
}

type merger struct {
	base, ours, theirs map[CellID]*Cell
	newID              func() CellID
	clashes            []Clash
}

func byID(d *Document) map[CellID]*Cell {
	cells := make(map[CellID]*Cell, len(d.Cells))
	for _, c := range d.Cells {
		cells[c.ID] = c
	}
	return cells
}

// cell is what becomes of one id: nothing, a cell, or a cell and the copy that clashes with it.
func (m *merger) cell(id CellID) []*Cell {
	base, ours, theirs := m.base[id], m.ours[id], m.theirs[id]
	switch {
	case ours != nil && theirs != nil:
		return m.both(base, ours, theirs)
	case ours != nil && base == nil:
		return []*Cell{ours}
	case theirs != nil && base == nil:
		return []*Cell{theirs}
	case ours != nil && !sameContent(base, ours): // they deleted what we edited
		m.clashes = append(m.clashes, Clash{Ours: id})
		return []*Cell{ours}
	case theirs != nil && !sameContent(base, theirs): // we deleted what they edited
		m.clashes = append(m.clashes, Clash{Theirs: id})
		return []*Cell{theirs}
	}
	return nil
}

func (m *merger) both(base, ours, theirs *Cell) []*Cell {
	if sameContent(ours, theirs) {
		if base != nil && sameOutputs(base, ours) && !sameOutputs(base, theirs) {
			return []*Cell{theirs}
		}
		return []*Cell{ours}
	}
	if base != nil {
		if sameContent(base, theirs) {
			return []*Cell{ours}
		}
		if sameContent(base, ours) {
			return []*Cell{theirs}
		}
		if joined := joinParts(base, ours, theirs); joined != nil {
			return []*Cell{joined}
		}
	}
	copied := *theirs
	copied.ID, copied.NoID = m.newID(), false
	copied.Metadata = markClash(theirs.Metadata, ours.ID)
	m.clashes = append(m.clashes, Clash{Ours: ours.ID, Theirs: copied.ID})
	return []*Cell{ours, &copied}
}

// joinParts joins changes of different parts of a cell: one side's source with the other's metadata. Nil when a part clashes.
func joinParts(base, ours, theirs *Cell) *Cell {
	sourceOf, metadataOf := ours, ours
	if !sameSource(ours, theirs) {
		switch {
		case sameSource(base, theirs):
		case sameSource(base, ours):
			sourceOf = theirs
		default:
			return nil
		}
	}
	if !sameJSON(ours.Metadata, theirs.Metadata) {
		switch {
		case sameJSON(base.Metadata, theirs.Metadata):
		case sameJSON(base.Metadata, ours.Metadata):
			metadataOf = theirs
		default:
			return nil
		}
	}
	joined := *sourceOf
	joined.ID = ours.ID
	joined.Metadata = metadataOf.Metadata
	return &joined
}

func sameContent(a, b *Cell) bool { return sameSource(a, b) && sameJSON(a.Metadata, b.Metadata) }

func sameSource(a, b *Cell) bool {
	return a.Type == b.Type && a.Source == b.Source && sameJSON(a.Attachments, b.Attachments)
}

func sameOutputs(a, b *Cell) bool {
	return slices.EqualFunc(a.Outputs, b.Outputs, func(x, y Output) bool { return bytes.Equal(spellOutput(&x), spellOutput(&y)) })
}

func spellOutput(o *Output) []byte {
	w := &writer{}
	w.output(0, o)
	return w.buf
}

// sameJSON compares values by their canonical spelling.
func sameJSON(a, b json.RawMessage) bool {
	return bytes.Equal(a, b) || bytes.Equal(spell(a), spell(b))
}

func spell(value json.RawMessage) []byte {
	if len(value) == 0 {
		return nil
	}
	w := &writer{}
	w.raw(0, value)
	return w.buf
}

// cellOrder is the order of all ids that may stay: of the side that moved cells, theirs if both did, with the cells that only the other
// side has put behind the one they follow there.
func cellOrder(base, ours, theirs *Document) []CellID {
	main, other := ours, theirs
	if movedAgainst(base, theirs) {
		main, other = theirs, ours
	}
	var order []CellID
	for _, c := range main.Cells {
		order = append(order, c.ID)
	}
	before := CellID("")
	for _, c := range other.Cells {
		if !slices.Contains(order, c.ID) {
			at := 0
			if i := slices.Index(order, before); before != "" && i >= 0 {
				at = i + 1
			}
			order = slices.Insert(order, at, c.ID)
		}
		before = c.ID
	}
	return order
}

// movedAgainst says whether the cells that both have stand in another order.
func movedAgainst(base, d *Document) bool {
	in := byID(d)
	was := byID(base)
	var a, b []CellID
	for _, c := range base.Cells {
		if in[c.ID] != nil {
			a = append(a, c.ID)
		}
	}
	for _, c := range d.Cells {
		if was[c.ID] != nil {
			b = append(b, c.ID)
		}
	}
	return !slices.Equal(a, b)
}

// mergeObjects merges key by key; where both changed a key, ours stays.
func mergeObjects(base, ours, theirs json.RawMessage) json.RawMessage {
	var b, o, t map[string]json.RawMessage
	if json.Unmarshal(ours, &o) != nil || json.Unmarshal(theirs, &t) != nil || o == nil || t == nil {
		return ours
	}
	_ = json.Unmarshal(base, &b)
	merged := maps.Clone(o)
	for key, value := range t {
		if was, ok := b[key]; !sameJSON(was, value) && (sameJSON(was, o[key]) || !ok && o[key] == nil) {
			merged[key] = value
		}
	}
	for key, was := range b {
		if _, theirsHas := t[key]; !theirsHas && sameJSON(was, o[key]) {
			delete(merged, key)
		}
	}
	return mergedObject(merged)
}

func mergedObject(fields map[string]json.RawMessage) json.RawMessage {
	w := &writer{}
	w.object(0, w.with(nil, fields))
	return w.buf
}

// markClash adds the mark of a clashing copy to a cell's metadata.
func markClash(metadata json.RawMessage, of CellID) json.RawMessage {
	fields := map[string]json.RawMessage{}
	_ = json.Unmarshal(metadata, &fields)
	runnel := map[string]json.RawMessage{}
	_ = json.Unmarshal(fields["runnel"], &runnel)
	if runnel == nil {
		runnel = map[string]json.RawMessage{}
	}
	runnel["clash"] = json.RawMessage(`{"of": ` + string(appendText(nil, string(of))) + `, "side": "disk"}`)
	if fields == nil {
		fields = map[string]json.RawMessage{}
	}
	fields["runnel"] = mergedObject(runnel)
	return mergedObject(fields)
}
