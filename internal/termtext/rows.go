package termtext

import (
	"bytes"
	"strings"
)

// openTail lets a new tail begin after the last row, where the cursor is.
func (b *Buffer) openTail() {
	last := len(b.rows) - 1
	b.touch(last)
	b.tail = append(b.tail[:0], change(b.rows[last].out, b.pen)...)
	b.told = 0
	b.inRows, b.at, b.col, b.pen = false, 0, 0, nil
}

// before is the style that the text before a row leaves; len(rows) means before the tail.
func (b *Buffer) before(at int) *style {
	if at == 0 {
		return b.above
	}
	return b.rows[at-1].out
}

// openRows cuts the tail into rows, with the cursor in the last of them.
func (b *Buffer) openRows() {
	if b.inRows {
		return
	}
	text := string(b.tail)
	first := len(b.rows)
	s := splitter{text: text, pen: b.before(first)}
	for more := true; more; {
		var r row
		start := s.at
		r, more = s.next()
		if start < b.told {
			r.shown = text[start:min(s.at, b.told)]
		}
		if s.at > b.told {
			b.touch(len(b.rows))
		}
		b.resize(&r)
		b.rows = append(b.rows, r)
	}
	b.inRows, b.pen = true, s.pen
	b.at = len(b.rows) - 1
	b.col = b.rows[b.at].cols
	if b.returned {
		b.col, b.returned = 0, false
	}
	b.tail, b.told = b.tail[:0], 0
	b.evict(maxSize)
}

// evict lets the uppermost rows go that are too many, or too much.
func (b *Buffer) evict(size int) {
	for b.top < b.at && (len(b.rows)-b.top > maxRows || b.size > size) {
		b.size -= b.rows[b.top].size
		b.top++
	}
}

// splitter cuts text into raw rows.
type splitter struct {
	text string
	at   int
	pen  *style
}

// next is the next row; at is then behind its line break. more is false for the last one.
func (s *splitter) next() (r row, more bool) {
	start := s.at
	r.in = s.pen
	end := func(at int) row {
		r.raw, r.out = []byte(s.text[start:at]), s.pen
		return r
	}
	for s.at < len(s.text) {
		rest := s.text[s.at:]
		if rest[0] == '\n' {
			r = end(s.at)
			s.at++
			return r, true
		}
		n, w, pen := 0, 0, s.pen
		if rest[0] == esc {
			q, _ := readSequence(rest)
			n, pen = max(q.n, 1), q.restyle(s.pen)
		} else {
			var char rune
			char, n = decodeRune(rest)
			w = columns(char, r.cols)
		}
		if w > 0 && r.cols+w > rowWidth || s.at-start+n > rowBytes {
			r.soft = true
			return end(s.at), true
		}
		s.at, s.pen = s.at+n, pen
		r.cols += w
	}
	return end(s.at), false
}

// trim forgets the part of a long tail that can no longer be reached, with all rows before it.
func (b *Buffer) trim() {
	const enough = maxSize + rowBytes + 1
	if len(b.tail) < 2*enough {
		return
	}
	limit := len(b.tail) - enough
	cut := limit
	if i := bytes.LastIndexByte(b.tail[limit-rowBytes:limit], '\n'); i >= 0 {
		cut = limit - rowBytes + i + 1
		b.above = restyleAll(b.before(len(b.rows)), string(b.tail[:cut]))
	} else {
		s := splitter{text: string(b.tail), pen: b.before(len(b.rows))}
		for s.at < limit {
			cut, b.above = s.at, s.pen
			s.next()
		}
	}
	b.tail = append(make([]byte, 0, 2*enough+(64<<10)), b.tail[cut:]...)
	b.rows, b.top, b.size = nil, 0, 0
}

// restyleAll is the style after a text.
func restyleAll(pen *style, text string) *style {
	const reset = "\x1b[0m"
	if i := strings.LastIndex(text, reset); i >= 0 && (pen == nil || pen.link == "") && !strings.Contains(text, "\x1b]") {
		pen, text = nil, text[i+len(reset):]
	}
	for {
		i := strings.IndexByte(text, esc)
		if i < 0 {
			return pen
		}
		q, _ := readSequence(text[i:])
		pen = q.restyle(pen)
		text = text[i+max(q.n, 1):]
	}
}

// tellRows tells how the rows from the first changed one on, and the tail, differ from what was told before.
func (b *Buffer) tellRows() (Edit, bool) {
	var was, is strings.Builder
	for i := b.dirty; i < len(b.rows); i++ {
		r := &b.rows[i]
		was.WriteString(r.shown)
		r.shown = r.text(b.before(i), b.inRows && i == len(b.rows)-1)
		is.WriteString(r.shown)
	}
	was.WriteString(b.gone)
	is.Write(b.tail)
	b.gone = ""
	if b.top > 0 {
		b.above = b.rows[b.top-1].out
		b.rows = append([]row(nil), b.rows[b.top:]...)
		b.at = max(b.at-b.top, 0)
		b.top = 0
	}
	before, after := was.String(), is.String()
	n := commonPrefix(before, after)
	e := Edit{At: b.total - units(before[n:]), Text: after[n:]}
	changed := n < len(before) || n < len(after)
	b.total = e.At + units(e.Text)
	if !b.inRows {
		b.trim()
	}
	return e, changed
}

// commonPrefix is how much two texts begin alike, without cutting a character or a sequence in two.
func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	if n == len(a) && n == len(b) {
		return n
	}
	inside := func(s string) bool { return n < len(s) && s[n]&0xC0 == 0x80 }
	for n > 0 && (inside(a) || inside(b)) {
		n--
	}
	i := strings.LastIndexByte(a[:n], esc)
	if i < 0 {
		return n
	}
	if strings.HasPrefix(a[i:], "\x1b\\") { // the end of a link's sequence
		if i+2 <= n {
			return n
		}
		i = strings.LastIndexByte(a[:i], esc)
	}
	if q, ok := readSequence(a[i:]); !ok || i+q.n > n {
		return i
	}
	return n
}
