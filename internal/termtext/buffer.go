package termtext

import (
	"strings"
	"unicode/utf8"
)

// Buffer is the text of one stream output after control characters. The zero value is an empty one. Not safe for concurrent use.
//
// The text is, from its begin to its end: what can no longer change and is forgotten but for its length; rows; and, unless the
// cursor is among the rows, the tail. The tail is text as it was printed, from the begin of a row to the end, with the cursor at its
// end: plain output costs no more than being appended to it. Only when something moves the cursor is it cut into rows. When a
// line break is printed on the last row, a new tail begins.
//
// What is kept follows from the printed text alone, never from how it was cut into writes: the last rows, as many as maxRows
// and maxSize allow.
type Buffer struct {
	total  int64 // length of the whole text, as told
	above  *style
	rows   []row
	top    int // the first row that the cursor can reach; those before are dropped when the write ends
	size   int // of the rows from top on
	tail   []byte
	inRows bool
	at     int // the cursor's row and column, in the rows
	col    int
	pen    *style // in the rows; in the tail it follows from the text
	// A carriage return was printed at the end of the tail, and nothing after it.
	returned bool
	pending  string // the begin of a sequence or of a character

	// Of the write under way.
	told  int    // length of the tail when the write began
	dirty int    // the first row that differs from what was told, -1 for none
	gone  string // what was told of rows that have been erased
}

// Write applies what was printed. changed is false when nothing that is shown changed; else e is the whole change: for mere
// appends e.At is the length before.
func (b *Buffer) Write(s string) (e Edit, changed bool) {
	printed, bytes, length := s, 0, int64(0)
	if b.pending != "" {
		s, b.pending = b.pending+s, ""
	}
	b.told, b.dirty, b.gone = len(b.tail), -1, ""
	for s != "" {
		if n, u := plain(s); n > 0 {
			b.print(s[:n])
			s, bytes, length = s[n:], bytes+n, length+u
			continue
		}
		n := b.control(s)
		if n == 0 {
			b.pending = strings.Clone(s)
			break
		}
		s = s[n:]
	}
	if b.dirty >= 0 {
		return b.tellRows()
	}
	n := len(b.tail) - b.told
	if b.inRows || n == 0 {
		return Edit{}, false
	}
	e = Edit{At: b.total, Text: printed}
	if n != bytes || n != len(printed) || string(b.tail[b.told:]) != printed {
		e.Text = string(b.tail[b.told:])
		length = units(e.Text)
	}
	b.total += length
	b.trim()
	return e, true
}

// Len is the length of the whole text so far in UTF-16 code units.
func (b *Buffer) Len() int64 { return b.total }

// plainByte holds the bytes that are text: all of ASCII that is printed, line feed and tab.
var plainByte = func() (t [256]bool) {
	for c := 0x20; c < 0x7f; c++ {
		t[c] = true
	}
	t['\n'], t['\t'] = true, true
	return t
}()

// plain is how many bytes of text s begins with, and their length in UTF-16 code units.
func plain(s string) (n int, length int64) {
	for n < len(s) {
		start := n
		for n < len(s) && plainByte[s[n]] {
			n++
		}
		length += int64(n - start)
		if n == len(s) || s[n] < utf8.RuneSelf {
			return n, length
		}
		r, size := utf8.DecodeRuneInString(s[n:])
		if size == 1 || r < 0xA0 {
			return n, length
		}
		n += size
		if length++; size == 4 {
			length++
		}
	}
	return n, length
}

// print writes text at the cursor.
func (b *Buffer) print(s string) {
	if b.returned {
		if s[0] == '\n' {
			b.returned = false
		} else {
			b.openRows()
		}
	}
	for b.inRows && s != "" {
		r, n := decodeRune(s)
		if r == '\n' {
			b.newLine()
		} else {
			b.put(r, s[:n])
		}
		s = s[n:]
	}
	b.tail = append(b.tail, s...)
}

// control applies the control character or sequence that s begins with and says how long it is; 0 when s ends inside it.
func (b *Buffer) control(s string) int {
	switch c := s[0]; {
	case c == esc:
		q, ok := readSequence(s)
		if !ok {
			return 0
		}
		if q.styled() {
			b.restyle(q, q.text(s))
		} else if q.final != 0 {
			b.move(q)
		}
		return q.n
	case c == '\r':
		if b.inRows {
			b.col = 0
		} else {
			b.returned = true
		}
	case c == '\b':
		b.openRows()
		b.col = max(b.col-1, 0)
	case c == '\v' || c == '\f':
		b.openRows()
		col := b.col
		b.newLine()
		if col > 0 {
			b.openRows()
			b.col = col
		}
	case c < utf8.RuneSelf:
	case !utf8.FullRuneInString(s):
		return 0
	default:
		r, n := utf8.DecodeRuneInString(s)
		if n == 1 && r == utf8.RuneError {
			b.print("\uFFFD")
		}
		return n
	}
	return 1
}

