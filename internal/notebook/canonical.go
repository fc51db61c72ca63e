package notebook

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
)

const indents = "\n                                                                "

func (w *writer) newLine() {
	for n := w.depth + 1; n > 0; n -= len(indents) {
		if n == w.depth+1 {
			w.out = append(w.out, indents[:min(n, len(indents))]...)
		} else {
			w.out = append(w.out, indents[1:min(n+1, len(indents))]...)
			n++
		}
	}
}

// object writes members by name.
func (w *writer) object(members []member) {
	if len(members) == 0 {
		w.out = append(w.out, "{}"...)
		return
	}
	slices.SortFunc(members, func(a, b member) int { return cmp.Compare(a.key, b.key) })
	w.out = append(w.out, '{')
	w.depth++
	for i, m := range members {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.newLine()
		w.text(m.key)
		w.out = append(w.out, ':', ' ')
		m.write()
	}
	w.depth--
	w.newLine()
	w.out = append(w.out, '}')
}

// array writes n values.
func (w *writer) array(n int, write func(i int)) {
	if n == 0 {
		w.out = append(w.out, "[]"...)
		return
	}
	w.out = append(w.out, '[')
	w.depth++
	for i := range n {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.newLine()
		write(i)
	}
	w.depth--
	w.newLine()
	w.out = append(w.out, ']')
}

func (w *writer) scan(raw json.RawMessage) *scanner { return &scanner{data: raw} }

// finish keeps what was wrong with a raw value.
func (w *writer) finish(s *scanner) {
	if s.err == nil && s.peek() != 0 {
		s.unexpected("the end of the value")
	}
	if w.err == nil && (s.err != nil || len(s.odd) > 0) {
		w.err = fmt.Errorf("a value that is not JSON: %.60s", s.data)
	}
}

// value writes a raw value in canonical form: sorted, indented, numbers as they are spelled.
func (w *writer) value(raw json.RawMessage) {
	s := w.scan(raw)
	w.canonical(s)
	w.finish(s)
}

// canonical writes the value that s stands at.
func (w *writer) canonical(s *scanner) {
	switch s.peek() {
	case '{':
		w.canonicalObject(s)
	case '[':
		begin, n := len(w.out), 0
		w.out = append(w.out, '[')
		w.depth++
		s.array(func() {
			if n++; n > 1 {
				w.out = append(w.out, ',')
			}
			w.newLine()
			w.canonical(s)
		})
		w.depth--
		if n == 0 {
			w.out = append(w.out[:begin], "[]"...)
			return
		}
		w.newLine()
		w.out = append(w.out, ']')
	case '"':
		w.canonicalString(s)
	default:
		start := s.pos
		s.skip()
		w.out = append(w.out, s.data[min(start, s.pos):s.pos]...)
	}
}

// canonicalObject writes the members as they come and sorts them afterwards if they were not sorted.
func (w *writer) canonicalObject(s *scanner) {
	type part struct {
		key        string
		begin, end int
	}
	var parts []part
	sorted := true
	begin := len(w.out)
	w.out = append(w.out, '{')
	w.depth++
	s.object(func(key string) {
		if n := len(parts); n > 0 {
			sorted = sorted && parts[n-1].key < key
			w.out = append(w.out, ',')
		}
		p := part{key: key, begin: len(w.out)}
		w.newLine()
		w.text(key)
		w.out = append(w.out, ':', ' ')
		w.canonical(s)
		p.end = len(w.out)
		parts = append(parts, p)
	})
	w.depth--
	if len(parts) == 0 {
		w.out = append(w.out[:begin], "{}"...)
		return
	}
	if !sorted {
		was := bytes.Clone(w.out[begin:])
		w.out = append(w.out[:begin], '{')
		slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(a.key, b.key) })
		for i, p := range parts {
			if i+1 < len(parts) && parts[i+1].key == p.key {
				continue // the last of several with one name counts
			}
			if w.out[len(w.out)-1] != '{' || len(w.out) > begin+1 {
				w.out = append(w.out, ',')
			}
			w.out = append(w.out, was[p.begin-begin:p.end-begin]...)
		}
	}
	w.newLine()
	w.out = append(w.out, '}')
}

// canonicalString writes a string with the escapes that Python would use; half a surrogate pair stays an escape.
func (w *writer) canonicalString(s *scanner) {
	start := s.pos
	escapes := s.skipString()
	if s.err != nil {
		return
	}
	if !escapes {
		w.out = append(w.out, s.data[start:s.pos]...)
		return
	}
	w.out = append(w.out, '"')
	unescape(s.data[start+1:s.pos-1], func(text []byte) {
		n := len(w.out)
		w.text(string(text))
		w.out = append(w.out[:n], w.out[n+1:len(w.out)-1]...) // without its quotes
	}, func(half rune) { w.out = fmt.Appendf(w.out, `\u%04x`, half) })
	w.out = append(w.out, '"')
}
