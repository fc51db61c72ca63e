package notebook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Decode reads an .ipynb of nbformat 4. newID makes ids for cells that have none or whose id is taken; nil means ids that follow
// from the data alone. Errors are *SyntaxError and *VersionError.
func Decode(data []byte, newID func() CellID) (*Document, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if err := check(data); err != nil {
		return nil, err
	}
	var top map[string]json.RawMessage
	if json.Unmarshal(data, &top) != nil || top == nil {
		return nil, placed(data, 0, "a notebook is a JSON object")
	}
	d := &decoder{doc: &Document{Metadata: json.RawMessage("{}")}, newID: newID, taken: map[CellID]bool{}}
	if err := d.version(top); err != nil {
		return nil, err
	}
	if m, ok := d.object(top, "metadata"); ok {
		d.doc.Metadata = m
	}
	var cells []map[string]json.RawMessage
	if raw, ok := top["cells"]; ok {
		if json.Unmarshal(raw, &cells) != nil {
			return nil, placed(data, 0, `"cells" is not a list of objects`)
		}
		delete(top, "cells")
	}
	if len(cells) > MaxCells {
		return nil, placed(data, 0, fmt.Sprintf("%d cells; at most %d can be opened", len(cells), MaxCells))
	}
	for i, fields := range cells {
		if fields == nil {
			return nil, placed(data, 0, fmt.Sprintf("cell %d is not an object", i+1))
		}
		d.doc.Cells = append(d.doc.Cells, d.cell(i, fields))
	}
	d.identify()
	d.doc.Extra = rest(top)
	return d.doc, nil
}

// check says where a file stops being JSON, and refuses what is nested too deep.
func check(data []byte) error {
	var any json.RawMessage
	err := json.Unmarshal(data, &any)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return placed(data, syntax.Offset, strings.TrimPrefix(syntax.Error(), "json: "))
	}
	if err != nil {
		return placed(data, 0, err.Error())
	}
	if !utf8.Valid(data) {
		return placed(data, int64(len(validPrefix(data))), "not UTF-8 text")
	}
	depth, inString := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > MaxDepth {
				return placed(data, int64(i), fmt.Sprintf("nested deeper than %d levels", MaxDepth))
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}

func validPrefix(data []byte) []byte {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return data[:i]
		}
		i += size
	}
	return data
}

func placed(data []byte, offset int64, problem string) *SyntaxError {
	offset = min(max(offset, 0), int64(len(data)))
	at := max(offset-1, 0) // encoding/json counts the byte that it choked on as read
	before := data[:at]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := int(at) - bytes.LastIndexByte(before, '\n')
	return &SyntaxError{Line: line, Column: column, Offset: at, Problem: problem}
}

type decoder struct {
	doc   *Document
	newID func() CellID
	taken map[CellID]bool
}

func (d *decoder) repaired(format string, args ...any) {
	d.doc.Repaired = append(d.doc.Repaired, fmt.Sprintf(format, args...))
}

func (d *decoder) version(top map[string]json.RawMessage) error {
	var major, minor int
	_, hasMajor := top["nbformat"]
	if json.Unmarshal(top["nbformat"], &major) != nil && hasMajor {
		return &VersionError{}
	}
	_ = json.Unmarshal(top["nbformat_minor"], &minor)
	if _, hasCells := top["cells"]; !hasMajor && hasCells {
		d.repaired("The file does not say its format; it was read as 4.5.")
		major, minor = 4, 5
	}
	if !hasMajor && major == 0 {
		return &SyntaxError{Line: 1, Column: 1, Problem: `this is JSON but not a notebook: it has neither "nbformat" nor "cells"`}
	}
	if major != 4 || minor < 0 {
		return &VersionError{Major: major, Minor: minor}
	}
	d.doc.Minor = minor
	delete(top, "nbformat")
	delete(top, "nbformat_minor")
	return nil
}

// take decodes a known key into v and removes it; a value of another shape stays, to be carried.
func take[T any](fields map[string]json.RawMessage, key string, v *T) bool {
	raw, ok := fields[key]
	if !ok {
		return false
	}
	var value T
	if bytes.Equal(raw, []byte("null")) || json.Unmarshal(raw, &value) != nil {
		return false
	}
	*v = value
	delete(fields, key)
	return true
}

func (d *decoder) object(fields map[string]json.RawMessage, key string) (json.RawMessage, bool) {
	raw, ok := fields[key]
	if !ok || len(raw) == 0 || raw[0] != '{' {
		return nil, false
	}
	delete(fields, key)
	return raw, true
}

// multiline is a string, or a list of strings that are joined.
type multiline string

func (m *multiline) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '[' {
		var parts []string
		if err := json.Unmarshal(data, &parts); err != nil {
			return err
		}
		*m = multiline(strings.Join(parts, ""))
		return nil
	}
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	*m = multiline(s)
	return nil
}

