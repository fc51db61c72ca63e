package gateway

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/runnel-dev/runnel/internal/protocol"
	"github.com/runnel-dev/runnel/internal/steady"
)

// WebSocket is a Transport over one WebSocket. It ends by Close, not by contexts: a context that ends in the middle of a
// frame would leave the peer with half of one anyway.
type WebSocket struct {
	conn  *websocket.Conn
	raw   net.Conn // for SetPatience; may be nil
	heard steady.Moment
	buf   []byte
	once  sync.Once
}

var _ Transport = (*WebSocket)(nil)

// NewWebSocket takes over an accepted connection. raw is what lies below, nil when unknown.
func NewWebSocket(conn *websocket.Conn, raw net.Conn) *WebSocket {
	conn.SetReadLimit(-1) // Read has its own, which keeps the connection
	w := &WebSocket{conn: conn, raw: raw}
	w.heard.Set()
	return w
}

const (
	drainMax    = 1 << 30  // a message over this ends the connection
	keptBuffer  = 64 << 10 // a read buffer over this is not kept
	goodbyeTime = time.Second
)

// Read implements Transport. A message that is too large is read to its end, without keeping it.
func (w *WebSocket) Read(context.Context) ([]byte, error) {
	kind, r, err := w.conn.Reader(context.Background())
	if err != nil {
		return nil, err
	}
	w.touch()
	if cap(w.buf) > keptBuffer || w.buf == nil {
		w.buf = make([]byte, 0, 4<<10)
	}
	w.buf = w.buf[:0]
	for {
		if len(w.buf) == cap(w.buf) {
			w.buf = append(w.buf, 0)[:len(w.buf)]
		}
		n, err := r.Read(w.buf[len(w.buf):cap(w.buf)])
		w.buf = w.buf[:len(w.buf)+n]
		switch {
		case errors.Is(err, io.EOF):
			if kind != websocket.MessageText {
				return nil, ErrBinary
			}
			return w.buf, nil
		case err != nil:
			return nil, err
		case len(w.buf) > protocol.MaxClientMessage:
			return nil, w.drain(r)
		}
		w.touch()
	}
}

func (w *WebSocket) drain(r io.Reader) error {
	total := len(w.buf)
	w.buf = make([]byte, keptBuffer)
	for total <= drainMax {
		n, err := r.Read(w.buf)
		total += n
		if errors.Is(err, io.EOF) {
			return ErrTooLarge
		}
		if err != nil {
			return err
		}
		w.touch()
	}
	w.Close(int(websocket.StatusMessageTooBig), "the message is over 1 GiB")
	return errLeft
}

func (w *WebSocket) touch() { w.heard.Set() }

// Heard implements Transport.
func (w *WebSocket) Heard() time.Time { return w.heard.Time() }

// Write implements Transport.
func (w *WebSocket) Write(_ context.Context, data []byte) error {
	return w.conn.Write(context.Background(), websocket.MessageText, data)
}

// Probe implements Transport.
func (w *WebSocket) Probe(ctx context.Context) error { return w.conn.Ping(ctx) }

// SetPatience says how long a write may make no progress before the connection ends.
func (w *WebSocket) SetPatience(d time.Duration) {
	if p, ok := w.raw.(patient); ok {
		p.SetPatience(d)
	}
}

// Close implements Transport. The peer gets a second to say goodbye too.
func (w *WebSocket) Close(code int, reason string) {
	w.once.Do(func() {
		if w.raw != nil { // the library would wait longer, and cannot be told
			now := time.AfterFunc(goodbyeTime, func() { _ = w.raw.Close() })
			defer now.Stop()
		}
		_ = w.conn.Close(websocket.StatusCode(code), reason[:cutText(reason, 120)])
	})
}
