package protocol

import (
	"bytes"
	"maps"
	"slices"
)

// BinMax is how many deleted cells the bin keeps; the oldest leave first.
const BinMax = 50

// Apply changes the state as one event says. It is the only way an event changes a state; N is the caller's to set. What does
// not fit (an unknown cell, an edit of another version) changes nothing, so applying an event twice changes nothing either.
// The state keeps no reference to what the event points to.
func (s *State) Apply(event Event) {
	switch e := event.(type) {
	case CellAdded:
		s.addCell(e)
	case CellRemoved:
		s.removeCell(e)
	case CellMoved:
		s.moveCell(e)
	case MetadataChanged:
		s.Metadata = slices.Clone(e.Metadata)
	case RunQueued:
		s.queueRun(e)
	case RunStarted:
		s.startRun(e)
	case RunDone:
		s.endRun(e)
	case PromptOpened:
		s.putPrompt(e.Prompt, true)
	case PromptChanged:
		s.putPrompt(e.Prompt, false)
	case PromptClosed:
		s.Prompts = slices.DeleteFunc(s.Prompts, func(p Prompt) bool { return p.RequestID == e.RequestID })
	case KernelChanged:
		s.Kernel = e.Kernel
		s.Kernel.Death = clonePointer(e.Kernel.Death)
	case SaveChanged:
		s.Save = e.Save
	case Renamed:
		s.Notebook = e.Notebook
	case WidgetOpened, WidgetUpdated, WidgetClosed:
		s.applyToWidgets(e)
	default:
		s.applyToCell(event)
	}
}

// applyToCell handles the events that change one cell alone.
func (s *State) applyToCell(event Event) {
	switch e := event.(type) {
	case CellChanged:
		if c := s.Cell(e.CellID); c != nil {
			c.change(e)
		}
	case Edited:
		if c := s.Cell(e.CellID); c != nil && e.Version == c.Version+1 {
			if source, err := applyChanges(c.Source, e.Changes); err == nil {
				c.Source, c.Version = source, e.Version
			}
		}
	case OutputsCleared:
		if c := s.Cell(e.CellID); c != nil {
			c.Outputs = []*Output{}
			if e.Count {
				c.ExecutionCount = nil
			}
		}
	case OutputSet:
		if c := s.Cell(e.CellID); c != nil {
			c.setOutput(e.Output)
		}
	case TextPut:
		if c := s.Cell(e.CellID); c != nil {
			if o := c.Output(e.OutputID); o != nil && o.Text != nil {
				o.Text.apply(e)
			}
		}
	case RunCounted:
		if c := s.Cell(e.CellID); c != nil && (e.RunID == "" || c.Run != nil && c.Run.ID == e.RunID) {
			c.ExecutionCount = &e.Count
		}
	}
}

// Cell is the cell with this id, nil when there is none.
func (s *State) Cell(id CellID) *Cell {
	if i := s.index(id); i >= 0 {
		return s.Cells[i]
	}
	return nil
}

func (s *State) index(id CellID) int {
	return slices.IndexFunc(s.Cells, func(c *Cell) bool { return c.ID == id })
}

// Output is the output with this id, nil when there is none.
func (c *Cell) Output(id OutputID) *Output {
	for i := len(c.Outputs) - 1; i >= 0; i-- {
		if c.Outputs[i].ID == id {
			return c.Outputs[i]
		}
	}
	return nil
}

func (s *State) addCell(e CellAdded) {
	s.Bin = slices.DeleteFunc(s.Bin, func(b BinEntry) bool { return b.CellID == e.Cell.ID })
	if s.index(e.Cell.ID) >= 0 {
		return
	}
	s.Cells = slices.Insert(s.Cells, min(max(e.Index, 0), len(s.Cells)), e.Cell.Clone())
}

func (s *State) removeCell(e CellRemoved) {
	i := s.index(e.CellID)
	if i < 0 {
		return
	}
	s.Cells = slices.Delete(s.Cells, i, i+1)
	s.unqueue(e.CellID)
	s.Bin = append(s.Bin, BinEntry(e))
	if over := len(s.Bin) - BinMax; over > 0 {
		s.Bin = slices.Delete(s.Bin, 0, over)
	}
}

