package keeper

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/runnel-dev/runnel/internal/jupyter"
)

const (
	defaultGrace = 2500 * time.Millisecond
	tailSize     = 64 << 10
)

// stop ends the kernel: politely and then less so, or at once. It returns at
// once; the exited record says when it is done.
func (k *keeper) stop(grace time.Duration, force bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.requested = true
	if k.exitRecord > 0 || k.child == nil {
		return
	}
	if force {
		_ = k.child.signal(syscall.SIGKILL)
		return
	}
	k.stopLocked(grace)
}

func (k *keeper) stopLocked(grace time.Duration) {
	k.stopOnce.Do(func() { k.stopped.Go(func() { k.stopping(grace) }) })
}

// stopping: shutdown_request, SIGTERM, SIGKILL, with grace after the first two.
// A busy kernel is interrupted first, else it would not hear the request.
func (k *keeper) stopping(grace time.Duration) {
	gone := func() bool {
		select {
		case <-k.child.exited:
			return true
		case <-time.After(grace):
			return false
		}
	}
	if running, _ := k.activity.now(); running > 0 {
		_ = k.interrupt()
	}
	if k.lines[Control-1].isConnected() && k.tell("shutdown_request", jupyter.ShutdownRequest{}) == nil && gone() {
		return
	}
	_ = k.child.signal(syscall.SIGTERM)
	if gone() {
		return
	}
	_ = k.child.signal(syscall.SIGKILL)
}

// interrupt does it as the kernel wants it: by signal to it and what it runs,
// or by message.
func (k *keeper) interrupt() error {
	if k.child == nil {
		return errGone
	}
	if k.cfg.InterruptMode == "message" {
		return k.tell("interrupt_request", nil)
	}
	err := k.child.signal(syscall.SIGINT)
	if err == nil {
		for _, d := range wakeAfter {
			time.AfterFunc(d, func() { _ = k.child.signal(syscall.SIGURG) })
		}
	}
	return err
}

// wakeAfter is when an interrupt is followed by SIGURG, which a process passes over that does not expect it. Python notes a signal and acts
// on it a moment later; when its code begins to sleep in between, only another signal ends the sleep (see wake_from_sleep in package jupyter).
var wakeAfter = []time.Duration{20 * time.Millisecond, 200 * time.Millisecond}

// tell sends a message of the keeper's own on control.
func (k *keeper) tell(msgType string, content any) error {
	id := fmt.Sprintf("keeper-%s-%d", msgType, time.Now().UnixNano())
	m, err := jupyter.NewMessage("keeper-"+k.cfg.KernelID, id, msgType, content, time.Now())
	if err != nil {
		return err
	}
	return k.queue(command{id: id, channel: Control, msgType: msgType, msgID: id, frames: k.signer.Encode(m)})
}

// drain reads one of the kernel's pipes to its end, whatever happens.
func (k *keeper) drain(fd byte, pipe *os.File) {
	defer pipe.Close()
	buf := make([]byte, 16<<10)
	for {
		n, err := pipe.Read(buf)
		if n > 0 {
			k.tails[fd].add(buf[:n])
			k.spool.append(KindStdio, payload{head: append([]byte{fd}, buf[:n]...)}, true)
		}
		if err != nil {
			return
		}
	}
}

// tail keeps the last bytes of a stream.
type tail struct {
	mu sync.Mutex
	b  []byte
}

func (t *tail) add(b []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, b...)
	if len(t.b) > 2*tailSize {
		t.b = append([]byte(nil), t.b[len(t.b)-tailSize:]...)
	}
}

func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.b[max(0, len(t.b)-tailSize):]
	return strings.ToValidUTF8(string(bytes.TrimSpace(b)), "\uFFFD")
}

// cause words how the kernel's process ended.
func (k *keeper) cause() Exit {
	k.mu.Lock()
	requested := k.requested
	k.mu.Unlock()
	status := k.child.status
	e := Exit{Code: -1, Requested: requested, PeakRSS: maxRSS(k.child.usage), Stderr: k.tails[2].text()}
	switch {
	case status.Exited():
		e.Code = status.ExitStatus()
		e.Text = fmt.Sprintf("The kernel ended with exit code %d.", e.Code)
	case status.Signaled():
		sig := status.Signal()
		e.Signal = unix.SignalName(sig)
		e.Text = fmt.Sprintf("The kernel was ended by signal %s (%s).", e.Signal, sig)
		if sig == syscall.SIGKILL && !k.child.wasKilled() && k.oom.rose() {
			e.OOM = true
			e.Text = "The kernel was ended by the system because memory ran out."
		}
	}
	if requested {
		e.Text = "The kernel was stopped as asked."
	}
	return e
}

// oomWatch compares the system's count of processes killed for memory around
// the kernel's end. It may rise long before we hear of that end: on a machine that is
// short of memory a large process takes its time to go. The keeper's loop calls
// tick; rose comes after.
type oomWatch struct {
	mu    sync.Mutex
	path  string
	count int64
	last  time.Time // when it was seen to have risen
}

// oomEcho is how long before a kernel's end the count may have risen because of it.
const oomEcho = 30 * time.Second

func (o *oomWatch) begin(pid int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.path = oomFile(pid)
	o.count, _ = readOOM(o.path)
}

func (o *oomWatch) tick() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lookLocked(time.Now())
}

func (o *oomWatch) rose() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	o.lookLocked(now)
	return !o.last.IsZero() && now.Sub(o.last) <= oomEcho
}

func (o *oomWatch) lookLocked(now time.Time) {
	if n, ok := readOOM(o.path); ok && n != o.count {
		if n > o.count {
			o.last = now
		}
		o.count = n
	}
}
