package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// Collected is what Collect has removed.
type Collected struct {
	Notebooks, Blobs, Spills int
	Bytes                    int64
}

// Missing notes since when the file of a notebook that is not live has not been there, or with the zero time that it is there. Notebook
// forgets the note, too.
func (j *Journal) Missing(ctx context.Context, id NotebookID, since time.Time) error {
	ms := int64(0)
	if !since.IsZero() {
		ms = since.UnixMilli()
	}
	// A note that is there stays: the first time counts.
	return j.do(ctx, &op{run: func(conn *sqlite.Conn) error {
		return sqlitex.Execute(conn, "UPDATE notebooks SET missing = ?1 WHERE id = ?2 AND (missing = 0) <> (?1 = 0) AND live = 0",
			&sqlitex.ExecOptions{Args: []any{ms, int64(id)}})
	}})
}

// Collect forgets notebooks whose file has been missing since before `missing`, and removes what belongs to no notebook: spill files, base
// versions, and blobs that are named by nothing in the journal nor in the texts of held, and were last put before `put`. held is the states of
// all that may refer to blobs of which the journal does not know; they are taken before the journal is looked through. A crash in between leaves the rest to the next call.
func (j *Journal) Collect(ctx context.Context, held iter.Seq[[]byte], missing, put time.Time) (Collected, error) {
	var done Collected
	if j.moved != "" {
		return done, nil // what a damaged database refers to is not known; another server's life may be long enough to look at it
	}
	forgotten, err := j.forget(ctx, missing)
	if err != nil {
		return done, fmt.Errorf("forget notebooks: %w", err)
	}
	done.Notebooks = forgotten
	known, named := numbers{there: map[int64]bool{}}, names{}
	for text := range held {
		named.find(text)
	}
	if err := j.survey(ctx, &known, named); err != nil {
		return done, fmt.Errorf("look through the journal: %w", err)
	}
	var errs []error
	for _, folder := range []string{"spill", "base", "next", "move"} {
		errs = append(errs, j.dropUnknown(folder, known, &done))
	}
	return done, errors.Join(append(errs, j.dropBlobs(ctx, named, put, &done))...)
}

// forget gives how many notebooks were forgotten.
func (j *Journal) forget(ctx context.Context, missing time.Time) (int, error) {
	n := 0
	err := j.do(ctx, &op{run: func(conn *sqlite.Conn) error {
		err := sqlitex.Execute(conn, "DELETE FROM notebooks WHERE live = 0 AND missing > 0 AND missing < ?", &sqlitex.ExecOptions{Args: []any{missing.UnixMilli()}})
		if err != nil {
			return err
		}
		n = conn.Changes()
		for _, table := range []string{"batches", "snapshots"} {
			if err := sqlitex.Execute(conn, "DELETE FROM "+table+" WHERE notebook NOT IN (SELECT id FROM notebooks)", nil); err != nil {
				return err
			}
		}
		return nil
	}})
	if err != nil {
		return 0, err // after ctx has ended the writer may still be at it: n is not ours
	}
	return n, nil
}

// survey reads the whole database as it is at one moment, over a connection of its own: the writer does not wait.
func (j *Journal) survey(ctx context.Context, known *numbers, named names) error {
	conn, err := sqlite.OpenConn(j.path(), sqlite.OpenReadOnly)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	conn.SetInterrupt(ctx.Done())
	if err := sqlitex.ExecuteTransient(conn, "BEGIN", nil); err != nil {
		return err
	}
	err = sqlitex.ExecuteTransient(conn, "SELECT id FROM notebooks", &sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error {
		known.there[s.ColumnInt64(0)] = true
		return nil
	}})
	if err == nil {
		err = sqlitex.ExecuteTransient(conn, "SELECT seq FROM sqlite_sequence WHERE name = 'notebooks'", &sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error {
			known.highest = s.ColumnInt64(0)
			return nil
		}})
	}
	for _, table := range []string{"snapshots", "batches"} {
		if err != nil {
			break
		}
		err = sqlitex.ExecuteTransient(conn, "SELECT data FROM "+table, &sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error {
			named.find(columnBytes(s, 0))
			return nil
		}})
	}
	return errors.Join(err, sqlitex.ExecuteTransient(conn, "ROLLBACK", nil))
}

// numbers are those of the notebooks that there are, and the highest that was ever given; none is given twice.
type numbers struct {
	there   map[int64]bool
	highest int64
}

// dropUnknown removes what is kept under the number of a notebook that there is not any more. A notebook made since has a higher one.
func (j *Journal) dropUnknown(folder string, known numbers, done *Collected) error {
	entries, err := os.ReadDir(filepath.Join(j.dir, folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		n, parseErr := strconv.ParseInt(strings.TrimSuffix(strings.TrimSuffix(e.Name(), ".new"), beforeSuffix), 10, 64)
		if parseErr != nil || n > known.highest || known.there[n] {
			continue
		}
		path := filepath.Join(j.dir, folder, e.Name())
		done.Bytes += sizeOf(path)
		done.Spills++
		err = errors.Join(err, os.RemoveAll(path))
	}
	return err
}

func sizeOf(path string) (size int64) {
	_ = filepath.WalkDir(path, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			if info, err := e.Info(); err == nil {
				size += info.Size()
			}
		}
		return nil
	})
	return size
}

func (j *Journal) dropBlobs(ctx context.Context, named names, put time.Time, done *Collected) error {
	return filepath.WalkDir(filepath.Join(j.dir, "blobs"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || named[e.Name()] {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return j.dropBlob(path, put, done)
	})
}

// dropBlob removes a blob that was last put before put; the lock keeps one from being put just now.
func (j *Journal) dropBlob(path string, put time.Time, done *Collected) error {
	j.blobs.Lock()
	defer j.blobs.Unlock()
	info, err := os.Stat(path)
	if err != nil || !info.ModTime().Before(put) {
		return nil
	}
	done.Blobs++
	done.Bytes += info.Size()
	return os.Remove(path)
}

// names are the blobs' names that occur in texts: whatever has the form of one is taken for one.
type names map[string]bool

const nameLen = 64

func (n names) find(text []byte) {
	run := 0
	for i := 0; i <= len(text); i++ {
		if i < len(text) && (text[i] >= '0' && text[i] <= '9' || text[i] >= 'a' && text[i] <= 'f') {
			run++
			continue
		}
		if run == nameLen {
			n[string(text[i-nameLen:i])] = true
		}
		run = 0
	}
}
