package session

import (
	"context"
	"sync"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// Cursor is one client's place in a session's events: no queue, so a slow client costs nothing. One goroutine calls Next.
type Cursor struct {
	s      *Session
	plain  bool
	at     uint64
	want   protocol.Subscription
	begun  bool
	closed chan struct{}
	once   sync.Once
}

// Batch is what a cursor's Next returns. Everything in it is shared and read only.
type Batch struct {
	Snapshot *protocol.State // set: replaces the client's state; then Events are empty and N is its number
	Resume   bool            // the first batch of a subscription that goes on where the client was
	Epoch    string
	From, N  uint64           // Events are the events From..N, joined; N is From-1 when there are none
	Events   []protocol.Event // for a plain client TextPut.Raw holds what was printed, for a page Text lacks what is dropped again
	Encoded  func() [][]byte  // the wire form of each event, made once for all; nil when there are none
	Gone     *protocol.Gone   // the notebook is no more; the last batch
}

// Subscribe gives a page's cursor; until its Close the page counts as connected. It goes on after at when it can, else it begins
// with a snapshot.
func (s *Session) Subscribe(_ protocol.ClientID, at protocol.Subscription) *Cursor {
	c := &Cursor{s: s, want: at, at: at.N, closed: make(chan struct{})}
	s.count(+1)
	return c
}

// SubscribePlain gives a plain client's cursor: one snapshot, then every event; ErrSlow when it did not keep up.
func (s *Session) SubscribePlain(protocol.ClientID) *Cursor {
	c := &Cursor{s: s, plain: true, closed: make(chan struct{})}
	s.count(+1)
	return c
}

// Close ends the subscription; a Next that waits returns ErrClosed.
func (c *Cursor) Close() {
	c.once.Do(func() {
		close(c.closed)
		c.s.count(-1)
	})
}

// Next blocks until there is something: the first batch is a snapshot or a resume, later ones are everything since, up to about
// 256 KiB, of a text that a page gets 512. A page's cursor that is too far behind gets a snapshot instead. Errors: ErrSlow, ErrClosed, of ctx.
func (c *Cursor) Next(ctx context.Context) (Batch, error) {
	if !c.begun {
		return c.begin(ctx)
	}
	t := c.s.tail
	for {
		t.mu.Lock()
		if t.gone != nil && c.at >= t.top {
			gone := *t.gone
			t.mu.Unlock()
			return Batch{Epoch: t.epoch, From: c.at + 1, N: c.at, Gone: &gone}, nil
		}
		behind := t.behindLocked(c.at)
		if behind < 0 && c.plain {
			t.mu.Unlock()
			return Batch{}, ErrSlow
		}
		if behind < 0 {
			t.mu.Unlock()
			return c.snapshot(ctx)
		}
		if c.at < t.top {
			b := t.nextLocked(c.at, !c.plain)
			far := !c.plain && behind > lagBytes && b.N < t.top
			t.mu.Unlock()
			if far {
				return c.snapshot(ctx)
			}
			c.at = b.N
			return b, nil
		}
		changed, closed := t.changed, t.closed
		t.mu.Unlock()
		if closed {
			return Batch{}, ErrClosed
		}
		select {
		case <-changed:
		case <-c.closed:
			return Batch{}, ErrClosed
		case <-ctx.Done():
			return Batch{}, ctx.Err()
		}
	}
}

// News is closed when something else than output waits for the client: what a run, a prompt or a person did.
func (c *Cursor) News() <-chan struct{} {
	c.s.tail.mu.Lock()
	defer c.s.tail.mu.Unlock()
	if c.s.tail.news > c.at {
		return there
	}
	return c.s.tail.told
}

// there is the channel of news that wait already.
var there = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

func (c *Cursor) begin(ctx context.Context) (Batch, error) {
	if !c.plain && c.s.tail.resumable(c.want.Epoch, c.want.N) {
		c.begun = true
		c.s.send(ctx, c.s.core.tellMissed)
		return Batch{Resume: true, Epoch: c.want.Epoch, From: c.at + 1, N: c.at}, nil
	}
	b, err := c.snapshot(ctx)
	if c.begun = err == nil; c.begun && !c.plain {
		c.s.send(ctx, c.s.core.tellMissed)
	}
	return b, err
}

func (c *Cursor) snapshot(ctx context.Context) (Batch, error) {
	state, err := c.s.State(ctx)
	if err != nil {
		return Batch{}, err
	}
	c.at = state.N
	return Batch{Snapshot: state, Epoch: state.Epoch, From: state.N + 1, N: state.N}, nil
}
