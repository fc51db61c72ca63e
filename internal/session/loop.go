package session

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"time"

	"github.com/runnel-dev/runnel/internal/fault"
	"github.com/runnel-dev/runnel/internal/jupyter"
	"github.com/runnel-dev/runnel/internal/kernel"
	"github.com/runnel-dev/runnel/internal/steady"
)

type kernelEvent = kernel.Event

var errNoOutput = fault.Wrap(fault.NotFound, "That output is no longer there.", fs.ErrNotExist)

const (
	unloadAfter = 10 * time.Minute
	trimTo      = 1_000 // events kept of a session that nobody looks at
)

// run is the loop: it owns the core. It ends with the session's ctx, after everything is saved and written.
func (s *Session) run() {
	defer close(s.done)
	writing, stopWriting := context.WithCancel(context.Background())
	var w sync.WaitGroup
	w.Go(func() { s.writer.run(writing) })
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for s.ctx.Err() == nil {
		s.arm(timer)
		said := s.said
		if s.writer.full() {
			said = nil // the kernel is held back until the journal can be written
			s.setNow()
			s.core.heard()
		}
		select {
		case input := <-s.inputs:
			s.setNow()
			input()
			s.commit(reachedNone, false)
		case batch := <-said:
			s.setNow()
			s.heard(batch)
		case <-s.posted:
			s.setNow()
			s.readPost()
		case <-timer.C:
			s.setNow()
			s.core.tick()
			s.commit(reachedNone, false)
			s.maybeUnload()
		case <-s.ctx.Done():
		}
	}
	s.shutDown()
	stopWriting()
	w.Wait()
	s.letGo()
}

func (s *Session) setNow() { s.core.now = steady.Now().UnixMilli() }

// arm sets the timer for the core's next deadline; without one it looks round once a minute.
func (s *Session) arm(timer *time.Timer) {
	d := time.Minute
	if next := s.core.deadline(); next > 0 {
		d = min(d, max(time.Until(steady.At(next*int64(time.Millisecond))), 0))
	}
	if s.writer.full() {
		d = min(d, 100*time.Millisecond)
	}
	timer.Reset(d)
}

// heard applies what a kernel said; it is shown at once and journaled a moment later.
func (s *Session) heard(batch said) {
	events := batch.events
	for _, e := range events {
		if e.Kind == kernel.Message {
			s.answered(e) // the core knows no run of it and passes it over
		}
	}
	s.core.kernelEvents(batch.handle.id, events)
	last := events[len(events)-1]
	s.commit(reached{kernel: batch.handle.id, record: last.Record}, false)
}

// commit hands what the core has decided to the journal, then to the clients, then does it. With durable, a command's facts are
// written before anybody sees them or they take effect, but for answers to prompts; while the journal cannot be written they are shown all
// the same, but not acknowledged.
func (s *Session) commit(r reached, durable bool) uint64 {
	s.core.settle()
	st := s.core.take()
	for _, b := range st.blobs {
		if err := s.hub.cfg.Journal.Put(b.hash, b.data); err != nil {
			s.log.Error("blob not kept", "err", err)
			s.core.notice("error", "blob_lost", "A large output could not be kept: "+fault.Message(err), "")
		}
	}
	if len(st.facts) > 0 && s.opening != nil {
		s.writer.add(item{at: s.core.now, n: s.core.pub.N, snapshot: s.opening})
		s.opening = nil
	}
	var ticket uint64
	if len(st.facts) > 0 || r.kernel != "" {
		ticket = s.writer.add(item{facts: st.facts, at: s.core.now, n: s.core.pub.N, reached: r})
	} else {
		ticket = s.writer.last()
	}
	effects := st.effects
	if durable && len(st.facts) > 0 {
		effects = s.passAnswers(effects)
		_ = s.writer.wait(s.ctx, ticket, true)
	}
	s.tail.put(st.events)
	for _, e := range effects {
		s.perform(e)
	}
	return ticket
}

// passAnswers sends the answers among effects to the kernel, whose code waits for them, and returns the other effects. Answers need not be
// in the journal first: should this server die now, the next one hears from the keeper that the prompt was answered (wasSent).
func (s *Session) passAnswers(effects []effect) (others []effect) {
	for _, e := range effects {
		if m, ok := e.(sendMessage); ok && m.Channel == jupyter.Stdin {
			s.perform(e)
		} else {
			others = append(others, e)
		}
	}
	return others
}

func (s *Session) perform(e effect) {
	switch e := e.(type) {
	case launchKernel:
		s.launch(e.wish)
	case sendMessage:
		if h := s.handles[s.core.priv.KernelID]; h != nil {
			h.post(e)
		}
	case interruptKernel:
		if h := s.handles[s.core.priv.KernelID]; h != nil {
			h.interrupt(e.Then)
		}
	case stopKernel:
		if h := s.handles[e.KernelID]; h != nil {
			h.stop(e)
		}
	case saveFile:
		s.saveFile()
	case keepSpill:
		if err := s.hub.cfg.Journal.Spill(s.id, string(e.Output), e.Offset, []byte(e.Text)); err != nil {
			s.log.Error("text of an output not kept", "output", e.Output, "err", err)
		}
	case dropSpill:
		if err := s.hub.cfg.Journal.DropSpill(s.id, string(e.Output)); err != nil {
			s.log.Warn("spill file stays", "output", e.Output, "err", err)
		}
	}
}