// restyle sets the style of what is printed next. The sequence stays in the text where the text is as it was printed.
func (b *Buffer) restyle(q sequence, text string) {
	if b.returned {
		b.openRows()
	}
	if b.inRows && b.atRawEnd() && len(b.rows[b.at].raw)+len(text) > rowBytes {
		b.wrap()
	}
	if !b.inRows {
		b.tail = append(b.tail, text...)
		return
	}
	verbatim := b.atRawEnd()
	b.pen = q.restyle(b.pen)
	if verbatim {
		r := &b.rows[b.at]
		b.touch(b.at)
		r.raw, r.out = append(r.raw, text...), b.pen
		b.resize(r)
	}
}

// atRawEnd says whether what is printed next, in the rows, goes on with a raw row.
func (b *Buffer) atRawEnd() bool {
	r := &b.rows[b.at]
	return !r.isCells && b.col == r.cols && same(r.out, b.pen)
}

// move applies a control sequence that moves the cursor or erases.
func (b *Buffer) move(q sequence) {
	if strings.IndexByte("ABCDEFGJK", q.final) < 0 {
		return
	}
	b.openRows()
	switch q.final {
	case 'A', 'F':
		b.at = max(b.at-q.count(), b.top)
	case 'B', 'E':
		b.at = min(b.at+q.count(), len(b.rows)-1)
	case 'C':
		b.col = min(b.col+q.count(), rowWidth)
	case 'D':
		b.col = max(b.col-q.count(), 0)
	case 'G':
		b.col = min(q.count()-1, rowWidth)
	case 'J':
		b.eraseDisplay(q.number())
	case 'K':
		b.eraseLine(b.at, q.number())
	}
	if q.final == 'E' || q.final == 'F' {
		b.col = 0
	}
}

// eraseLine erases from the cursor on (0), up to it (1) or all of a row (2).
func (b *Buffer) eraseLine(at, how int) {
	r := &b.rows[at]
	switch {
	case how > 2 || r.width() == 0 && len(r.raw) == 0 || how == 0 && b.col >= r.width():
		return
	case how == 2 || how == 0 && b.col == 0:
		b.touch(at)
		r.clear(b.pen)
	case how == 0:
		b.touch(at)
		r.toCells()
		r.cut(b.col)
	default:
		b.touch(at)
		r.toCells()
		r.blank(b.col + 1)
	}
	b.resize(r)
}

// eraseDisplay erases from the cursor on (0), up to it (1), or all that stays editable (2, 3): the cursor is then at its begin.
func (b *Buffer) eraseDisplay(how int) {
	switch how {
	case 0:
		b.eraseLine(b.at, 0)
		b.dropBelow(b.at)
	case 1:
		for i := b.top; i < b.at; i++ {
			b.eraseLine(i, 2)
		}
		b.eraseLine(b.at, 1)
	case 2, 3:
		b.at, b.col = b.top, 0
		b.eraseLine(b.at, 2)
		b.dropBelow(b.at)
	}
}

// dropBelow drops the rows below one.
func (b *Buffer) dropBelow(at int) {
	if at == len(b.rows)-1 {
		if b.rows[at].soft {
			b.touch(at)
			b.rows[at].soft = false
		}
		return
	}
	b.touch(at)
	told := ""
	for i := at + 1; i < len(b.rows); i++ {
		told += b.rows[i].shown
		b.size -= b.rows[i].size
	}
	b.gone = told + b.gone
	b.rows = b.rows[:at+1]
	b.rows[at].soft = false
}

// put writes one character at the cursor; text is the character as text.
func (b *Buffer) put(char rune, text string) {
	w := columns(char, b.col)
	if w > 0 && b.col+w > rowWidth || b.atRawEnd() && len(b.rows[b.at].raw)+len(text) > rowBytes {
		b.wrap()
		if !b.inRows {
			b.tail = append(b.tail, text...)
			return
		}
	}
	b.touch(b.at)
	r := &b.rows[b.at]
	if b.atRawEnd() {
		w = columns(char, b.col)
		r.raw = append(r.raw, text...)
		r.cols += w
		b.col += w
	} else {
		r.toCells()
		b.col = r.put(b.col, char, b.pen)
	}
	b.resize(r)
	if b.size > 4*maxSize {
		b.evict(4 * maxSize)
	}
}

// wrap goes on in the next row, without a line break in the text.
func (b *Buffer) wrap() {
	if b.at == len(b.rows)-1 {
		b.rows[b.at].soft = true
		b.openTail()
		return
	}
	b.at++
	b.col = 0
}

// newLine goes to the begin of the next row.
func (b *Buffer) newLine() {
	if b.at == len(b.rows)-1 {
		b.rows[b.at].soft = false
		b.openTail()
		return
	}
	b.at++
	b.col = 0
}

// touch marks a row as changed.
func (b *Buffer) touch(at int) {
	if b.dirty < 0 || at < b.dirty {
		b.dirty = at
	}
}

// resize counts a row's size anew.
func (b *Buffer) resize(r *row) {
	size := r.measure()
	b.size += size - r.size
	r.size = size
}

func decodeRune(s string) (rune, int) {
	if s[0] < utf8.RuneSelf {
		return rune(s[0]), 1
	}
	return utf8.DecodeRuneInString(s)
}
