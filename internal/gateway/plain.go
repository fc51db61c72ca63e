package gateway

import (
	"context"
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/runnel-dev/runnel/internal/fault"
	"github.com/runnel-dev/runnel/internal/protocol"
	"github.com/runnel-dev/runnel/internal/session"
	"github.com/runnel-dev/runnel/internal/steady"
)

// plain is a client that knows the fixed shapes only: one notebook, no numbers, no greeting (P1 to P10).
type plain struct {
	c      *conn
	ctx    context.Context
	cancel context.CancelFunc
	once   sync.Once
	opens  sync.Once
	begun  chan struct{} // closed when it is known to be plain: before that it is told nothing
	ready  chan struct{} // closed when session and refused are set

	session Session
	refused *problem      // why there is no session
	told    atomic.Uint64 // the client knows the session's events up to this one

	mu    sync.Mutex
	own   map[protocol.RunID]form // runs this client asked for, as long as their cells show them
	last  form                    // of its last execute: the one it knows
	ended map[protocol.RunID]bool // runs that were given up: this client was told their end already
	typed bool                    // it has answered ahead of a prompt
}

// form is how a client is told what is printed (P3).
type form int

const (
	asStream form = iota // stream_output; to those who have asked for nothing too
	asOutput             // output with is_last:false
)

// formOf is that of a run's text: what the run was asked with here, else what the client asked for last.
func (p *plain) formOf(run protocol.RunID) form {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f, own := p.own[run]; own {
		return f
	}
	return p.last
}

// forget drops a run that shows nothing any more.
func (p *plain) forget(run protocol.RunID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.own, run)
}

func newPlain(c *conn) *plain {
	ctx, cancel := context.WithCancel(c.ctx)
	return &plain{c: c, ctx: ctx, cancel: cancel, begun: make(chan struct{}), ready: make(chan struct{}), own: map[protocol.RunID]form{}, ended: map[protocol.RunID]bool{}}
}

// stop gives up being plain: the client turned out to be a page.
func (p *plain) stop() {
	p.once.Do(func() {})
	p.cancel()
}

// open opens the notebook and takes the place from which the client will be told. The second call does nothing.
func (p *plain) open() { p.opens.Do(func() { p.c.wg.Go(p.follow) }) }

// start opens the notebook and tells the client what happens in it; the second call does nothing.
func (p *plain) start() {
	p.once.Do(func() {
		if w, ok := p.c.t.(patient); ok {
			w.SetPatience(plainPatience)
		}
		close(p.begun)
		p.c.follow(p)
		p.open()
		p.c.wg.Go(p.probe)
	})
}

// plainly waits until the client is known to be plain; false when it is not, or gone.
func (p *plain) plainly() bool {
	select {
	case <-p.begun:
		return true
	case <-p.ctx.Done():
		return false
	}
}

// patient is a transport that can be told how long a write may make no progress.
type patient interface{ SetPatience(time.Duration) }

// A page that takes nothing for 10 s is dropped and comes back by its number; a plain client cannot, so it gets longer. One that is not
// there any more is dropped within 40 s, though.
const (
	plainPatience = 60 * time.Second
	pagePatience  = 10 * time.Second
	probeEvery    = 15 * time.Second
	probeWait     = 25 * time.Second
)

// probe drops the line of a client that is not there any more.
func (p *plain) probe() {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for {
		select {
		case <-p.ctx.Done():
			return
		case <-tick.C:
		}
		ctx, cancel := context.WithTimeout(p.ctx, probeWait)
		err := p.c.t.Probe(ctx)
		cancel()
		if err != nil && p.ctx.Err() == nil {
			p.c.end(protocol.CloseSilent, "no answer to a ping")
			return
		}
	}
}

// follow opens the notebook and tells the client what happens in it.
func (p *plain) follow() {
	s, err := p.c.p.Hub.Open(p.ctx, p.c.p.Notebook, true)
	if err != nil {
		p.refused = &problem{codeOf(err), fault.Message(err)}
		close(p.ready)
		if p.plainly() {
			p.c.fail(p.refused.code, p.refused.text)
		}
		return
	}
	cursor := s.SubscribePlain(p.c.p.Client)
	defer cursor.Close()
	t := newTeller(p)
	for {
		batch, err := cursor.Next(p.ctx)
		if p.session == nil { // what this client does now comes after the place where its events begin
			p.session = s
			close(p.ready)
		}
		switch {
		case !p.plainly(), p.ctx.Err() != nil:
			return
		case errors.Is(err, session.ErrSlow):
			p.c.end(protocol.CloseSlow, "too slow: output was lost")
			return
		case err != nil:
			p.c.end(protocol.CloseRestarting, "the notebook was closed")
			return
		}
		if !t.tell(batch) {
			return
		}
		p.told.Store(batch.N)
		if batch.Gone != nil {
			p.c.fail(batch.Gone.Code, batch.Gone.Reason)
			p.c.end(protocol.CloseRefused, "the notebook is gone")
			return
		}
	}
}

