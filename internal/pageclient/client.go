package pageclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// Options say where and as whom to connect.
type Options struct {
	URL      string // http://host:port of the server
	Token    string
	Notebook string
	// MinBackoff and MaxBackoff bound the wait before a reconnect; 50 ms and 2 s when zero.
	MinBackoff, MaxBackoff time.Duration
	// Silence is how long nothing may be heard before the line is dropped; 25 s when zero.
	Silence time.Duration
	// Remember: what is received is kept, for History.
	Remember bool
	// OnEvents, when set, is called on the reading goroutine for every frame of events after it was applied.
	OnEvents func(protocol.Events, []protocol.Event, *protocol.State)
}

// Stats count what a client received over its life.
type Stats struct {
	Connections int
	Snapshots   int
	Resumes     int
	Frames      int
	Pings       int
	Events      uint64 // event numbers covered by events frames
	Repeated    uint64 // event numbers received again although the client had them
	Bytes       int64
	LargestRead int
}

// Client is one subscription of one notebook. Its methods are safe for concurrent use.
type Client struct {
	opts Options
	id   protocol.ClientID

	mu         sync.Mutex
	state      *protocol.State // nil before the first snapshot
	partial    *protocol.Snapshot
	conn       *websocket.Conn
	live       bool
	outbox     []protocol.Command
	waiting    map[protocol.CommandID]chan protocol.Ack
	done       map[protocol.RunID]ending
	resend     []protocol.Command // to be written by the reading goroutine, in this order
	variables  map[protocol.RunID]json.RawMessage
	accepted   map[protocol.CommandID]bool
	violations []string
	history    []string
	notices    []protocol.Notice
	gone       *protocol.Gone
	stats      Stats
	ahead      time.Duration // by how much the server's clock was ahead of ours when it last told it
	changed    chan struct{} // closed and replaced at each change

	stop context.CancelFunc
	wg   sync.WaitGroup
}

// ending is how a run ended, and in which epoch the event came: after a server's death the same end may be told again in the next.
type ending struct{ status, epoch string }

// Open starts a client that connects, and reconnects for ever, until Close.
func Open(opts Options) *Client {
	if opts.MinBackoff == 0 {
		opts.MinBackoff = 50 * time.Millisecond
	}
	if opts.MaxBackoff == 0 {
		opts.MaxBackoff = 2 * time.Second
	}
	if opts.Silence == 0 {
		opts.Silence = 25 * time.Second
	}
	ctx, stop := context.WithCancel(context.Background())
	c := &Client{
		opts: opts, id: protocol.ClientID(uuid.NewString()), stop: stop,
		waiting: map[protocol.CommandID]chan protocol.Ack{}, done: map[protocol.RunID]ending{},
		accepted: map[protocol.CommandID]bool{}, variables: map[protocol.RunID]json.RawMessage{}, changed: make(chan struct{}),
	}
	c.wg.Go(func() { c.run(ctx) })
	return c
}

// Close ends the client and waits for its goroutines.
func (c *Client) Close() {
	c.stop()
	c.wg.Wait()
}

// Cut drops the present connection without a goodbye; the client comes back by itself.
func (c *Client) Cut() {
	c.mu.Lock()
	conn := c.conn
	c.mu.Unlock()
	if conn != nil {
		_ = conn.CloseNow()
	}
}

// ID is the client's id in hello.
func (c *Client) ID() protocol.ClientID { return c.id }

// State is a copy of the replica, nil before the first snapshot is whole.
func (c *Client) State() *protocol.State {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == nil {
		return nil
	}
	return c.state.Clone()
}

// Live says whether the line stands and the subscription was answered.
func (c *Client) Live() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.live
}

// Stats is a copy of the counters.
func (c *Client) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats
}

// ServerNow is the server's clock, by which a page shows how long a cell runs and a prompt waits.
func (c *Client) ServerNow() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

// Violations are the broken promises seen so far.
func (c *Client) Violations() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.violations)
}

// Notices are the notices received so far.
func (c *Client) Notices() []protocol.Notice {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.notices)
}

// Variables is what the run's terminal event said of the user's variables.
func (c *Client) Variables(run protocol.RunID) json.RawMessage {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.variables[run]
}

// Wait blocks until ok says true of the replica, which it must not keep or change, or ctx ends.
func (c *Client) Wait(ctx context.Context, what string, ok func(*protocol.State) bool) error {
	for {
		c.mu.Lock()
		if c.state != nil && ok(c.state) {
			c.mu.Unlock()
			return nil
		}
		if c.gone != nil {
			defer c.mu.Unlock()
			return fmt.Errorf("wait for %s: notebook gone: %s", what, c.gone.Reason)
		}
		changed := c.changed
		c.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, ctx.Err())
		}
	}
}

// Do sends a command, again after every reconnect, until its ack is there.
func (c *Client) Do(ctx context.Context, cmd protocol.Command) (protocol.Ack, error) {
	wait := c.Send(&cmd)
	select {
	case ack := <-wait:
		return ack, nil
	case <-ctx.Done():
		return protocol.Ack{}, fmt.Errorf("wait for the ack of %s: %w", cmd.Type, ctx.Err())
	}
}

