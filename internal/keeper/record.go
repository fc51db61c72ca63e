package keeper

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
)

// Kind says what a record holds. The numbers are on disk (docs/spool.md S5).
type Kind byte

// The kinds of records.
const (
	KindStarted      Kind = 1 // the kernel's process runs
	KindMessage      Kind = 2 // a ZeroMQ message from the kernel
	KindStdio        Kind = 3 // bytes from the kernel's stdout or stderr
	KindSent         Kind = 4 // a command is about to be passed to the kernel
	KindUnresponsive Kind = 5 // no heartbeat for a while
	KindResponsive   Kind = 6 // heartbeats again
	KindLost         Kind = 7 // something could not be kept
	KindExited       Kind = 8 // the kernel's process is gone; always the last
)

// String names the kind for logs.
func (k Kind) String() string {
	names := [...]string{"", "started", "message", "stdio", "sent", "unresponsive", "responsive", "lost", "exited"}
	if int(k) < len(names) && k > 0 {
		return names[k]
	}
	return fmt.Sprintf("kind %d", byte(k))
}

// Channel numbers a kernel's sockets in records and commands.
type Channel byte

// The channels that carry messages.
const (
	Shell   Channel = 1
	Control Channel = 2
	Stdin   Channel = 3
	IOPub   Channel = 4
)

// Record is one numbered thing that happened to the kernel.
type Record struct {
	N       uint64 // contiguous, from 1
	Time    int64  // Unix nanoseconds, of the keeper's clock
	Kind    Kind
	Payload []byte
}

const (
	recordHeader = 8       // length and checksum
	bodyHeader   = 8 + 9   // number, time, kind
	maxBody      = 1 << 30 // above zmtp's largest frame that we accept
)

// ErrDamaged: bytes that are not a record in its place.
var ErrDamaged = errors.New("spool: damaged")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// payload is a record's content before it is written: a small head and parts
// that are not copied when they are large.
type payload struct {
	head  []byte
	parts [][]byte
}

func (p payload) size() int {
	n := len(p.head)
	for _, b := range p.parts {
		n += len(b)
	}
	return n
}

// appendHeader writes the record's first bytes, with its chained checksum, and
// returns the new chain value.
func appendHeader(b []byte, chain uint32, r Record, p payload) ([]byte, uint32) {
	var h [recordHeader + bodyHeader]byte
	binary.LittleEndian.PutUint32(h[0:], uint32(bodyHeader+p.size()))
	binary.LittleEndian.PutUint64(h[8:], r.N)
	binary.LittleEndian.PutUint64(h[16:], uint64(r.Time))
	h[24] = byte(r.Kind)
	chain = crc32.Update(chain, castagnoli, h[0:4])
	chain = crc32.Update(chain, castagnoli, h[8:])
	chain = crc32.Update(chain, castagnoli, p.head)
	for _, part := range p.parts {
		chain = crc32.Update(chain, castagnoli, part)
	}
	binary.LittleEndian.PutUint32(h[4:], chain)
	return append(append(b, h[:]...), p.head...), chain
}

// recordSize returns the whole length of the record that starts b, or 0 when b
// is too short to tell.
func recordSize(b []byte) (int, error) {
	if len(b) < 4 {
		return 0, nil
	}
	n := binary.LittleEndian.Uint32(b)
	if n < bodyHeader || n > maxBody {
		return 0, fmt.Errorf("%w: a record of %d bytes", ErrDamaged, n)
	}
	return recordHeader + int(n), nil
}

// parseRecord takes a whole record apart and checks it against the chain. The
// payload is a slice of b.
func parseRecord(b []byte, chain uint32) (Record, uint32, error) {
	if len(b) < recordHeader+bodyHeader {
		return Record{}, chain, fmt.Errorf("%w: short record", ErrDamaged)
	}
	sum := crc32.Update(chain, castagnoli, b[0:4])
	sum = crc32.Update(sum, castagnoli, b[8:])
	if sum != binary.LittleEndian.Uint32(b[4:]) {
		return Record{}, chain, fmt.Errorf("%w: checksum", ErrDamaged)
	}
	return Record{
		N:       binary.LittleEndian.Uint64(b[8:]),
		Time:    int64(binary.LittleEndian.Uint64(b[16:])),
		Kind:    Kind(b[24]),
		Payload: b[25:],
	}, sum, nil
}

func messagePayload(ch Channel, frames [][]byte) payload {
	head := make([]byte, 0, 2+5*len(frames))
	head = append(head, byte(ch))
	head = binary.AppendUvarint(head, uint64(len(frames)))
	for _, f := range frames {
		head = binary.AppendUvarint(head, uint64(len(f)))
	}
	return payload{head: head, parts: frames}
}

