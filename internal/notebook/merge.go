package notebook

import (
	"bytes"
	"encoding/json"
	"slices"
)

// Clash is a cell that both sides changed differently. Ours kept its place and id; Theirs is the id of the copy put right after it,
// marked in its metadata: {"runnel": {"clash": {"of": Ours, "side": "disk"}}}. Theirs is empty when they deleted what we edited
// and the cell was kept, marked {"deleted": "disk"} there; Ours is empty when we had deleted what they edited, and it came back,
// marked {"deleted": "here"}.
type Clash struct {
	Ours, Theirs CellID
}

// Merge joins two changes of one document. A change of one side is taken; where both changed a cell differently both versions
// are kept. Outputs go with the source that made them. newID makes the ids of copies. The cells of theirs are aligned to base first:
// see Align. The documents given are not changed; their cells may be shared with the result.
func Merge(base, ours, theirs *Document, newID func() CellID) (merged *Document, clashes []Clash) {
	aligned := *theirs
	aligned.Cells = alignedCells(base, theirs)
	theirs = &aligned
	m := merger{base: byID(base), ours: byID(ours), theirs: byID(theirs), taken: map[CellID]bool{}, newID: newID}
	for _, d := range []*Document{base, ours, theirs} {
		for _, c := range d.Cells {
			m.taken[c.ID] = true
		}
	}
	out := &Document{
		Minor:    ours.Minor,
		Metadata: mergeObjects(base.Metadata, ours.Metadata, theirs.Metadata),
		Extra:    mergeFields(base.Extra, ours.Extra, theirs.Extra),
	}
	if theirs.Minor != base.Minor {
		out.Minor = theirs.Minor
	}
	m.noID = out.Minor < 5
	for _, id := range cellOrder(base, ours, theirs) {
		out.Cells = append(out.Cells, m.cell(id)...)
	}
	return out, m.clashes
}

type merger struct {
	base, ours, theirs map[CellID]*Cell
	taken              map[CellID]bool
	newID              func() CellID
	noID               bool
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
		return []*Cell{deletedOn(ours, "disk")}
	case theirs != nil && !sameContent(base, theirs): // we deleted what they edited
		m.clashes = append(m.clashes, Clash{Theirs: id})
		return []*Cell{deletedOn(theirs, "here")}
	}
	return nil
}

// deletedOn is a copy of a cell with the mark that one side has deleted it.
func deletedOn(c *Cell, side string) *Cell {
	marked := *c
	marked.Metadata = markClash(c.Metadata, `{"deleted":"`+side+`"}`)
	return &marked
}

// both merges a cell that both sides have. base is nil when both added it.
func (m *merger) both(base, ours, theirs *Cell) []*Cell {
	if base == nil {
		base = &Cell{}
	}
	merged := *ours
	switch {
	case sameSource(ours, theirs):
		if sameOutputs(base, ours) {
			merged.takeOutputs(theirs)
		}
	case sameSource(base, theirs):
	case sameSource(base, ours):
		merged = *theirs
		merged.ID, merged.NoID, merged.AsIs = ours.ID, ours.NoID, ours.AsIs
	default:
		copied := *theirs
		copied.ID, copied.NoID, copied.AsIs = freeID(m.taken, m.newID), m.noID, false
		copied.Metadata = markClash(theirs.Metadata, `{"of":`+string(quote(string(ours.ID)))+`,"side":"disk"}`)
		m.clashes = append(m.clashes, Clash{Ours: ours.ID, Theirs: copied.ID})
		return []*Cell{ours, &copied}
	}
	merged.Metadata = mergeObjects(base.Metadata, ours.Metadata, theirs.Metadata)
	merged.Extra = mergeFields(base.Extra, ours.Extra, theirs.Extra)
	return []*Cell{&merged}
}

func (c *Cell) takeOutputs(from *Cell) {
	c.Outputs, c.ExecutionCount = from.Outputs, from.ExecutionCount
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
	w.output(o)
	return w.out
}

