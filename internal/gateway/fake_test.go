package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/runnel-dev/runnel/internal/fault"
	"github.com/runnel-dev/runnel/internal/protocol"
	"github.com/runnel-dev/runnel/internal/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeHub has the notebooks that were put into it, and creates any other when asked to.
type fakeHub struct {
	mu       sync.Mutex
	sessions map[string]*fakeSession
	opened   []string
}

func newFakeHub(paths ...string) *fakeHub {
	h := &fakeHub{sessions: map[string]*fakeSession{}}
	for _, path := range paths {
		h.sessions[path] = newFakeSession(path)
	}
	return h
}

func (h *fakeHub) Open(_ context.Context, path string, create bool) (Session, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.opened = append(h.opened, path)
	if path == "../evil" {
		return nil, fault.New(fault.Invalid, "That is not a path in this folder.")
	}
	if path == "later.ipynb" {
		return nil, fault.New(fault.Unavailable, "The server is starting.")
	}
	s := h.sessions[path]
	if s == nil && !create {
		return nil, fault.New(fault.NotFound, "There is no such notebook.")
	}
	if s == nil {
		s = newFakeSession(path)
		h.sessions[path] = s
	}
	return s, nil
}

func (h *fakeHub) session(path string) *fakeSession {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sessions[path]
}

// fakeSession keeps a log of events; do decides what a command does.
type fakeSession struct {
	mu       sync.Mutex
	changed  chan struct{}
	start    *protocol.State // before the first event
	state    *protocol.State
	log      []protocol.Event
	commands []protocol.Command
	do       func(s *fakeSession, c protocol.Command) protocol.Ack
	busy     bool // its kernel does not answer what is asked
	slow     bool // plain cursors end with ErrSlow
	cursors  int
}

func newFakeSession(path string) *fakeSession {
	s := &protocol.State{Notebook: path, Epoch: "e1", Metadata: json.RawMessage("{}"), Cells: []*protocol.Cell{}}
	return &fakeSession{changed: make(chan struct{}), start: s, state: s.Clone()}
}

func (s *fakeSession) emit(events ...protocol.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range events {
		s.log = append(s.log, e)
		s.state.Apply(e)
		s.state.N++
	}
	s.wake()
}

// count notes that a cursor was opened or closed.
func (s *fakeSession) count(delta int) {
	s.cursors += delta
	s.wake()
}

func (s *fakeSession) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *fakeSession) Do(_ context.Context, c protocol.Command) protocol.Ack {
	s.mu.Lock()
	s.commands = append(s.commands, c)
	do := s.do
	s.mu.Unlock()
	if do == nil {
		return protocol.Ack{Status: protocol.AckAccepted}
	}
	return do(s, c)
}

func (s *fakeSession) Ask(ctx context.Context, r protocol.Request) protocol.Response {
	if s.busy {
		<-ctx.Done()
		return protocol.Response{Error: "late"}
	}
	return protocol.Response{Matches: []string{r.Code + "!"}}
}

func (s *fakeSession) Top() (string, uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return "e1", s.state.N
}

func (s *fakeSession) Subscribe(_ protocol.ClientID, at protocol.Subscription) Cursor {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count(1)
	c := &fakeCursor{s: s, n: at.N, resume: at.Epoch == "e1" && at.N <= s.state.N}
	c.snapshot = !c.resume
	return c
}

func (s *fakeSession) SubscribePlain(protocol.ClientID) Cursor {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count(1)
	return &fakeCursor{s: s, snapshot: true, plain: true}
}

type fakeCursor struct {
	s                       *fakeSession
	n                       uint64
	resume, snapshot, plain bool
}

