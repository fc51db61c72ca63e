package gateway

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/runnel-dev/runnel/internal/fault"
	"github.com/runnel-dev/runnel/internal/protocol"
	"github.com/runnel-dev/runnel/internal/steady"
)

// Bounds of one page's connection.
const (
	maxSubscriptions = 64
	maxLanes         = 64
	laneLength       = 64 // commands of one notebook that wait for their turn
	maxRequests      = 8  // completions and inspections at once
	requestTime      = 2 * time.Second
)

// page is a client that speaks part 2 of the protocol: Runnel's own page.
type page struct {
	c        *conn
	client   protocol.ClientID
	greeted  bool
	lanes    map[string]*lane
	requests chan struct{}

	mu   sync.Mutex // guards subs; the reading goroutine changes it, the heartbeat reads it
	subs map[string]*subscription
}

func newPage(c *conn) *page {
	if w, ok := c.t.(patient); ok {
		w.SetPatience(pagePatience)
	}
	p := &page{c: c, lanes: map[string]*lane{}, requests: make(chan struct{}, maxRequests), subs: map[string]*subscription{}}
	c.follow(p)
	return p
}

// untold implements follower.
func (p *page) untold() func() bool {
	tops := p.tops()
	p.mu.Lock()
	defer p.mu.Unlock()
	subs := maps.Clone(p.subs)
	return func() bool {
		for name, top := range tops {
			if s := subs[name]; s != nil && s.ctx.Err() == nil && s.told.Load() < top {
				return false
			}
		}
		return true
	}
}

func (p *page) handle(m message) {
	var refused *problem
	switch m.Type {
	case "hello":
		refused = p.hello(m)
	case "subscribe":
		var in protocol.Subscribe
		if refused = m.decode(&in); refused == nil {
			refused = p.subscribe(in.Subscription)
		}
	case "unsubscribe":
		var in protocol.Unsubscribe
		if refused = m.decode(&in); refused == nil {
			p.unsubscribe(in.Sub)
		}
	case "ping": // answered, so that a page that wakes up can ask whether its line still lives
		p.c.sendJSON(protocol.Ping{Type: "ping", Time: steady.Now().UnixMilli(), Tops: p.tops()})
	case "request":
		refused = p.request(m)
	default:
		refused = p.command(m)
	}
	if refused != nil {
		p.c.fail(refused.code, refused.text)
	}
}

func (p *page) hello(m message) *problem {
	var in protocol.Hello
	if refused := m.decode(&in); refused != nil {
		return refused
	}
	if p.greeted {
		return invalid("hello must be the first message of a connection")
	}
	if in.Protocol != protocol.Version {
		p.c.end(protocol.CloseReload, "this page is of another version: reload it")
		return nil
	}
	if in.ClientID == "" {
		return missing("client_id")
	}
	if refused := checkID("client_id", string(in.ClientID)); refused != nil {
		return refused
	}
	p.greeted, p.client = true, in.ClientID
	p.c.sendJSON(protocol.Welcome{Type: "welcome", Protocol: protocol.Version, ServerID: p.c.p.ServerID, Version: p.c.p.Version,
		Time: steady.Now().UnixMilli(), Heartbeat: int(heartbeat.Milliseconds()), Caps: []string{"blobs"}})
	p.c.wg.Go(p.beat)
	for _, sub := range in.Subscriptions {
		if refused := p.subscribe(sub); refused != nil {
			p.c.fail(refused.code, refused.text)
		}
	}
	return nil
}

// beat sends pings with the tops, and drops a line on which nothing was heard (P29).
func (p *page) beat() {
	next := time.Now().Add(heartbeat)
	timer := time.NewTimer(heartbeat)
	defer timer.Stop()
	for {
		select {
		case <-p.c.ctx.Done():
			return
		case <-timer.C:
		}
		now := time.Now()
		deadline := p.c.t.Heard().Add(silence)
		if !now.Before(deadline) {
			p.c.end(protocol.CloseSilent, "nothing heard for 25 s")
			return
		}
		if !now.Before(next) {
			p.c.sendJSON(protocol.Ping{Type: "ping", Time: steady.Now().UnixMilli(), Tops: p.tops()})
			next = now.Add(heartbeat)
		}
		timer.Reset(min(time.Until(next), time.Until(deadline)))
	}
}

func (p *page) tops() map[string]uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	tops := make(map[string]uint64, len(p.subs))
	for name, sub := range p.subs {
		if s := sub.session.Load(); s != nil {
			_, tops[name] = (*s).Top()
		}
	}
	return tops
}