func (d *decoder) cell(i int, fields map[string]json.RawMessage) *Cell {
	c := &Cell{Type: Raw, Metadata: json.RawMessage("{}")}
	if !take(fields, "cell_type", &c.Type) {
		d.repaired("Cell %d has no type; it is shown as raw text.", i+1)
	}
	var source multiline
	take(fields, "source", &source)
	c.Source = plainBreaks(string(source))
	if c.Source != string(source) {
		c.Spelled = string(source)
	}
	if m, ok := d.object(fields, "metadata"); ok {
		c.Metadata = m
	}
	if a, ok := d.object(fields, "attachments"); ok {
		c.Attachments = joinAttachments(a)
	}
	c.NoID = !take(fields, "id", &c.ID)
	if c.Type == Code {
		d.codeCell(c, fields)
	}
	c.Extra = rest(fields)
	return c
}

func (d *decoder) codeCell(c *Cell, fields map[string]json.RawMessage) {
	takeCount(fields, &c.ExecutionCount)
	var outputs []map[string]json.RawMessage
	if !take(fields, "outputs", &outputs) {
		return
	}
	for _, o := range outputs {
		if o != nil {
			c.Outputs = append(c.Outputs, decodeOutput(o))
		}
	}
}

// takeCount takes an execution count, which may be null.
func takeCount(fields map[string]json.RawMessage, to **int) {
	if raw, ok := fields["execution_count"]; ok && json.Unmarshal(raw, to) == nil {
		delete(fields, "execution_count")
	} else {
		*to = nil
	}
}

func decodeOutput(fields map[string]json.RawMessage) Output {
	var o Output
	take(fields, "output_type", &o.Type)
	switch o.Type {
	case Stream:
		var text multiline
		take(fields, "name", &o.Name)
		take(fields, "text", &text)
		o.Text = string(text)
	case DisplayData, ExecuteResult:
		if take(fields, "data", &o.Data) {
			for mime, value := range o.Data {
				o.Data[mime] = joinValue(mime, value)
			}
		}
		if raw, ok := fields["metadata"]; ok && len(raw) > 0 && raw[0] == '{' {
			o.Metadata = raw
			delete(fields, "metadata")
		}
		if o.Type == ExecuteResult {
			takeCount(fields, &o.ExecutionCount)
		}
	case ErrorOutput:
		take(fields, "ename", &o.Ename)
		take(fields, "evalue", &o.Evalue)
		take(fields, "traceback", &o.Traceback)
	}
	o.Extra = rest(fields)
	return o
}

// joinValue makes one string of a list of strings, as nbformat does for all but JSON types; every other value stays as it is.
func joinValue(mime string, value json.RawMessage) json.RawMessage {
	isJSON := mime == "application/json" || strings.HasPrefix(mime, "application/") && strings.HasSuffix(mime, "+json")
	if isJSON || len(value) == 0 || value[0] != '[' {
		return value
	}
	var parts []string
	if json.Unmarshal(value, &parts) != nil {
		return value
	}
	return appendText(nil, strings.Join(parts, ""))
}

func joinAttachments(value json.RawMessage) json.RawMessage {
	var attachments map[string]map[string]json.RawMessage
	if json.Unmarshal(value, &attachments) != nil {
		return value
	}
	changed := false
	for _, bundle := range attachments {
		for mime, v := range bundle {
			if joined := joinValue(mime, v); len(joined) != len(v) {
				bundle[mime], changed = joined, true
			}
		}
	}
	if !changed {
		return value
	}
	joined, err := json.Marshal(attachments)
	if err != nil {
		return value
	}
	return joined
}

// identify gives every cell an id of its own.
func (d *decoder) identify() {
	for i, c := range d.doc.Cells {
		if !c.NoID && (c.ID == "" || d.taken[c.ID]) {
			d.repaired("Cell %d has the id of another cell; it was given a new one.", i+1)
			c.ID = ""
		}
		if c.ID != "" {
			d.taken[c.ID] = true
		}
	}
	for i, c := range d.doc.Cells {
		for n := 0; c.ID == ""; n++ {
			id := CellID(fmt.Sprintf("cell-%d", i+1+n*len(d.doc.Cells)))
			if d.newID != nil {
				id = d.newID()
			}
			if !d.taken[id] {
				c.ID, d.taken[id] = id, true
			}
		}
	}
}

// rest is what was not taken, nil when that is nothing.
func rest(fields map[string]json.RawMessage) map[string]json.RawMessage {
	if len(fields) == 0 {
		return nil
	}
	return fields
}

// plainBreaks makes every line break \n, as the editor has it.
func plainBreaks(s string) string {
	if strings.IndexByte(s, '\r') < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}
