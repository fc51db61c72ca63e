package changes

import (
	"errors"
	"slices"
)

// ErrMismatch is given for a change set that does not fit the text, or the other change set, in length.
var ErrMismatch = errors.New("change set does not fit")

// Set is a change of a text of a known length: stretches that are kept and stretches that are replaced. It is immutable.
// The zero value changes the empty text to the empty text.
type Set struct {
	spans []span
}

// span is a stretch of length units of the old text: kept, or replaced by put.
type span struct {
	length int
	keep   bool
	put    []uint16
}

// Before is the length, in UTF-16 units, of the text that the set fits.
func (s Set) Before() int {
	n := 0
	for _, p := range s.spans {
		n += p.length
	}
	return n
}

// After is the length of the text that the set makes.
func (s Set) After() int {
	n := 0
	for _, p := range s.spans {
		if p.keep {
			n += p.length
		} else {
			n += len(p.put)
		}
	}
	return n
}

// Empty says whether the set changes nothing.
func (s Set) Empty() bool {
	return !slices.ContainsFunc(s.spans, func(p span) bool { return !p.keep })
}

// builder collects spans, joining neighbours as CodeMirror does: what it joins decides what later maps treat as one change.
type builder struct {
	spans []span
}

// add appends a span. With join it becomes part of the span before it, whatever that is.
func (b *builder) add(p span, join bool) {
	if p.length == 0 && (p.keep || len(p.put) == 0) {
		return
	}
	if len(b.spans) == 0 {
		b.spans = append(b.spans, p)
		return
	}
	last := &b.spans[len(b.spans)-1]
	pureDeletes := !p.keep && !last.keep && len(p.put) == 0 && len(last.put) == 0
	switch {
	case p.keep && last.keep || pureDeletes:
		last.length += p.length
	case p.length == 0 && last.length == 0, join:
		last.length += p.length
		last.put = append(slices.Clip(last.put), p.put...)
	default:
		b.spans = append(b.spans, p)
	}
}

func (b *builder) keep(length int) { b.add(span{length: length, keep: true}, false) }

func (b *builder) replace(length int, put []uint16) { b.add(span{length: length, put: put}, false) }

// cursor walks over the spans of a set, a part of one at a time: of the old text, or of what the set makes of it.
type cursor struct {
	spans []span
	i     int // of the current span; len(spans) at the end
	left  int // units of the current span's old stretch that are ahead
	off   int // units that are behind: of the old stretch, or of put in a walk over the result
}

func newCursor(s Set) *cursor {
	c := &cursor{spans: s.spans, i: -1}
	c.next()
	return c
}

func (c *cursor) next() {
	c.i++
	c.off, c.left = 0, 0
	if !c.done() {
		c.left = c.spans[c.i].length
	}
}

func (c *cursor) done() bool     { return c.i >= len(c.spans) }
func (c *cursor) keeps() bool    { return !c.done() && c.spans[c.i].keep }
func (c *cursor) replaces() bool { return !c.done() && !c.spans[c.i].keep }
func (c *cursor) deletes() bool  { return c.replaces() && len(c.spans[c.i].put) == 0 }
func (c *cursor) put() []uint16  { return c.spans[c.i].put }

// forward goes n units of the old text on, at most to the end of the current span.
func (c *cursor) forward(n int) {
	if n == c.left {
		c.next()
		return
	}
	c.left -= n
	c.off += n
}

// made is how much of what the current span makes is ahead.
func (c *cursor) made() int {
	if c.keeps() {
		return c.left
	}
	return len(c.put()) - c.off
}

// forwardMade goes n units of the result on, at most to the end of the current span.
func (c *cursor) forwardMade(n int) {
	switch {
	case c.keeps():
		c.forward(n)
	case n == c.made():
		c.next()
	default:
		c.off += n
	}
}
