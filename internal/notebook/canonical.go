package notebook

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"unicode/utf8"
)

// writer makes JSON as nbformat writes it: keys sorted by code point, one space of indentation a level, non-ASCII
// text as it is, numbers spelled as they came.
type writer struct {
	buf []byte
	err error
}

// field is one key of an object with what writes its value.
type field struct {
	key   string
	write func(depth int)
}

// object writes the fields sorted; of two with one key the later wins.
func (w *writer) object(depth int, fields []field) {
	slices.SortStableFunc(fields, func(a, b field) int { return compareText(a.key, b.key) })
	kept := fields[:0]
	for i, f := range fields {
		if i+1 == len(fields) || fields[i+1].key != f.key {
			kept = append(kept, f)
		}
	}
	if len(kept) == 0 {
		w.buf = append(w.buf, "{}"...)
		return
	}
	w.buf = append(w.buf, '{')
	for i, f := range kept {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		w.newline(depth + 1)
		w.text(f.key)
		w.buf = append(w.buf, ": "...)
		f.write(depth + 1)
	}
	w.newline(depth)
	w.buf = append(w.buf, '}')
}

// array writes n elements.
func (w *writer) array(depth, n int, element func(i, depth int)) {
	if n == 0 {
		w.buf = append(w.buf, "[]"...)
		return
	}
	w.buf = append(w.buf, '[')
	for i := range n {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		w.newline(depth + 1)
		element(i, depth+1)
	}
	w.newline(depth)
	w.buf = append(w.buf, ']')
}

func (w *writer) newline(depth int) {
	w.buf = append(w.buf, '\n')
	for range depth {
		w.buf = append(w.buf, ' ')
	}
}

// lines writes text as the list of its lines, as Python's splitlines(True) cuts it.
func (w *writer) lines(depth int, text string) {
	parts := splitLines(text)
	w.array(depth, len(parts), func(i, _ int) { w.text(parts[i]) })
}

func (w *writer) text(s string) { w.buf = appendText(w.buf, s) }

// appendText appends s as Python's json.dumps(ensure_ascii=False) spells it.
func appendText(buf []byte, s string) []byte {
	buf = append(buf, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		buf = append(buf, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			buf = append(buf, '\\', c)
		case '\n':
			buf = append(buf, '\\', 'n')
		case '\r':
			buf = append(buf, '\\', 'r')
		case '\t':
			buf = append(buf, '\\', 't')
		case '\b':
			buf = append(buf, '\\', 'b')
		case '\f':
			buf = append(buf, '\\', 'f')
		default:
			buf = append(buf, '\\', 'u', '0', '0', "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
		}
	}
	buf = append(buf, s[start:]...)
	return append(buf, '"')
}

// raw writes any JSON value in canonical form, without the given keys at its top.
func (w *writer) raw(depth int, value json.RawMessage, without ...string) {
	value = bytes.TrimSpace(value)
	if len(value) == 0 {
		w.buf = append(w.buf, "null"...)
		return
	}
	switch value[0] {
	case '{':
		members, err := objectMembers(value)
		if err != nil {
			w.err = err
			return
		}
		var fields []field
		for _, m := range members {
			if !slices.Contains(without, m.key) {
				fields = append(fields, field{m.key, func(depth int) { w.raw(depth, m.value) }})
			}
		}
		w.object(depth, fields)
	case '[':
		var elements []json.RawMessage
		if err := json.Unmarshal(value, &elements); err != nil {
			w.err = err
			return
		}
		w.array(depth, len(elements), func(i, depth int) { w.raw(depth, elements[i]) })
	case '"':
		w.buf = appendRespelled(w.buf, value)
	default:
		w.buf = append(w.buf, value...)
	}
}

// appendRespelled appends a JSON string in canonical spelling. Half a surrogate pair has no other spelling than its escape, which stays.
func appendRespelled(buf, value []byte) []byte {
	inner := value[1 : len(value)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return append(buf, value...)
	}
	buf = append(buf, '"')
	for i := 0; i < len(inner); {
		if inner[i] != '\\' {
			end := bytes.IndexByte(inner[i:], '\\')
			if end < 0 {
				end = len(inner) - i
			}
			buf = append(buf, inner[i:i+end]...)
			i += end
			continue
		}
		n := escapeLen(inner[i:])
		var s string
		half := append(append([]byte{'"'}, inner[i:i+n]...), '"')
		if json.Unmarshal(half, &s) != nil || s == string(utf8.RuneError) && !isReplacement(inner[i:i+n]) {
			buf = append(buf, bytes.ToLower(inner[i:i+n])...)
		} else {
			text := appendText(nil, s)
			buf = append(buf, text[1:len(text)-1]...)
		}
		i += n
	}
	return append(buf, '"')
}

// escapeLen is the length of the escape that s begins with; a surrogate pair counts as one.
func escapeLen(s []byte) int {
	if len(s) < 6 || s[1] != 'u' {
		return 2
	}
	high, err := strconv.ParseUint(string(s[2:6]), 16, 32)
	if err == nil && high >= 0xd800 && high < 0xdc00 && len(s) >= 12 && s[6] == '\\' && s[7] == 'u' {
		if low, err := strconv.ParseUint(string(s[8:12]), 16, 32); err == nil && low >= 0xdc00 && low < 0xe000 {
			return 12
		}
	}
	return 6
}

func isReplacement(escape []byte) bool { return bytes.EqualFold(escape, []byte(`\ufffd`)) }

type member struct {
	key   string
	value json.RawMessage
}

// objectMembers lists an object's members in the order of the text.
func objectMembers(value json.RawMessage) ([]member, error) {
	dec := json.NewDecoder(bytes.NewReader(value))
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	var members []member
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		name, _ := key.(string)
		var v json.RawMessage
		if err := dec.Decode(&v); err != nil {
			return nil, err
		}
		members = append(members, member{name, v})
	}
	return members, nil
}

func compareText(a, b string) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}

// splitLines cuts text as Python's str.splitlines(True) does: after \n, \r, \r\n, \v, \f, \x1c to \x1e, \x85, U+2028 and U+2029.
func splitLines(text string) []string {
	var lines []string
	start := 0
	for i := 0; i < len(text); {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(text[i:])
		}
		i += size
		switch r {
		case '\r':
			if i < len(text) && text[i] == '\n' {
				i++
			}
		case '\n', '\v', '\f', 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029:
		default:
			continue
		}
		lines = append(lines, text[start:i])
		start = i
	}
	if start < len(text) {
		lines = append(lines, text[start:])
	}
	return lines
}
