package protocol

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/runnel-dev/runnel/internal/changes"
)

// Parts of a stream output's text that every client keeps (P31), in UTF-16 code units.
const (
	HeadMax = 256 << 10
	TailMax = 768 << 10
)

// apply does what the event says.
func (t *Text) apply(e TextPut) {
	if e.Skipped == 0 {
		t.Put(e.At, e.Text, e.TailAt)
	} else if t.skip(e.At, e.Skipped) {
		t.Put(e.At+e.Skipped, e.Text, e.TailAt)
	}
}

// skip cuts the text to its first at units and makes it that much longer, with no tail but its place. It changes nothing, and says so,
// where something of the head would be missing.
func (t *Text) skip(at, units int64) bool {
	if at < HeadMax || at > t.Total || units < 0 {
		return false
	}
	t.Tail, t.TailAt, t.Total = "", at+units, at+units
	return true
}

// Put cuts the text to its first at units and appends text. Head is always the first HeadMax units of the whole (one fewer
// where a surrogate pair would be cut in two), Tail is what follows. An at inside the part that was dropped leaves Tail
// empty there. Then what Tail holds before tailAt is dropped; 0 drops nothing. An at that is no place of the text, past its end
// or between the halves of a pair, changes nothing.
//
// The cost is that of the change, not of the text: an append does not copy what is there.
func (t *Text) Put(at int64, text string, tailAt int64) {
	if at < 0 || at > t.Total {
		return
	}
	put := t.putHead
	if at > t.TailAt || at > t.headLen() {
		put = t.putTail
	}
	if !put(at, text) {
		return
	}
	if tailAt > t.TailAt && tailAt <= t.Total {
		n := UTF16Offset(t.Tail, int(tailAt-t.TailAt))
		t.TailAt += int64(UTF16Len(t.Tail[:n]))
		t.Tail = t.Tail[n:]
	}
}

func (t *Text) putHead(at int64, text string) bool {
	keep, back := offsetFromEnd(t.Head, int(t.headLen()-at))
	if at != t.headLen()-int64(back) {
		return false
	}
	n := UTF16Offset(text, int(HeadMax-at))
	t.headUnits = at + int64(UTF16Len(text[:n]))
	t.headBuf.put(&t.Head, keep, text[:n])
	t.headBytes = len(t.Head)
	t.Tail = strings.Clone(text[n:])
	t.TailAt = t.headUnits
	t.Total = t.TailAt + int64(UTF16Len(t.Tail))
	return true
}

func (t *Text) putTail(at int64, text string) bool {
	if at < t.TailAt {
		t.Tail, t.TailAt, t.Total = "", at, at
	}
	keep, back := offsetFromEnd(t.Tail, int(t.Total-at))
	if at != t.Total-int64(back) {
		return false
	}
	t.tailBuf.put(&t.Tail, keep, text)
	t.Total = at + int64(UTF16Len(text))
	return true
}

// Fill is Put for the pieces of a snapshot: one that lies past the end leaves a gap before it, as a dropped part does.
func (t *Text) Fill(at int64, text string) {
	if at > t.Total {
		t.Tail, t.TailAt, t.Total = text, at, at+int64(UTF16Len(text))
		return
	}
	t.Put(at, text, 0)
}

// Equal says whether both hold the same text.
func (t Text) Equal(other Text) bool {
	return t.Head == other.Head && t.Tail == other.Tail && t.TailAt == other.TailAt && t.Total == other.Total
}

// headLen is the length of Head in units, counted once.
func (t *Text) headLen() int64 {
	if t.headBytes != len(t.Head) {
		t.headBytes, t.headUnits = len(t.Head), int64(UTF16Len(t.Head))
	}
	return t.headUnits
}

// clone is a copy that grows in memory of its own; what both hold now is shared and never written again.
func (t *Text) clone() *Text {
	if t == nil {
		return nil
	}
	out := *t
	out.headBuf, out.tailBuf = growth{}, growth{}
	return &out
}

// growth is the memory behind a string that grows at its end, as in strings.Builder: bytes that a string covers are never written
// again, so every string handed out stays what it was. A copy of a growth begins memory of its own.
type growth struct {
	buf  []byte
	self *growth
}

// put makes *s its first keep bytes and text. *s may be a suffix of what the last put left.
func (g *growth) put(s *string, keep int, text string) {
	if keep == len(*s) && g.endsWith(*s) {
		g.buf = append(g.buf, text...)
		*s = unsafe.String(unsafe.SliceData(g.buf), len(g.buf))[len(g.buf)-keep-len(text):]
		return
	}
	buf := make([]byte, 0, keep+len(text)+keep/4+64)
	g.self = g
	g.buf = append(append(buf, (*s)[:keep]...), text...)
	*s = unsafe.String(unsafe.SliceData(g.buf), len(g.buf))
}

// endsWith says whether s is the end of the memory itself, not merely equal to it, and worth growing in place.
func (g *growth) endsWith(s string) bool {
	if g.self != g || len(s) == 0 || len(s) > len(g.buf) || len(g.buf) > 4*len(s)+4096 {
		return false
	}
	return unsafe.StringData(s) == &g.buf[len(g.buf)-len(s)]
}

// UTF16Len is the length of s in UTF-16 code units.
func UTF16Len(s string) int {
	n := 0
	for i := 0; i < len(s); {
		if ascii := asciiRun(s[i:]); ascii > 0 {
			i, n = i+ascii, n+ascii
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		i, n = i+size, n+1
		if r > 0xFFFF {
			n++
		}
	}
	return n
}

// asciiRun is how many bytes at the begin of s are ASCII: eight are looked at at once.
func asciiRun(s string) int {
	n := 0
	for ; n+8 <= len(s); n += 8 {
		if (s[n]|s[n+1]|s[n+2]|s[n+3]|s[n+4]|s[n+5]|s[n+6]|s[n+7])&0x80 != 0 {
			break
		}
	}
	for n < len(s) && s[n] < utf8.RuneSelf {
		n++
	}
	return n
}

// offsetFromEnd is the byte offset in s of the place that many units before its end, and how many units that is: one more than asked
// for inside a surrogate pair, where it is the pair's begin.
func offsetFromEnd(s string, units int) (offset, back int) {
	i := len(s)
	for i > 0 && back < units {
		r, size := utf8.DecodeLastRuneInString(s[:i])
		i, back = i-size, back+1
		if r > 0xFFFF {
			back++
		}
	}
	return i, back
}

// UTF16Offset is the byte offset in s of its UTF-16 code unit n; len(s) when s is shorter. Inside a surrogate pair it is the
// pair's begin.
func UTF16Offset(s string, n int) int {
	i := 0
	for i < len(s) && n > 0 {
		if ascii := asciiRun(s[i:min(i+n, len(s))]); ascii > 0 {
			i, n = i+ascii, n-ascii
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if n--; r > 0xFFFF {
			if n--; n < 0 {
				break
			}
		}
		i += size
	}
	return i
}

// applyChanges applies a CodeMirror change set in its JSON form.
func applyChanges(source string, raw json.RawMessage) (string, error) {
	set, err := changes.Decode(raw)
	if err != nil {
		return "", err
	}
	return set.Apply(source)
}
