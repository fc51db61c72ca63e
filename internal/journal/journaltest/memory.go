package journaltest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/runnel-dev/runnel/internal/journal"
)

// Memory is a journal without a disk, for tests that are about something else. It keeps the contract of journal.Journal (see Contract), and what
// befalls a disk befalls it when the test says so: Kill, PowerCut, Fill, FailSync. It has no goroutine, so that time can stand still around it.
type Memory struct {
	mu     sync.Mutex
	rows          // written: they survive a kill
	synced rows   // of them, what survives a power cut
	beside beside // never synced: what of it survives a power cut is not promised
	closed bool
	full   bool
	broken bool  // the next fsync fails
	failed error // it has
}

// rows are what a database would hold.
type rows struct {
	last  journal.NotebookID // the highest that was given
	books map[journal.NotebookID]book
}

// book is what there is of one notebook. A path of "" is one that no notebook has any more.
type book struct {
	path     string
	live     bool
	missing  time.Time
	snapshot *journal.Batch
	batches  []journal.Batch
}

// NewMemory is an empty journal.
func NewMemory() *Memory {
	return &Memory{rows: rows{books: map[journal.NotebookID]book{}}, beside: newBeside()}
}

// Kill ends this journal as kill -9 of its server would, and is the one that the next server finds. After Close it is just the next one.
func (m *Memory) Kill() *Memory { return m.next(func() rows { return m.rows }) }

// PowerCut ends this journal and all of the database that was not synced, and is the one that is found then. What was beside the database is there.
func (m *Memory) PowerCut() *Memory { return m.next(func() rows { return m.synced }) }

func (m *Memory) next(left func() rows) *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return &Memory{rows: left().clone(), synced: left(), beside: m.beside}
}

func (r rows) clone() rows {
	all := rows{last: r.last, books: map[journal.NotebookID]book{}}
	maps.Copy(all.books, r.books)
	return all
}

// Fill makes the disk full, or gives it room again: what would be written into the database meanwhile is refused.
func (m *Memory) Fill(full bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.full = full
}

// FailSync makes the next fsync fail.
func (m *Memory) FailSync() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.broken = true
}

// Age makes a blob so much older.
func (m *Memory) Age(hash string, by time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.beside.blobs[hash]
	b.put = b.put.Add(-by)
	m.beside.blobs[hash] = b
}

// Close syncs and ends it.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil
	}
	m.closed = true
	return m.syncLocked()
}

// Moved is empty: nothing was damaged.
func (m *Memory) Moved() string { return "" }

// read runs f, unless the journal is closed or ctx has ended.
func (m *Memory) read(ctx context.Context, f func()) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return journal.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	f()
	return nil
}

// write is read for what changes rows: f does nothing when it fails.
func (m *Memory) write(ctx context.Context, f func() error) error {
	var err error
	ended := m.read(ctx, func() {
		switch {
		case m.failed != nil:
			err = m.failed
		case m.full:
			err = journal.ErrFull
		default:
			err = f()
		}
	})
	return cmp.Or(ended, err)
}

// change gives a notebook another book.
func (m *Memory) change(ctx context.Context, id journal.NotebookID, f func(*book) error) error {
	return m.write(ctx, func() error {
		b := m.books[id]
		err := f(&b)
		if err == nil {
			m.books[id] = b
		}
		return err
	})
}

func (m *Memory) Sync(ctx context.Context) error {
	var err error
	ended := m.read(ctx, func() { err = m.syncLocked() })
	return cmp.Or(ended, err)
}

func (m *Memory) syncLocked() error {
	if m.broken && m.failed == nil {
		m.failed = fmt.Errorf("sync journal: %w", journal.ErrSync)
	}
	if m.failed == nil {
		m.synced = m.rows.clone()
	}
	return m.failed
}

func (m *Memory) Append(ctx context.Context, id journal.NotebookID, batch journal.Batch) error {
	return m.change(ctx, id, func(b *book) error {
		top := b.top()
		if batch.Seq <= top.seq {
			return nil // an earlier try has written it
		}
		if batch.Seq != top.seq+1 {
			return fmt.Errorf("batch %d after %d", batch.Seq, top.seq)
		}
		b.batches = append(b.batches, clone(batch))
		m.beside.marks[id] = b.top()
		return nil
	})
}

