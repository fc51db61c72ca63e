package keeper

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	segmentMagic  = "RUNNELS1"
	segmentHeader = 32
	segmentSize   = 4 << 20
	segmentSuffix = ".seg"
)

// header is the start of a segment file (docs/spool.md S2).
type header struct {
	first uint64 // number of its first record
	spool uint64 // the same random number in all segments of one spool
	chain uint32 // checksum of the record before the first
}

func (h header) bytes() []byte {
	b := make([]byte, 0, segmentHeader)
	b = append(b, segmentMagic...)
	b = binary.LittleEndian.AppendUint64(b, h.first)
	b = binary.LittleEndian.AppendUint64(b, h.spool)
	b = binary.LittleEndian.AppendUint32(b, h.chain)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func parseHeader(b []byte) (header, error) {
	if len(b) < segmentHeader || string(b[:8]) != segmentMagic {
		return header{}, fmt.Errorf("%w: not a segment", ErrDamaged)
	}
	if crc32.Checksum(b[:28], castagnoli) != binary.LittleEndian.Uint32(b[28:]) {
		return header{}, fmt.Errorf("%w: segment header", ErrDamaged)
	}
	return header{
		first: binary.LittleEndian.Uint64(b[8:]),
		spool: binary.LittleEndian.Uint64(b[16:]),
		chain: binary.LittleEndian.Uint32(b[24:]),
	}, nil
}

func segmentName(first uint64) string { return fmt.Sprintf("%016x%s", first, segmentSuffix) }

// Reader reads a spool that nobody writes any more: the longest valid prefix of
// its records. It reads one record at a time and stays at the end it reached.
type Reader struct {
	paths []string
	f     *os.File
	r     *bufio.Reader
	left  int64 // bytes of the current segment not yet read
	head  header
	begun bool
	next  uint64
	chain uint32
	err   error // io.EOF, or why the rest is not usable
}

// OpenReader opens the spool in dir. A folder without segments is an empty spool.
func OpenReader(dir string) (*Reader, error) {
	paths, err := segmentPaths(dir)
	if err != nil {
		return nil, err
	}
	return &Reader{paths: paths}, nil
}

func segmentPaths(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read spool: %w", err)
	}
	var paths []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), segmentSuffix) {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	slices.Sort(paths)
	return paths, nil
}

// Next returns the next record, io.EOF after the last, or an error that is
// ErrDamaged where the valid prefix ends before the files do.
func (r *Reader) Next() (Record, error) {
	for r.err == nil {
		if r.f == nil {
			r.err = r.open()
			continue
		}
		if r.left == 0 {
			r.f.Close()
			r.f = nil
			continue
		}
		rec, err := r.record()
		if err == nil {
			return rec, nil
		}
		r.err = err
	}
	return Record{}, r.err
}

// open goes to the next segment and checks that it continues the one before.
func (r *Reader) open() error {
	if len(r.paths) == 0 {
		return io.EOF
	}
	f, err := os.Open(r.paths[0])
	if err != nil {
		return fmt.Errorf("read spool: %w", err)
	}
	r.f, r.paths = f, r.paths[1:]
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("read spool: %w", err)
	}
	r.left = info.Size()
	r.r = bufio.NewReaderSize(f, 64<<10)
	b := make([]byte, segmentHeader)
	if _, err := io.ReadFull(r.r, b); err != nil {
		return fmt.Errorf("%w: segment header: %w", ErrDamaged, err)
	}
	r.left -= segmentHeader
	h, err := parseHeader(b)
	if err != nil {
		return err
	}
	if r.begun && (h.first != r.next || h.spool != r.head.spool || h.chain != r.chain) {
		return fmt.Errorf("%w: segment %d does not continue record %d", ErrDamaged, h.first, r.next-1)
	}
	r.begun, r.head, r.next, r.chain = true, h, h.first, h.chain
	return nil
}

func (r *Reader) record() (Record, error) {
	peek, err := r.r.Peek(4)
	if err != nil {
		return Record{}, fmt.Errorf("%w: cut after record %d", ErrDamaged, r.next-1)
	}
	size, err := recordSize(peek)
	if err != nil {
		return Record{}, err
	}
	if int64(size) > r.left {
		return Record{}, fmt.Errorf("%w: record %d is cut", ErrDamaged, r.next)
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(r.r, b); err != nil {
		return Record{}, fmt.Errorf("%w: record %d: %w", ErrDamaged, r.next, err)
	}
	r.left -= int64(size)
	rec, chain, err := parseRecord(b, r.chain)
	if err != nil {
		return Record{}, err
	}
	if rec.N != r.next {
		return Record{}, fmt.Errorf("%w: record %d in the place of %d", ErrDamaged, rec.N, r.next)
	}
	r.next, r.chain = rec.N+1, chain
	return rec, nil
}

// Close releases the file that is open.
func (r *Reader) Close() {
	if r.f != nil {
		r.f.Close()
		r.f = nil
	}
	if r.err == nil {
		r.err = errors.New("spool: reader is closed")
	}
}
