package zmtp

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Kind is the pattern a connection follows.
type Kind int

// The three client sides that a kernel's sockets need.
const (
	Dealer Kind = iota + 1
	Sub
	Req
)

// String gives the name ZMTP uses for the kind.
func (k Kind) String() string {
	switch k {
	case Dealer:
		return "DEALER"
	case Sub:
		return "SUB"
	case Req:
		return "REQ"
	}
	return fmt.Sprintf("Kind(%d)", int(k))
}

// accepts says whether a peer that calls itself socketType can answer this kind.
func (k Kind) accepts(socketType string) bool {
	switch k {
	case Dealer:
		return socketType == "ROUTER" || socketType == "DEALER" || socketType == "REP"
	case Sub:
		return socketType == "PUB" || socketType == "XPUB"
	case Req:
		return socketType == "REP" || socketType == "ROUTER"
	}
	return false
}

// Options are the limits and the introduction of one connection.
type Options struct {
	// Identity is announced to the peer; a ROUTER routes by it. At most 255 bytes.
	Identity []byte
	// MaxFrame is the largest frame accepted, 0 for 1 GiB.
	MaxFrame int64
	// MaxMessage bounds the sum of a message's frames, 0 for MaxFrame.
	MaxMessage int64
	// HandshakeTimeout bounds greeting and introduction, 0 for 5 s.
	HandshakeTimeout time.Duration
	// Subscribe lists the topics of a Sub; nil means everything, empty nothing.
	Subscribe [][]byte
}

const (
	defaultMaxFrame  = 1 << 30
	defaultHandshake = 5 * time.Second
	readBuffer       = 64 << 10
	maxFrames        = 1 << 16
)

func (o Options) withDefaults() Options {
	if o.MaxFrame <= 0 {
		o.MaxFrame = defaultMaxFrame
	}
	if o.MaxMessage <= 0 {
		o.MaxMessage = o.MaxFrame
	}
	if o.HandshakeTimeout <= 0 {
		o.HandshakeTimeout = defaultHandshake
	}
	if o.Subscribe == nil {
		o.Subscribe = [][]byte{{}}
	}
	return o
}

// Conn is one established connection. Send is safe for concurrent use, Recv
// for one reader at a time beside it. The first error of Recv is final; an
// error of Send closes the connection, since half a message may be out.
type Conn struct {
	kind   Kind
	opt    Options
	nc     net.Conn
	r      *bufio.Reader
	closed atomic.Bool

	recvErr error // owned by the one reader

	wmu  sync.Mutex // guards writes to nc, and wbuf
	wbuf []byte

	pmu  sync.Mutex // guards pong
	pong []byte     // an answer that waits for the writer
}

// Dial connects and introduces itself. It returns when the peer has introduced
// itself too, ctx ends, or HandshakeTimeout has passed; it does not retry: a
// peer that does not listen yet is an error at once.
func Dial(ctx context.Context, kind Kind, endpoint string, o Options) (*Conn, error) {
	if kind < Dealer || kind > Req {
		return nil, fmt.Errorf("zmtp: dial %s: unknown kind %d", endpoint, int(kind))
	}
	network, address, err := splitEndpoint(endpoint)
	if err != nil {
		return nil, err
	}
	o = o.withDefaults()
	ctx, cancel := context.WithTimeout(ctx, o.HandshakeTimeout)
	defer cancel()
	var d net.Dialer
	nc, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("zmtp: dial %s: %w", endpoint, err)
	}
	if network == "tcp" && nc.LocalAddr().String() == nc.RemoteAddr().String() {
		// TCP lets a dial to a free local port meet itself.
		_ = nc.Close()
		return nil, fmt.Errorf("zmtp: dial %s: %w", endpoint, syscall.ECONNREFUSED)
	}
	c := newConn(kind, nc, o)
	if err := c.open(ctx); err != nil {
		_ = nc.Close()
		return nil, fmt.Errorf("zmtp: dial %s: %w", endpoint, err)
	}
	return c, nil
}

func newConn(kind Kind, nc net.Conn, o Options) *Conn {
	return &Conn{kind: kind, opt: o, nc: nc, r: bufio.NewReaderSize(nc, readBuffer)}
}

// open runs the handshake under ctx's deadline and cancellation.
func (c *Conn) open(ctx context.Context) error {
	deadline, _ := ctx.Deadline()
	if err := c.nc.SetDeadline(deadline); err != nil {
		return fmt.Errorf("set handshake deadline: %w", err)
	}
	past := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(past)
		_ = c.nc.SetDeadline(time.Unix(1, 0))
	})
	err := c.handshake()
	if !stop() {
		<-past
		if err == nil {
			err = context.Cause(ctx)
		}
	}
	if err != nil {
		if cause := ctx.Err(); cause != nil {
			return fmt.Errorf("%w: %w (%w)", ErrHandshake, err, cause)
		}
		return fmt.Errorf("%w: %w", ErrHandshake, err)
	}
	return c.nc.SetDeadline(time.Time{})
}

// splitEndpoint turns ZeroMQ's address into Go's.
func splitEndpoint(endpoint string) (network, address string, err error) {
	if rest, ok := strings.CutPrefix(endpoint, "tcp://"); ok {
		if _, _, err := net.SplitHostPort(rest); err != nil {
			return "", "", fmt.Errorf("%w: %q: %w", ErrEndpoint, endpoint, err)
		}
		return "tcp", rest, nil
	}
	if rest, ok := strings.CutPrefix(endpoint, "ipc://"); ok && rest != "" {
		return "unix", rest, nil
	}
	return "", "", fmt.Errorf("%w: %q", ErrEndpoint, endpoint)
}

// Close ends the connection and unblocks Recv and Send. It may be called any
// number of times, from anywhere.
func (c *Conn) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	return c.nc.Close()
}

// failure words an error of the network for the caller.
func (c *Conn) failure(doing string, err error) error {
	if c.closed.Load() && errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("zmtp: %s: %w", doing, ErrClosed)
	}
	return fmt.Errorf("zmtp: %s: %w", doing, err)
}

// LocalAddr is this side's address, for logs.
func (c *Conn) LocalAddr() net.Addr { return c.nc.LocalAddr() }

// unexpected turns an end of stream in the middle of something into what it is.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// appendFrameHeader writes flags and length, as short as the length allows.
func appendFrameHeader(b []byte, flags byte, n int) []byte {
	if n <= 255 {
		return append(b, flags, byte(n))
	}
	b = append(b, flags|flagLong)
	return binary.BigEndian.AppendUint64(b, uint64(n))
}
