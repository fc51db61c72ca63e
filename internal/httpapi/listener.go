package httpapi

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Listener makes connections that are patient with a slow reader but not with a stuck one: a write that makes no progress
// for a while ends the connection. It also keeps what is not yet sent in the program, where a client that is
// behind can be given the present state instead, and out of the system's buffers.
func Listener(l net.Listener) net.Listener { return listener{l} }

type listener struct{ net.Listener }

func (l listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		keepUnsentSmall(tcp)
	}
	c := &progress{Conn: conn}
	c.patience.Store(int64(defaultPatience))
	return c, nil
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
