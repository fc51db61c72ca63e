package httpapi

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Listener makes connections that are patient with a slow reader but not with a stuck one: a write that makes no progress
// for a while ends the connection. It also keeps what is not yet sent in the program, where a client that is
// behind can be given the present state instead, and out of the system's buffers. Connections over what the process may have
// open are closed at once: journal, files and kernels need descriptors too.
func Listener(l net.Listener) net.Listener {
	return &listener{Listener: l, most: mostConnections()}
}

type listener struct {
	net.Listener
	most int64
	open atomic.Int64
}

// reserved is how many descriptors connections leave to the rest of the server.
const reserved = 40

func mostConnections() int64 {
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r); err != nil || r.Cur > math.MaxInt32 {
		return math.MaxInt32
	}
	return max(int64(r.Cur-min(r.Cur, max(reserved, r.Cur/8))), 8)
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.open.Add(1) <= l.most {
			return l.accepted(conn), nil
		}
		l.open.Add(-1)
		_ = conn.Close()
	}
}

func (l *listener) accepted(conn net.Conn) net.Conn {
	if tcp, ok := conn.(*net.TCPConn); ok {
		keepUnsentSmall(tcp)
	}
	c := &progress{Conn: conn, closed: sync.OnceFunc(func() { l.open.Add(-1) })}
	c.patience.Store(int64(defaultPatience))
	return c
}

const (
	defaultPatience = 30 * time.Second
	writePiece      = 32 << 10
	unsentMax       = 32 << 10
)

// progress is a connection whose writes must get on.
type progress struct {
	net.Conn
	patience atomic.Int64
	closed   func()
}

func (c *progress) Close() error {
	defer c.closed()
	return c.Conn.Close()
}

// SetPatience says how long a write may make no progress.
func (c *progress) SetPatience(d time.Duration) { c.patience.Store(int64(d)) }

func (c *progress) Write(p []byte) (written int, err error) {
	for {
		piece := p[written:min(len(p), written+writePiece)]
		if err := c.SetWriteDeadline(time.Now().Add(time.Duration(c.patience.Load()))); err != nil {
			return written, err
		}
		n, err := c.Conn.Write(piece)
		written += n
		if n > 0 && errors.Is(err, os.ErrDeadlineExceeded) {
			err = nil // it got on
		}
		if err != nil || written == len(p) {
			return written, err
		}
	}
}

type netConnKey struct{}

// ConnContext is for http.Server: it lets a handler reach the connection below.
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, netConnKey{}, c)
}

func netConnOf(r *http.Request) net.Conn {
	c, _ := r.Context().Value(netConnKey{}).(net.Conn)
	return c
}

// Server is an http.Server with limits and time-outs for strangers (S25).
func Server(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ConnContext: ConnContext, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
	}
}

// copyTo is io.Copy with a small buffer and no short cut past the time-outs.
func copyTo(w http.ResponseWriter, r io.Reader) (int64, error) {
	return io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{r}, make([]byte, writePiece))
}
