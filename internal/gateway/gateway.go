package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/runnel-dev/runnel/internal/protocol"
	"github.com/runnel-dev/runnel/internal/session"
)

// Hub opens the notebooks.
type Hub interface {
	Open(ctx context.Context, path string, create bool) (Session, error)
}

// Session is one open notebook.
type Session interface {
	Do(ctx context.Context, c protocol.Command) protocol.Ack
	Ask(ctx context.Context, r protocol.Request) protocol.Response
	Top() (epoch string, n uint64)
	Subscribe(client protocol.ClientID, at protocol.Subscription) Cursor
	SubscribePlain(client protocol.ClientID) Cursor
}

// Cursor is the client's place in a session's events.
type Cursor interface {
	Next(ctx context.Context) (session.Batch, error)
	News() <-chan struct{} // closed when something else than output waits
	Close()
}

// Transport carries whole messages both ways. Read is called by one goroutine, the rest by many.
type Transport interface {
	// Read blocks for the next message, valid until the next Read. ErrTooLarge and ErrBinary say that a message was
	// discarded; any other error is the end of the connection.
	Read(ctx context.Context) ([]byte, error)
	// Write sends one message; it does not keep data. An error is the end of the connection.
	Write(ctx context.Context, data []byte) error
	// Probe makes sure that the peer is still there, without a message that it would see.
	Probe(ctx context.Context) error
	// Heard is when something last came from the peer, be it a part of a message.
	Heard() time.Time
	// Close says goodbye and ends the connection, Read and Write with it. Only the first call counts.
	Close(code int, reason string)
}

// What a Transport's Read says of a message that it discarded.
var (
	ErrTooLarge = errors.New("message too large")
	ErrBinary   = errors.New("message is not text")
)

// Ending is the cause to cancel a connection's context with: the client is told Code and Reason.
type Ending struct {
	Code   int
	Reason string
}

func (e Ending) Error() string { return fmt.Sprintf("connection ended: %d %s", e.Code, e.Reason) }

// Params are what a connection needs to know.
type Params struct {
	Hub      Hub
	Notebook string            // of a plain client; empty: the scratch notebook
	Client   protocol.ClientID // of a plain client
	ServerID string
	Version  string
	// Blob opens a big value of an output, for plain clients; nil: they go without.
	Blob   func(ctx context.Context, hash string) (io.ReadCloser, error)
	Logger *slog.Logger
}

// Scratch is the notebook of plain clients that name none.
const Scratch = "scratch.ipynb"

const (
	// greeting is how long a connection may say nothing before it is taken for a plain one that only listens.
	greeting  = 150 * time.Millisecond
	heartbeat = 10 * time.Second
	silence   = 25 * time.Second
	// farewell is how long a client has, when the server stops, to take what has happened until then.
	farewell  = 2 * time.Second
	lookAgain = 10 * time.Millisecond
)

// Serve serves one connection until it is over: the client left, outer was cancelled (with an [Ending] to say why), or a rule
// was broken. When the server stops, the client is first told what has happened until then. Serve closes the transport and waits
// for all that it started. The error says why it ended, nil for a client that left.
func Serve(outer context.Context, t Transport, p Params) error {
	if p.Logger == nil {
		p.Logger = slog.New(slog.DiscardHandler)
	}
	named := p.Notebook != ""
	if !named {
		p.Notebook = Scratch
	}
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(outer))
	c := &conn{t: t, p: p, named: named, ctx: ctx, cancel: cancel}
	c.wg.Go(func() {
		select {
		case <-outer.Done():
			cause := context.Cause(outer)
			if endingOf(cause).Code == protocol.CloseRestarting {
				c.tellRest()
			}
			cancel(cause)
		case <-ctx.Done():
		}
		end := endingOf(context.Cause(ctx))
		t.Close(end.Code, end.Reason)
	})
	err := c.read()
	cancel(err)
	c.wg.Wait()
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, errLeft) {
		return cause
	}
	return nil
}

// errLeft ends a connection whose client went away.
var errLeft = errors.New("client left")

func endingOf(cause error) Ending {
	if end, ok := errors.AsType[Ending](cause); ok {
		return end
	}
	if errors.Is(cause, errLeft) {
		return Ending{Code: 1000}
	}
	return Ending{Code: protocol.CloseRestarting, Reason: "the server stops"}
}

