package session

import (
	"context"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"github.com/runnel-dev/runnel/internal/jupyter"
	"github.com/runnel-dev/runnel/internal/kernel"
)

// fakeKernel is a kernel without a process: it says what the test lets it say. What it is sent is read from sent.
type fakeKernel struct {
	id     kernel.ID
	events chan []kernel.Event
	sent   chan jupyter.Message // large enough for any test
	closed chan struct{}
	close  func()
	record uint64 // of the last event; the test's

	memory   atomic.Int64
	notebook atomic.Value
	acked    atomic.Uint64
	mu       sync.Mutex
	refuse   error // of Send
	hangs    bool  // Interrupt and Stop do not return before their time is over
}

var _ Kernel = (*fakeKernel)(nil)

func (k *fakeKernel) ID() kernel.ID { return k.id }

func (k *fakeKernel) NextBatch(ctx context.Context, _ int) ([]kernel.Event, error) {
	select {
	case events := <-k.events:
		return events, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-k.closed:
		return nil, io.EOF
	}
}

func (k *fakeKernel) Ready(context.Context) error { return nil }

func (k *fakeKernel) Info() *jupyter.KernelInfoReply {
	return &jupyter.KernelInfoReply{Implementation: "ipython"}
}

func (k *fakeKernel) Send(_ context.Context, _ string, _ jupyter.Channel, msg jupyter.Message) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.refuse != nil {
		return k.refuse
	}
	k.sent <- msg
	return nil
}

func (k *fakeKernel) Interrupt(ctx context.Context) error { return k.obey(ctx) }

func (k *fakeKernel) Stop(ctx context.Context, _ bool) error {
	err := k.obey(ctx)
	if err == nil {
		k.says(kernel.Event{Kind: kernel.Exited, Exit: &kernel.Exit{Requested: true, Text: "It was stopped."}})
	}
	return err
}

func (k *fakeKernel) obey(ctx context.Context) error {
	k.mu.Lock()
	hangs := k.hangs
	k.mu.Unlock()
	if !hangs {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

func (k *fakeKernel) Ack(n uint64)          { k.acked.Store(n) }
func (k *fakeKernel) Status() kernel.Status { return kernel.Status{Memory: k.memory.Load()} }
func (k *fakeKernel) Close() error          { k.close(); return nil }

func (k *fakeKernel) Rename(notebook string) error {
	k.notebook.Store(notebook)
	return nil
}

// says is one batch.
func (k *fakeKernel) says(events ...kernel.Event) {
	for i := range events {
		k.record++
		events[i].Record = k.record
	}
	k.events <- events
}

func (k *fakeKernel) set(refuse error, hangs bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.refuse, k.hangs = refuse, hangs
}

// fakeLauncher starts fake kernels. broken makes it fail.
type fakeLauncher struct {
	broken   error
	launched chan *fakeKernel
}

func (l *fakeLauncher) Launch(_ context.Context, req LaunchRequest) (Kernel, LaunchInfo, error) {
	if l.broken != nil {
		return nil, LaunchInfo{}, l.broken
	}
	k := &fakeKernel{id: kernel.ID(req.KernelID), events: make(chan []kernel.Event, 100), sent: make(chan jupyter.Message, 100), closed: make(chan struct{})}
	k.close = sync.OnceFunc(func() { close(k.closed) })
	l.launched <- k
	return k, LaunchInfo{Name: "fake", DisplayName: "Fake", Language: "python"}, nil
}

func (l *fakeLauncher) Attach(context.Context, kernel.ID, uint64) (Kernel, error) {
	return nil, fs.ErrNotExist
}

func (l *fakeLauncher) Collect(context.Context, time.Time, func() (map[kernel.ID]bool, error)) (int, error) {
	return 0, nil
}