// launch starts a kernel in a goroutine of its own; its end is an input.
func (s *Session) launch(wish launchWish) {
	req := LaunchRequest{KernelID: wish.KernelID, Name: wish.Name, Language: wish.Language, Notebook: string(s.path)}
	req.Progress = func(text string) {
		s.send(s.ctx, func() { s.core.kernelProgress(wish.KernelID, text) })
	}
	s.wg.Go(func() {
		k, info, err := s.hub.cfg.Launcher.Launch(s.ctx, req)
		if err != nil {
			s.log.Warn("kernel not started", "name", wish.Name, "err", err)
			s.send(s.ctx, func() { s.core.kernelFailed(wish.KernelID, fault.Message(err)) })
			return
		}
		taken := s.send(s.ctx, func() {
			s.core.kernelUp(wish.KernelID, info)
			s.handles[wish.KernelID] = s.hold(wish.KernelID, k)
			s.log.Info("kernel started", "kernel", wish.KernelID, "name", info.Name)
		})
		if !taken {
			_ = k.Close()
		}
	})
}

// attach takes up the kernel of the time before.
func (s *Session) attach() {
	id, from := s.core.priv.KernelID, s.core.priv.Record+1
	s.wg.Go(func() {
		k, err := s.hub.cfg.Launcher.Attach(s.ctx, kernel.ID(id), from)
		if err != nil {
			text := "The kernel could not be taken up again: " + err.Error()
			nowhere := errors.Is(err, fs.ErrNotExist)
			if nowhere {
				text = "The kernel is gone; it ended while no server was there."
			}
			s.send(s.ctx, func() { s.core.kernelGone(text, nowhere) })
			return
		}
		taken := s.send(s.ctx, func() {
			s.handles[id] = s.hold(id, k)
			s.core.reattached(id, k.Status().Started)
			s.log.Info("kernel taken up again", "kernel", id, "from", from)
		})
		if !taken {
			_ = k.Close()
		}
	})
}

// post is what the writer has told the loop, which must never wait for it.
type post struct {
	mu      sync.Mutex
	reached map[string]uint64
	grown   bool
	failure error
	changed bool // failure is news
}

func (s *Session) notify(change func(*post)) {
	s.post.mu.Lock()
	change(&s.post)
	s.post.mu.Unlock()
	select {
	case s.posted <- struct{}{}:
	default:
	}
}

// readPost acts on it.
func (s *Session) readPost() {
	s.acknowledge()
	s.post.mu.Lock()
	grown, failure, changed := s.post.grown, s.post.failure, s.post.changed
	s.post.grown, s.post.changed = false, false
	s.post.mu.Unlock()
	if grown {
		s.writer.add(item{at: s.core.now, n: s.core.pub.N, snapshot: s.core.snapshotFunc()})
	}
	if changed {
		s.core.journalState(failure)
		s.commit(reachedNone, false)
	}
}

// acknowledge tells the keepers how far the journal has what their kernels said. The handle of a kernel that has ended goes then.
func (s *Session) acknowledge() {
	s.post.mu.Lock()
	reached := s.post.reached
	s.post.reached = map[string]uint64{}
	s.post.mu.Unlock()
	for id, record := range reached {
		h := s.handles[id]
		if h == nil {
			continue
		}
		h.k.Ack(record)
		if s.core.priv.KernelID != id {
			delete(s.handles, id)
			s.wg.Go(h.letGo)
		}
	}
}

var reachedNone reached

// maybeUnload ends a session that nobody needs in memory.
func (s *Session) maybeUnload() {
	s.mu.Lock()
	alone := s.connected == 0 && time.Since(s.left) > 0
	since := time.Since(s.left)
	s.mu.Unlock()
	if !alone {
		return
	}
	s.tail.trim(trimTo)
	if since >= unloadAfter && s.resting() {
		s.hub.unload(s)
	}
}

// resting: no kernel, nothing queued, everything in the file.
func (s *Session) resting() bool {
	c := s.core
	return c.priv.KernelID == "" && len(c.priv.Order) == 0 && !c.save.dirty() && c.save.failing == ""
}

// shutDown saves and has a snapshot written.
func (s *Session) shutDown() {
	s.setNow()
	defer time.AfterFunc(lastSaves, s.endSaves).Stop()
	for s.core.save.saving { // one is under way: its end is an input
		input := <-s.inputs
		input()
	}
	if s.core.save.since != 0 {
		s.saveLast()
	}
	s.commit(reachedNone, false)
	if s.opening == nil {
		s.writer.add(item{at: s.core.now, n: s.core.pub.N, snapshot: s.core.snapshotFunc()})
	}
	s.tail.end(nil)
}

// letGo lets go of the kernels, which live on; their keepers are told first how far the journal has what they said.
func (s *Session) letGo() {
	defer s.endSaves()
	s.acknowledge()
	for _, h := range s.handles {
		h.letGo()
	}
	if s.resting() {
		if err := s.hub.cfg.Journal.SetLive(context.Background(), s.id, false); err != nil {
			s.log.Warn("the next server will open this notebook for nothing", "err", err)
		}
	}
	s.wg.Wait()
}
