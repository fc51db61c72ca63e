package keeper

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/runnel-dev/runnel/internal/steady"
)

const (
	memoryCap  = 64 << 20 // bytes that wait in memory for the disk
	blockSize  = 64 << 10 // small records are gathered into blocks of about this size
	batchSize  = 1 << 20  // most that one write takes, unless one record is larger
	copyLimit  = 16 << 10 // larger parts are written from where they are
	rollSize   = 1 << 20  // a segment of which all is acknowledged ends here already
	diskRetry  = 500 * time.Millisecond
	defaultMax = 8 << 30
)

// spool is the log being written. Appenders put records into memory blocks; one
// goroutine, run, writes them to segments. Positions count record bytes from the
// beginning of time, so that a reader's cursor is one number, wherever the bytes
// are. Records become visible to the reader when they are written; while the disk
// fails, when they are appended.
//
// mu guards everything below it. run alone touches the file being written.
type spool struct {
	dir   string
	id    uint64
	quota int64
	file  spoolFile // the last segment; run's
	torn  bool      // file may hold half a batch at its end; run's

	wake chan struct{} // to run: there are blocks, or it is time to end

	mu      sync.Mutex
	room    *sync.Cond // blocks were written, or an ack freed disk
	next    uint64     // number of the next record
	chain   uint32
	end     int64 // position after the last appended record
	written int64 // position after the last written record
	blocks  []*block
	segs    []segment
	disk    int64 // bytes of all segments
	acked   uint64
	failing error // the disk's, nil when it works
	closing bool
	noWait  bool   // appenders are let in though it is full
	watch   func() // told when more became visible or the state changed
	open    func(string) (spoolFile, error)
}

// spoolFile is what the writer needs of a file; tests make it fail.
type spoolFile interface {
	Writev(parts [][]byte) (int, error)
	Truncate(size int64) error
	Close() error
}

// block is a run of whole records on their way to the disk.
type block struct {
	first uint64
	chain uint32 // before its first record
	parts [][]byte
	size  int
	taken bool // run writes it: nothing may be added
}

// segment is one file on disk. at is the position of its first record.
type segment struct {
	path  string
	first uint64
	chain uint32 // before its first record
	at    int64
	size  int64 // record bytes, without the header
}

func newSpool(dir string, id uint64, quota int64) *spool {
	if quota <= 0 {
		quota = defaultMax
	}
	s := &spool{dir: dir, id: id, quota: quota, next: 1, wake: make(chan struct{}, 1), open: createFile, watch: func() {}}
	s.room = sync.NewCond(&s.mu)
	return s
}

// append adds a record and returns its number. With wait it blocks while memory
// or the quota is full, which is how the kernel is held back; without, it always
// takes the record. The payload's parts must not be changed afterwards.
func (s *spool) append(kind Kind, p payload, wait bool) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	for wait && !s.closing && !s.noWait && s.fullLocked() {
		s.room.Wait()
	}
	size := recordHeader + bodyHeader + p.size()
	b := s.blockLocked(size)
	rec := Record{N: s.next, Time: steady.Now().UnixNano(), Kind: kind}
	tail := &b.parts[len(b.parts)-1]
	*tail, s.chain = appendHeader(*tail, s.chain, rec, p)
	for _, part := range p.parts {
		if len(part) <= copyLimit {
			tail := &b.parts[len(b.parts)-1]
			*tail = append(*tail, part...)
			continue
		}
		b.parts = append(b.parts, part, nil)
	}
	b.size += size
	s.end += int64(size)
	s.next++
	if s.failing != nil {
		s.watch()
	}
	poke(s.wake)
	return rec.N
}

// fullLocked: when all is acknowledged a record is let in, however large.
func (s *spool) fullLocked() bool {
	waiting := s.end - s.written
	return s.acked+1 < s.next && (waiting > memoryCap || s.disk+waiting > s.quota)
}

func (s *spool) blockLocked(size int) *block {
	if n := len(s.blocks); n > 0 {
		b := s.blocks[n-1]
		if !b.taken && b.size+size <= blockSize {
			return b
		}
	}
	b := &block{first: s.next, chain: s.chain, parts: [][]byte{make([]byte, 0, min(max(size, 512), blockSize))}}
	s.blocks = append(s.blocks, b)
	return b
}

// flush returns when all that was appended before it is written, or the disk fails.
func (s *spool) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for end := s.end; s.written < end && s.failing == nil && !s.closing; {
		s.room.Wait()
	}
}

// run writes until close, then once more what is left. It is the only writer.
func (s *spool) run() {
	for {
		<-s.wake
		for s.writeSome() {
		}
		s.mu.Lock()
		closing, failing := s.closing, s.failing
		s.mu.Unlock()
		if closing {
			if s.file != nil {
				s.file.Close()
			}
			return
		}
		if failing != nil {
			time.Sleep(diskRetry)
			poke(s.wake)
		}
	}
}

// writeSome writes one batch and says whether to go on at once.
func (s *spool) writeSome() bool {
	s.mu.Lock()
	batch, parts, size := s.takeLocked()
	s.mu.Unlock()
	if len(batch) == 0 {
		return false
	}
	err := s.write(batch[0], parts)
	s.mu.Lock()
	defer s.mu.Unlock()
	changed := (s.failing == nil) != (err == nil)
	s.failing = err
	if err == nil {
		clear(s.blocks[:len(batch)])
		s.blocks = s.blocks[len(batch):]
		if len(s.blocks) == 0 {
			s.blocks = nil
		}
		s.written += int64(size)
		s.disk += int64(size)
		s.segs[len(s.segs)-1].size += int64(size)
	}
	if err == nil || changed {
		s.room.Broadcast()
		s.watch()
	}
	return err == nil
}

