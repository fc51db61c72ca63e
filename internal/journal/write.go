package journal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"syscall"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// op is one request to the goroutine that owns the database.
type op struct {
	run  func(*sqlite.Conn) error // again, when it was rolled back with another that was refused
	done chan error
	read bool   // changes nothing: not part of the group's transaction
	then func() // after the commit, still in the writer
}

// maxGroup bounds how many requests one transaction holds.
const maxGroup = 256

func (j *Journal) do(ctx context.Context, o *op) error {
	o.done = make(chan error, 1)
	if err := j.failed.get(); err != nil && !o.read {
		return err
	}
	select {
	case j.ops <- o:
	case <-ctx.Done():
		return ctx.Err()
	case <-j.quit:
		return ErrClosed
	}
	return j.answer(ctx, o.done)
}

func (j *Journal) write() {
	for {
		select {
		case o := <-j.ops:
			j.group(o)
		case <-j.quit:
			for {
				select {
				case o := <-j.ops:
					j.group(o)
				default:
					return
				}
			}
		}
	}
}

// group runs first and what waits behind it in one transaction.
func (j *Journal) group(first *op) {
	if first.read {
		first.done <- first.run(j.conn)
		return
	}
	group := []*op{first}
	var read *op
	for len(group) < maxGroup && read == nil {
		select {
		case o := <-j.ops:
			if o.read {
				read = o
			} else {
				group = append(group, o)
			}
			continue
		default:
		}
		break
	}
	j.commit(group)
	if read != nil {
		read.done <- read.run(j.conn)
	}
}

// commit tries without those that are refused, until the others are written; when the transaction itself fails, each is told so.
func (j *Journal) commit(group []*op) {
	for len(group) > 0 {
		refused, err := j.transact(group)
		if refused < len(group) {
			group[refused].done <- err
			group = slices.Delete(group, refused, refused+1)
			continue
		}
		for _, o := range group {
			if err == nil && o.then != nil {
				o.then()
			}
			o.done <- err
		}
		return
	}
}

// transact runs all or nothing. It says which was refused, and the number of all when none was.
func (j *Journal) transact(group []*op) (refused int, err error) {
	if err := sqlitex.Execute(j.conn, "BEGIN IMMEDIATE", nil); err != nil {
		return len(group), writeError(err)
	}
	for i, o := range group {
		if err := o.run(j.conn); err != nil {
			j.rollback()
			return i, writeError(err)
		}
	}
	if err := sqlitex.Execute(j.conn, "COMMIT", nil); err != nil {
		j.rollback()
		return len(group), writeError(err)
	}
	return len(group), nil
}

// rollback also forgets the ends of the chains, which the failed requests have moved.
func (j *Journal) rollback() {
	if !j.conn.AutocommitEnabled() {
		_ = sqlitex.ExecuteTransient(j.conn, "ROLLBACK", nil)
	}
	clear(j.heads)
}

func writeError(err error) error {
	if sqlite.ErrCode(err).ToPrimary() == sqlite.ResultFull || errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return fmt.Errorf("write journal: %w", err)
}

// Batch is facts that belong together. Seq is contiguous per notebook, from 1.
type Batch struct {
	Seq  uint64
	N    uint64 // number of the last event after it
	Data []byte
}

// Append adds a batch and returns when it is written: it survives the end of this process, not yet a power cut (see Sync).
// A batch whose Seq is there already was written by an earlier try and is not written again.
func (j *Journal) Append(ctx context.Context, id NotebookID, b Batch) error {
	o := &op{then: func() { j.mark(id, b.Seq, b.N) }}
	o.run = func(conn *sqlite.Conn) error {
		h, err := j.head(id)
		if err != nil || b.Seq <= h.seq {
			return err
		}
		if b.Seq != h.seq+1 {
			return fmt.Errorf("batch %d after %d", b.Seq, h.seq)
		}
		sum := chain(h.sum, b.Seq, b.N, b.Data)
		err = sqlitex.Execute(conn, "INSERT INTO batches (notebook, seq, n, sum, data) VALUES (?, ?, ?, ?, ?)",
			&sqlitex.ExecOptions{Args: []any{int64(id), int64(b.Seq), int64(b.N), sum, b.Data}})
		if err == nil {
			j.heads[id] = head{seq: b.Seq, sum: sum}
		}
		return err
	}
	return j.do(ctx, o)
}

// Snapshot replaces all batches up to s.Seq by the state that they give.
func (j *Journal) Snapshot(ctx context.Context, id NotebookID, s Batch) error {
	o := &op{then: func() { j.mark(id, s.Seq, s.N) }}
	o.run = func(conn *sqlite.Conn) error {
		h, err := j.head(id)
		if err != nil {
			return err
		}
		if h.seq > s.Seq {
			return fmt.Errorf("snapshot at %d behind %d", s.Seq, h.seq)
		}
		sum := chain(nil, s.Seq, s.N, s.Data)
		err = sqlitex.Execute(conn, "INSERT OR REPLACE INTO snapshots (notebook, seq, n, sum, data) VALUES (?, ?, ?, ?, ?)",
			&sqlitex.ExecOptions{Args: []any{int64(id), int64(s.Seq), int64(s.N), sum, s.Data}})
		if err != nil {
			return err
		}
		if err := sqlitex.Execute(conn, "DELETE FROM batches WHERE notebook = ?", &sqlitex.ExecOptions{Args: []any{int64(id)}}); err != nil {
			return err
		}
		j.heads[id] = head{seq: s.Seq, sum: sum}
		return nil
	}
	return j.do(ctx, o)
}

