package session

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// Config is what a hub needs.
type Config struct {
	Launcher     Launcher
	InputTimeout time.Duration // of a prompt; 0: never
	IdleCull     time.Duration // stop kernels idle for so long; 0: never
	Logger       *slog.Logger
}

// Hub holds the sessions of one served folder.
type Hub struct{}

// Info is one line about a session.
type Info struct {
	Notebook string
	Kernel   protocol.Kernel
	Running  protocol.CellID // empty: none
	Queue    int
	Clients  int
	Save     protocol.Save
}

// Session is one open notebook.
type Session struct{}

// Cursor is one client's place in a session's events.
type Cursor struct{}

// Batch is what a cursor's Next returns. Everything in it is shared and read only.
type Batch struct {
	Snapshot *protocol.State // set: replaces the client's state; then Events are empty
	Resume   bool            // the first batch of a subscription that goes on where the client was
	Epoch    string
	From, N  uint64           // Events are the events From..N, joined; N is From-1 when there are none
	Events   []protocol.Event // TextPut.Raw holds what was printed
	Encoded  [][]byte         // the wire form of each event
	Gone     *protocol.Gone   // the notebook is no more; the last batch
}

// ErrSlow ends a plain cursor that fell out of the tail; ErrClosed one whose session or cursor was closed.
var (
	ErrSlow   = errors.New("too slow: events that this client has not read are gone")
	ErrClosed = errors.New("session closed")
)

// Signatures under construction follow; they are replaced file by file.

func NewHub(Config) *Hub                                                            { return &Hub{} }
func (h *Hub) Run(ctx context.Context) error                                        { return nil }
func (h *Hub) Open(ctx context.Context, path string, create bool) (*Session, error) { return nil, nil }
func (h *Hub) Sessions() []Info                                                     { return nil }
func (h *Hub) Renamed(from, to string)                                              {}
func (s *Session) Do(ctx context.Context, c protocol.Command) protocol.Ack          { return protocol.Ack{} }
func (s *Session) Ask(ctx context.Context, r protocol.Request) protocol.Response {
	return protocol.Response{}
}
func (s *Session) Top() (epoch string, n uint64)                                        { return "", 0 }
func (s *Session) Subscribe(client protocol.ClientID, at protocol.Subscription) *Cursor { return nil }
func (s *Session) SubscribePlain(client protocol.ClientID) *Cursor                      { return nil }
func (s *Session) OutputText(ctx context.Context, id protocol.OutputID) (io.ReadCloser, error) {
	return nil, nil
}
func (c *Cursor) Next(ctx context.Context) (Batch, error) { return Batch{}, nil }
func (c *Cursor) Close()                                  {}
