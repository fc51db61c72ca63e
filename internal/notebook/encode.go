package notebook

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Encode writes the document in nbformat's canonical form. It fails only when a raw value in it is not JSON.
func Encode(d *Document) ([]byte, error) {
	w := &writer{}
	fields := []field{
		{"cells", func(depth int) {
			w.array(depth, len(d.Cells), func(i, depth int) { w.cell(depth, d.Cells[i], d.Minor) })
		}},
		{"metadata", func(depth int) { w.rawObject(depth, d.Metadata, "orig_nbformat", "orig_nbformat_minor", "signature") }},
		{"nbformat", w.number(4)},
		{"nbformat_minor", w.number(d.Minor)},
	}
	w.object(0, w.with(fields, d.Extra))
	if w.err != nil {
		return nil, fmt.Errorf("encode notebook: %w", w.err)
	}
	return append(w.buf, '\n'), nil
}

func (w *writer) number(n int) func(int) {
	return func(int) { w.buf = strconv.AppendInt(w.buf, int64(n), 10) }
}

func (w *writer) count(n *int) func(int) {
	return func(depth int) {
		if n == nil {
			w.buf = append(w.buf, "null"...)
			return
		}
		w.number(*n)(depth)
	}
}

func (w *writer) string(s string) func(int) { return func(int) { w.text(s) } }

func (w *writer) linesOf(s string) func(int) { return func(depth int) { w.lines(depth, s) } }

// with adds the carried keys; they come last, so they win over a typed field that could not hold the file's value.
func (w *writer) with(fields []field, extra map[string]json.RawMessage) []field {
	for key, value := range extra {
		fields = append(fields, field{key, func(depth int) { w.raw(depth, value) }})
	}
	return fields
}

// rawObject writes a value that has to be an object; nothing is the empty one.
func (w *writer) rawObject(depth int, value json.RawMessage, without ...string) {
	if len(value) == 0 {
		value = json.RawMessage("{}")
	}
	w.raw(depth, value, without...)
}

func (w *writer) cell(depth int, c *Cell, minor int) {
	source := c.Source
	if c.Spelled != "" && plainBreaks(c.Spelled) == c.Source {
		source = c.Spelled
	}
	fields := []field{
		{"cell_type", w.string(c.Type)},
		{"metadata", func(depth int) { w.rawObject(depth, c.Metadata, "trusted") }},
		{"source", w.linesOf(source)},
	}
	if !c.NoID || minor >= 5 {
		fields = append(fields, field{"id", w.string(string(c.ID))})
	}
	if c.Attachments != nil {
		fields = append(fields, field{"attachments", func(depth int) { w.attachments(depth, c.Attachments) }})
	}
	if c.Type == Code {
		fields = append(fields, field{"execution_count", w.count(c.ExecutionCount)},
			field{"outputs", func(depth int) {
				w.array(depth, len(c.Outputs), func(i, depth int) { w.output(depth, &c.Outputs[i]) })
			}})
	}
	w.object(depth, w.with(fields, c.Extra))
}

func (w *writer) attachments(depth int, value json.RawMessage) {
	members, err := objectMembers(value)
	if err != nil {
		w.raw(depth, value)
		return
	}
	fields := make([]field, len(members))
	for i, m := range members {
		fields[i] = field{m.key, func(depth int) {
			if bundle, err := objectMembers(m.value); err == nil && len(m.value) > 0 && m.value[0] == '{' {
				w.bundle(depth, bundle)
				return
			}
			w.raw(depth, m.value)
		}}
	}
	w.object(depth, fields)
}

// bundle writes a MIME bundle, with text cut into lines where nbformat does that.
func (w *writer) bundle(depth int, bundle []member) {
	fields := make([]field, len(bundle))
	for i, m := range bundle {
		fields[i] = field{m.key, func(depth int) {
			var s string
			if splits(m.key) && len(m.value) > 0 && m.value[0] == '"' && json.Unmarshal(m.value, &s) == nil {
				w.lines(depth, s)
				return
			}
			w.raw(depth, m.value)
		}}
	}
	w.object(depth, fields)
}

func splits(mime string) bool {
	return strings.HasPrefix(mime, "text/") || mime == "application/javascript" || mime == "image/svg+xml"
}

func (w *writer) output(depth int, o *Output) {
	fields := []field{{"output_type", w.string(o.Type)}}
	switch o.Type {
	case Stream:
		fields = append(fields, field{"name", w.string(o.Name)}, field{"text", w.linesOf(o.Text)})
	case DisplayData, ExecuteResult:
		bundle := make([]member, 0, len(o.Data))
		for mime, value := range o.Data {
			bundle = append(bundle, member{mime, value})
		}
		fields = append(fields, field{"data", func(depth int) { w.bundle(depth, bundle) }},
			field{"metadata", func(depth int) { w.rawObject(depth, o.Metadata) }})
		if o.Type == ExecuteResult {
			fields = append(fields, field{"execution_count", w.count(o.ExecutionCount)})
		}
	case ErrorOutput:
		fields = append(fields, field{"ename", w.string(o.Ename)}, field{"evalue", w.string(o.Evalue)}, field{"traceback", func(depth int) {
			w.array(depth, len(o.Traceback), func(i, _ int) { w.text(o.Traceback[i]) })
		}})
	}
	w.object(depth, w.with(fields, o.Extra))
}
