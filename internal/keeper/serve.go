package keeper

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/runnel-dev/runnel/internal/steady"
)

const maxPeers = 16

// outcome is what became of a command's id.
type outcome struct {
	done bool
	err  string
}

// takenLimit is how many ids are remembered; a server repeats only those it has
// no answer for, which are far fewer.
const takenLimit = 1 << 14

// peer is one connection on keep.sock. Its reader handles frames; its sender is
// the only one that writes. Only one peer is attached: it gets the records.
type peer struct {
	k    *keeper
	wire *Wire
	wake chan struct{} // to the sender
	done chan struct{} // closed when the reader ends

	mu       sync.Mutex // guards the rest
	cursor   *cursor    // nil when it only asks
	credit   int64
	results  []Result
	fencedBy uint64 // another server is attached now
}

// serve accepts until ctx ends, and waits for all connections to end.
func (k *keeper) serve(ctx context.Context, listener net.Listener) {
	var all sync.WaitGroup
	slots := make(chan struct{}, maxPeers)
	stop := context.AfterFunc(ctx, func() { listener.Close() })
	defer stop()
	for {
		nc, err := listener.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				break
			}
			time.Sleep(50 * time.Millisecond) // out of file descriptors, most likely
			continue
		}
		select {
		case slots <- struct{}{}:
		default:
			nc.Close()
			continue
		}
		all.Go(func() {
			defer func() { <-slots }()
			unhook := context.AfterFunc(ctx, func() { nc.Close() })
			defer unhook()
			k.handle(nc)
		})
	}
	all.Wait()
}

// handle lives as long as the connection.
func (k *keeper) handle(nc net.Conn) {
	defer nc.Close()
	p := &peer{k: k, wire: newWire(nc, 4<<10, MaxCommand), wake: make(chan struct{}, 1), done: make(chan struct{})}
	_ = nc.SetReadDeadline(time.Now().Add(handshakeTimeout))
	kind, b, err := p.wire.read()
	if err != nil {
		return
	}
	_ = nc.SetReadDeadline(time.Time{})
	if err := p.welcome(kind, b); err != nil {
		_ = p.wire.write(frameNo, []byte(err.Error()))
		return
	}
	var sender sync.WaitGroup
	sender.Go(p.send)
	for {
		kind, b, err := p.wire.read()
		if err == nil {
			err = p.frame(kind, b)
		}
		if err != nil {
			break
		}
	}
	close(p.done)
	nc.Close()
	sender.Wait()
	k.leave(p)
	if p.cursor != nil {
		p.cursor.close()
	}
}

// welcome answers the first frame.
func (p *peer) welcome(kind byte, b []byte) error {
	k := p.k
	if kind == frameQuery {
		return p.wire.writeJSON(frameHello, k.hello())
	}
	if kind != frameAttach {
		return fmt.Errorf("frame %q before attach", kind)
	}
	f := fields{b: b}
	version, epoch, from := f.number(), f.number(), f.number()
	if f.bad || version != ProtocolVersion {
		return fmt.Errorf("protocol %d is not spoken here, %d is", version, ProtocolVersion)
	}
	if err := k.fence(p, epoch); err != nil {
		return err
	}
	first, last, _ := k.spool.bounds()
	if from > last+1 {
		return fmt.Errorf("record %d is ahead of %d", from, last)
	}
	from = max(from, first)
	cursor, chain, err := k.spool.cursorAt(from)
	if err != nil {
		return err
	}
	p.cursor, p.credit = cursor, Window
	if err := p.wire.writeJSON(frameHello, k.hello()); err != nil {
		return err
	}
	if err := p.wire.write(frameStream, numbers(from, uint64(chain))); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.epoch != epoch {
		return fmt.Errorf("fenced by %d", k.epoch)
	}
	if k.server != nil {
		k.server.fence(epoch)
	}
	k.server = p
	k.poke()
	return nil
}

