package notebook

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/runnel-dev/runnel/internal/jsontext"
)

// Encode writes the document in nbformat's canonical form. It fails only when a raw value in it is not JSON; then nothing
// should be saved.
func Encode(d *Document) ([]byte, error) {
	w := &writer{out: make([]byte, 0, d.sizeHint())}
	instead := d.standIns()
	members := []member{
		{"cells", func() { w.array(len(d.Cells), func(i int) { w.cell(d, d.Cells[i], instead[d.Cells[i].ID]) }) }},
		{"metadata", func() { w.metadata(d.Metadata, "orig_nbformat", "orig_nbformat_minor", "signature") }},
		{"nbformat", func() { w.out = append(w.out, '4') }},
		{"nbformat_minor", func() { w.out = strconv.AppendInt(w.out, int64(d.Minor), 10) }},
	}
	w.object(w.withExtra(members, d.Extra))
	if w.err != nil {
		return nil, fmt.Errorf("encode notebook: %w", w.err)
	}
	return append(w.out, '\n'), nil
}

func (d *Document) sizeHint() int {
	n := 4096
	for _, c := range d.Cells {
		n += 200 + len(c.Source) + len(c.Source)/4 + len(c.Metadata) + len(c.Attachments)
		for _, o := range c.Outputs {
			n += 200 + len(o.Text) + len(o.Text)/4
			for _, v := range o.Data {
				n += 40 + len(v)
			}
		}
	}
	return n
}

// writer writes JSON as Python's json.dumps(sort_keys=True, indent=1, separators=(",", ": "), ensure_ascii=False) does.
type writer struct {
	out   []byte
	depth int
	err   error
}

// member is a name of an object with what writes its value.
type member struct {
	key   string
	write func()
}

func (w *writer) raw(value json.RawMessage) func() { return func() { w.value(value) } }

// withExtra adds what is not understood. Of a name that is there twice the first counts.
func (w *writer) withExtra(members []member, extra map[string]json.RawMessage) []member {
	for key, value := range extra {
		if !slices.ContainsFunc(members, func(m member) bool { return m.key == key }) {
			members = append(members, member{key, w.raw(value)})
		}
	}
	return members
}

// field is a member, for which extra may hold a value of a shape that is not understood: that one is kept while zero says that
// nothing has taken its place.
func (w *writer) field(key string, zero bool, extra map[string]json.RawMessage, write func()) member {
	if value, ok := extra[key]; ok && zero {
		write = w.raw(value)
	}
	return member{key, write}
}

// cell writes a cell; instead is the id to write in place of one that the format forbids, "" for another.
func (w *writer) cell(d *Document, c *Cell, instead CellID) {
	hasID, id, metadata := d.Minor >= 5 || !c.NoID, c.ID, c.Metadata
	if hasID && instead != "" {
		id, metadata = instead, markRunnel(c.Metadata, ownIDKey, quote(string(c.ID)))
	}
	members := []member{
		w.field("cell_type", c.Type == "", c.Extra, func() { w.text(c.Type) }),
		w.field("metadata", isEmpty(metadata), c.Extra, func() { w.metadata(metadata, "trusted") }),
		w.field("source", c.Source == "", c.Extra, func() { w.lines(c.spelled()) }),
	}
	if hasID {
		members = append(members, member{"id", func() { w.text(string(id)) }})
	}
	if c.Attachments != nil {
		members = append(members, member{"attachments", func() { w.attachments(c.Attachments) }})
	}
	if c.Type == Code {
		members = append(members,
			w.field("execution_count", c.ExecutionCount == nil, c.Extra, func() { w.count(c.ExecutionCount) }),
			w.field("outputs", len(c.Outputs) == 0, c.Extra, func() { w.array(len(c.Outputs), func(i int) { w.output(&c.Outputs[i]) }) }))
	}
	w.object(w.withExtra(members, c.Extra))
}

// spelled is the source with the line breaks of the file.
func (c *Cell) spelled() string {
	switch {
	case c.Spelled == "":
		return c.Source
	case plainBreaks(c.Spelled) == c.Source:
		return c.Spelled
	case !strings.Contains(strings.ReplaceAll(c.Spelled, "\r\n", ""), "\n") && !strings.Contains(strings.ReplaceAll(c.Spelled, "\r\n", ""), "\r"):
		return strings.ReplaceAll(c.Source, "\n", "\r\n")
	}
	return c.Source
}

func isEmpty(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "{}" }

