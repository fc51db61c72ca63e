package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/runnel-dev/runnel/internal/jupyter"
)

// handshakePrefix begins the message ids of Ready. Any handle knows by it what
// belongs to a handshake, also one of a server before.
const handshakePrefix = "runnel-ready-"

const (
	handshakeEvery = 500 * time.Millisecond
	// echoAfter: the kernel has answered, but before its iopub knew of us.
	echoAfter = 10 * time.Millisecond
	// controlAfter: shell has been silent for long, as when a cell runs.
	controlAfter = 5 * time.Second
)

// readiness is what has been heard of a kernel that starts.
type readiness struct {
	*readinessState
}

type readinessState struct {
	mu    sync.Mutex // guards the rest
	iopub bool
	info  *jupyter.KernelInfoReply
	err   error
	done  chan struct{} // closed when both were heard, or with err
	heard chan struct{} // poked when the reply came first
}

func newReadiness() readiness {
	return readiness{&readinessState{done: make(chan struct{}), heard: make(chan struct{}, 1)}}
}

func (r readiness) note(iopub bool, info *jupyter.KernelInfoReply, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.done:
		return
	default:
	}
	r.iopub = r.iopub || iopub
	if info != nil {
		r.info = info
		poke(r.heard)
	}
	r.err = err
	if err != nil || r.iopub && r.info != nil {
		close(r.done)
	}
}

func (r readiness) fail(err error) { r.note(false, nil, err) }

func (r readiness) result() (*jupyter.KernelInfoReply, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.info, r.err
}

// handshake notes a message for Ready, and says whether it is only for that.
func (k *Kernel) handshake(ch jupyter.Channel, m jupyter.Message) bool {
	if ch == jupyter.IOPub {
		k.ready.note(true, nil, nil)
	}
	parent, err := m.ParentHeader()
	if err != nil || !strings.HasPrefix(parent.MsgID, handshakePrefix) {
		return false
	}
	if h, err := m.ParseHeader(); err == nil && h.MsgType == "kernel_info_reply" {
		var info jupyter.KernelInfoReply
		if json.Unmarshal(m.Content, &info) == nil {
			k.ready.note(false, &info, nil)
		}
	}
	return true
}

// Ready asks the kernel for its introduction until it has answered and something
// was heard on iopub, so that nothing of what it prints next is missed. Somebody
// must pull events meanwhile when there may be many. ErrGone when it ends first.
func (k *Kernel) Ready(ctx context.Context) error {
	again := time.NewTimer(0)
	defer again.Stop()
	begun, echo := time.Now(), echoAfter
	for {
		select {
		case <-k.ready.done:
			_, err := k.ready.result()
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-k.ready.heard:
			again.Reset(echo)
			echo = min(2*echo, handshakeEvery)
			continue
		case <-again.C:
		}
		ask := []jupyter.Channel{jupyter.Shell}
		if time.Since(begun) > controlAfter && k.isUp() {
			ask = append(ask, jupyter.Control)
		}
		for _, ch := range ask {
			id := handshakePrefix + uuid.NewString()
			m, err := jupyter.NewMessage(string(k.id), id, "kernel_info_request", nil, time.Now())
			if err != nil {
				return err
			}
			if err := k.Send(ctx, id, ch, m); err != nil && !errors.Is(err, ErrGone) {
				return err
			}
		}
		again.Reset(handshakeEvery)
	}
}

// isUp: the kernel has begun to read its messages, as it runs something, or an earlier handle has heard of it. ipykernel 6 prints a traceback
// when a control message comes before that, however long its start takes; what is heard on iopub says nothing, that begins earlier.
func (k *Kernel) isUp() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.state.Busy > 0 || k.from > 1
}

// Info is the kernel's introduction, once Ready has returned; else nil.
func (k *Kernel) Info() *jupyter.KernelInfoReply {
	info, _ := k.ready.result()
	return info
}