func chain(before []byte, seq, n uint64, data []byte) []byte {
	h := sha256.New()
	h.Write(before)
	var num [16]byte
	binary.LittleEndian.PutUint64(num[:], seq)
	binary.LittleEndian.PutUint64(num[8:], n)
	h.Write(num[:])
	h.Write(data)
	return h.Sum(nil)[:16]
}

// head finds the end of a notebook's chain; Load has made sure that all before it is whole.
func (j *Journal) head(id NotebookID) (head, error) {
	if h, ok := j.heads[id]; ok {
		return h, nil
	}
	var h head
	read := &sqlitex.ExecOptions{Args: []any{int64(id)}, ResultFunc: func(s *sqlite.Stmt) error {
		h = head{seq: uint64(s.ColumnInt64(0)), sum: columnBytes(s, 1)}
		return nil
	}}
	if err := sqlitex.Execute(j.conn, "SELECT seq, sum FROM snapshots WHERE notebook = ?", read); err != nil {
		return h, err
	}
	if err := sqlitex.Execute(j.conn, "SELECT seq, sum FROM batches WHERE notebook = ? ORDER BY seq DESC LIMIT 1", read); err != nil {
		return h, err
	}
	j.heads[id] = h
	return h, nil
}

func columnBytes(s *sqlite.Stmt, col int) []byte {
	b := make([]byte, s.ColumnLen(col))
	s.ColumnBytes(col, b)
	return b
}

const markSize = 32

// mark notes beside the database how far a notebook's journal reaches, to know later when its end is missing (J6).
func (j *Journal) mark(id NotebookID, seq, n uint64) {
	var b [markSize]byte
	binary.LittleEndian.PutUint64(b[0:], uint64(id))
	binary.LittleEndian.PutUint64(b[8:], seq)
	binary.LittleEndian.PutUint64(b[16:], n)
	binary.LittleEndian.PutUint32(b[24:], crc32.ChecksumIEEE(b[:24]))
	if _, err := j.marks.WriteAt(b[:], int64(id)*markSize); err != nil {
		j.log.Warn("journal mark not written", "notebook", id, "err", err)
	}
}

func (j *Journal) readMark(id NotebookID) (seq, n uint64) {
	var b [markSize]byte
	if _, err := j.marks.ReadAt(b[:], int64(id)*markSize); err != nil {
		return 0, 0
	}
	if binary.LittleEndian.Uint32(b[24:]) != crc32.ChecksumIEEE(b[:24]) || binary.LittleEndian.Uint64(b[:]) != uint64(id) {
		return 0, 0
	}
	return binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b[16:])
}

// Loaded is what the journal has of a notebook.
type Loaded struct {
	Snapshot *Batch  // nil: none
	Batches  []Batch // after the snapshot, contiguous
	Lost     uint64  // how many events are known to be missing at the end; their facts are gone
	Damaged  bool    // something was there that could not be read
}

// Load reads the longest whole prefix and removes what comes after it.
func (j *Journal) Load(ctx context.Context, id NotebookID) (Loaded, error) {
	var out Loaded
	err := j.do(ctx, &op{read: true, run: func(conn *sqlite.Conn) error {
		var err error
		out, err = j.load(conn, id)
		return err
	}})
	if err != nil {
		return Loaded{}, fmt.Errorf("load journal: %w", err)
	}
	return out, nil
}

func (j *Journal) load(conn *sqlite.Conn, id NotebookID) (Loaded, error) {
	var out Loaded
	var last head
	var lastN uint64
	args := []any{int64(id)}
	err := sqlitex.Execute(conn, "SELECT seq, n, sum, data FROM snapshots WHERE notebook = ?", &sqlitex.ExecOptions{Args: args, ResultFunc: func(s *sqlite.Stmt) error {
		b := Batch{Seq: uint64(s.ColumnInt64(0)), N: uint64(s.ColumnInt64(1)), Data: columnBytes(s, 3)}
		sum := chain(nil, b.Seq, b.N, b.Data)
		if !bytes.Equal(sum, columnBytes(s, 2)) {
			out.Damaged = true
			return nil
		}
		out.Snapshot, last, lastN = &b, head{b.Seq, sum}, b.N
		return nil
	}})
	if err == nil && !(out.Damaged && out.Snapshot == nil) {
		err = sqlitex.Execute(conn, "SELECT seq, n, sum, data FROM batches WHERE notebook = ? ORDER BY seq", &sqlitex.ExecOptions{Args: args, ResultFunc: func(s *sqlite.Stmt) error {
			if out.Damaged {
				return nil
			}
			b := Batch{Seq: uint64(s.ColumnInt64(0)), N: uint64(s.ColumnInt64(1)), Data: columnBytes(s, 3)}
			sum := chain(last.sum, b.Seq, b.N, b.Data)
			if b.Seq != last.seq+1 || !bytes.Equal(sum, columnBytes(s, 2)) {
				out.Damaged = true
				return nil
			}
			out.Batches, last, lastN = append(out.Batches, b), head{b.Seq, sum}, b.N
			return nil
		}})
	}
	if err != nil {
		if !damaged(err) {
			return out, err
		}
		out.Damaged = true
	}
	if _, n := j.readMark(id); n > lastN {
		out.Lost = n - lastN
	}
	if seq, _ := j.readMark(id); seq > last.seq {
		out.Damaged = true
	}
	if out.Damaged {
		j.cut(conn, id, last.seq, out.Snapshot == nil)
	}
	j.heads[id] = last
	return out, nil
}