// conn is one connection.
type conn struct {
	t      Transport
	p      Params
	named  bool // the notebook was named
	ctx    context.Context
	cancel context.CancelCauseFunc
	wg     sync.WaitGroup

	handles atomic.Bool              // a message is being handled
	follows atomic.Pointer[follower] // nil: not known yet what kind of client this is
}

// follower is a client that is told what happens.
type follower interface {
	// untold gives a question: has the client been told what had happened when untold was called?
	untold() (told func() bool)
}

func (c *conn) follow(f follower) { c.follows.Store(&f) }

// tellRest waits until the client has been told all that has happened, and its last message was answered; not for long.
func (c *conn) tellRest() {
	f := c.follows.Load()
	if f == nil {
		return
	}
	told := (*f).untold()
	ctx, cancel := context.WithTimeout(c.ctx, farewell)
	defer cancel()
	for ctx.Err() == nil && (c.handles.Load() || !told()) {
		sleep(ctx, lookAgain)
	}
}

// end closes the connection with a code for the client.
func (c *conn) end(code int, reason string) { c.cancel(Ending{code, reason}) }

// send writes one message; when it cannot, the connection is over.
func (c *conn) send(data []byte) bool {
	if c.ctx.Err() != nil {
		return false
	}
	if err := c.t.Write(c.ctx, data); err != nil {
		c.cancel(Ending{protocol.CloseSlow, "could not write"})
		return false
	}
	return true
}

// sendJSON is send for a value.
func (c *conn) sendJSON(v any) bool {
	data, err := encode(v)
	if err != nil {
		c.p.Logger.Error("a message could not be encoded", "reason", err)
		return false
	}
	return c.send(data)
}

// fail tells the client that a message was not understood or not allowed (P9).
func (c *conn) fail(code, text string) {
	c.sendJSON(protocol.Error{Type: "error", Error: text, Code: code})
}

// read is the connection's reading loop; it returns why it ended.
func (c *conn) read() error {
	mode := newOpening(c)
	if c.named { // as pages do not: what happens from now on is for a client that only listens, too
		mode.plain.open()
	}
	c.wg.Go(mode.wait)
	limit := newLimiter()
	for {
		data, err := c.t.Read(c.ctx)
		switch {
		case errors.Is(err, ErrTooLarge):
			c.fail(protocol.CodeTooLarge, fmt.Sprintf("the message is over %d MiB", protocol.MaxClientMessage>>20))
			continue
		case errors.Is(err, ErrBinary):
			c.fail(protocol.CodeInvalid, "messages are JSON in text frames; this one was binary")
			continue
		case err != nil:
			return errLeft
		}
		if err := limit.Wait(c.ctx); err != nil {
			return context.Cause(c.ctx)
		}
		m, problem := parse(data)
		if problem != nil {
			mode.begin("")
			c.fail(problem.code, problem.text)
			continue
		}
		mode.begin(m.Type)
		c.handles.Store(true)
		mode.handle(m)
		c.handles.Store(false)
	}
}

// opening decides, by the first message or its absence, what kind of client this is.
type opening struct {
	c     *conn
	plain *plain
	page  *page // set by a hello that came first; used by the reading goroutine only
	first chan struct{}
	once  sync.Once
}

func newOpening(c *conn) *opening {
	return &opening{c: c, plain: newPlain(c), first: make(chan struct{})}
}

// wait takes a client that says nothing for a plain one.
func (o *opening) wait() {
	timer := time.NewTimer(greeting)
	defer timer.Stop()
	select {
	case <-timer.C:
		o.plain.start()
	case <-o.first:
	case <-o.c.ctx.Done():
	}
}

// begin is called with the type of each message before it is handled.
func (o *opening) begin(kind string) {
	isFirst := false
	o.once.Do(func() { isFirst = true; close(o.first) })
	switch {
	case !isFirst:
	case kind == "hello":
		o.plain.stop()
		o.page = newPage(o.c)
	default:
		o.plain.start()
	}
}

func (o *opening) handle(m message) {
	if o.page != nil {
		o.page.handle(m)
		return
	}
	o.plain.handle(m)
}