func (c *fakeCursor) Next(ctx context.Context) (session.Batch, error) {
	for {
		c.s.mu.Lock()
		if c.plain && c.s.slow {
			c.s.mu.Unlock()
			return session.Batch{}, session.ErrSlow
		}
		if c.snapshot {
			c.snapshot = false
			defer c.s.mu.Unlock()
			c.n = c.s.state.N
			return session.Batch{Snapshot: c.s.state.Clone(), Epoch: "e1", N: c.n}, nil
		}
		if c.resume || c.n < c.s.state.N {
			defer c.s.mu.Unlock()
			b := session.Batch{Resume: c.resume, Epoch: "e1", From: c.n + 1, N: c.s.state.N}
			b.Events = slices.Clone(c.s.log[c.n:])
			var encoded [][]byte
			for _, e := range b.Events {
				raw, _ := protocol.EncodeEvent(e)
				encoded = append(encoded, raw)
			}
			b.Encoded = func() [][]byte { return encoded }
			c.resume, c.n = false, c.s.state.N
			return b, nil
		}
		changed := c.s.changed
		c.s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return session.Batch{}, ctx.Err()
		}
	}
}

func (c *fakeCursor) News() <-chan struct{} { return nil }

func (c *fakeCursor) Close() {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.count(-1)
}

// fakeTransport is a connection in memory, and the test its client.
type fakeTransport struct {
	in     chan []byte // what the client sends; nil: too large
	out    chan []byte
	closed chan struct{}
	once   sync.Once
	ending Ending
	heard  time.Time
	rate   int           // bytes a second that it takes; 0: all
	dead   chan struct{} // closed: nobody answers a probe
}

func newFakeTransport() *fakeTransport {
	return &fakeTransport{in: make(chan []byte), out: make(chan []byte, 1000), closed: make(chan struct{}), heard: time.Now(), dead: make(chan struct{})}
}

func (f *fakeTransport) Read(context.Context) ([]byte, error) {
	select {
	case data := <-f.in:
		if data == nil {
			return nil, ErrTooLarge
		}
		return data, nil
	case <-f.closed:
		return nil, io.EOF
	}
}

func (f *fakeTransport) Write(_ context.Context, data []byte) error {
	if f.rate > 0 {
		time.Sleep(time.Duration(len(data)) * time.Second / time.Duration(f.rate))
	}
	select {
	case f.out <- slices.Clone(data):
		return nil
	case <-f.closed:
		return errors.New("closed")
	}
}

func (f *fakeTransport) Heard() time.Time { return f.heard }

// Probe has an answer at once, until somebody is said to be dead.
func (f *fakeTransport) Probe(ctx context.Context) error {
	select {
	case <-f.dead:
		<-ctx.Done()
		return ctx.Err()
	default:
		return nil
	}
}

func (f *fakeTransport) Close(code int, reason string) {
	f.once.Do(func() { f.ending = Ending{code, reason}; close(f.closed) })
}

// client drives a served connection.
type client struct {
	t    *testing.T
	f    *fakeTransport
	done chan error
	stop context.CancelCauseFunc
}

func serve(t *testing.T, h Hub, p Params) *client {
	t.Helper()
	ctx, stop := context.WithCancelCause(context.Background())
	c := &client{t: t, f: newFakeTransport(), done: make(chan error, 1), stop: stop}
	p.Hub = h
	go func() { c.done <- Serve(ctx, c.f, p) }()
	t.Cleanup(func() {
		c.f.Close(1000, "")
		stop(nil)
		select {
		case <-c.done:
		case <-time.After(5 * time.Second):
			t.Error("the connection does not end")
		}
	})
	return c
}

func (c *client) send(text string) {
	c.t.Helper()
	select {
	case c.f.in <- []byte(text):
	case <-time.After(5 * time.Second):
		c.t.Fatal("the server does not read")
	}
}

func (c *client) next() map[string]any {
	c.t.Helper()
	select {
	case data := <-c.f.out:
		if len(data) > protocol.MaxFrame {
			c.t.Fatalf("a frame of %d bytes", len(data))
		}
		var m map[string]any
		if err := json.Unmarshal(data, &m); err != nil {
			c.t.Fatalf("%v: %.200s", err, data)
		}
		return m
	case <-time.After(5 * time.Second):
		c.t.Fatal("nothing comes")
		return nil
	}
}

// until skips messages up to one of this type.
func (c *client) until(kind string) map[string]any {
	c.t.Helper()
	for {
		if m := c.next(); m["type"] == kind {
			return m
		}
	}
}

func (c *client) ended() Ending {
	c.t.Helper()
	select {
	case <-c.f.closed:
		return c.f.ending
	case <-time.After(5 * time.Second):
		c.t.Fatal("the connection stays")
		return Ending{}
	}
}
