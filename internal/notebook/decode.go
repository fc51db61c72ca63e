package notebook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Decode reads an .ipynb of nbformat 4. newID makes ids for cells that have none or whose id is taken; nil means ids that follow
// from the data alone. Errors are *SyntaxError and *VersionError.
func Decode(data []byte, newID func() CellID) (*Document, error) {
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	if at := invalidUTF8(data); at >= 0 {
		return nil, syntaxError(data, at, "a byte that is not UTF-8")
	}
	d := decoder{scanner: scanner{data: data}, doc: &Document{Metadata: json.RawMessage("{}")}, major: -1}
	d.document()
	if d.err != nil {
		return nil, d.err
	}
	if err := d.version(); err != nil {
		return nil, err
	}
	if newID == nil {
		newID = idsOf(data)
	}
	d.giveIDs(newID)
	if n := len(d.odd); n > 0 {
		d.repaired("%d numbers that are NaN or infinite are not JSON; they are read as null", n)
	}
	return d.doc, nil
}

func invalidUTF8(data []byte) int {
	if utf8.Valid(data) {
		return -1
	}
	at := 0
	for at < len(data) {
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size <= 1 {
			return at
		}
		at += size
	}
	return -1
}

type decoder struct {
	scanner
	doc        *Document
	major      int
	worksheets bool
	cellsAt    int // where "cells" is something else than a list
	versionAt  int
}

func (d *decoder) repaired(format string, args ...any) {
	d.doc.Repaired = append(d.doc.Repaired, fmt.Sprintf(format, args...))
}

// keep carries a value that is not understood.
func keep(extra *map[string]json.RawMessage, key string, value json.RawMessage) {
	if *extra == nil {
		*extra = map[string]json.RawMessage{}
	}
	(*extra)[key] = value
}

func (d *decoder) document() {
	if d.peek() != '{' {
		d.unexpected("the '{' of a notebook")
		return
	}
	d.doc.Minor = 0
	d.object(func(key string) {
		switch {
		case key == "nbformat":
			d.peek()
			d.versionAt = d.pos
			d.major = d.integer(-1)
		case key == "nbformat_minor":
			d.doc.Minor = d.integer(0)
		case key == "metadata" && d.peek() == '{':
			d.doc.Metadata = d.take()
		case key == "cells" && d.peek() == '[':
			d.doc.Cells = nil
			d.array(d.cell)
		default:
			d.worksheets = d.worksheets || key == "worksheets"
			if key == "cells" {
				d.cellsAt = d.pos
			}
			keep(&d.doc.Extra, key, d.take())
		}
	})
	if d.err == nil && d.peek() != 0 {
		d.unexpected("the end of the file")
	}
}

// integer reads a value and gives it if it is a number without fraction, else other.
func (d *decoder) integer(other int) int {
	n, err := strconv.Atoi(string(d.take()))
	if err != nil {
		return other
	}
	return n
}

func (d *decoder) version() error {
	switch {
	case d.major == 4 && d.cellsAt > 0:
		return syntaxError(d.data, d.cellsAt, "\"cells\" is not a list")
	case d.major == 4 && d.doc.Minor >= 0:
		return nil
	case d.major < 0 && d.worksheets:
		return &VersionError{Major: 3}
	case d.major < 0:
		return syntaxError(d.data, d.versionAt, "this is not a notebook: \"nbformat\" is not there or not a number")
	}
	return &VersionError{d.major, d.doc.Minor}
}

func (d *decoder) cell() {
	if d.peek() != '{' {
		d.unexpected("the '{' of a cell")
		return
	}
	if len(d.doc.Cells) == MaxCells {
		d.fail(d.pos, fmt.Sprintf("more than %d cells", MaxCells))
		return
	}
	c := &Cell{Metadata: json.RawMessage("{}"), NoID: true}
	d.doc.Cells = append(d.doc.Cells, c)
	d.object(func(key string) {
		if !d.cellField(c, key) {
			keep(&c.Extra, key, d.take())
		}
	})
	if c.Type != Code {
		return
	}
	for i := range c.Outputs {
		if c.Outputs[i].Type == Stream && c.Outputs[i].Name == "" {
			c.Outputs[i].Name = "stdout"
		}
	}
}

