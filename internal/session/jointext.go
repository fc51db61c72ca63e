package session

import (
	"strings"
	"unsafe"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// textRun is puts to one text, one after the other, being made one. They fit the texts they come to, as all that a session makes do.
// The text stands at at+skipped, in units as all offsets; the put it is now is what event gives.
type textRun struct {
	first   protocol.TextPut
	pages   bool
	at      int64
	skipped int64
	text    []byte
	units   int64 // of text
	tailAt  int64
	raw     []string
	rawSize int
}

func newTextRun(p protocol.TextPut, pages bool) *textRun {
	r := &textRun{first: p, pages: pages, at: p.At, skipped: p.Skipped, tailAt: p.TailAt}
	r.set(p.Text, int64(protocol.UTF16Len(p.Text)))
	r.keepRaw(p.Raw)
	r.skip()
	return r
}

// add goes on with p where one put says what both say: p begins within what is there or before it, and neither drops more of the tail
// than the text it leaves has.
func (r *textRun) add(p protocol.TextPut) bool {
	begin, units := r.at+r.skipped, int64(protocol.UTF16Len(p.Text))
	end, tailAt := begin+r.units, max(r.tailAt, p.TailAt)
	switch {
	case p.CellID != r.first.CellID || p.OutputID != r.first.OutputID || p.Skipped != 0 || r.full(p):
		return false
	case p.At < r.tailAt || p.At > end || r.tailAt > end || tailAt > p.At+units || p.At < begin && r.skipped > 0:
		return false
	case p.At > begin:
		kept := protocol.UTF16Offset(r.view(), int(p.At-begin))
		if p.At != end && int64(protocol.UTF16Len(r.view()[:kept])) != p.At-begin {
			return false // between the halves of a pair
		}
		r.text = append(r.text[:kept], p.Text...)
		r.units = p.At - begin + units
	default:
		r.at = p.At - r.skipped
		r.set(p.Text, units)
	}
	r.tailAt = tailAt
	r.keepRaw(p.Raw)
	r.skip()
	return true
}

// full says that the joined put would be too large: a batch is to fit into a frame.
func (r *textRun) full(p protocol.TextPut) bool {
	if r.pages {
		return len(r.text)+len(p.Text) > 2*maxPut
	}
	return r.rawSize+len(p.Raw) > maxPut || len(r.text)+len(p.Text) > maxPut
}

// skip leaves out the text that is dropped again, unless a part of it may be the head's.
func (r *textRun) skip() {
	begin := r.at + r.skipped
	if !r.pages || r.tailAt <= begin || r.tailAt > begin+r.units || r.at < protocol.HeadMax {
		return
	}
	n := protocol.UTF16Offset(r.view(), int(r.tailAt-begin))
	if int64(protocol.UTF16Len(r.view()[:n])) != r.tailAt-begin {
		return
	}
	r.text, r.units, r.skipped = r.text[n:], r.units-(r.tailAt-begin), r.tailAt-r.at
}

func (r *textRun) set(text string, units int64) { r.text, r.units = append(r.text[:0], text...), units }

func (r *textRun) keepRaw(raw string) {
	if !r.pages && raw != "" {
		r.raw, r.rawSize = append(r.raw, raw), r.rawSize+len(raw)
	}
}

// view is the text until it changes.
func (r *textRun) view() string { return unsafe.String(unsafe.SliceData(r.text), len(r.text)) }

func (r *textRun) event() protocol.TextPut {
	e := r.first
	e.At, e.Skipped, e.Text, e.TailAt, e.Raw = r.at, r.skipped, string(r.text), r.tailAt, strings.Join(r.raw, "")
	return e
}
