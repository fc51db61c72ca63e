package kernel

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/runnel-dev/runnel/internal/keeper"
)

const (
	retryFirst = 20 * time.Millisecond
	retryMost  = time.Second
	lastWords  = time.Second // for what is to be told when the handle closes
)

// follow owns the handle's connection: it reads, and connects again as long as
// the keeper lives. It begins with a client that is attached, or with none.
func (k *Kernel) follow(client *keeper.Client, hello keeper.Hello) {
	defer k.fail(ErrClosed)
	pause := retryFirst
	for {
		if client != nil {
			pause = retryFirst
			if err := k.session(client, hello); k.final(err) {
				return
			}
		}
		select {
		case <-k.life.Done():
			return
		default:
		}
		if !Alive(k.dir) {
			k.finish()
			return
		}
		var err error
		client, hello, err = keeper.Attach(k.life, k.dir, k.epoch, k.next())
		if err == nil {
			continue
		}
		if k.final(err) {
			return
		}
		select {
		case <-k.life.Done():
			return
		case <-time.After(pause):
			pause = min(2*pause, retryMost)
		}
	}
}

// final ends the handle on errors that a new connection does not cure.
func (k *Kernel) final(err error) bool {
	var fenced *keeper.FencedError
	switch {
	case errors.As(err, &fenced):
		k.fail(ErrFenced)
	case errors.Is(err, keeper.ErrDamaged):
		k.fail(fmt.Errorf("kernel %s: %w", k.id, err))
	case errors.Is(err, errOver):
		k.fail(io.EOF)
	default:
		return false
	}
	return true
}

var errOver = errors.New("all is read")

func (k *Kernel) next() uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.last + 1
}

// fail ends the handle, the first time with err, and answers all who wait.
func (k *Kernel) fail(err error) {
	k.mu.Lock()
	if k.err == nil {
		k.err = err
	}
	err = k.err
	if err == io.EOF {
		err = ErrGone
	}
	for id, c := range k.calls {
		c.answer(err)
		delete(k.calls, id)
	}
	k.outbox = nil
	k.mu.Unlock()
	k.ready.fail(err)
	poke(k.filled)
}

func (c *call) answer(err error) {
	select {
	case c.result <- err:
	default:
	}
}

// session lives with one connection.
func (k *Kernel) session(client *keeper.Client, hello keeper.Hello) error {
	k.meet(hello)
	k.mu.Lock()
	k.client = client
	k.granted, k.toldAck = keeper.Window, 0
	k.outbox = k.outbox[:0]
	for _, c := range k.calls {
		k.outbox = append(k.outbox, c)
	}
	first, want := client.From(), k.last+1
	k.mu.Unlock()
	if first > want {
		why := fmt.Sprintf("%d records of the kernel are not there any more.", first-want)
		k.put(k.event(keeper.LostRecord(first-1, k.there(), first-want, why), 0))
	}
	over := make(chan struct{})
	wrote := make(chan struct{})
	go func() { defer close(wrote); k.write(client, over) }()
	err := k.read(client)
	close(over)
	client.Close()
	<-wrote
	return err
}

func (k *Kernel) read(client *keeper.Client) error {
	for {
		u, err := client.Read()
		if err != nil {
			return k.afterExit(err)
		}
		switch {
		case u.Result != nil:
			k.result(*u.Result)
		case u.State != nil:
			k.mu.Lock()
			k.state = *u.State
			k.mu.Unlock()
		}
		if u.Bytes == 0 {
			continue
		}
		events := make([]Event, len(u.Records))
		for i, r := range u.Records {
			events[i] = k.event(r, u.Sizes[i])
		}
		k.mu.Lock()
		k.granted -= u.Bytes
		k.mu.Unlock()
		k.put(events...)
		poke(k.towork)
	}
}

// afterExit: nothing comes after the exited record, so an end there is no break.
func (k *Kernel) afterExit(err error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.exit > 0 && k.acked >= k.exit {
		return errOver
	}
	return err
}

func (k *Kernel) result(r keeper.Result) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c := k.calls[r.ID]
	if c == nil {
		return
	}
	delete(k.calls, r.ID)
	var err error
	if r.Code == keeper.ResultFailed {
		err = fmt.Errorf("kernel %s: %s", k.id, r.Text)
		if k.exit > 0 || k.state.Exited {
			err = fmt.Errorf("%w: %s", ErrGone, r.Text)
		}
	}
	c.answer(err)
}