// sameJSON compares values by their canonical spelling. None is the same as an empty object.
func sameJSON(a, b json.RawMessage) bool {
	return bytes.Equal(a, b) || bytes.Equal(spell(a), spell(b))
}

func spell(value json.RawMessage) []byte {
	w := &writer{}
	w.metadata(value)
	return w.out
}

// cellOrder is the order of all ids that may stay: that of the side that moved cells, ours if both did, with the cells that only the
// other side has put behind the one they follow there. Of new cells at one place ours come first.
func cellOrder(base, ours, theirs *Document) []CellID {
	main, other := ours, theirs
	if !moved(base, ours) && moved(base, theirs) {
		main, other = theirs, ours
	}
	inMain, inBase, inOther := byID(main), byID(base), byID(other)
	follow := map[CellID][]CellID{} // cells of other alone, by the one they stand behind
	before := CellID("")
	for _, c := range other.Cells {
		if inMain[c.ID] == nil {
			follow[before] = append(follow[before], c.ID)
		} else {
			before = c.ID
		}
	}
	order := slices.Clone(follow[""])
	waiting := []CellID(nil) // to stand behind the new cells of main, when main is ours
	for _, c := range main.Cells {
		isNew := inBase[c.ID] == nil && inOther[c.ID] == nil
		if !isNew {
			order = append(order, waiting...)
			waiting = nil
		}
		order = append(order, c.ID)
		waiting = append(waiting, follow[c.ID]...)
		if main == theirs {
			order = append(order, waiting...)
			waiting = nil
		}
	}
	return append(order, waiting...)
}

// moved says whether the cells that both have stand in another order.
func moved(base, d *Document) bool {
	in, was := byID(d), byID(base)
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
	if sameJSON(ours, theirs) || sameJSON(base, theirs) {
		return ours
	}
	if sameJSON(base, ours) {
		return theirs
	}
	b, _ := fields(base)
	o, fine := fields(ours)
	t, alsoFine := fields(theirs)
	if !fine || !alsoFine {
		return ours
	}
	w := &writer{}
	w.compact(mergeFields(b, o, t))
	return w.out
}

// fields are the members of an object.
func fields(raw json.RawMessage) (map[string]json.RawMessage, bool) {
	all := map[string]json.RawMessage{}
	if len(raw) == 0 {
		return all, true
	}
	s := scanner{data: raw}
	if s.peek() != '{' {
		return all, false
	}
	s.object(func(key string) { all[key] = s.take() })
	return all, s.err == nil
}

func mergeFields(base, ours, theirs map[string]json.RawMessage) map[string]json.RawMessage {
	merged := map[string]json.RawMessage{}
	keys := map[string]bool{}
	for _, side := range []map[string]json.RawMessage{ours, theirs} {
		for key := range side {
			keys[key] = true
		}
	}
	same := func(key string, a, b map[string]json.RawMessage) bool {
		x, inA := a[key]
		y, inB := b[key]
		return inA == inB && (!inA || sameJSON(x, y))
	}
	for key := range keys {
		from := ours
		if same(key, base, ours) {
			from = theirs
		}
		if value, ok := from[key]; ok {
			merged[key] = value
		}
	}
	if len(merged) == 0 && ours == nil {
		return nil
	}
	return merged
}

// markClash adds the mark of a clash to a cell's metadata.
func markClash(metadata json.RawMessage, mark string) json.RawMessage {
	return markRunnel(metadata, "clash", json.RawMessage(mark))
}

// markRunnel sets one of our own marks in a cell's metadata, or takes it out (nil). What is no object stays as it is.
func markRunnel(metadata json.RawMessage, name string, mark json.RawMessage) json.RawMessage {
	all, ok := fields(metadata)
	if !ok {
		return metadata
	}
	runnel, _ := fields(all["runnel"])
	if runnel[name] = mark; mark == nil {
		delete(runnel, name)
	}
	w := &writer{}
	w.compact(runnel)
	if all["runnel"] = w.out; len(runnel) == 0 {
		delete(all, "runnel")
	}
	w = &writer{}
	w.compact(all)
	return w.out
}
