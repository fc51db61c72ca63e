package kernel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/runnel-dev/runnel/internal/jupyter"
	"github.com/runnel-dev/runnel/internal/keeper"
	"github.com/runnel-dev/runnel/internal/steady"
)

// ID names a kernel for its life.
type ID string

// What can end a handle.
var (
	// ErrFenced: another server has attached to this kernel.
	ErrFenced = errors.New("kernel: another server is attached")
	// ErrClosed: Close was called.
	ErrClosed = errors.New("kernel: handle is closed")
	// ErrGone: the kernel's process is gone, nothing can be sent.
	ErrGone = errors.New("kernel: gone")
)

// Kernel is the handle on one kernel. Events are pulled by one goroutine at a
// time; everything else may be called from any.
type Kernel struct {
	id     ID
	dir    string
	epoch  uint64
	from   uint64 // the first record it asked for
	log    *slog.Logger
	signer *jupyter.Signer

	guard   *jupyter.ReplayGuard // the reader's
	refused atomic.Int64
	ready   readiness

	life   context.Context // the handle's own, ended by Close
	end    context.CancelFunc
	wg     sync.WaitGroup
	pulled chan struct{} // poked when a queue that was full has room
	filled chan struct{} // poked when there is something to pull
	towork chan struct{} // poked when the writer has something to do
	ahead  atomic.Int64  // by how many nanoseconds our steady time is ahead of the keeper's

	mu      sync.Mutex // guards the rest
	hello   keeper.Hello
	state   keeper.State
	queue   []Event
	bytes   int    // in queue
	last    uint64 // the last record received
	granted int    // bytes the keeper may still send
	acked   uint64
	toldAck uint64
	exit    uint64 // number of the exited record, once received
	over    bool   // the exited event was pulled
	dead    bool   // the keeper is gone; what is left comes from the spool
	err     error  // why nothing comes any more
	client  *keeper.Client
	calls   map[string]*call
	outbox  []*call
}

// call is a request that waits for its result. It is sent again on a new
// connection until it has one.
type call struct {
	id     string
	send   func(*keeper.Client) error
	result chan error // one value
}

func newKernel(id ID, dir string, epoch, from uint64, signer *jupyter.Signer, log *slog.Logger) *Kernel {
	life, end := context.WithCancel(context.Background())
	return &Kernel{
		life: life, end: end,
		id: id, dir: dir, epoch: epoch, from: from, log: log, signer: signer, guard: jupyter.NewReplayGuard(),
		pulled: make(chan struct{}, 1), filled: make(chan struct{}, 1), towork: make(chan struct{}, 1),
		last: max(from, 1) - 1, calls: map[string]*call{}, ready: newReadiness(),
	}
}

// ID returns the kernel's id.
func (k *Kernel) ID() ID { return k.id }

// Next returns the next event. It blocks until there is one; io.EOF after the
// exited event, ErrFenced, ErrClosed or another error when no more can come.
func (k *Kernel) Next(ctx context.Context) (Event, error) {
	events, err := k.pull(ctx, 1, 1)
	if err != nil {
		return Event{}, err
	}
	return events[0], nil
}

// NextBatch is Next for all events that are there already, up to about max bytes
// and at least one.
func (k *Kernel) NextBatch(ctx context.Context, max int) ([]Event, error) {
	return k.pull(ctx, int(^uint(0)>>1), max)
}

func (k *Kernel) pull(ctx context.Context, count, size int) ([]Event, error) {
	for {
		events, err := k.take(count, size)
		if len(events) > 0 || err != nil {
			return events, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-k.filled:
		}
	}
}

func (k *Kernel) take(count, size int) ([]Event, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.over {
		return nil, io.EOF
	}
	if len(k.queue) == 0 {
		return nil, k.err
	}
	n, bytes := 0, 0
	for n < len(k.queue) && n < count && (n == 0 || bytes+k.queue[n].size <= size) {
		bytes += k.queue[n].size
		n++
	}
	events := slices.Clone(k.queue[:n])
	clear(k.queue[:n]) // the array lives on behind the queue; the messages shall not
	if k.queue = k.queue[n:]; len(k.queue) == 0 {
		k.queue = nil
	}
	k.bytes -= bytes
	k.over = events[n-1].Kind == Exited
	poke(k.pulled)
	poke(k.towork)
	return events, nil
}

// put hands events to whoever pulls.
func (k *Kernel) put(events ...Event) {
	k.mu.Lock()
	for _, e := range events {
		k.queue = append(k.queue, e)
		k.bytes += e.size
		k.last = e.Record
		if e.Kind == Exited {
			k.exit = e.Record
			k.ready.fail(ErrGone)
		}
	}
	k.mu.Unlock()
	poke(k.filled)
}

// Ack says that the records up to n are safe elsewhere: the keeper may delete
// them, and itself after the exited record. It does not block.
func (k *Kernel) Ack(n uint64) {
	k.mu.Lock()
	k.acked = max(k.acked, n)
	remove := k.dead && k.exit > 0 && k.acked >= k.exit
	k.mu.Unlock()
	poke(k.towork)
	if remove {
		if err := os.RemoveAll(k.dir); err != nil {
			k.log.Warn("spool of a kernel that is gone stays", "kernel", k.id, "error", err)
		}
	}
}