// write is the only one that writes to the connection: requests, then how far
// we have read. When the handle closes it says the last and ends the reader.
func (k *Kernel) write(client *keeper.Client, over <-chan struct{}) {
	for {
		closing := false
		select {
		case <-k.life.Done():
			closing = true
			client.Deadline(time.Now().Add(lastWords))
		default:
		}
		if err := k.writeAll(client); err != nil || closing {
			client.Close()
			return
		}
		select {
		case <-over:
			return
		case <-k.life.Done():
		case <-k.towork:
		}
	}
}

func (k *Kernel) writeAll(client *keeper.Client) error {
	for {
		k.mu.Lock()
		var c *call
		if len(k.outbox) > 0 {
			c, k.outbox = k.outbox[0], k.outbox[1:]
		}
		ack := uint64(0)
		if k.acked > k.toldAck {
			ack, k.toldAck = k.acked, k.acked
		}
		credit := keeper.Window - k.bytes - k.granted
		if credit < keeper.Window/4 {
			credit = 0
		}
		k.granted += credit
		k.mu.Unlock()
		if c == nil && ack == 0 && credit == 0 {
			return nil
		}
		if c != nil {
			if err := c.send(client); err != nil {
				return err
			}
		}
		if credit > 0 {
			if err := client.Credit(credit); err != nil {
				return err
			}
		}
		if ack > 0 {
			if err := client.Ack(ack); err != nil {
				return err
			}
		}
	}
}

// Alive says whether a keeper runs for the folder.
func Alive(dir string) bool {
	r, err := keeper.ReadRunning(dir)
	if err != nil {
		return false
	}
	start := keeper.ProcessStart(r.PID)
	return start != "" && start == r.Start
}

// finish reads what a lost keeper left, and ends with an exited event.
func (k *Kernel) finish() {
	k.mu.Lock()
	exit := k.exit
	k.dead = true
	k.state.Exited = true
	k.client = nil
	acked := k.acked
	for id, c := range k.calls {
		c.answer(ErrGone)
		delete(k.calls, id)
	}
	k.mu.Unlock()
	k.ready.fail(ErrGone)
	if exit == 0 {
		sweep(k.dir, k.id)
		k.readSpool()
	} else {
		k.Ack(acked)
	}
	// A reader may pull for as long as it likes; the handle's end is its Close.
	k.fail(io.EOF)
}

func (k *Kernel) readSpool() {
	r, err := keeper.OpenReader(k.dir)
	damaged := ""
	for err == nil {
		var rec keeper.Record
		if rec, err = r.Next(); err != nil {
			break
		}
		if rec.N < k.next() {
			continue
		}
		if missing := rec.N - k.next(); missing > 0 {
			why := fmt.Sprintf("%d records of the kernel are not there any more.", missing)
			k.put(k.event(keeper.LostRecord(rec.N-1, rec.Time, missing, why), 0))
		}
		if !k.room() {
			r.Close()
			return
		}
		k.put(k.event(rec, len(rec.Payload)))
		if rec.Kind == Exited {
			r.Close()
			return
		}
	}
	if r != nil {
		r.Close()
	}
	if !errors.Is(err, io.EOF) {
		damaged = fmt.Sprintf(" Its last records cannot be read (%v).", err)
	}
	text := "The process that kept the kernel is gone, and the kernel with it." + damaged
	k.put(k.event(keeper.ExitRecord(k.next(), k.there(), Exit{Code: -1, KeeperLost: true, Text: text}), 0))
}

// room waits until the queue is short enough; false when the handle closes.
func (k *Kernel) room() bool {
	for {
		k.mu.Lock()
		full := k.bytes > keeper.Window
		k.mu.Unlock()
		if !full {
			return true
		}
		select {
		case <-k.pulled:
		case <-k.life.Done():
			return false
		}
	}
}

// endKeeper ends a keeper that stands still. Who is attached to it, or comes next, ends what it leaves.
func endKeeper(dir string) error {
	r, err := keeper.ReadRunning(dir)
	if err != nil {
		return fmt.Errorf("end a keeper: %w", err)
	}
	if !Alive(dir) {
		return nil
	}
	return syscall.Kill(r.PID, syscall.SIGKILL)
}

// sweep ends what a lost keeper's kernel left running.
func sweep(dir string, id ID) {
	if r, err := keeper.ReadRunning(dir); err == nil && r.KernelPID > 0 && keeper.ProcessStart(r.KernelPID) == r.KernelStart && r.KernelStart != "" {
		_ = syscall.Kill(-r.KernelPID, syscall.SIGKILL)
	}
	for range 100 {
		left := keeper.Marked(keeper.Mark(string(id)))
		for _, pid := range left {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		if len(left) == 0 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	for _, name := range []string{keeper.SocketFile, keeper.ConnectionFile} {
		_ = os.Remove(filepath.Join(dir, name))
	}
}