// untold implements follower.
func (p *plain) untold() func() bool {
	select {
	case <-p.ready:
	default:
		return func() bool { return true }
	}
	if p.session == nil {
		return func() bool { return true }
	}
	_, top := p.session.Top()
	return func() bool { return p.told.Load() >= top }
}

// codeOf is the code of an error on the wire.
func codeOf(err error) string {
	switch kind := fault.KindOf(err); kind {
	case fault.Invalid, fault.NotFound, fault.Unauthorized, fault.Forbidden, fault.TooLarge, fault.Unavailable:
		return kind.String()
	case fault.NoSpace:
		return protocol.CodeUnavailable
	case fault.Conflict:
		return protocol.CodeInvalid
	default:
		return protocol.CodeInternal
	}
}

func (p *plain) handle(m message) {
	var refused *problem
	switch m.Type {
	case protocol.CmdExecute:
		refused = p.execute(m)
	case protocol.CmdInputReply:
		refused = p.reply(m)
	case protocol.CmdInterrupt:
		refused = p.simple(protocol.CmdInterrupt)
	case "restart":
		refused = p.simple(protocol.CmdKernelRestart)
	case "ping":
		p.c.sendJSON(protocol.Ping{Type: "ping", Time: steady.Now().UnixMilli()})
	case "hello":
		refused = invalid("hello must be the first message of a connection")
	default:
		refused = unknownType(m.Type)
	}
	if refused != nil {
		p.c.fail(refused.code, refused.text)
	}
}

// do passes a command to the session. Problems that say nothing changed come back.
func (p *plain) do(cmd protocol.Command) *problem {
	select {
	case <-p.ready:
	case <-p.ctx.Done():
		return nil
	}
	if p.refused != nil {
		return p.refused
	}
	cmd.Notebook, cmd.Client = p.c.p.Notebook, p.c.p.Client
	if cmd.CmdID == "" {
		cmd.CmdID = newCommandID()
	}
	for try := 0; ; try++ {
		ack := p.session.Do(p.ctx, cmd)
		if ack.Status != protocol.AckRejected || p.ctx.Err() != nil {
			return nil
		}
		if ack.Code == protocol.CodeStopping {
			return &problem{protocol.CodeUnavailable, ack.Error}
		}
		// It may have taken effect or not; sent again it does so once.
		if ack.Code != protocol.CodeUnavailable || try == retries {
			return &problem{ack.Code, ack.Error}
		}
		sleep(p.ctx, retryAfter)
	}
}

const (
	retries    = 3
	retryAfter = 100 * time.Millisecond
)

func newCommandID() protocol.CommandID { return protocol.CommandID(uuid.Must(uuid.NewV7()).String()) }

func (p *plain) simple(kind string) *problem { return p.do(protocol.Command{Type: kind}) }

func (p *plain) execute(m message) *problem {
	var in struct {
		Code      *string `json:"code"`
		CellID    string  `json:"cell_id"`
		Streaming bool    `json:"streaming"`
	}
	if refused := m.decode(&in); refused != nil {
		return refused
	}
	if in.Code == nil {
		return missing("code")
	}
	if refused := checkID("cell_id", in.CellID); refused != nil {
		return refused
	}
	if in.CellID == "" {
		in.CellID = uuid.NewString()[:8]
	}
	cmd := protocol.Command{Type: protocol.CmdExecute, CmdID: newCommandID(), CellID: protocol.CellID(in.CellID), Code: in.Code}
	run := protocol.RunID(cmd.CmdID)
	p.mu.Lock()
	if p.last = asOutput; in.Streaming {
		p.last = asStream
	}
	p.own[run] = p.last
	p.mu.Unlock()
	refused := p.do(cmd)
	if refused != nil && refused.code == protocol.CodeUnknownCell { // it was deleted: it comes back, at the end (P2)
		if p.do(protocol.Command{Type: protocol.CmdCellRestore, CellID: cmd.CellID, Index: math.MaxInt32}) == nil {
			refused = p.do(cmd)
		}
	}
	if refused == nil {
		return nil
	}
	p.mu.Lock()
	delete(p.own, run)
	p.ended[run] = true
	p.mu.Unlock()
	if refused.code == protocol.CodeInvalid || refused.code == protocol.CodeTooLarge || refused.code == protocol.CodeForbidden {
		return refused
	}
	// It was understood and allowed, so it has an end of its own (P5).
	p.c.sendJSON(lastError{Type: "error", CellID: cmd.CellID, RunID: run, Error: refused.text, Status: protocol.StatusError,
		Code: refused.code, IsLast: true, Traceback: []string{}})
	return nil
}

func (p *plain) reply(m message) *problem {
	var in struct {
		Value     *string            `json:"value"`
		RequestID protocol.RequestID `json:"request_id"`
	}
	if refused := m.decode(&in); refused != nil {
		return refused
	}
	if in.Value == nil {
		return missing("value")
	}
	if in.RequestID == "" {
		p.mu.Lock()
		p.typed = true
		p.mu.Unlock()
	}
	return p.do(protocol.Command{Type: protocol.CmdInputReply, RequestID: in.RequestID, Value: *in.Value})
}