// cut removes what Load could not use, so that new batches follow the last whole one.
func (j *Journal) cut(conn *sqlite.Conn, id NotebookID, seq uint64, all bool) {
	err := sqlitex.Execute(conn, "DELETE FROM batches WHERE notebook = ? AND seq > ?", &sqlitex.ExecOptions{Args: []any{int64(id), int64(seq)}})
	if err == nil && all {
		err = sqlitex.Execute(conn, "DELETE FROM snapshots WHERE notebook = ?", &sqlitex.ExecOptions{Args: []any{int64(id)}})
	}
	if err != nil {
		j.log.Error("journal: cannot remove damaged batches", "notebook", id, "err", err)
	}
}

// Notebook finds or makes the notebook with this path.
func (j *Journal) Notebook(ctx context.Context, path string) (NotebookID, error) {
	var id NotebookID
	err := j.do(ctx, &op{run: func(conn *sqlite.Conn) error {
		for _, query := range []string{"INSERT OR IGNORE INTO notebooks (path) VALUES (?)", "UPDATE notebooks SET missing = 0 WHERE path = ? AND missing <> 0"} {
			if err := sqlitex.Execute(conn, query, &sqlitex.ExecOptions{Args: []any{path}}); err != nil {
				return err
			}
		}
		return sqlitex.Execute(conn, "SELECT id FROM notebooks WHERE path = ?", &sqlitex.ExecOptions{Args: []any{path}, ResultFunc: func(s *sqlite.Stmt) error {
			id = NotebookID(s.ColumnInt64(0))
			return nil
		}})
	}})
	if err != nil {
		return 0, fmt.Errorf("find notebook in journal: %w", err)
	}
	return id, nil
}

// Notebooks lists all paths that the journal has something of.
func (j *Journal) Notebooks(ctx context.Context) (map[string]NotebookID, error) {
	all := map[string]NotebookID{}
	err := j.do(ctx, &op{read: true, run: func(conn *sqlite.Conn) error {
		return sqlitex.Execute(conn, "SELECT id, path FROM notebooks", &sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error {
			all[s.ColumnText(1)] = NotebookID(s.ColumnInt64(0))
			return nil
		}})
	}})
	if err != nil {
		return nil, fmt.Errorf("list notebooks in journal: %w", err)
	}
	return all, nil
}

// Rename gives a notebook another path; what the journal has under that path is forgotten.
func (j *Journal) Rename(ctx context.Context, id NotebookID, path string) error {
	return j.do(ctx, &op{run: func(conn *sqlite.Conn) error {
		if err := sqlitex.Execute(conn, "DELETE FROM notebooks WHERE path = ? AND id <> ?", &sqlitex.ExecOptions{Args: []any{path, int64(id)}}); err != nil {
			return err
		}
		return sqlitex.Execute(conn, "UPDATE notebooks SET path = ? WHERE id = ?", &sqlitex.ExecOptions{Args: []any{path, int64(id)}})
	}})
}

// SetLive says whether something may be going on in a notebook, so that the next server has to open it.
func (j *Journal) SetLive(ctx context.Context, id NotebookID, live bool) error {
	return j.do(ctx, &op{run: func(conn *sqlite.Conn) error {
		return sqlitex.Execute(conn, "UPDATE notebooks SET live = ? WHERE id = ? AND live <> ?", &sqlitex.ExecOptions{Args: []any{live, int64(id), live}})
	}})
}

// Live lists the paths of the notebooks that are live.
func (j *Journal) Live(ctx context.Context) ([]string, error) {
	var paths []string
	err := j.do(ctx, &op{read: true, run: func(conn *sqlite.Conn) error {
		return sqlitex.Execute(conn, "SELECT path FROM notebooks WHERE live ORDER BY path", &sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error {
			paths = append(paths, s.ColumnText(0))
			return nil
		}})
	}})
	if err != nil {
		return nil, fmt.Errorf("list live notebooks in journal: %w", err)
	}
	return paths, nil
}