func (w *writer) output(o *Output) {
	members := []member{w.field("output_type", o.Type == "", o.Extra, func() { w.text(o.Type) })}
	add := func(key string, zero bool, write func()) {
		members = append(members, w.field(key, zero, o.Extra, write))
	}
	switch {
	case o.Type == Stream:
		add("name", o.Name == "" || o.Name == "stdout", func() { w.text(cmp.Or(o.Name, "stdout")) })
		add("text", o.Text == "", func() { w.lines(o.Text) })
	case o.Type == ErrorOutput:
		add("ename", o.Ename == "", func() { w.text(o.Ename) })
		add("evalue", o.Evalue == "", func() { w.text(o.Evalue) })
		add("traceback", len(o.Traceback) == 0, func() { w.array(len(o.Traceback), func(i int) { w.text(o.Traceback[i]) }) })
	case o.isBundle():
		add("data", len(o.Data) == 0, func() { w.bundle(o.Data) })
		add("metadata", isEmpty(o.Metadata), func() { w.metadata(o.Metadata) })
	}
	if o.Type == ExecuteResult {
		add("execution_count", o.ExecutionCount == nil, func() { w.count(o.ExecutionCount) })
	}
	w.object(w.withExtra(members, o.Extra))
}

func (w *writer) count(n *int) {
	if n == nil {
		w.out = append(w.out, "null"...)
		return
	}
	w.out = strconv.AppendInt(w.out, int64(*n), 10)
}

// metadata writes an object without some of its names, {} for none.
func (w *writer) metadata(raw json.RawMessage, without ...string) {
	if len(raw) == 0 {
		raw = json.RawMessage("{}")
	}
	s := w.scan(raw)
	if s.peek() != '{' || len(without) == 0 {
		w.canonical(s)
		w.finish(s)
		return
	}
	all := map[string]json.RawMessage{}
	s.object(func(key string) { all[key] = s.take() })
	w.finish(s)
	for _, key := range without {
		delete(all, key)
	}
	w.object(w.withExtra(nil, all))
}

// splits says whether texts of a MIME type are written as lists of lines.
func splits(mime string) bool {
	return strings.HasPrefix(mime, "text/") || mime == "application/javascript" || mime == "image/svg+xml"
}

func (w *writer) bundle(data map[string]json.RawMessage) {
	var members []member
	for mime, value := range data {
		members = append(members, member{mime, func() { w.mimeValue(mime, value) }})
	}
	w.object(members)
}

func (w *writer) mimeValue(mime string, value json.RawMessage) {
	s := w.scan(value)
	if !splits(mime) || s.peek() != '"' {
		w.canonical(s)
	} else if text := s.str(); s.err == nil {
		w.lines(text)
	}
	w.finish(s)
}

func (w *writer) attachments(raw json.RawMessage) {
	s := w.scan(raw)
	if s.peek() != '{' {
		w.canonical(s)
		w.finish(s)
		return
	}
	var members []member
	s.object(func(name string) {
		if s.peek() != '{' {
			members = append(members, member{name, w.raw(s.take())})
			return
		}
		data := map[string]json.RawMessage{}
		s.object(func(mime string) { data[mime] = s.take() })
		members = append(members, member{name, func() { w.bundle(data) }})
	})
	w.finish(s)
	w.object(members)
}

// compact writes an object of raw values, sorted, with no spaces of its own.
func (w *writer) compact(all map[string]json.RawMessage) {
	keys := make([]string, 0, len(all))
	for key := range all {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	w.out = append(w.out, '{')
	for i, key := range keys {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.text(key)
		w.out = append(append(w.out, ':'), all[key]...)
	}
	w.out = append(w.out, '}')
}

// quote is a text as a JSON string.
func quote(text string) json.RawMessage {
	w := &writer{out: make([]byte, 0, len(text)+len(text)/16+2)}
	w.text(text)
	return w.out
}

// lines writes a text as the list of its lines, as nbformat cuts it.
func (w *writer) lines(text string) {
	var list []string
	for text != "" {
		n := lineLength(text)
		list = append(list, text[:n])
		text = text[n:]
	}
	w.array(len(list), func(i int) { w.text(list[i]) })
}

// mayEndLine holds the bytes with which an end of a line begins.
var mayEndLine = func() (t [256]bool) {
	for _, c := range "\n\v\f\r\x1c\x1d\x1e" {
		t[c] = true
	}
	t[0xC2], t[0xE2] = true, true
	return t
}()

// lineLength is the length of the first line with its end, as Python's str.splitlines sees it.
func lineLength(text string) int {
	for i := 0; i < len(text); i++ {
		c := text[i]
		if !mayEndLine[c] {
			continue
		}
		switch {
		case c == '\r' && i+1 < len(text) && text[i+1] == '\n':
			return i + 2
		case c >= '\n' && c <= '\r', c >= 0x1c && c <= 0x1e:
			return i + 1
		case c == 0xC2 && text[i+1] == 0x85:
			return i + 2
		case c == 0xE2 && strings.HasPrefix(text[i+1:], "\x80") && (text[i+2] == 0xA8 || text[i+2] == 0xA9):
			return i + 3
		}
	}
	return len(text)
}

// text writes a string. What is not UTF-8 in it becomes U+FFFD.
func (w *writer) text(text string) { w.out = jsontext.Append(w.out, text) }