// Message takes apart a KindMessage record. The frames are slices of the payload.
func (r Record) Message() (Channel, [][]byte, error) {
	if r.Kind != KindMessage || len(r.Payload) < 2 {
		return 0, nil, fmt.Errorf("%w: record %d is no message", ErrDamaged, r.N)
	}
	frames, err := parseFrames(r.Payload[1:])
	if err != nil {
		return 0, nil, fmt.Errorf("record %d: %w", r.N, err)
	}
	return Channel(r.Payload[0]), frames, nil
}

// parseFrames reads a count, that many lengths, and the frames' bytes.
func parseFrames(b []byte) ([][]byte, error) {
	count, n := binary.Uvarint(b)
	if n <= 0 || count > uint64(len(b)) {
		return nil, fmt.Errorf("%w: frame count", ErrDamaged)
	}
	b = b[n:]
	sizes := make([]int, count)
	for i := range sizes {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > math.MaxInt32 {
			return nil, fmt.Errorf("%w: frame length", ErrDamaged)
		}
		sizes[i], b = int(size), b[n:]
	}
	frames := make([][]byte, count)
	for i, size := range sizes {
		if size > len(b) {
			return nil, fmt.Errorf("%w: frame %d is cut", ErrDamaged, i)
		}
		frames[i], b = b[:size:size], b[size:]
	}
	if len(b) != 0 {
		return nil, fmt.Errorf("%w: %d bytes after the last frame", ErrDamaged, len(b))
	}
	return frames, nil
}

// Stdio takes apart a KindStdio record.
func (r Record) Stdio() (fd int, data []byte) {
	if len(r.Payload) == 0 {
		return 0, nil
	}
	return int(r.Payload[0]), r.Payload[1:]
}

// Sent takes apart a KindSent record: the server's own id, and the type.
func (r Record) Sent() (id, msgType string) {
	f := fields{b: r.Payload}
	return f.text(), f.text()
}

// Started returns the kernel's process id.
func (r Record) Started() int {
	f := fields{b: r.Payload}
	return int(f.number())
}

// Lost returns how much is missing, as far as known, and why.
func (r Record) Lost() (records, bytes uint64, why string) {
	f := fields{b: r.Payload}
	return f.number(), f.number(), f.text()
}

// LostRecord builds the mark for records a server asked for and cannot get.
func LostRecord(n uint64, t int64, records uint64, why string) Record {
	return Record{N: n, Time: t, Kind: KindLost, Payload: lostPayload(records, 0, why)}
}

func lostPayload(records, bytes uint64, why string) []byte {
	b := binary.AppendUvarint(nil, records)
	b = binary.AppendUvarint(b, bytes)
	return appendText(b, why)
}

// Exit is how a kernel's process ended.
type Exit struct {
	Code       int    `json:"code"`             // exit code, -1 when a signal ended it
	Signal     string `json:"signal,omitempty"` // its name, as SIGKILL
	OOM        bool   `json:"oom,omitempty"`    // killed because memory ran out
	Requested  bool   `json:"requested,omitempty"`
	KeeperLost bool   `json:"keeper_lost,omitempty"` // not known how: the keeper itself died
	NotStarted bool   `json:"not_started,omitempty"` // the program could not be started at all
	PeakRSS    int64  `json:"peak_rss,omitempty"`    // bytes
	Stderr     string `json:"stderr,omitempty"`      // the tail of what it wrote there
	Text       string `json:"text"`                  // the cause in one sentence
}

// Exit takes apart a KindExited record.
func (r Record) Exit() (Exit, error) {
	var e Exit
	if err := json.Unmarshal(r.Payload, &e); err != nil {
		return e, fmt.Errorf("record %d: %w", r.N, err)
	}
	return e, nil
}

// ExitRecord builds the record of an end that no keeper lived to write.
func ExitRecord(n uint64, t int64, e Exit) Record {
	b, err := json.Marshal(e)
	if err != nil {
		panic(err) // plain fields only
	}
	return Record{N: n, Time: t, Kind: KindExited, Payload: b}
}

// fields reads varints and texts one after the other; bad is sticky.
type fields struct {
	b   []byte
	bad bool
}

func (f *fields) number() uint64 {
	v, n := binary.Uvarint(f.b)
	if n <= 0 {
		f.bad, f.b = true, nil
		return 0
	}
	f.b = f.b[n:]
	return v
}

func (f *fields) text() string {
	n := f.number()
	if n > uint64(len(f.b)) {
		f.bad, f.b = true, nil
		return ""
	}
	s := string(f.b[:n])
	f.b = f.b[n:]
	return s
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}
