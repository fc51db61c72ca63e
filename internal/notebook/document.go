package notebook

import (
	"bytes"
	"encoding/json"
)

// CellID names a cell within its document.
type CellID string

// Cell types. A file may hold others; they are carried.
const (
	Code     = "code"
	Markdown = "markdown"
	Raw      = "raw"
)

// Output types.
const (
	Stream        = "stream"
	DisplayData   = "display_data"
	ExecuteResult = "execute_result"
	ErrorOutput   = "error"
)

// Document is a notebook. Raw JSON values in it are valid JSON, and are not changed in place.
type Document struct {
	Minor    int             // nbformat_minor; the major is always 4
	Metadata json.RawMessage // an object
	Cells    []*Cell
	Extra    map[string]json.RawMessage // keys of the file's top level that are none of the above

	// Repaired says, in words for a person, what could not be taken over as the file had it. Empty for a sound file.
	Repaired []string
}

// Cell is one cell. Line breaks in Source are \n alone.
type Cell struct {
	ID             CellID
	Type           string
	Source         string
	Metadata       json.RawMessage // an object
	Attachments    json.RawMessage // name to MIME bundle; nil when the file has none
	ExecutionCount *int            // of code cells
	Outputs        []Output        // of code cells
	Extra          map[string]json.RawMessage

	// Spelled is the source as the file has it when it has other line breaks than \n; Encode writes it while Source is the same text.
	Spelled string
	// AsIs says that the file has ID although the format forbids it: Encode leaves it. Other such ids it replaces.
	AsIs bool
	// NoID says that the file gives this cell no id: ID is Runnel's own and Encode writes it only for minor 5 and later.
	NoID bool
}

// Output is one output of a code cell. Multi-line lists of the file are joined: Text and the text values of Data are whole strings.
type Output struct {
	Type string

	Name string // of a stream: stdout or stderr
	Text string

	Data           map[string]json.RawMessage // MIME type to value
	Metadata       json.RawMessage
	ExecutionCount *int

	Ename, Evalue string
	Traceback     []string

	Extra map[string]json.RawMessage
}

// New is an empty document of the newest format, 4.5.
func New() *Document {
	return &Document{Minor: 5, Metadata: json.RawMessage("{}")}
}

// Carry takes over from an earlier version of the document what the page does not know: unknown keys, the format's minor
// version, spellings of line breaks, and which cells have no id in the file, or a forbidden one. Cells are known by their id. New cells of a document
// before 4.5 have no id in the file either.
func (d *Document) Carry(from *Document) {
	d.Minor, d.Extra = from.Minor, from.Extra
	was := byID(from)
	for _, c := range d.Cells {
		old := was[c.ID]
		if old == nil {
			c.NoID = d.Minor < 5
			continue
		}
		c.NoID, c.AsIs, c.Spelled = old.NoID, old.AsIs, old.Spelled
		if c.Type != old.Type {
			continue
		}
		c.Extra = old.Extra
		if len(c.Outputs) != len(old.Outputs) {
			continue
		}
		for i := range c.Outputs {
			c.Outputs[i].carry(&old.Outputs[i])
		}
	}
}

// carry takes over unknown keys of an output that is otherwise the same. One of an unknown type is an empty display for the page.
func (o *Output) carry(old *Output) {
	switch old.Type {
	case Stream, DisplayData, ExecuteResult, ErrorOutput:
	default:
		if o.Type == DisplayData && len(o.Data) == 0 {
			*o = *old
		}
		return
	}
	if old.Extra == nil || o.Extra != nil || o.Type != old.Type {
		return
	}
	known := *old
	known.Extra = nil
	if bytes.Equal(spellOutput(&known), spellOutput(o)) {
		o.Extra = old.Extra
	}
}
