package keeper

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// ProtocolVersion of the socket (docs/keeper.md). A keeper outlives upgrades of
// its server, so a server speaks this version and the one before.
const ProtocolVersion = 1

// Frame types of the socket. A frame is a big-endian uint32 length, a type and
// the rest.
const (
	frameAttach  = 'A' // version, epoch, from
	frameQuery   = 'Q' // a connection that does not attach
	frameAck     = 'K' // n
	frameCredit  = 'C' // bytes of record stream that may be sent on top
	frameSend    = 'S' // command
	frameInter   = 'I' // request id
	frameSignal  = 'G' // request id, signal
	frameStop    = 'X' // request id, grace in ms, force
	frameKeepFor = 'D' // ms
	frameForget  = 'F'

	frameHello  = 'H' // JSON Hello
	frameStream = 'P' // record number and chain value before the stream
	frameData   = 'R' // bytes of the record stream, cut anywhere
	frameResult = 'r' // request id, code, text
	frameState  = 'T' // JSON State
	frameFenced = 'Z' // the epoch that is attached
	frameNo     = 'N' // why not; the connection ends
)

const (
	// MaxCommand bounds a frame to the keeper, code and widget buffers included.
	MaxCommand = 256 << 20
	// maxEvent bounds a frame from the keeper.
	maxEvent  = 1 << 20
	dataChunk = 256 << 10
	// Window is how many bytes of record stream may be on their way unasked.
	Window = 4 << 20
)

// Codes of a Result.
const (
	ResultOK        = 0 // done: for a send, recorded and written to the kernel's socket
	ResultDuplicate = 1 // this id was taken before
	ResultFailed    = 2
)

// Hello is what a keeper says first.
type Hello struct {
	Version     int    `json:"version"`
	KernelID    string `json:"kernel_id"`
	NotebookID  string `json:"notebook_id,omitempty"`
	Name        string `json:"name,omitempty"`
	Language    string `json:"language,omitempty"`
	KeeperPID   int    `json:"keeper_pid"`
	KernelPID   int    `json:"kernel_pid"`
	KernelStart string `json:"kernel_start,omitempty"` // tells a reused pid apart
	Started     int64  `json:"started"`                // Unix nanoseconds of the keeper's steady time, as those of records
	Now         int64  `json:"now,omitempty"`          // of the same; older keepers do not say
	First       uint64 `json:"first"`
	Last        uint64 `json:"last"`
	Acked       uint64 `json:"acked"`
	Epoch       uint64 `json:"epoch"`    // of the attached server, 0 for none ever
	Attached    bool   `json:"attached"` // a server is
	State       State  `json:"state"`
}

// State is how the keeper is doing; it is sent when it changes.
type State struct {
	Exited       bool   `json:"exited,omitempty"`
	Connected    bool   `json:"connected,omitempty"` // all the kernel's sockets
	Busy         int    `json:"busy,omitempty"`      // executes under way
	Unresponsive bool   `json:"unresponsive,omitempty"`
	Held         bool   `json:"held,omitempty"` // the kernel is held back: memory or quota full
	Disk         string `json:"disk,omitempty"` // why the spool cannot be written
}

// Result answers a request by its id.
type Result struct {
	ID   string
	Code int
	Text string
}

// Wire is one end of the socket. Write is not safe for concurrent use.
type Wire struct {
	nc  net.Conn
	r   *bufio.Reader
	max uint32
	buf []byte
}

func newWire(nc net.Conn, size int, limit uint32) *Wire {
	return &Wire{nc: nc, r: bufio.NewReaderSize(nc, size), max: limit}
}

// read returns the next frame. The payload is the caller's.
func (w *Wire) read() (byte, []byte, error) {
	var h [5]byte
	if _, err := io.ReadFull(w.r, h[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(h[:4])
	if n < 1 || n > w.max {
		return 0, nil, fmt.Errorf("frame of %d bytes, at most %d", n, w.max)
	}
	b, err := readGrowing(w.r, int(n-1))
	return h[4], b, err
}

// readGrowing allocates what was announced only as the bytes arrive.
func readGrowing(r io.Reader, n int) ([]byte, error) {
	b := make([]byte, min(n, 256<<10))
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	for len(b) < n {
		have := len(b)
		b = append(b, make([]byte, min(n-have, 3*have))...)
		if _, err := io.ReadFull(r, b[have:]); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// write sends one frame in one call when it is small.
func (w *Wire) write(kind byte, payload []byte) error {
	b := binary.BigEndian.AppendUint32(w.buf[:0], uint32(1+len(payload)))
	b = append(b, kind)
	if len(payload) > copyLimit {
		vec := net.Buffers{b, payload}
		w.buf = b
		_, err := vec.WriteTo(w.nc)
		return err
	}
	b = append(b, payload...)
	w.buf = b
	_, err := w.nc.Write(b)
	return err
}

func (w *Wire) writeJSON(kind byte, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return w.write(kind, b)
}

// command is a message for the kernel.
type command struct {
	id      string
	channel Channel
	msgType string
	msgID   string
	frames  [][]byte
}

func (c command) bytes() []byte {
	size := 64 + len(c.id) + len(c.msgType) + len(c.msgID)
	for _, f := range c.frames {
		size += 5 + len(f)
	}
	b := make([]byte, 0, size)
	b = appendText(b, c.id)
	b = append(b, byte(c.channel))
	b = appendText(b, c.msgType)
	b = appendText(b, c.msgID)
	b = binary.AppendUvarint(b, uint64(len(c.frames)))
	for _, f := range c.frames {
		b = binary.AppendUvarint(b, uint64(len(f)))
	}
	for _, f := range c.frames {
		b = append(b, f...)
	}
	return b
}

func parseCommand(b []byte) (command, error) {
	f := fields{b: b}
	c := command{id: f.text()}
	if len(f.b) == 0 {
		return command{}, errors.New("send: cut")
	}
	c.channel, f.b = Channel(f.b[0]), f.b[1:]
	c.msgType, c.msgID = f.text(), f.text()
	if f.bad || c.id == "" || len(c.id) > 256 || len(c.msgType) > 256 {
		return command{}, errors.New("send: malformed")
	}
	if c.channel != Shell && c.channel != Control && c.channel != Stdin {
		return command{}, fmt.Errorf("send: nothing can be sent on channel %d", c.channel)
	}
	frames, err := parseFrames(f.b)
	if err != nil {
		return command{}, fmt.Errorf("send: %w", err)
	}
	c.frames = frames
	return c, nil
}

func resultBytes(r Result) []byte {
	b := appendText(nil, r.ID)
	b = append(b, byte(r.Code))
	return appendText(b, r.Text)
}

func parseResult(b []byte) (Result, error) {
	f := fields{b: b}
	r := Result{ID: f.text()}
	if len(f.b) == 0 {
		return r, errors.New("result: cut")
	}
	r.Code, f.b = int(f.b[0]), f.b[1:]
	r.Text = f.text()
	if f.bad {
		return r, errors.New("result: malformed")
	}
	return r, nil
}

func numbers(v ...uint64) []byte {
	var b []byte
	for _, n := range v {
		b = binary.AppendUvarint(b, n)
	}
	return b
}

// writeTimeout bounds a frame to a peer that is not there any more; a stopped
// server is another matter and is waited for.
const handshakeTimeout = 5 * time.Second