// Send passes a message to the kernel and returns when it was recorded and
// written to the kernel's socket. The id is the caller's: the same id reaches the
// kernel at most once, so after an error of ctx the call may be repeated. The
// message is signed here.
func (k *Kernel) Send(ctx context.Context, id string, ch jupyter.Channel, msg jupyter.Message) error {
	to, err := keeperChannel(ch)
	if err != nil {
		return err
	}
	h, err := msg.ParseHeader()
	if err != nil {
		return err
	}
	frames := k.signer.Encode(msg)
	return k.call(ctx, id, func(c *keeper.Client) error { return c.Send(id, to, h.MsgType, h.MsgID, frames) })
}

// Interrupt interrupts what the kernel runs, in the way its kernelspec names.
func (k *Kernel) Interrupt(ctx context.Context) error {
	id := "interrupt-" + uuid.NewString()
	return k.call(ctx, id, func(c *keeper.Client) error { return c.Interrupt(id) })
}

// stopGrace is how long each polite step of Stop is given.
const stopGrace = 2500 * time.Millisecond

// Stop ends the kernel and all it started: shutdown_request, SIGTERM, SIGKILL,
// with 2.5 s after each; with force, SIGKILL at once. It returns when that has
// begun. The exited event says that all are gone; it needs no reader to happen.
// A keeper that does not answer to force within 5 s is ended, and all with it.
func (k *Kernel) Stop(ctx context.Context, force bool) error {
	asked, cancel := context.WithTimeout(ctx, stuckAfter)
	defer cancel()
	if !force {
		asked = ctx
	}
	id := "stop-" + uuid.NewString()
	err := k.call(asked, id, func(c *keeper.Client) error { return c.Stop(id, stopGrace, force) })
	switch {
	case errors.Is(err, ErrGone):
		return nil
	case err != nil && force && ctx.Err() == nil && asked.Err() != nil:
		return endKeeper(k.dir)
	}
	return err
}

// stuckAfter is how long a keeper may take to answer to force.
const stuckAfter = 5 * time.Second

// call queues a request and waits for its result.
func (k *Kernel) call(ctx context.Context, id string, send func(*keeper.Client) error) error {
	c := &call{id: id, send: send, result: make(chan error, 1)}
	k.mu.Lock()
	err := k.err
	if k.dead {
		err = ErrGone
	}
	if err == nil && k.calls[id] != nil {
		err = errors.New("kernel: this id is being sent already")
	}
	if err == nil {
		k.calls[id] = c
		k.outbox = append(k.outbox, c)
	}
	k.mu.Unlock()
	if err != nil {
		return err
	}
	poke(k.towork)
	defer func() {
		k.mu.Lock()
		delete(k.calls, id)
		k.mu.Unlock()
	}()
	select {
	case err := <-c.result:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close detaches. The kernel lives on with its keeper. What was acknowledged is
// told to the keeper before, if it listens.
func (k *Kernel) Close() error {
	k.end()
	k.wg.Wait()
	return nil
}

// Status is a look at a kernel's processes.
type Status struct {
	KernelPID, KeeperPID int
	Started              time.Time // when the keeper began, in this server's steady time; zero when it does not say
	Memory               int64     // resident bytes of the kernel and its children
	KeeperMemory         int64
	keeper.State
}

// Status looks at the processes now.
func (k *Kernel) Status() Status {
	k.mu.Lock()
	s := Status{KernelPID: k.hello.KernelPID, KeeperPID: k.hello.KeeperPID, State: k.state}
	if k.hello.Now > 0 {
		s.Started = k.here(k.hello.Started)
	}
	start := k.hello.KernelStart
	s.Exited = s.Exited || k.exit > 0 || k.dead
	k.mu.Unlock()
	if !s.Exited && s.KernelPID > 0 && keeper.ProcessStart(s.KernelPID) == start {
		s.Memory = keeper.TreeMemory(s.KernelPID)
		s.KeeperMemory = keeper.TreeMemory(s.KeeperPID) - s.Memory
	}
	return s
}

// Rename writes down which notebook's kernel it is, for Find: that one has another name now. It does nothing for a kernel that left nothing.
func (k *Kernel) Rename(notebook string) error {
	cfg, err := keeper.ReadConfig(k.dir)
	if err == nil && cfg.NotebookID != notebook {
		cfg.NotebookID = notebook
		err = cfg.Write(k.dir)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("rename the notebook of kernel %s: %w", k.id, err)
	}
	return nil
}

// meet notes what a keeper says first.
func (k *Kernel) meet(hello keeper.Hello) {
	if hello.Now > 0 {
		k.ahead.Store(steady.Now().UnixNano() - hello.Now)
	}
	k.mu.Lock()
	k.hello, k.state = hello, hello.State
	k.mu.Unlock()
}

// here makes a time of the keeper's one of this server's: each is even, and the clock may have been set between their beginnings.
func (k *Kernel) here(nanoseconds int64) time.Time {
	return time.Unix(0, nanoseconds+k.ahead.Load())
}

// there is the present time of the keeper's, for a record that is made here.
func (k *Kernel) there() int64 { return steady.Now().UnixNano() - k.ahead.Load() }

// Refused counts the kernel's messages with a wrong or repeated signature.
func (k *Kernel) Refused() int64 { return k.refused.Load() }

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
