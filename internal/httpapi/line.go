package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/runnel-dev/runnel/internal/auth"
	"github.com/runnel-dev/runnel/internal/fault"
	"github.com/runnel-dev/runnel/internal/gateway"
	"github.com/runnel-dev/runnel/internal/protocol"
	"github.com/runnel-dev/runnel/internal/steady"
)

// lines are the connections over plain HTTP (P34).
type lines struct {
	mu   sync.Mutex
	byID map[string]*line
}

const (
	maxLines   = 1000
	lineUnused = 30 * time.Second // a line that nobody listens to for so long after its opening is dropped
	inboxMax   = 64
)

// line is a gateway's transport made of requests: one stream of server-sent events down, a POST for each message up.
type line struct {
	id     string
	owner  caller
	inbox  chan []byte
	closed chan struct{}
	once   sync.Once
	heard  steady.Moment
	unused *time.Timer
	taken  atomic.Bool // a stream has begun

	mu  sync.Mutex // guards w; held while writing
	w   http.ResponseWriter
	out *http.ResponseController
	buf []byte
}

var _ gateway.Transport = (*line)(nil)

// openLine makes a line. A body is its first message.
func (a *API) openLine(w http.ResponseWriter, r *http.Request) {
	l := &line{id: auth.NewToken(), owner: callerOf(r), inbox: make(chan []byte, inboxMax), closed: make(chan struct{})}
	l.touch()
	message, err := readMessage(w, r)
	if err != nil {
		a.failBody(w, r, err)
		return
	}
	if len(message) > 0 {
		l.inbox <- message
	}
	a.lines.mu.Lock()
	if len(a.lines.byID) >= maxLines {
		a.lines.mu.Unlock()
		refuse(w, http.StatusServiceUnavailable, "unavailable", "Too many connections.")
		return
	}
	a.lines.byID[l.id] = l
	l.unused = time.AfterFunc(lineUnused, func() {
		if !l.taken.Load() {
			a.dropLine(l)
		}
	})
	a.lines.mu.Unlock()
	writeJSON(w, http.StatusOK, map[string]string{"id": l.id})
}

// readMessage reads a body that may be empty; one that is not must say that it is JSON.
func readMessage(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	data, err := io.ReadAll(body(w, r, protocol.MaxClientMessage))
	if err != nil || len(data) == 0 {
		return nil, err
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, errNotJSON
	}
	return data, nil
}

func (a *API) dropLine(l *line) {
	a.lines.mu.Lock()
	delete(a.lines.byID, l.id)
	a.lines.mu.Unlock()
	l.unused.Stop()
	l.finish()
}

// lineOf finds the line of a request; it belongs to who opened it.
func (a *API) lineOf(w http.ResponseWriter, r *http.Request) *line {
	a.lines.mu.Lock()
	l := a.lines.byID[r.PathValue("id")]
	a.lines.mu.Unlock()
	if l == nil || l.owner.cookie != callerOf(r).cookie {
		a.fail(w, r, fault.New(fault.NotFound, "That line is closed. Open another one."))
		return nil
	}
	return l
}

// lineDown is the stream of the server's messages; the line lives as long as it.
func (a *API) lineDown(w http.ResponseWriter, r *http.Request) {
	l := a.lineOf(w, r)
	if l == nil {
		return
	}
	if !l.taken.CompareAndSwap(false, true) {
		refuse(w, http.StatusConflict, "conflict", "Somebody listens to that line already.")
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store, no-transform")
	h.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	l.mu.Lock()
	l.w, l.out = w, http.NewResponseController(w)
	l.mu.Unlock()
	stop := context.AfterFunc(r.Context(), l.finish) // the client left
	defer stop()
	defer a.dropLine(l)
	if l.put(": the line is open\n\n") != nil {
		return
	}
	a.serve(r, l)
	l.mu.Lock()
	l.w = nil // nobody writes to a response whose handler has returned
	l.mu.Unlock()
}

func (a *API) lineUp(w http.ResponseWriter, r *http.Request) {
	l := a.lineOf(w, r)
	if l == nil {
		return
	}
	message, err := readMessage(w, r)
	if err != nil {
		a.failBody(w, r, err)
		return
	}
	l.touch()
	select {
	case l.inbox <- message:
		w.WriteHeader(http.StatusNoContent)
	case <-l.closed:
		a.fail(w, r, fault.New(fault.NotFound, "That line is closed. Open another one."))
	case <-r.Context().Done():
	}
}

func (a *API) closeLine(w http.ResponseWriter, r *http.Request) {
	if l := a.lineOf(w, r); l != nil {
		a.dropLine(l)
		w.WriteHeader(http.StatusNoContent)
	}
}

var errLineClosed = errors.New("line closed")

// Read implements gateway.Transport.
func (l *line) Read(context.Context) ([]byte, error) {
	select {
	case data := <-l.inbox:
		return data, nil
	case <-l.closed:
		return nil, errLineClosed
	}
}

// Write implements gateway.Transport.
func (l *line) Write(_ context.Context, data []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := append(append(append(l.buf[:0], "data: "...), data...), "\n\n"...)
	l.buf = slices.Clip(out[:0])
	if cap(out) > 64<<10 {
		l.buf = nil
	}
	return l.writeLocked(out)
}

func (l *line) put(text string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.writeLocked([]byte(text))
}

func (l *line) writeLocked(data []byte) error {
	select {
	case <-l.closed:
		return errLineClosed
	default:
	}
	if l.w == nil {
		return errLineClosed
	}
	if _, err := l.w.Write(data); err != nil {
		return err
	}
	return l.out.Flush()
}

// Probe implements gateway.Transport.
func (l *line) Probe(context.Context) error {
	l.touch() // there is no answer over this way; the stream's end is how a client's leaving shows
	return l.put(": \n\n")
}

// Heard implements gateway.Transport.
func (l *line) Heard() time.Time { return l.heard.Time() }

func (l *line) touch() { l.heard.Set() }

// Close implements gateway.Transport.
func (l *line) Close(code int, reason string) {
	data, err := json.Marshal(map[string]any{"code": code, "reason": reason})
	if err == nil {
		_ = l.put("event: close\ndata: " + string(data) + "\n\n") // it may be gone
	}
	l.finish()
}

func (l *line) finish() { l.once.Do(func() { close(l.closed) }) }
