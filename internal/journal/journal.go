// Package journal keeps what sessions must not lose: batches of facts and snapshots per notebook (SQLite), blobs by their hash,
// and the parts of long outputs that no client keeps.
//
// The key idea: one goroutine owns the database and commits what has come together (Append returns when it would survive
// kill -9); another makes it survive a power cut (Sync, one fsync for all who wait). Every batch carries a checksum chained to the one before, so what is read back is the longest prefix that
// is whole, and a mark beside the database tells when acknowledged batches are missing from it. docs/journal.md has the rules.
//
// It does not know what the bytes of a batch mean.
package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// NotebookID numbers a notebook within its journal.
type NotebookID int64

// Errors that callers act on.
var (
	ErrClosed = errors.New("journal closed")
	ErrFull   = errors.New("no space left for the journal")
	ErrSync   = errors.New("the disk did not keep what was written") // for good: see J8
)

// Journal is one served folder's. It is safe for concurrent use.
type Journal struct {
	dir    string
	log    *slog.Logger
	moved  string // where a damaged database went
	ops    chan *op
	syncs  chan chan error
	quit   chan struct{} // closed when the end begins
	ended  chan struct{} // closed when nobody reads ops and syncs any more
	wg     sync.WaitGroup
	once   sync.Once
	failed failure
	blobs  sync.RWMutex // held for writing where one is removed
	fresh  fresh

	// owned by the writer goroutine
	conn  *sqlite.Conn
	marks *os.File
	heads map[NotebookID]head

	// owned by the syncing goroutine
	wal *os.File
}

// head is the end of a notebook's chain.
type head struct {
	seq uint64
	sum []byte
}

// failure remembers a failed fsync: what was written since the last good one may be gone, so nothing is acknowledged any more (J8).
type failure struct {
	mu  sync.Mutex
	err error
}

func (f *failure) get() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

func (f *failure) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
}

const schema = `
CREATE TABLE IF NOT EXISTS notebooks (id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL UNIQUE, live INTEGER NOT NULL DEFAULT 0, missing INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS batches (notebook INTEGER NOT NULL, seq INTEGER NOT NULL, n INTEGER NOT NULL, sum BLOB NOT NULL, data BLOB NOT NULL, PRIMARY KEY (notebook, seq));
CREATE TABLE IF NOT EXISTS snapshots (notebook INTEGER PRIMARY KEY, seq INTEGER NOT NULL, n INTEGER NOT NULL, sum BLOB NOT NULL, data BLOB NOT NULL);
`

// Open opens the journal in dir, making both when they are not there. A database that cannot be read is moved aside and a new one
// begun: Moved says so. log may be nil.
func Open(dir string, log *slog.Logger) (*Journal, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	for _, d := range []string{dir, filepath.Join(dir, "blobs"), filepath.Join(dir, "spill")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, fmt.Errorf("make journal folder: %w", err)
		}
	}
	j := &Journal{dir: dir, log: log, ops: make(chan *op, 256), syncs: make(chan chan error, 256), quit: make(chan struct{}), ended: make(chan struct{}), heads: map[NotebookID]head{}}
	if err := j.openDatabase(); err != nil {
		return nil, err
	}
	var err error
	if j.marks, err = os.OpenFile(filepath.Join(dir, "marks"), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		_ = j.conn.Close()
		return nil, fmt.Errorf("open journal marks: %w", err)
	}
	j.wg.Go(j.write)
	j.wg.Go(j.syncAll)
	return j, nil
}

// Moved is where a damaged database was put, empty when there was none.
func (j *Journal) Moved() string { return j.moved }

func (j *Journal) path() string { return filepath.Join(j.dir, "journal.db") }

func (j *Journal) openDatabase() error {
	conn, err := openConn(j.path())
	if err == nil {
		j.conn = conn
		return nil
	}
	if _, statErr := os.Stat(j.path()); statErr != nil || !damaged(err) {
		return fmt.Errorf("open journal: %w", err)
	}
	aside := j.path() + ".damaged-" + time.Now().UTC().Format("20060102T150405.000")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(j.path()+suffix, aside+suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("move damaged journal aside: %w", err)
		}
	}
	_ = os.Remove(filepath.Join(j.dir, "marks"))
	// The new database counts notebooks from 1 again: the old ones' spill files go with the old one.
	spill := filepath.Join(j.dir, "spill")
	if err := errors.Join(os.Rename(spill, aside+".spill"), os.MkdirAll(spill, 0o700)); err != nil {
		return fmt.Errorf("move damaged journal aside: %w", err)
	}
	j.log.Error("journal is damaged; moved aside", "to", aside, "err", err)
	if conn, err = openConn(j.path()); err != nil {
		return fmt.Errorf("open journal anew: %w", err)
	}
	j.conn, j.moved = conn, aside
	return nil
}

