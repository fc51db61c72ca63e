package jupytertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/runnel-dev/runnel/internal/jupyter"
)

// kernel answers one client. Requests of shell run one after another in Serve's
// own goroutine; control's and stdin's are handled where they arrive.
type kernel struct {
	signer  *jupyter.Signer
	session string
	sockets map[jupyter.Channel]*socket
	answers chan string    // replies to input requests
	late    sync.WaitGroup // prints that come after their cell

	mu        sync.Mutex // guards what follows
	queue     []request
	interrupt context.CancelCauseFunc // of what runs, or nil
	wake      chan struct{}           // capacity 1: the queue has grown

	// Owned by Serve's goroutine.
	count     int
	variables map[string]string
	answer    string

	once   sync.Once
	ended  chan struct{} // closed by end
	result error         // what serve shall return, set before ended is closed
	exit   func(code int)
}

// request is a message together with what is read of it anyway.
type request struct {
	jupyter.Message
	header jupyter.Header
}

var errInterrupted = errors.New("interrupted")

// Serve is a kernel on this connection until ctx ends or a client shuts it
// down. exit is called for die; nil means that it ends Serve.
func Serve(ctx context.Context, info jupyter.ConnectionInfo, exit func(code int)) error {
	k, err := listen(info, exit)
	if err != nil {
		return err
	}
	stop := onInterrupt(k.interruptNow)
	defer stop()
	return k.serve(ctx)
}

// listen binds the sockets; serve must follow, which closes them.
func listen(info jupyter.ConnectionInfo, exit func(code int)) (*kernel, error) {
	signer, err := info.Signer()
	if err != nil {
		return nil, err
	}
	k := &kernel{
		signer: signer, session: uuid.NewString(), sockets: map[jupyter.Channel]*socket{},
		answers: make(chan string, 64), wake: make(chan struct{}, 1), variables: map[string]string{},
		ended: make(chan struct{}), exit: exit,
	}
	if k.exit == nil {
		k.exit = func(code int) { k.end(fmt.Errorf("died with %d", code)) }
	}
	return k, k.bind(info)
}

// end asks serve to return err. A cell that begins meanwhile looks at ended
// after it can be interrupted, so that one of the two reaches it.
func (k *kernel) end(err error) {
	k.once.Do(func() {
		k.result = err
		close(k.ended)
	})
	k.interruptNow()
}

func (k *kernel) serve(ctx context.Context) error {
	defer k.late.Wait()
	defer func() {
		for _, s := range k.sockets {
			s.close()
		}
	}()
	for {
		select {
		case <-k.ended:
			return k.result
		case <-ctx.Done():
			return nil
		default:
		}
		if r, ok := k.next(); ok {
			k.shell(ctx, r)
			continue
		}
		select {
		case <-k.wake:
		case <-k.ended:
			return k.result
		case <-ctx.Done():
			return nil
		}
	}
}

func (k *kernel) bind(info jupyter.ConnectionInfo) (err error) {
	bindings := []struct {
		ch      jupyter.Channel
		kind    string
		receive func([][]byte)
	}{
		{jupyter.IOPub, "XPUB", k.subscribed},
		{jupyter.Heartbeat, "REP", func(f [][]byte) { k.sockets[jupyter.Heartbeat].send(f) }},
		{jupyter.Stdin, "ROUTER", k.decoded(k.stdin)},
		{jupyter.Control, "ROUTER", k.decoded(k.control)},
		{jupyter.Shell, "ROUTER", k.decoded(k.enqueue)},
	}
	started := make(chan struct{}) // closed once sockets is filled
	for _, b := range bindings {
		s, err := bind(b.kind, info.Endpoint(b.ch), func(f [][]byte) {
			<-started
			b.receive(f)
		})
		if err != nil {
			close(started)
			for _, s := range k.sockets {
				s.close()
			}
			return err
		}
		k.sockets[b.ch] = s
	}
	close(started)
	return nil
}

// decoded passes on what is well signed and drops the rest, as kernels do.
func (k *kernel) decoded(handle func(request)) func([][]byte) {
	return func(frames [][]byte) {
		m, err := k.signer.Decode(frames)
		if err != nil {
			fmt.Fprintln(os.Stderr, "fake kernel:", err)
			return
		}
		h, err := m.ParseHeader()
		if err != nil {
			fmt.Fprintln(os.Stderr, "fake kernel:", err)
			return
		}
		handle(request{m, h})
	}
}

// subscribed greets a new subscriber, without a topic, as ipykernel does.
func (k *kernel) subscribed([][]byte) {
	m := k.message("iopub_welcome", request{}, map[string]any{"subscription": ""})
	k.sockets[jupyter.IOPub].send(k.signer.Encode(m))
}