// cellField reads a field that is understood and has the shape it should have.
func (d *decoder) cellField(c *Cell, key string) bool {
	next := d.peek()
	switch {
	case key == "id" && next == '"':
		c.ID, c.NoID = CellID(d.str()), false
	case key == "cell_type" && next == '"':
		c.Type = d.str()
	case key == "metadata" && next == '{':
		c.Metadata = d.take()
	case key == "attachments" && next == '{':
		c.Attachments = d.attachments()
	case key == "execution_count":
		return d.count(&c.ExecutionCount)
	case key == "outputs" && next == '[':
		c.Outputs = nil
		return d.outputs(c)
	case key == "source":
		text, ok := d.scanner.text()
		if !ok {
			return false
		}
		if c.Source = plainBreaks(text); c.Source != text {
			c.Spelled = text
		}
	default:
		return false
	}
	return true
}

// plainBreaks is the text with \n for each line break that the editor knows.
func plainBreaks(text string) string {
	if !strings.Contains(text, "\r") {
		return text
	}
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
}

// count reads an execution count; another value is not read.
func (d *decoder) count(to **int) bool {
	d.peek()
	start, odd := d.pos, len(d.odd)
	raw := string(d.take())
	if raw == "null" && len(d.odd) == odd {
		*to = nil
		return true
	}
	n, err := strconv.Atoi(raw)
	if err != nil || raw == "-0" {
		if d.err == nil {
			d.pos, d.odd = start, d.odd[:odd]
		}
		return false
	}
	*to = &n
	return true
}

// outputs reads a list of objects; another list is not read.
func (d *decoder) outputs(c *Cell) bool {
	start, depth, odd, ok := d.pos, d.depth, len(d.odd), true
	d.array(func() {
		if !ok || d.peek() != '{' {
			ok = false
			d.skip()
			return
		}
		c.Outputs = append(c.Outputs, d.output())
	})
	if !ok && d.err == nil {
		d.pos, d.depth, d.odd, c.Outputs = start, depth, d.odd[:odd], nil
	}
	return ok
}

func (d *decoder) output() Output {
	start, depth, odd := d.pos, d.depth, len(d.odd)
	var o Output
	d.object(func(key string) { // what the other fields mean depends on it
		if key == "output_type" && d.peek() == '"' {
			o.Type = d.str()
			return
		}
		d.skip()
	})
	if d.err != nil {
		return o
	}
	d.pos, d.depth, d.odd = start, depth, d.odd[:odd]
	d.object(func(key string) {
		if !d.outputField(&o, key) {
			keep(&o.Extra, key, d.take())
		}
	})
	return o
}

func (d *decoder) outputField(o *Output, key string) (ok bool) {
	next := d.peek()
	switch {
	case key == "output_type" && next == '"':
		o.Type = d.str()
	case o.Type == Stream && key == "name" && next == '"':
		o.Name = d.str()
	case o.Type == Stream && key == "text":
		o.Text, ok = d.scanner.text()
		return ok
	case o.Type == ErrorOutput && key == "ename" && next == '"':
		o.Ename = d.str()
	case o.Type == ErrorOutput && key == "evalue" && next == '"':
		o.Evalue = d.str()
	case o.Type == ErrorOutput && key == "traceback":
		o.Traceback, ok = d.strings()
		return ok
	case o.isBundle() && key == "data" && next == '{':
		o.Data = d.bundle()
	case o.isBundle() && key == "metadata" && next == '{':
		o.Metadata = d.take()
	case o.Type == ExecuteResult && key == "execution_count":
		return d.count(&o.ExecutionCount)
	default:
		return false
	}
	return true
}

func (o *Output) isBundle() bool { return o.Type == DisplayData || o.Type == ExecuteResult }

// bundle reads a MIME bundle; texts that are lists of lines are joined.
func (d *decoder) bundle() map[string]json.RawMessage {
	data := map[string]json.RawMessage{}
	d.object(func(mime string) {
		if !isJSON(mime) && d.peek() == '[' {
			if lines, ok := d.strings(); ok {
				data[mime] = quote(strings.Join(lines, ""))
				return
			}
		}
		data[mime] = d.take()
	})
	return data
}

// isJSON says whether values of a MIME type are JSON, which is never split into lines.
func isJSON(mime string) bool {
	return mime == "application/json" || strings.HasPrefix(mime, "application/") && strings.HasSuffix(mime, "+json")
}

// attachments reads bundles by name.
func (d *decoder) attachments() json.RawMessage {
	all := map[string]json.RawMessage{}
	d.object(func(name string) {
		if d.peek() != '{' {
			all[name] = d.take()
			return
		}
		w := &writer{}
		w.compact(d.bundle())
		all[name] = w.out
	})
	w := &writer{}
	w.compact(all)
	return w.out
}