// Send puts a command in the outbox and returns where its ack will be put. An empty CmdID is filled in.
func (c *Client) Send(cmd *protocol.Command) <-chan protocol.Ack {
	if cmd.CmdID == "" {
		cmd.CmdID = NewCommandID()
	}
	cmd.Notebook, cmd.Client = c.opts.Notebook, c.id
	wait := make(chan protocol.Ack, 1)
	c.mu.Lock()
	c.outbox = append(c.outbox, *cmd)
	c.waiting[cmd.CmdID] = wait
	conn, live := c.conn, c.live
	c.mu.Unlock()
	if live {
		c.write(conn, cmd)
	}
	return wait
}

// Execute runs code as a cell and waits for the run's terminal status.
func (c *Client) Execute(ctx context.Context, cell protocol.CellID, code string) (string, error) {
	cmd := protocol.Command{Type: protocol.CmdExecute, CellID: cell, Code: &code}
	cmd.CmdID = NewCommandID()
	ack, err := c.Do(ctx, cmd)
	if err != nil {
		return "", err
	}
	if ack.Status == protocol.AckRejected {
		return "", fmt.Errorf("execute rejected: %s: %s", ack.Code, ack.Error)
	}
	return c.WaitRun(ctx, protocol.RunID(cmd.CmdID))
}

// NewCommandID makes an id for a command.
func NewCommandID() protocol.CommandID { return protocol.CommandID(uuid.Must(uuid.NewV7()).String()) }

// WaitRun waits until the run has ended, as the replica or an event says, and returns its status.
func (c *Client) WaitRun(ctx context.Context, run protocol.RunID) (string, error) {
	var status string
	err := c.Wait(ctx, "the end of run "+string(run), func(s *protocol.State) bool {
		if st, ok := c.done[run]; ok {
			status = st.status
			return true
		}
		for _, cell := range s.Cells {
			if cell.Run != nil && cell.Run.ID == run && cell.Run.State == protocol.StateDone {
				status = cell.Run.Status
				return true
			}
		}
		return false
	})
	return status, err
}

func (c *Client) run(ctx context.Context) {
	backoff := c.opts.MinBackoff
	for ctx.Err() == nil {
		began := time.Now()
		why := c.connection(ctx) // every end means: come back
		c.mu.Lock()
		c.rememberLocked("the line ends: %v", why)
		c.conn, c.live, c.partial, c.resend = nil, false, nil, nil
		c.signalLocked()
		c.mu.Unlock()
		if time.Since(began) > 2*time.Second {
			backoff = c.opts.MinBackoff
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(rand.Int64N(int64(backoff)) + 1)):
		}
		backoff = min(backoff*2, c.opts.MaxBackoff)
	}
}

func (c *Client) connection(ctx context.Context) error {
	dialCtx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	u, err := url.Parse(c.opts.URL)
	if err != nil {
		return fmt.Errorf("server address: %w", err)
	}
	u.Path = "/ws"
	header := http.Header{"Authorization": {"Bearer " + c.opts.Token}}
	conn, _, err := websocket.Dial(dialCtx, u.String(), &websocket.DialOptions{HTTPHeader: header})
	if err != nil {
		return fmt.Errorf("dial: %w", err)
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(-1)
	sub := protocol.Subscription{Sub: "s", Notebook: c.opts.Notebook}
	c.mu.Lock()
	c.conn = conn
	c.stats.Connections++
	if c.state != nil {
		sub.Epoch, sub.N = c.state.Epoch, c.state.N
	}
	c.mu.Unlock()
	c.write(conn, protocol.Hello{Type: "hello", Protocol: protocol.Version, ClientID: c.id, Subscriptions: []protocol.Subscription{sub}})
	pingCtx, stopPing := context.WithCancel(ctx)
	var pings sync.WaitGroup
	defer pings.Wait()
	defer stopPing()
	pings.Go(func() { c.ping(pingCtx, conn) })
	for {
		readCtx, cancel := context.WithTimeout(ctx, c.opts.Silence)
		_, data, err := conn.Read(readCtx)
		cancel()
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		if err := c.receive(data); err != nil {
			return err
		}
		c.flush(conn)
	}
}

// flush writes what is to be sent again.
func (c *Client) flush(conn *websocket.Conn) {
	c.mu.Lock()
	resend := c.resend
	c.resend = nil
	c.mu.Unlock()
	for _, cmd := range resend {
		c.write(conn, cmd)
	}
}

func (c *Client) ping(ctx context.Context, conn *websocket.Conn) {
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			c.write(conn, protocol.Ping{Type: "ping", Time: now.UnixMilli()})
		}
	}
}

// write sends v; a failure shows as the end of the reads.
func (c *Client) write(conn *websocket.Conn, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // our own types always marshal
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = conn.Write(ctx, websocket.MessageText, data)
}

var errGap = errors.New("gap in the event numbers")
