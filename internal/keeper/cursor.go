package keeper

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// cursor reads a spool that is being written, as a stream of record bytes. It
// belongs to one goroutine.
type cursor struct {
	s    *spool
	pos  int64
	path string // of f
	f    *os.File
}

// cursorAt returns a cursor that stands before record n, and the chain value
// before it. n may be one more than the last record.
func (s *spool) cursorAt(n uint64) (*cursor, uint32, error) {
	s.mu.Lock()
	pos, at, chain := s.nearLocked(n)
	next := s.next
	s.mu.Unlock()
	if at > n || n > next {
		return nil, 0, fmt.Errorf("record %d is not here: %d to %d are", n, at, next-1)
	}
	c := &cursor{s: s, pos: pos}
	var b [recordHeader]byte
	for ; at < n; at++ {
		if err := c.full(b[:]); err != nil {
			c.close()
			return nil, 0, fmt.Errorf("find record %d: %w", n, err)
		}
		size, err := recordSize(b[:])
		if err != nil {
			c.close()
			return nil, 0, err
		}
		chain = uint32(b[4]) | uint32(b[5])<<8 | uint32(b[6])<<16 | uint32(b[7])<<24
		c.pos += int64(size)
	}
	return c, chain, nil
}

// nearLocked finds the last place at or before record n that can be jumped to.
func (s *spool) nearLocked(n uint64) (pos int64, at uint64, chain uint32) {
	if n >= s.next || s.firstLocked() == s.next {
		return s.end, s.next, s.chain
	}
	pos, at = -1, s.firstLocked()
	for _, g := range s.segs {
		if g.first <= n || pos < 0 {
			pos, at, chain = g.at, g.first, g.chain
		}
	}
	p := s.written
	for _, b := range s.blocks {
		if b.first <= n || pos < 0 {
			pos, at, chain = p, b.first, b.chain
		}
		p += int64(b.size)
	}
	return pos, at, chain
}

// full reads len(b) bytes at the cursor without moving it, visible or not.
func (c *cursor) full(b []byte) error {
	for got := 0; got < len(b); {
		n, err := c.at(c.pos+int64(got), b[got:], true)
		if err != nil {
			return err
		}
		if n == 0 {
			return io.ErrUnexpectedEOF
		}
		got += n
	}
	return nil
}

// Read moves the cursor over at most len(b) visible bytes. It returns 0 and no
// error when there is nothing more for now, and for an empty b: a server that
// gives no credit is no reason to break with it.
func (c *cursor) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	n, err := c.at(c.pos, b, false)
	c.pos += int64(n)
	return n, err
}

func (c *cursor) at(pos int64, b []byte, all bool) (int, error) {
	s := c.s
	s.mu.Lock()
	if pos >= s.written {
		defer s.mu.Unlock()
		if all || s.failing != nil {
			return s.memoryLocked(pos, b), nil
		}
		return 0, nil
	}
	var g segment
	for _, g = range s.segs {
		if pos < g.at+g.size {
			break
		}
	}
	s.mu.Unlock()
	if pos < g.at {
		return 0, errors.New("read spool: the records are deleted")
	}
	b = b[:min(int64(len(b)), g.at+g.size-pos)]
	if c.path != g.path {
		c.close()
		f, err := os.Open(g.path)
		if err != nil {
			return 0, fmt.Errorf("read spool: %w", err)
		}
		c.f, c.path = f, g.path
	}
	n, err := c.f.ReadAt(b, segmentHeader+pos-g.at)
	if n > 0 {
		return n, nil
	}
	return 0, fmt.Errorf("read spool: %w", err)
}

// memoryLocked copies from the blocks that are not written yet.
func (s *spool) memoryLocked(pos int64, b []byte) int {
	at, n := s.written, 0
	for _, block := range s.blocks {
		if at+int64(block.size) <= pos {
			at += int64(block.size)
			continue
		}
		for _, part := range block.parts {
			if skip := pos - at; skip < int64(len(part)) {
				m := copy(b[n:], part[max(skip, 0):])
				n, pos = n+m, pos+int64(m)
				if n == len(b) {
					return n
				}
			}
			at += int64(len(part))
		}
	}
	return n
}

func (c *cursor) close() {
	if c.f != nil {
		c.f.Close()
		c.f, c.path = nil, ""
	}
}
