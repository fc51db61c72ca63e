package gateway

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/runnel-dev/runnel/internal/fault"
	"github.com/runnel-dev/runnel/internal/jsontext"
	"github.com/runnel-dev/runnel/internal/protocol"
	"github.com/runnel-dev/runnel/internal/session"
)

// subscription carries one notebook's events to a page. Its fields below the first group belong to run.
type subscription struct {
	p       *page
	at      protocol.Subscription
	ctx     context.Context
	cancel  context.CancelFunc
	before  *subscription // the one of the same name that this one replaces
	done    chan struct{}
	session atomic.Pointer[Session]
	told    atomic.Uint64 // the page knows the session's events up to this one

	pace pace
	buf  []byte
}

func newSubscription(p *page, at protocol.Subscription, before *subscription) *subscription {
	ctx, cancel := context.WithCancel(p.c.ctx)
	return &subscription{p: p, at: at, ctx: ctx, cancel: cancel, before: before, done: make(chan struct{})}
}

// run ends when the subscription does: nothing of it is sent after done is closed, so one that replaces it is never mixed with it.
func (s *subscription) run() {
	defer close(s.done)
	defer s.cancel()
	if s.before != nil {
		s.before.cancel()
		<-s.before.done
		s.before = nil
	}
	for s.ctx.Err() == nil {
		open, err := s.p.c.p.Hub.Open(s.ctx, s.at.Notebook, false)
		if err != nil {
			s.refused(err)
			return
		}
		s.session.Store(&open)
		if !s.follow(open) {
			return
		}
	}
}

// refused tells why there is no such notebook here; a server that starts or stops says: come back.
func (s *subscription) refused(err error) {
	switch code := codeOf(err); {
	case s.ctx.Err() != nil:
	case code == protocol.CodeUnavailable:
		s.p.c.end(protocol.CloseRestarting, fault.Message(err))
	default:
		s.gone(code, fault.Message(err))
	}
}

func (s *subscription) gone(code, reason string) {
	s.p.c.sendJSON(protocol.Gone{Type: "gone", Sub: s.at.Sub, Notebook: s.at.Notebook, Code: code, Reason: reason})
}

// reopenAfter is the wait before a notebook whose session ended is opened again.
const reopenAfter = 200 * time.Millisecond

// follow sends what happens in one session; true means: subscribe again, from nothing.
func (s *subscription) follow(open Session) (again bool) {
	cursor := open.Subscribe(s.p.client, s.at)
	defer cursor.Close()
	for {
		s.pace.wait(s.ctx, cursor.News())
		batch, err := cursor.Next(s.ctx)
		if s.ctx.Err() != nil {
			return false
		}
		if err != nil {
			s.at.Epoch, s.at.N = "", 0
			if !errors.Is(err, session.ErrSlow) {
				sleep(s.ctx, reopenAfter)
			}
			return true
		}
		if batch.Gone != nil {
			s.gone(batch.Gone.Code, batch.Gone.Reason)
			return false
		}
		sent, ok := s.batch(batch)
		if !ok {
			return false
		}
		if !sent {
			s.at.Epoch, s.at.N = "", 0
			return true
		}
		s.at.Epoch, s.at.N = batch.Epoch, batch.N
		s.told.Store(batch.N)
	}
}

// batch sends one batch. sent is false for one that does not fit in a frame: the state is to be sent in its place, in parts.
func (s *subscription) batch(b session.Batch) (sent, ok bool) {
	if b.Snapshot != nil {
		s.at.Notebook = b.Snapshot.Notebook
		return true, s.snapshot(b.Snapshot)
	}
	if b.Resume && !s.p.c.sendJSON(protocol.Resume{Type: "resume", Sub: s.at.Sub, Notebook: s.at.Notebook, Epoch: b.Epoch, From: b.From}) {
		return true, false
	}
	if b.N < b.From {
		return true, true
	}
	frame := s.events(b)
	if len(frame) > protocol.MaxFrame {
		s.buf = nil
		return false, true
	}
	ok = s.p.c.send(frame)
	s.pace.sent(len(frame))
	if s.buf = frame; cap(frame) > 64<<10 {
		s.buf = nil
	}
	for _, event := range b.Events {
		if e, is := event.(protocol.Renamed); is {
			s.at.Notebook = e.Notebook
		}
	}
	return true, ok
}

// events is the frame of a batch. The events come encoded, once for all clients.
func (s *subscription) events(b session.Batch) []byte {
	encoded := b.Encoded()
	size := 128 + len(s.at.Notebook)
	for _, e := range encoded {
		size += len(e) + 1
	}
	out := s.buf[:0]
	if cap(out) < size {
		out = make([]byte, 0, size)
	}
	out = append(out, `{"type":"events","sub":`...)
	out = jsontext.Append(out, s.at.Sub)
	out = append(out, `,"notebook":`...)
	out = jsontext.Append(out, s.at.Notebook)
	out = append(out, `,"epoch":`...)
	out = jsontext.Append(out, b.Epoch)
	out = append(out, `,"from":`...)
	out = appendUint(out, b.From)
	out = append(out, `,"n":`...)
	out = appendUint(out, b.N)
	out = append(out, `,"events":[`...)
	for i, e := range encoded {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, e...)
	}
	return append(out, `]}`...)
}

// pace holds the frames of one subscription apart: a few go at once, so that what a person does and a lone print are not
// delayed; then one each frameGap, each with all that came meanwhile. After a large one the next waits longer, unless it has news:
// nobody reads a flood along, and it comes in fewer and larger frames.
type pace struct {
	credit float64
	last   time.Time
	free   time.Time // when a large frame has been paid for
}

const (
	frameGap   = 8 * time.Millisecond
	paceCredit = 6
	largeFrame = 16 << 10 // bytes for which the next frame waits another frameGap
	owedMost   = 11 * frameGap
)

// sent notes the size of a frame.
func (p *pace) sent(bytes int) {
	p.free = time.Now().Add(min(frameGap*time.Duration(bytes)/largeFrame, owedMost))
}

// wait returns when the next frame may go.
func (p *pace) wait(ctx context.Context, news <-chan struct{}) {
	if owed := time.Until(p.free); owed > 0 {
		timer := time.NewTimer(owed)
		select {
		case <-timer.C:
		case <-news:
		case <-ctx.Done():
		}
		timer.Stop()
		p.last = time.Now() // what was waited for is no credit
	}
	now := time.Now()
	if p.last.IsZero() {
		p.credit = paceCredit
	} else {
		p.credit = min(paceCredit, p.credit+float64(now.Sub(p.last))/float64(frameGap))
	}
	p.last = now
	if p.credit >= 1 {
		p.credit--
		return
	}
	sleep(ctx, time.Duration((1-p.credit)*float64(frameGap)))
	p.credit, p.last = 0, time.Now()
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
