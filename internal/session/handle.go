package session

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/runnel-dev/runnel/internal/jupyter"
	"github.com/runnel-dev/runnel/internal/kernel"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// handle is the session's hold on one kernel: the goroutines that pull its events and pass messages to it. Its lock guards the outbox.
type handle struct {
	id     string
	k      Kernel
	s      *Session
	cancel context.CancelFunc
	wg     sync.WaitGroup
	kick   chan struct{}

	mu     sync.Mutex
	outbox []sendMessage

	notebook atomic.Value // string: whose kernel it is
	naming   sync.Mutex   // held while that is written down
}

const (
	pullBytes   = 256 << 10
	memoryEvery = 5 * time.Second
	sendAgain   = time.Second
)

// hold starts the goroutines; letGo ends them.
func (s *Session) hold(id string, k Kernel) *handle {
	ctx, cancel := context.WithCancel(s.ctx)
	h := &handle{id: id, k: k, s: s, cancel: cancel, kick: make(chan struct{}, 1)}
	h.wg.Go(func() { h.pull(ctx) })
	h.wg.Go(func() { h.sendAll(ctx) })
	h.wg.Go(func() { h.awaitReady(ctx) })
	h.wg.Go(func() { h.watchMemory(ctx) })
	h.rename(string(s.path))
	return h
}

// rename has it written down whose kernel this is, for those who look from outside. The newest name stays.
func (h *handle) rename(notebook string) {
	h.notebook.Store(notebook)
	h.wg.Go(func() {
		h.naming.Lock()
		defer h.naming.Unlock()
		if err := h.k.Rename(h.notebook.Load().(string)); err != nil {
			h.s.log.Warn("the kernel is listed under another notebook", "kernel", h.id, "err", err)
		}
	})
}

// letGo closes the handle and waits; the kernel lives on.
func (h *handle) letGo() {
	h.cancel()
	h.wg.Wait()
	if err := h.k.Close(); err != nil {
		h.s.log.Warn("kernel handle not closed well", "kernel", h.id, "err", err)
	}
}

func (h *handle) pull(ctx context.Context) {
	for {
		events, err := h.k.NextBatch(ctx, pullBytes)
		if len(events) > 0 {
			select {
			case h.s.said <- said{handle: h, events: events}:
			case <-ctx.Done():
				return
			}
		}
		if err == nil {
			continue
		}
		if ctx.Err() == nil && !errors.Is(err, io.EOF) {
			h.s.log.Error("no more events from the kernel", "kernel", h.id, "err", err)
			text := "The connection to the kernel was lost: " + err.Error()
			if errors.Is(err, kernel.ErrFenced) {
				text = "Another server has taken this kernel over."
			}
			h.s.send(ctx, func() { h.s.core.kernelFailed(h.id, text) })
		}
		return
	}
}

func (h *handle) awaitReady(ctx context.Context) {
	if err := h.k.Ready(ctx); err != nil {
		return // its exit, or the end of the handle, is told elsewhere
	}
	info := h.k.Info()
	h.s.send(ctx, func() { h.s.core.kernelReady(h.id, info) })
}

func (h *handle) watchMemory(ctx context.Context) {
	tick := time.NewTicker(memoryEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if h.s.clients() == 0 {
			continue
		}
		bytes := h.k.Status().Memory
		h.s.send(ctx, func() { h.s.core.kernelMemory(h.id, bytes) })
	}
}

// post queues a message; messages go out in order.
func (h *handle) post(m sendMessage) {
	h.mu.Lock()
	h.outbox = append(h.outbox, m)
	h.mu.Unlock()
	select {
	case h.kick <- struct{}{}:
	default:
	}
}

func (h *handle) sendAll(ctx context.Context) {
	for {
		h.mu.Lock()
		var m sendMessage
		ok := len(h.outbox) > 0
		if ok {
			m = h.outbox[0]
			h.outbox = h.outbox[1:]
		}
		h.mu.Unlock()
		if ok {
			h.sendOne(ctx, m)
			continue
		}
		select {
		case <-h.kick:
		case <-ctx.Done():
			return
		}
	}
}

// sendOne tries until it is passed on, or the kernel or the handle is gone.
func (h *handle) sendOne(ctx context.Context, m sendMessage) {
	msg, err := jupyter.NewMessage("runnel-"+h.id, m.ID, m.MsgType, m.Content, time.Now())
	if err != nil {
		h.s.log.Error("message not made", "type", m.MsgType, "err", err)
		return
	}
	if m.Parent != nil {
		msg.Parent = m.Parent
	}
	msg.Buffers = m.Buffers
	for {
		err := h.k.Send(ctx, m.ID, m.Channel, msg)
		if err == nil || ctx.Err() != nil || errors.Is(err, kernel.ErrGone) || errors.Is(err, kernel.ErrClosed) || errors.Is(err, kernel.ErrFenced) {
			return
		}
		h.s.log.Warn("message not passed to the kernel; trying again", "kernel", h.id, "type", m.MsgType, "err", err)
		select {
		case <-time.After(sendAgain):
		case <-ctx.Done():
			return
		}
	}
}

func (h *handle) interrupt(then []sendMessage) {
	h.wg.Go(func() {
		ctx, cancel := context.WithTimeout(h.s.ctx, 10*time.Second)
		defer cancel()
		if err := h.k.Interrupt(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, kernel.ErrGone) {
			h.s.log.Warn("kernel not interrupted", "kernel", h.id, "err", err)
			h.s.send(ctx, func() {
				h.s.core.notice("error", "interrupt_failed", "The kernel could not be interrupted: "+err.Error(), protocol.CellID(""))
			})
		}
		for _, m := range then {
			h.post(m)
		}
	})
}

func (h *handle) stop(e stopKernel) {
	h.wg.Go(func() {
		ctx, cancel := context.WithTimeout(h.s.ctx, 30*time.Second)
		defer cancel()
		if e.Busy && !e.Force {
			_ = h.k.Interrupt(ctx) // what counts is the stop
		}
		if err := h.k.Stop(ctx, e.Force); err != nil && ctx.Err() == nil && !errors.Is(err, kernel.ErrGone) {
			h.s.log.Warn("kernel not stopped", "kernel", h.id, "err", err)
		}
	})
}