func (s *State) moveCell(e CellMoved) {
	i := s.index(e.CellID)
	if i < 0 {
		return
	}
	c := s.Cells[i]
	s.Cells = slices.Delete(s.Cells, i, i+1)
	s.Cells = slices.Insert(s.Cells, min(max(e.Index, 0), len(s.Cells)), c)
}

func (s *State) unqueue(id CellID) {
	s.Queue = slices.DeleteFunc(s.Queue, func(q CellID) bool { return q == id })
}

func (s *State) queueRun(e RunQueued) {
	c := s.Cell(e.CellID)
	if c == nil {
		return
	}
	s.unqueue(e.CellID)
	s.Queue = slices.Insert(s.Queue, min(max(e.Place, 0), len(s.Queue)), e.CellID)
	if c.Run == nil || c.Run.State == StateDone || c.Run.ID == e.Run.ID {
		c.Run = clonePointer(e.Run)
	}
}

func (s *State) startRun(e RunStarted) {
	s.unqueue(e.CellID)
	if c := s.Cell(e.CellID); c != nil && c.Run != nil && c.Run.ID == e.RunID && c.Run.State != StateDone {
		c.Run.State, c.Run.StartedAt = StateRunning, e.At
	}
}

// endRun: a run that is shown as running is out of the queue already (the cell may wait there for its next run); any other
// run ends while it waits.
func (s *State) endRun(e RunDone) {
	c := s.Cell(e.CellID)
	if c == nil {
		return
	}
	if c.Run == nil || c.Run.ID != e.RunID {
		s.unqueue(e.CellID)
		return
	}
	if c.Run.State == StateDone {
		return
	}
	if c.Run.State == StateQueued {
		s.unqueue(e.CellID)
	}
	c.Run.State, c.Run.Status, c.Run.Reason, c.Run.EndedAt = StateDone, e.Status, e.Reason, e.At
	if e.Count != nil {
		c.ExecutionCount = clonePointer(e.Count)
	}
}

func (s *State) putPrompt(p Prompt, add bool) {
	i := slices.IndexFunc(s.Prompts, func(old Prompt) bool { return old.RequestID == p.RequestID })
	switch {
	case i >= 0:
		s.Prompts[i] = p
	case add:
		s.Prompts = append(s.Prompts, p)
	}
}

func (c *Cell) change(e CellChanged) {
	if e.Metadata != nil {
		c.Metadata = slices.Clone(e.Metadata)
	}
	if e.Attachments != nil {
		c.Attachments = slices.Clone(e.Attachments)
		if bytes.Equal(e.Attachments, []byte("{}")) || bytes.Equal(e.Attachments, []byte("null")) {
			c.Attachments = nil
		}
	}
	if e.CellType == "" || e.CellType == c.Type {
		return
	}
	c.Type = e.CellType
	if c.Type != "code" {
		c.Outputs, c.Run, c.ExecutionCount = []*Output{}, nil, nil
	}
}

func (c *Cell) setOutput(o *Output) {
	for i, old := range c.Outputs {
		if old.ID == o.ID {
			if o.Rev > old.Rev {
				c.Outputs[i] = o.Clone()
			}
			return
		}
	}
	c.Outputs = append(c.Outputs, o.Clone())
}

// Clone is a copy that shares nothing that Apply changes.
func (s *State) Clone() *State {
	out := *s
	out.Kernel.Death = clonePointer(s.Kernel.Death)
	out.Queue, out.Prompts, out.Bin = slices.Clone(s.Queue), slices.Clone(s.Prompts), slices.Clone(s.Bin)
	out.Cells = make([]*Cell, len(s.Cells))
	for i, c := range s.Cells {
		out.Cells[i] = c.Clone()
	}
	out.Widgets = maps.Clone(s.Widgets)
	return &out
}

// Clone is a copy that shares nothing that Apply changes.
func (c *Cell) Clone() *Cell {
	out := *c
	out.ExecutionCount, out.Run = clonePointer(c.ExecutionCount), clonePointer(c.Run)
	out.Outputs = make([]*Output, len(c.Outputs))
	for i, o := range c.Outputs {
		out.Outputs[i] = o.Clone()
	}
	return &out
}

// Clone is a copy that shares nothing that Apply changes.
func (o *Output) Clone() *Output {
	out := *o
	out.Text = o.Text.clone()
	return &out
}

func clonePointer[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}