// fence lets a server in unless a newer one was here.
func (k *keeper) fence(p *peer, epoch uint64) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if epoch < k.epoch {
		_ = p.wire.write(frameFenced, numbers(k.epoch))
		return fmt.Errorf("a newer server is attached")
	}
	k.epoch = epoch
	return nil
}

// fence tells a peer that it is attached no more; it gets a moment to hear it.
func (p *peer) fence(by uint64) {
	p.mu.Lock()
	p.fencedBy = by
	p.mu.Unlock()
	poke(p.wake)
	_ = p.wire.nc.SetDeadline(time.Now().Add(200 * time.Millisecond))
}

func (k *keeper) leave(p *peer) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.server == p {
		k.server = nil
		k.detached = time.Now()
	}
	k.poke()
}

func (k *keeper) hello() Hello {
	first, last, acked := k.spool.bounds()
	h := Hello{
		Version: ProtocolVersion, KernelID: k.cfg.KernelID, NotebookID: k.cfg.NotebookID, Name: k.cfg.Name,
		Language: k.cfg.Language, KeeperPID: syscall.Getpid(), Started: k.begun.UnixNano(), Now: steady.Now().UnixNano(), First: first, Last: last,
		Acked: acked, State: k.state(),
	}
	if k.child != nil {
		h.KernelPID, h.KernelStart = k.child.pid, k.child.start
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	h.Epoch, h.Attached = k.epoch, k.server != nil
	return h
}

func (k *keeper) state() State {
	held, disk := k.spool.held()
	running, _ := k.activity.now()
	s := State{Held: held, Busy: running, Connected: true}
	if disk != nil {
		s.Disk = disk.Error()
	}
	for _, l := range k.lines {
		s.Connected = s.Connected && l.isConnected()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	s.Exited, s.Unresponsive = k.exitRecord > 0, k.unresponsive
	return s
}

// toServer tells the attached server's sender that there may be more. The spool
// calls it with its lock held: k.mu must never be held while the spool is called.
func (k *keeper) toServer() {
	k.mu.Lock()
	p := k.server
	k.mu.Unlock()
	if p != nil {
		poke(p.wake)
	}
}

// send writes answers, the state when it changed, and records as far as there
// is credit. It ends with the connection.
func (p *peer) send() {
	buf := make([]byte, 64<<10)
	var told State
	for {
		more, err := p.sendSome(buf, &told)
		if err != nil {
			p.wire.nc.Close() // the reader ends too
			return
		}
		if more {
			continue
		}
		select {
		case <-p.done:
			return
		case <-p.wake:
		}
	}
}

func (p *peer) sendSome(buf []byte, told *State) (more bool, err error) {
	p.mu.Lock()
	results, fenced, credit := p.results, p.fencedBy, p.credit
	p.results = nil
	p.mu.Unlock()
	if fenced != 0 {
		_ = p.wire.write(frameFenced, numbers(fenced))
		return false, errors.New("fenced")
	}
	for _, r := range results {
		if err := p.wire.write(frameResult, resultBytes(r)); err != nil {
			return false, err
		}
	}
	if p.cursor == nil {
		return false, nil
	}
	n, err := p.cursor.Read(buf[:min(int64(len(buf)), credit)])
	if err != nil {
		_ = p.wire.write(frameNo, []byte(err.Error()))
		return false, err
	}
	if n > 0 {
		p.mu.Lock()
		p.credit -= int64(n)
		p.mu.Unlock()
		return true, p.wire.write(frameData, buf[:n])
	}
	if state := p.k.state(); state != *told {
		*told = state
		return true, p.wire.writeJSON(frameState, state)
	}
	return false, nil
}

func (p *peer) answer(r Result) {
	p.mu.Lock()
	p.results = append(p.results, r)
	p.mu.Unlock()
	poke(p.wake)
}

// frame handles one frame of a peer that was welcomed.
func (p *peer) frame(kind byte, b []byte) error {
	k := p.k
	f := fields{b: b}
	switch kind {
	case frameAck:
		if !k.isServer(p) {
			return errors.New("ack without attach")
		}
		k.spool.ack(f.number())
		k.poke()
	case frameCredit:
		p.mu.Lock()
		p.credit = min(p.credit+int64(f.number()&math.MaxInt32), 4*Window)
		p.mu.Unlock()
		poke(p.wake)
	case frameSend:
		if !k.isServer(p) {
			return errors.New("send without attach")
		}
		c, err := parseCommand(b)
		if err != nil {
			return err
		}
		k.take(p, c)
	case frameInter:
		p.reply(f.text(), k.interrupt())
	case frameSignal:
		id, sig := f.text(), syscall.Signal(f.number()&0x7f)
		err := errGone
		if k.child != nil {
			err = k.child.signal(sig)
		}
		p.reply(id, err)
	case frameStop:
		id, grace, force := f.text(), f.number(), f.number()
		k.stop(time.Duration(min(grace, 60_000))*time.Millisecond, force != 0)
		p.reply(id, nil)
	case frameKeepFor:
		k.mu.Lock()
		k.keepFor = time.Duration(min(f.number(), math.MaxInt32)) * time.Millisecond
		k.mu.Unlock()
		k.poke()
	case frameForget:
		k.mu.Lock()
		k.forget = true
		k.mu.Unlock()
		k.poke()
	default:
		return fmt.Errorf("unknown frame %q", kind)
	}
	if f.bad {
		return fmt.Errorf("malformed frame %q", kind)
	}
	return nil
}

func (k *keeper) isServer(p *peer) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.server == p
}

func (p *peer) reply(id string, err error) {
	r := Result{ID: id}
	if err != nil {
		r.Code, r.Text = ResultFailed, err.Error()
	}
	p.answer(r)
}

// take accepts a command once. Its result comes when it is sent; a repeated id
// is answered at once with what is known.
func (k *keeper) take(p *peer, c command) {
	k.mu.Lock()
	o, seen := k.taken[c.id]
	if !seen {
		k.taken[c.id] = outcome{}
		k.takenOrder = append(k.takenOrder, c.id)
		if len(k.takenOrder) > takenLimit {
			delete(k.taken, k.takenOrder[0])
			k.takenOrder = k.takenOrder[1:]
		}
	}
	k.mu.Unlock()
	if seen {
		r := Result{ID: c.id, Code: ResultDuplicate}
		if o.err != "" {
			r.Code, r.Text = ResultFailed, o.err
		}
		p.answer(r)
		return
	}
	if c.msgType == "execute_request" {
		k.activity.begin(c.msgID)
	}
	if err := k.queue(c); err != nil {
		k.sent(c, err)
	}
}

// queue hands a command to its line's writer; it never waits.
func (k *keeper) queue(c command) error {
	select {
	case <-k.finished:
		return errGone
	default:
	}
	l := k.lines[c.channel-1]
	if l.queued.Load() > queueBytes {
		return errors.New("the kernel does not read its messages")
	}
	select {
	case l.out <- c:
		l.queued.Add(int64(c.size()))
		select {
		case <-k.finished: // perhaps too late for the line's writer
			k.refuse(l)
		default:
		}
		return nil
	default:
		return errors.New("the kernel does not read its messages")
	}
}

// sent notes what became of a command and tells the server.
func (k *keeper) sent(c command, err error) {
	r := Result{ID: c.id}
	if err != nil {
		r.Code, r.Text = ResultFailed, err.Error()
		k.activity.end(c.msgID)
		k.poke()
	}
	k.mu.Lock()
	if _, ok := k.taken[c.id]; ok {
		k.taken[c.id] = outcome{done: true, err: r.Text}
	}
	p := k.server
	k.mu.Unlock()
	if p != nil {
		p.answer(r)
	}
}
