package keeper

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/runnel-dev/runnel/internal/jupyter"
	"github.com/runnel-dev/runnel/internal/zmtp"
)

const (
	defaultMaxFrame = 512 << 20
	dialFirst       = 5 * time.Millisecond
	dialMost        = 100 * time.Millisecond
	redialAfter     = 200 * time.Millisecond
	queueLength     = 256
	queueBytes      = 64 << 20
	beatEvery       = 3 * time.Second
	beatMissing     = 10 * time.Second
)

// line is one of the kernel's sockets: a reader that is always there, and a
// writer with a queue, because a kernel that does not read must hold up nobody.
type line struct {
	channel  Channel
	endpoint string
	options  zmtp.Options
	kind     zmtp.Kind

	out    chan command
	queued atomic.Int64 // bytes in out

	mu    sync.Mutex
	conn  *zmtp.Conn
	ready chan struct{} // closed while conn is there; a new one when it goes
}

func newLine(ch Channel, kind zmtp.Kind, endpoint string, o zmtp.Options) *line {
	return &line{channel: ch, kind: kind, endpoint: endpoint, options: o,
		out: make(chan command, queueLength), ready: make(chan struct{})}
}

// dial tries until the kernel listens or ctx, which ends with the kernel, is done.
func (l *line) dial(ctx context.Context) (*zmtp.Conn, error) {
	pause := dialFirst
	for {
		conn, err := zmtp.Dial(ctx, l.kind, l.endpoint, l.options)
		if err == nil {
			return conn, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
		pause = min(pause*5/4, dialMost)
	}
}

func (l *line) set(conn *zmtp.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conn = conn
	if conn != nil {
		close(l.ready)
	} else {
		l.ready = make(chan struct{})
	}
}

// connected waits for the connection.
func (l *line) connected(ctx context.Context) (*zmtp.Conn, error) {
	for {
		l.mu.Lock()
		conn, ready := l.conn, l.ready
		l.mu.Unlock()
		if conn != nil {
			return conn, nil
		}
		select {
		case <-ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (l *line) isConnected() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conn != nil
}

func (l *line) close() {
	l.mu.Lock()
	conn := l.conn
	l.mu.Unlock()
	if conn != nil {
		conn.Close()
	}
}

// listen keeps the line connected until ctx ends, and then reads on to the end
// of what the kernel wrote.
func (k *keeper) listen(ctx context.Context, l *line) {
	broken := ""
	for {
		conn, err := l.dial(ctx)
		if err != nil {
			return
		}
		l.set(conn)
		if broken != "" {
			k.spool.append(KindLost, payload{head: lostPayload(0, 0, broken)}, false)
		}
		k.poke()
		err = k.receive(l, conn)
		conn.Close()
		l.set(nil)
		k.poke()
		broken = fmt.Sprintf("The connection to the kernel (%s) broke and was made anew: %v", channelName(l.channel), err)
		if errors.Is(err, zmtp.ErrFrameTooLarge) || errors.Is(err, zmtp.ErrMessageTooLarge) {
			broken = fmt.Sprintf("The kernel sent a message that is too large (%s): %v", channelName(l.channel), err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(redialAfter):
		}
	}
}

func (k *keeper) receive(l *line, conn *zmtp.Conn) error {
	if l.channel == IOPub {
		k.order.listens(true)
		defer k.order.listens(false)
	}
	for {
		frames, err := conn.Recv()
		if err != nil {
			return err
		}
		if k.inOrder(l.channel, frames) {
			k.activity.observe(l.channel, frames, k.poke)
		}
	}
}

// inOrder puts what the kernel said into the spool, but for what it says to the keeper alone.
func (k *keeper) inOrder(ch Channel, frames [][]byte) bool {
	switch ch {
	case Stdin:
		k.order.await(jupyter.AfterNumber(frames))
	case IOPub:
		if n := jupyter.SaidNumber(frames); n > 0 {
			k.order.said(n)
			return false
		}
		k.order.takes(true)
		defer k.order.takes(false)
	}
	k.spool.append(KindMessage, messagePayload(ch, frames), true)
	return true
}

// speak passes commands to the kernel. Each is recorded before it is sent, so
// that whoever reads the spool knows that it may have been.
func (k *keeper) speak(ctx context.Context, l *line) {
	for {
		select {
		case <-ctx.Done():
			k.refuse(l)
			return
		case c := <-l.out:
			err := k.pass(ctx, l, c)
			l.queued.Add(-int64(c.size()))
			k.sent(c, err)
		}
	}
}

func (k *keeper) pass(ctx context.Context, l *line, c command) error {
	conn, err := l.connected(ctx)
	if err != nil {
		return errGone
	}
	head := appendText(appendText(nil, c.id), c.msgType)
	k.spool.append(KindSent, payload{head: head}, false)
	k.spool.flush()
	if err := conn.Send(c.frames...); err != nil {
		return fmt.Errorf("send to the kernel: %w", err)
	}
	return nil
}

var errGone = errors.New("the kernel is gone")

// refuseAll answers what came after the writers ended.
func (k *keeper) refuseAll() {
	for _, l := range k.lines {
		k.refuse(l)
	}
}

// refuse answers what is still queued when the kernel is gone.
func (k *keeper) refuse(l *line) {
	for {
		select {
		case c := <-l.out:
			k.sent(c, errGone)
		default:
			return
		}
	}
}

func (c command) size() int {
	n := 0
	for _, f := range c.frames {
		n += len(f)
	}
	return n
}

// beat asks the kernel's heartbeat socket for an echo every few seconds.
func (k *keeper) beat(ctx context.Context, l *line) {
	for ctx.Err() == nil {
		conn, err := l.dial(ctx)
		if err != nil {
			return
		}
		l.set(conn)
		k.lastBeat.Set()
		for ctx.Err() == nil {
			if err := conn.Send([]byte("ping")); err != nil {
				break
			}
			if _, err := conn.Recv(); err != nil {
				break
			}
			k.lastBeat.Set()
			select {
			case <-ctx.Done():
			case <-time.After(beatEvery):
			}
		}
		conn.Close()
		l.set(nil)
		select {
		case <-ctx.Done():
		case <-time.After(redialAfter):
		}
	}
}

// activity knows which execute requests are under way. Guarded by mu.
type activity struct {
	mu      sync.Mutex
	running map[string]struct{}
	ended   time.Time
}

func (a *activity) begin(msgID string) {
	a.mu.Lock()
	a.running[msgID] = struct{}{}
	a.mu.Unlock()
}

func (a *activity) end(msgID string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, ok := a.running[msgID]
	if ok {
		delete(a.running, msgID)
		a.ended = time.Now()
	}
	return ok
}

func (a *activity) now() (running int, ended time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.running), a.ended
}

// observe notices the end of an execute: its idle, or its reply. It looks into
// few messages: a status is short, and a reply comes once per execute.
func (a *activity) observe(ch Channel, frames [][]byte, ended func()) {
	if ch != IOPub && ch != Shell {
		return
	}
	m, _, err := jupyter.Split(frames)
	if err != nil {
		return
	}
	if ch == IOPub && (len(m.Content) > 256 || !bytes.Contains(m.Content, []byte(`"idle"`))) {
		return
	}
	if ch == Shell && !bytes.Contains(m.Header, []byte(`"execute_reply"`)) {
		return
	}
	var parent struct {
		MsgID string `json:"msg_id"`
	}
	if json.Unmarshal(m.Parent, &parent) == nil && a.end(parent.MsgID) {
		ended()
	}
}

func channelName(c Channel) string {
	switch c {
	case Shell:
		return "shell"
	case Control:
		return "control"
	case Stdin:
		return "stdin"
	case IOPub:
		return "iopub"
	}
	return fmt.Sprintf("channel %d", c)
}