func (p *page) subscribe(at protocol.Subscription) *problem {
	if !p.greeted {
		return invalid("say hello first")
	}
	if at.Sub == "" {
		return missing("sub")
	}
	if at.Notebook == "" {
		return missing("notebook")
	}
	if refused := checkID("sub", at.Sub); refused != nil {
		return refused
	}
	p.mu.Lock()
	old := p.subs[at.Sub]
	if old == nil && len(p.subs) >= maxSubscriptions {
		p.mu.Unlock()
		return invalid("a connection has at most %d subscriptions", maxSubscriptions)
	}
	sub := newSubscription(p, at, old)
	p.subs[at.Sub] = sub
	p.mu.Unlock()
	p.c.wg.Go(sub.run)
	return nil
}

func (p *page) unsubscribe(name string) {
	p.mu.Lock()
	sub := p.subs[name]
	delete(p.subs, name)
	p.mu.Unlock()
	if sub != nil {
		sub.cancel()
	}
}

// request asks a kernel something, beside the commands: it may take its time.
func (p *page) request(m message) *problem {
	var in protocol.Request
	if refused := m.decode(&in); refused != nil {
		return refused
	}
	if in.RequestID == "" {
		return missing("req_id")
	}
	if in.Notebook == "" {
		return missing("notebook")
	}
	select {
	case p.requests <- struct{}{}:
	default:
		p.c.sendJSON(protocol.Response{Type: "response", RequestID: in.RequestID, Error: "too many requests at once"})
		return nil
	}
	p.c.wg.Go(func() {
		defer func() { <-p.requests }()
		p.c.sendJSON(p.ask(in))
	})
	return nil
}

func (p *page) ask(in protocol.Request) protocol.Response {
	ctx, cancel := context.WithTimeout(p.c.ctx, requestTime)
	defer cancel()
	var out protocol.Response
	s, err := p.c.p.Hub.Open(ctx, in.Notebook, false)
	if err != nil {
		out.Error = fault.Message(err)
	} else {
		out = s.Ask(ctx, in)
	}
	out.Type, out.RequestID = "response", in.RequestID
	return out
}

var commands = map[string]bool{
	protocol.CmdExecute: true, protocol.CmdRun: true, protocol.CmdCancel: true, protocol.CmdInterrupt: true,
	protocol.CmdInputReply: true, protocol.CmdPromptExtend: true, protocol.CmdEdit: true, protocol.CmdCellInsert: true,
	protocol.CmdCellDelete: true, protocol.CmdCellRestore: true, protocol.CmdCellMove: true, protocol.CmdCellChange: true,
	protocol.CmdClearOutputs: true, protocol.CmdKernelStart: true, protocol.CmdKernelRestart: true,
	protocol.CmdKernelStop: true, protocol.CmdSave: true, protocol.CmdWidgetChange: true,
}

// command passes a command to its notebook's lane.
func (p *page) command(m message) *problem {
	if !commands[m.Type] {
		return unknownType(m.Type)
	}
	if !p.greeted {
		return invalid("say hello first")
	}
	var cmd protocol.Command
	if refused := m.decode(&cmd); refused != nil {
		return refused
	}
	if cmd.CmdID == "" {
		return missing("cmd_id")
	}
	if cmd.Notebook == "" {
		return missing("notebook")
	}
	for field, id := range map[string]string{"cmd_id": string(cmd.CmdID), "cell_id": string(cmd.CellID), "widget_id": string(cmd.WidgetID), "origin": cmd.Origin} {
		if refused := checkID(field, id); refused != nil {
			p.reject(cmd, refused)
			return nil
		}
	}
	cmd.Client = p.client
	l := p.lanes[cmd.Notebook]
	if l == nil {
		if len(p.lanes) >= maxLanes {
			p.reject(cmd, &problem{protocol.CodeUnavailable, "too many notebooks on one connection"})
			return nil
		}
		l = &lane{p: p, path: cmd.Notebook, commands: make(chan protocol.Command, laneLength)}
		p.lanes[cmd.Notebook] = l
		p.c.wg.Go(l.run)
	}
	select {
	case l.commands <- cmd:
	case <-p.c.ctx.Done():
	}
	return nil
}

func (p *page) reject(cmd protocol.Command, why *problem) {
	p.c.sendJSON(protocol.Ack{Type: "ack", CmdID: cmd.CmdID, Notebook: cmd.Notebook, Status: protocol.AckRejected, Code: why.code, Error: why.text})
}

// lane does the commands of one notebook, one after the other, so that a slow notebook does not hold up another's.
type lane struct {
	p        *page
	path     string
	commands chan protocol.Command
}

func (l *lane) run() {
	for {
		select {
		case <-l.p.c.ctx.Done():
			return
		case cmd := <-l.commands:
			l.do(cmd)
		}
	}
}

func (l *lane) do(cmd protocol.Command) {
	ctx := l.p.c.ctx
	s, err := l.p.c.p.Hub.Open(ctx, l.path, false)
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			l.p.reject(cmd, &problem{codeOf(err), fault.Message(err)})
		}
		return
	}
	ack := s.Do(ctx, cmd)
	ack.Type, ack.CmdID, ack.Notebook = "ack", cmd.CmdID, cmd.Notebook
	l.p.c.sendJSON(ack)
}