// openConn opens the database and proves that it can be read.
func openConn(path string) (_ *sqlite.Conn, err error) {
	if err := createPrivate(path); err != nil {
		return nil, err
	}
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite|sqlite.OpenCreate)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = conn.Close()
		}
	}()
	for _, pragma := range []string{"journal_mode = WAL", "synchronous = NORMAL", "cache_size = -512", "temp_store = MEMORY",
		"journal_size_limit = 8388608", "busy_timeout = 2000"} {
		if err := sqlitex.ExecuteTransient(conn, "PRAGMA "+pragma, nil); err != nil {
			return nil, err
		}
	}
	if err := sqlitex.ExecuteScript(conn, schema, nil); err != nil {
		return nil, err
	}
	if err := addMissing(conn); err != nil {
		return nil, err
	}
	sound := false
	err = sqlitex.ExecuteTransient(conn, "PRAGMA quick_check(1)", &sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error {
		sound = s.ColumnText(0) == "ok"
		return nil
	}})
	if err == nil && !sound {
		err = errDamaged
	}
	return conn, err
}

// addMissing adds the column to a database of an earlier version; what that version writes later leaves it at its default.
func addMissing(conn *sqlite.Conn) error {
	there := false
	err := sqlitex.ExecuteTransient(conn, "SELECT 1 FROM pragma_table_info('notebooks') WHERE name = 'missing'", &sqlitex.ExecOptions{ResultFunc: func(*sqlite.Stmt) error {
		there = true
		return nil
	}})
	if err != nil || there {
		return err
	}
	return sqlitex.ExecuteTransient(conn, "ALTER TABLE notebooks ADD COLUMN missing INTEGER NOT NULL DEFAULT 0", nil)
}

var errDamaged = errors.New("the database is damaged")

func damaged(err error) bool {
	code := sqlite.ErrCode(err).ToPrimary()
	return errors.Is(err, errDamaged) || code == sqlite.ResultCorrupt || code == sqlite.ResultNotADB || code == sqlite.ResultError || code == sqlite.ResultIOErr
}

func createPrivate(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// Close writes what was asked for, syncs and closes. It waits for both goroutines. Calls that come later get ErrClosed.
func (j *Journal) Close() error {
	var err error
	j.once.Do(func() {
		close(j.quit)
		j.wg.Wait()
		close(j.ended)
		err = errors.Join(j.fsync(), j.conn.Close(), j.marks.Close())
		if j.wal != nil {
			_ = j.wal.Close()
		}
	})
	return err
}

// Sync returns when everything that was appended before the call would survive a power cut. One fsync serves all who wait.
func (j *Journal) Sync(ctx context.Context) error {
	done := make(chan error, 1)
	select {
	case j.syncs <- done:
	case <-ctx.Done():
		return ctx.Err()
	case <-j.quit:
		return ErrClosed
	}
	return j.answer(ctx, done)
}

// answer waits for what became of a request, which may have come too late to be seen.
func (j *Journal) answer(ctx context.Context, done chan error) error {
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-j.ended:
	}
	select {
	case err := <-done:
		return err
	default:
		return ErrClosed
	}
}

func (j *Journal) syncAll() {
	for {
		var waiting []chan error
		select {
		case done := <-j.syncs:
			waiting = append(waiting, done)
		case <-j.quit:
			return
		}
		for more := true; more; {
			select {
			case done := <-j.syncs:
				waiting = append(waiting, done)
			default:
				more = false
			}
		}
		err := j.fsync()
		for _, done := range waiting {
			done <- err
		}
	}
}

// fsync makes blobs durable, and then the write-ahead log, which names them; what a checkpoint moved out of it, SQLite has synced (J3).
func (j *Journal) fsync() error {
	if err := j.failed.get(); err != nil {
		return err
	}
	err := j.fresh.sync()
	if err == nil {
		if err := j.openWAL(); err != nil || j.wal == nil {
			return err
		}
		err = j.wal.Sync()
	}
	if err != nil {
		err = fmt.Errorf("sync journal: %w: %w", ErrSync, err)
		j.failed.set(err)
		return err
	}
	return nil
}

// openWAL keeps the write-ahead log open, so that no failed write is missed between two syncs; nil while there is none. That it
// cannot be opened says nothing of what was written: the next sync tries again.
func (j *Journal) openWAL() error {
	now, err := os.Stat(j.path() + "-wal")
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sync journal: %w", err)
	}
	if j.wal != nil {
		if is, err := j.wal.Stat(); err == nil && os.SameFile(is, now) {
			return nil
		}
		_ = j.wal.Close()
		j.wal = nil
	}
	if j.wal, err = os.Open(j.path() + "-wal"); err != nil {
		j.wal = nil
		return fmt.Errorf("sync journal: %w", err)
	}
	return nil
}

// LimitPages bounds the database to so many pages (but never fewer than it has): a full disk, for tests of what then happens.
func (j *Journal) LimitPages(ctx context.Context, pages int) error {
	return j.do(ctx, &op{read: true, run: func(conn *sqlite.Conn) error {
		return sqlitex.ExecuteTransient(conn, fmt.Sprintf("PRAGMA max_page_count = %d", pages), nil)
	}})
}
