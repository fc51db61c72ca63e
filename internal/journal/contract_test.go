package journal_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/journal"
	"github.com/runnel-dev/runnel/internal/journal/journaltest"
)

// TestContract: what is true of the journal in memory, which tests of sessions run on, is true of the one on disk.
func TestContract(t *testing.T) {
	t.Run("disk", func(t *testing.T) {
		journaltest.Contract(t, func(t *testing.T) journaltest.Medium { return &disk{dir: t.TempDir()} })
	})
	t.Run("memory", func(t *testing.T) {
		journaltest.Contract(t, func(*testing.T) journaltest.Medium { return &memory{Memory: journaltest.NewMemory()} })
	})
}

// disk is a folder. What befalls a process or a machine is done to a copy, which the next journal opens.
type disk struct {
	dir    string
	j      *journal.Journal
	synced atomic.Int64 // bytes of the write-ahead log that the last fsync has covered for sure
}

func (d *disk) log() string { return filepath.Join(d.dir, "journal.db-wal") }

// syncing notes how much a sync covers.
type syncing struct {
	*journal.Journal
	d *disk
}

func (s syncing) Sync(ctx context.Context) error {
	covers := int64(0) // closing has removed the log
	if info, err := os.Stat(s.d.log()); err == nil {
		covers = info.Size()
	}
	err := s.Journal.Sync(ctx)
	if err == nil {
		s.d.synced.Store(covers)
	}
	return err
}

func (d *disk) Open(t *testing.T) journaltest.Journal {
	t.Helper()
	j, err := journal.Open(d.dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if j.Moved() != "" {
		t.Error("the journal was put aside")
	}
	t.Cleanup(func() { _ = j.Close() })
	d.j = j
	d.synced.Store(0)
	return syncing{j, d}
}

func (d *disk) Kill(t *testing.T) {
	t.Helper()
	if err := os.Rename(d.away(), d.log()); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(d.dir)); err != nil {
		t.Fatal(err)
	}
	_ = d.j.Close()
	d.dir = copied
}

func (d *disk) PowerCut(t *testing.T) {
	t.Helper()
	d.Kill(t)
	err := os.Truncate(d.log(), d.synced.Load())
	if err != nil && !errors.Is(err, os.ErrNotExist) { // there is none of a journal that was closed
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(d.dir, "journal.db-shm")); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
}

func (d *disk) Fill(t *testing.T, full bool) {
	t.Helper()
	pages := 1 << 30
	if full {
		pages = 1
	}
	if err := d.j.LimitPages(t.Context(), pages); err != nil {
		t.Fatal(err)
	}
}

// FailSync puts what cannot be synced in the place of the log; the database writes on to the log that it has open.
func (d *disk) FailSync(t *testing.T) {
	t.Helper()
	if err := errors.Join(os.Rename(d.log(), d.away()), os.Symlink(os.DevNull, d.log())); err != nil {
		t.Fatal(err)
	}
}

func (d *disk) away() string { return d.log() + ".away" }

func (d *disk) Age(t *testing.T, hash string, by time.Duration) {
	t.Helper()
	at := time.Now().Add(-by)
	if err := os.Chtimes(filepath.Join(d.dir, "blobs", hash[:2], hash), at, at); err != nil {
		t.Fatal(err)
	}
}

// memory is its own medium.
type memory struct{ *journaltest.Memory }

func (m *memory) Open(*testing.T) journaltest.Journal             { return m.Memory }
func (m *memory) Kill(*testing.T)                                 { m.Memory = m.Memory.Kill() }
func (m *memory) PowerCut(*testing.T)                             { m.Memory = m.Memory.PowerCut() }
func (m *memory) Fill(_ *testing.T, full bool)                    { m.Memory.Fill(full) }
func (m *memory) FailSync(*testing.T)                             { m.Memory.FailSync() }
func (m *memory) Age(_ *testing.T, hash string, by time.Duration) { m.Memory.Age(hash, by) }