func (m *Memory) Snapshot(ctx context.Context, id journal.NotebookID, s journal.Batch) error {
	return m.change(ctx, id, func(b *book) error {
		if top := b.top(); top.seq > s.Seq {
			return fmt.Errorf("snapshot at %d behind %d", s.Seq, top.seq)
		}
		s = clone(s)
		b.snapshot, b.batches = &s, nil
		m.beside.marks[id] = b.top()
		return nil
	})
}

func clone(b journal.Batch) journal.Batch {
	b.Data = bytes.Clone(b.Data)
	return b
}

// top is the end of a notebook's batches.
func (b book) top() mark {
	switch n := len(b.batches); {
	case n > 0:
		return mark{b.batches[n-1].Seq, b.batches[n-1].N}
	case b.snapshot != nil:
		return mark{b.snapshot.Seq, b.snapshot.N}
	}
	return mark{}
}

func (m *Memory) Load(ctx context.Context, id journal.NotebookID) (journal.Loaded, error) {
	var out journal.Loaded
	err := m.read(ctx, func() {
		b := m.books[id]
		if b.snapshot != nil {
			s := clone(*b.snapshot)
			out.Snapshot = &s
		}
		for _, batch := range b.batches {
			out.Batches = append(out.Batches, clone(batch))
		}
		reached, top := m.beside.marks[id], b.top()
		out.Damaged = reached.seq > top.seq
		if reached.n > top.n {
			out.Lost = reached.n - top.n
		}
	})
	return out, err
}

func (m *Memory) Notebook(ctx context.Context, path string) (journal.NotebookID, error) {
	var id journal.NotebookID
	err := m.write(ctx, func() error {
		if id = m.at(path); id == 0 {
			m.last++
			id = m.last
		}
		b := m.books[id]
		b.path, b.missing = path, time.Time{}
		m.books[id] = b
		return nil
	})
	return id, err
}

// at is the notebook with this path, 0 when there is none.
func (r rows) at(path string) journal.NotebookID {
	for id, b := range r.books {
		if b.path == path {
			return id
		}
	}
	return 0
}

func (m *Memory) Notebooks(ctx context.Context) (map[string]journal.NotebookID, error) {
	all := map[string]journal.NotebookID{}
	err := m.read(ctx, func() {
		for id, b := range m.books {
			if b.path != "" {
				all[b.path] = id
			}
		}
	})
	return all, err
}

func (m *Memory) Rename(ctx context.Context, id journal.NotebookID, path string) error {
	return m.change(ctx, id, func(b *book) error {
		if other := m.at(path); other != 0 && other != id {
			left := m.books[other]
			left.path, left.live = "", false
			m.books[other] = left
		}
		b.path = path
		return nil
	})
}

func (m *Memory) SetLive(ctx context.Context, id journal.NotebookID, live bool) error {
	return m.change(ctx, id, func(b *book) error {
		b.live = live
		return nil
	})
}

func (m *Memory) Live(ctx context.Context) ([]string, error) {
	var paths []string
	err := m.read(ctx, func() {
		for _, b := range m.books {
			if b.live && b.path != "" {
				paths = append(paths, b.path)
			}
		}
	})
	slices.Sort(paths)
	return paths, err
}

func (m *Memory) Missing(ctx context.Context, id journal.NotebookID, since time.Time) error {
	return m.change(ctx, id, func(b *book) error {
		if !b.live && b.missing.IsZero() != since.IsZero() {
			b.missing = since
		}
		return nil
	})
}

func (m *Memory) Collect(ctx context.Context, held iter.Seq[[]byte], missing, put time.Time) (journal.Collected, error) {
	var done journal.Collected
	err := m.write(ctx, func() error {
		for id, b := range m.books {
			gone := !b.live && !b.missing.IsZero() && b.missing.Before(missing)
			if gone {
				done.Notebooks++
			}
			if gone || b.path == "" {
				delete(m.books, id)
			}
		}
		return nil
	})
	if err != nil {
		return done, err
	}
	texts := slices.Collect(held) // not under the lock: sessions are asked
	return done, m.read(ctx, func() {
		for _, b := range m.books {
			if b.snapshot != nil {
				texts = append(texts, b.snapshot.Data)
			}
			for _, batch := range b.batches {
				texts = append(texts, batch.Data)
			}
		}
		m.beside.collect(m.books, texts, put, &done)
	})
}
