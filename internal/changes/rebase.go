package changes

// Map is s moved over other, which was made to the same text: it does after other what s did before it. Of insertions at one
// place those of s come first when before is true. Text that both delete is deleted once.
func (s Set) Map(other Set, before bool) (Set, error) {
	var out builder
	a, b := newCursor(s), newCursor(other)
	placed := -1 // the span of a whose text is in out already
	for !a.done() || !b.done() {
		switch {
		case a.done() && b.left > 0, b.done() && a.left > 0:
			return Set{}, ErrMismatch
		case a.keeps() && b.keeps():
			n := min(a.left, b.left)
			out.keep(n)
			a.forward(n)
			b.forward(n)
		case b.replaces() && (!a.replaces() || placed == a.i || b.comesBefore(a, before)):
			if !passOther(&out, a, b, &placed) {
				return Set{}, ErrMismatch
			}
		case a.replaces():
			placeOwn(&out, a, b, &placed)
		default:
			return Set{}, ErrMismatch
		}
	}
	return Set(out), nil
}

// comesBefore orders the current change of b against that of a, at the same place: the shorter one first, then as before says.
func (c *cursor) comesBefore(a *cursor, before bool) bool {
	return a.off == 0 && (c.left < a.left || c.left == a.left && !before)
}

// passOther keeps what a change of b has put, and places the changes of a that begin in what it deletes.
func passOther(out *builder, a, b *cursor, placed *int) bool {
	out.keep(len(b.put()))
	for left := b.left; left > 0; {
		if a.done() {
			return false
		}
		n := min(a.left, left)
		if a.replaces() && *placed < a.i && a.left <= n {
			out.replace(0, a.put())
			*placed = a.i
		}
		a.forward(n)
		left -= n
	}
	b.next()
	return true
}

// placeOwn places a change of a, as far as the next insertion of b: what b has deleted of it is not deleted again.
func placeOwn(out *builder, a, b *cursor, placed *int) {
	length, left := 0, a.left
loop:
	for left > 0 {
		switch {
		case b.keeps():
			n := min(left, b.left)
			length += n
			left -= n
			b.forward(n)
		case b.deletes() && b.left < left:
			left -= b.left
			b.next()
		default:
			break loop
		}
	}
	var put []uint16
	if *placed < a.i {
		put = a.put()
	}
	out.replace(length, put)
	*placed = a.i
	a.forward(a.left - left)
}

// Compose is the one set that does what s and then next do.
func (s Set) Compose(next Set) (Set, error) {
	var out builder
	a, b := newCursor(s), newCursor(next)
	for open := false; !a.done() || !b.done(); {
		switch {
		case a.deletes():
			out.add(span{length: a.spans[a.i].length}, open)
			a.next()
		case !b.done() && b.left == 0:
			out.add(span{put: b.put()}, open)
			b.next()
		case a.done() || b.done():
			return Set{}, ErrMismatch
		default:
			n := min(a.made(), b.left)
			had := len(out.spans)
			out.add(joined(a, b, n), open)
			more := a.replaces() && a.made() > n || b.replaces() && b.left > n
			open = more && (open || len(out.spans) > had)
			a.forwardMade(n)
			b.forward(n)
		}
	}
	return Set(out), nil
}

// joined is what a and then b do to the next n units between them. A replaced stretch counts at its begin, with all it puts.
func joined(a, b *cursor, n int) span {
	var p span
	switch {
	case a.keeps():
		p.length = n
	case a.off == 0:
		p.length = a.spans[a.i].length
	}
	switch {
	case a.keeps() && b.keeps():
		p.keep = true
	case b.keeps():
		p.put = a.put()[a.off : a.off+n]
	case b.off == 0:
		p.put = b.put()
	}
	return p
}
