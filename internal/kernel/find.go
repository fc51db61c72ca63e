package kernel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/google/uuid"

	"github.com/runnel-dev/runnel/internal/keeper"
)

// Found is a kernel that a runtime folder knows of.
type Found struct {
	ID         ID
	NotebookID string
	Name       string // of the kernelspec
	Language   string
	KeeperPID  int
	KernelPID  int
	Started    time.Time // of the keeper; zero when it is gone, or does not answer
	First      uint64    // first record that is there, 0 when not known
	Last       uint64    // last record, 0 when not known
	Alive      bool      // the keeper is; else Attach gives what it left
	Attached   bool      // a server is
	Memory     int64     // resident bytes of the kernel and its children
	State      keeper.State
}

// garbageAge is how old a folder without a spool must be before it is removed:
// a younger one may be a launch under way.
const garbageAge = time.Minute

// Find lists the kernels of the runtime folder, and removes folders of launches
// that never came to anything.
func (m *Manager) Find(ctx context.Context) ([]Found, error) {
	entries, err := os.ReadDir(m.cfg.RuntimeDir)
	if err != nil {
		return nil, fmt.Errorf("find kernels: %w", err)
	}
	var all []Found
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		f, ok := m.look(ctx, filepath.Join(m.cfg.RuntimeDir, e.Name()))
		if ok {
			all = append(all, f)
		}
	}
	return all, ctx.Err()
}

func (m *Manager) look(ctx context.Context, dir string) (Found, bool) {
	cfg, err := keeper.ReadConfig(dir)
	if err != nil || m.dir(ID(cfg.KernelID)) != dir {
		m.discard(dir)
		return Found{}, false
	}
	f := Found{ID: ID(cfg.KernelID), NotebookID: cfg.NotebookID, Name: cfg.Name, Language: cfg.Language}
	running, _ := keeper.ReadRunning(dir)
	f.KeeperPID, f.KernelPID = running.PID, running.KernelPID
	client, hello, err := reach(ctx, dir)
	f.Alive = err == nil || Alive(dir)
	if !f.Alive {
		segments, _ := filepath.Glob(filepath.Join(dir, "*.seg"))
		if len(segments) == 0 {
			m.discard(dir)
			return Found{}, false
		}
		f.State.Exited = true
		return f, true
	}
	if err != nil {
		if ctx.Err() == nil {
			m.log.Warn("keeper does not answer", "kernel", f.ID, "pid", f.KeeperPID, "error", err)
		}
		return f, true
	}
	client.Close()
	f.Started = time.Now()
	if hello.Now > 0 {
		f.Started = f.Started.Add(-time.Duration(hello.Now - hello.Started))
	}
	f.First, f.Last, f.Attached, f.State = hello.First, hello.Last, hello.Attached, hello.State
	if !f.State.Exited && hello.KernelPID > 0 {
		f.Memory = keeper.TreeMemory(hello.KernelPID)
	}
	return f, true
}

// comesOrGoes is how long a keeper that lives may be without its socket: as it starts, and as it ends.
const comesOrGoes = 2 * time.Second

// reach asks a keeper how it is, again as long as it lives and seems to come or to go.
func reach(ctx context.Context, dir string) (*keeper.Client, keeper.Hello, error) {
	for end := time.Now().Add(comesOrGoes); ; {
		if !Alive(dir) {
			return nil, keeper.Hello{}, ErrGone
		}
		client, hello, err := keeper.Query(ctx, dir)
		if err == nil || !going(dir, err) || time.Now().After(end) {
			return client, hello, err
		}
		select {
		case <-ctx.Done():
			return nil, hello, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// discard removes a folder that holds nothing, unless it is young.
func (m *Manager) discard(dir string) {
	info, err := os.Stat(dir)
	if err != nil || time.Since(info.ModTime()) < garbageAge || Alive(dir) {
		return
	}
	if err := os.RemoveAll(dir); err != nil {
		m.log.Warn("folder of a kernel that never ran stays", "dir", dir, "error", err)
	}
}

// Interrupt interrupts a kernel without attaching to it: another server may be.
func (m *Manager) Interrupt(ctx context.Context, id ID) error {
	return m.ask(ctx, id, func(c *keeper.Client, request string) error { return c.Interrupt(request) }, false)
}

// Stop ends a kernel without attaching to it, and returns when it is gone. Its
// records stay for the server that is, or was, attached. A keeper that has not
// ended by force within 5 s is ended itself, and all with it.
func (m *Manager) Stop(ctx context.Context, id ID, force bool) error {
	asked, cancel := context.WithTimeout(ctx, stuckAfter)
	defer cancel()
	if !force {
		asked = ctx
	}
	err := m.ask(asked, id, func(c *keeper.Client, request string) error { return c.Stop(request, stopGrace, force) }, true)
	silent := asked.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded)
	if err == nil || !force || ctx.Err() != nil || !silent {
		return err
	}
	if err := endKeeper(m.dir(id)); err != nil {
		return err
	}
	if err := awaitGone(ctx, m.dir(id)); err != nil {
		return err
	}
	sweep(m.dir(id), id)
	return nil
}

func (m *Manager) ask(ctx context.Context, id ID, request func(*keeper.Client, string) error, untilGone bool) error {
	dir := m.dir(id)
	client, hello, err := keeper.Query(ctx, dir)
	if err != nil {
		if untilGone && going(dir, err) {
			return awaitGone(ctx, dir)
		}
		return fmt.Errorf("kernel %s: %w", id, err)
	}
	defer client.Close()
	stop := context.AfterFunc(ctx, func() { client.Close() })
	defer stop()
	ref := uuid.NewString()
	if err := request(client, ref); err != nil {
		if untilGone && going(dir, err) {
			return awaitGone(ctx, dir)
		}
		return fmt.Errorf("kernel %s: %w", id, err)
	}
	for {
		u, err := client.Read()
		if err != nil {
			if untilGone && ctx.Err() == nil && going(dir, err) {
				return awaitGone(ctx, dir)
			}
			return fmt.Errorf("kernel %s: %w", id, errors.Join(ctx.Err(), err))
		}
		if u.Result != nil && u.Result.ID == ref {
			if u.Result.Code != keeper.ResultOK {
				return fmt.Errorf("kernel %s: %s", id, u.Result.Text)
			}
			break
		}
	}
	if untilGone && !hello.State.Exited {
		return m.Gone(ctx, id)
	}
	return nil
}

// Gone waits until the kernel's process has ended. A kernel that is not known is gone.
func (m *Manager) Gone(ctx context.Context, id ID) error {
	dir := m.dir(id)
	for {
		client, now, err := keeper.Query(ctx, dir)
		switch {
		case err == nil:
			client.Close()
			if now.State.Exited {
				return nil
			}
		case !Alive(dir) || errors.Is(err, io.EOF):
			return ctx.Err()
		case going(dir, err):
			return awaitGone(ctx, dir)
		default:
			return fmt.Errorf("kernel %s: %w", id, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// leaving are the errors of a socket whose other end goes away.
var leaving = []error{fs.ErrNotExist, io.EOF, syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EPIPE}

// going says whether a keeper that cannot be reached is one that ends by itself just now: its folder is known, its socket is going or gone.
func going(dir string, err error) bool {
	_, unknown := keeper.ReadConfig(dir)
	return (unknown == nil || Alive(dir)) && slices.ContainsFunc(leaving, func(e error) bool { return errors.Is(err, e) })
}

func awaitGone(ctx context.Context, dir string) error {
	for Alive(dir) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}