func (s *spool) takeLocked() (batch []*block, parts [][]byte, size int) {
	for _, b := range s.blocks {
		if size > 0 && size+b.size > batchSize {
			break
		}
		b.taken = true
		batch = append(batch, b)
		size += b.size
		for _, p := range b.parts {
			if len(p) > 0 {
				parts = append(parts, p)
			}
		}
	}
	return batch, parts, size
}

// write puts a batch at the end of the current segment, or of a new one when
// that is full. After an error the segment is as it was before.
func (s *spool) write(first *block, parts [][]byte) error {
	s.mu.Lock()
	var last segment
	if len(s.segs) > 0 {
		last = s.segs[len(s.segs)-1]
	}
	allAcked := s.acked+1 == first.first
	s.mu.Unlock()
	if err := s.mend(last); err != nil {
		return err
	}
	if s.file == nil || last.size >= segmentSize || allAcked && last.size >= rollSize {
		if err := s.nextSegment(first); err != nil {
			return err
		}
		last = segment{}
	}
	if _, err := s.file.Writev(parts); err != nil {
		s.torn = true
		return errors.Join(err, s.mend(last))
	}
	return nil
}

// mend takes half a batch off the end of the last segment, so that nothing is
// ever written after bytes that are no record.
func (s *spool) mend(last segment) error {
	if !s.torn {
		return nil
	}
	if err := s.file.Truncate(last.size + segmentHeader); err != nil {
		return err
	}
	s.torn = false
	return nil
}

func (s *spool) nextSegment(first *block) error {
	path := filepath.Join(s.dir, segmentName(first.first))
	f, err := s.open(path)
	if err != nil {
		return err
	}
	h := header{first: first.first, spool: s.id, chain: first.chain}
	if _, err := f.Writev([][]byte{h.bytes()}); err != nil {
		f.Close()
		os.Remove(path)
		return err
	}
	if s.file != nil {
		s.file.Close()
	}
	s.file = f
	s.mu.Lock()
	s.segs = append(s.segs, segment{path: path, first: first.first, chain: first.chain, at: s.written})
	s.disk += segmentHeader
	s.trimLocked()
	s.mu.Unlock()
	return nil
}

// ack deletes the segments whose records are all at or below n.
func (s *spool) ack(n uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n >= s.next {
		n = s.next - 1
	}
	s.acked = max(s.acked, n)
	s.trimLocked()
	s.room.Broadcast()
}

// trimLocked deletes what was acknowledged, but never the last segment: it is
// being written, and carries the numbering on.
func (s *spool) trimLocked() {
	for len(s.segs) > 1 && s.segs[1].first <= s.acked+1 {
		if err := os.Remove(s.segs[0].path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return
		}
		s.disk -= s.segs[0].size + segmentHeader
		s.segs = s.segs[1:]
	}
}

// letIn ends the waiting of appenders for good.
func (s *spool) letIn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noWait = true
	s.room.Broadcast()
}

// close lets run write what is there and end.
func (s *spool) close() {
	s.mu.Lock()
	s.closing = true
	s.room.Broadcast()
	s.mu.Unlock()
	poke(s.wake)
}

// held says whether an appender would have to wait, and why.
func (s *spool) held() (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fullLocked(), s.failing
}

// bounds returns the first record that can be read, the last appended one, and
// the last one acknowledged.
func (s *spool) bounds() (first, last, acked uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.firstLocked(), s.next - 1, s.acked
}

func (s *spool) firstLocked() uint64 {
	switch {
	case len(s.segs) > 0:
		return s.segs[0].first
	case len(s.blocks) > 0:
		return s.blocks[0].first
	}
	return s.next
}

func (s *spool) setWatch(f func()) {
	s.mu.Lock()
	s.watch = f
	s.mu.Unlock()
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// diskFile writes with as few calls as the parts allow.
type diskFile struct{ f *os.File }

func createFile(path string) (spoolFile, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	return diskFile{f}, nil
}

func (d diskFile) Writev(parts [][]byte) (int, error) {
	total := 0
	for len(parts) > 0 {
		some := parts[:min(len(parts), 512)]
		n, err := unix.Writev(int(d.f.Fd()), some)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return total, fmt.Errorf("write %s: %w", d.f.Name(), err)
		}
		if n == 0 {
			return total, fmt.Errorf("write %s: %w", d.f.Name(), io.ErrShortWrite)
		}
		total += n
		parts = advance(parts, n)
	}
	return total, nil
}

// advance takes n written bytes off the front, without changing the parts.
func advance(parts [][]byte, n int) [][]byte {
	for len(parts) > 0 && n >= len(parts[0]) {
		n -= len(parts[0])
		parts = parts[1:]
	}
	if n > 0 {
		rest := append([][]byte{parts[0][n:]}, parts[1:]...)
		return rest
	}
	return parts
}

func (d diskFile) Truncate(size int64) error { return d.f.Truncate(size) }
func (d diskFile) Close() error              { return d.f.Close() }