func (k *kernel) stdin(r request) {
	reply, err := jupyter.Decode[jupyter.InputReply](r.Content)
	if err != nil || r.header.MsgType != "input_reply" {
		return
	}
	select {
	case k.answers <- reply.Value:
	default: // more answers than anyone asked for
	}
}

func (k *kernel) control(r request) {
	k.status(r, jupyter.StateBusy)
	defer k.status(r, jupyter.StateIdle)
	switch r.header.MsgType {
	case "interrupt_request":
		k.interruptNow()
		k.reply(jupyter.Control, r, "interrupt_reply", map[string]any{"status": "ok"})
	case "shutdown_request":
		k.reply(jupyter.Control, r, "shutdown_reply", map[string]any{"status": "ok", "restart": false})
		k.end(nil)
	default:
		k.answerInfo(jupyter.Control, r)
	}
}

func (k *kernel) interruptNow() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.interrupt != nil {
		k.interrupt(errInterrupted)
	}
}

func (k *kernel) enqueue(r request) {
	k.mu.Lock()
	k.queue = append(k.queue, r)
	k.mu.Unlock()
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

func (k *kernel) next() (request, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.queue) == 0 {
		return request{}, false
	}
	r := k.queue[0]
	k.queue = k.queue[1:]
	return r, true
}

// takeWaiting takes the execute requests out of the queue.
func (k *kernel) takeWaiting() (waiting []request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var rest []request
	for _, r := range k.queue {
		if r.header.MsgType == "execute_request" {
			waiting = append(waiting, r)
		} else {
			rest = append(rest, r)
		}
	}
	k.queue = rest
	return waiting
}

// abort answers requests that shall not run, as ipykernel does after an error.
func (k *kernel) abort(waiting []request) {
	for _, r := range waiting {
		k.status(r, jupyter.StateBusy)
		k.reply(jupyter.Shell, r, "execute_reply", map[string]any{"status": jupyter.StatusAborted, "execution_count": k.count})
		k.status(r, jupyter.StateIdle)
	}
}

func (k *kernel) shell(ctx context.Context, r request) {
	k.status(r, jupyter.StateBusy)
	if r.header.MsgType == "execute_request" {
		k.execute(ctx, r)
		return
	}
	k.answerInfo(jupyter.Shell, r)
	k.status(r, jupyter.StateIdle)
}

// answerInfo answers the requests that run no code; unknown ones get nothing.
func (k *kernel) answerInfo(ch jupyter.Channel, r request) {
	var content map[string]any
	switch r.header.MsgType {
	case "kernel_info_request":
		content = map[string]any{
			"protocol_version": "5.3", "implementation": "fake", "implementation_version": "1", "banner": "a scripted kernel",
			"language_info": map[string]any{"name": "script", "version": "1", "mimetype": "text/plain", "file_extension": ".txt"},
		}
	case "complete_request":
		content = map[string]any{"matches": []string{"print"}, "cursor_start": 0, "cursor_end": 0, "metadata": map[string]any{}}
	case "inspect_request":
		content = map[string]any{"found": true, "data": map[string]any{"text/plain": "a command"}, "metadata": map[string]any{}}
	case "is_complete_request":
		content = map[string]any{"status": "complete"}
	case "history_request":
		content = map[string]any{"history": []any{}}
	case "comm_info_request":
		content = map[string]any{"comms": map[string]any{}}
	default:
		return
	}
	if content["status"] == nil {
		content["status"] = "ok"
	}
	k.reply(ch, r, replyType(r.header.MsgType), content)
}

func replyType(request string) string { return request[:len(request)-len("request")] + "reply" }

func (k *kernel) message(msgType string, parent request, content any) jupyter.Message {
	m, err := jupyter.NewMessage(k.session, uuid.NewString(), msgType, content, time.Now())
	if err != nil {
		panic(err) // our own content
	}
	m.Parent = parent.Header
	return m
}

func (k *kernel) reply(ch jupyter.Channel, parent request, msgType string, content any) {
	k.sockets[ch].send(k.signer.Encode(k.message(msgType, parent, content)))
}

func (k *kernel) publish(parent request, msgType string, content any) {
	m := k.message(msgType, parent, content)
	m.Identities = [][]byte{[]byte("kernel.fake." + msgType)}
	k.sockets[jupyter.IOPub].send(k.signer.Encode(m))
}

func (k *kernel) status(parent request, state string) {
	k.publish(parent, "status", jupyter.Status{ExecutionState: state})
}
