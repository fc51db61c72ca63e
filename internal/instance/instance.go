// Package instance runs a Runnel server of its own, as a process with an empty
// folder and an empty state, for doctor and bench to measure.
//
// Its key idea: what is measured is what a person runs: the same program, over
// its sockets, its memory as the system sees it. Afterwards nothing is left: no
// process, no file.
package instance

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/runnel-dev/runnel/internal/keeper"
	"github.com/runnel-dev/runnel/internal/place"
)

// Options say what to run.
type Options struct {
	Exe    string   // the runnel program; empty: the one that runs now
	Python string   // empty: what the server finds
	Args   []string // more arguments of serve
}

// Instance is a server that runs.
type Instance struct {
	URL, Token string
	Folder     string

	root  string
	exe   string
	args  []string
	place place.Place
	cmd   *exec.Cmd
	log   *logBuffer
	ended chan struct{}
}

// startTimeout is how long a server may take to answer.
const startTimeout = 20 * time.Second

// Start starts a server and returns when it answers. The caller stops it.
func Start(ctx context.Context, o Options) (*Instance, error) {
	if o.Exe == "" {
		exe, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("find the runnel program: %w", err)
		}
		o.Exe = exe
	}
	root, err := os.MkdirTemp("", "runnel-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for a server: %w", err)
	}
	i := &Instance{Token: rand.Text(), Folder: filepath.Join(root, "notebooks"), root: root, exe: o.Exe, log: &logBuffer{}}
	if err := i.start(ctx, o); err != nil {
		return nil, errors.Join(err, os.RemoveAll(root))
	}
	return i, nil
}

func (i *Instance) start(ctx context.Context, o Options) error {
	if err := os.Mkdir(i.Folder, 0o700); err != nil {
		return fmt.Errorf("make a folder for a server: %w", err)
	}
	folder, err := place.Real(i.Folder)
	if err != nil {
		return err
	}
	lookup := func(key string) string {
		if key == "RUNNEL_STATE_DIR" {
			return i.state()
		}
		return os.Getenv(key)
	}
	if i.place, err = place.Dirs(lookup, "", "", folder, os.Getuid()); err != nil {
		return err
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	i.URL = "http://127.0.0.1:" + port
	i.args = []string{"serve", i.Folder, "--port", port, "--token", i.Token, "--no-browser"}
	if o.Python != "" {
		i.args = append(i.args, "--python", o.Python)
	}
	i.args = append(i.args, o.Args...)
	return i.run(ctx)
}

// Restart kills the server, as a machine that is short of memory would, starts
// it again at the same address and returns when that one answers. When it does
// not, the error says so and the Instance can only be stopped.
func (i *Instance) Restart(ctx context.Context) error {
	_ = i.cmd.Process.Kill() // it may have ended by itself
	<-i.ended
	return i.run(ctx)
}

// run starts the process and returns when it answers.
func (i *Instance) run(ctx context.Context) error {
	i.cmd, i.ended = i.command(i.args...), make(chan struct{})
	i.cmd.Stdout, i.cmd.Stderr = i.log, i.log
	i.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C at the terminal is ours to handle
	if err := i.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", i.exe, err)
	}
	go func(cmd *exec.Cmd, ended chan<- struct{}) {
		defer close(ended)
		_ = cmd.Wait() // its log says more
	}(i.cmd, i.ended)
	if err := i.answers(ctx); err != nil {
		_ = i.cmd.Process.Kill()
		<-i.ended
		return err
	}
	return nil
}

func (i *Instance) state() string { return filepath.Join(i.root, "s") }

func (i *Instance) command(args ...string) *exec.Cmd {
	cmd := exec.Command(i.exe, args...)
	cmd.Env = append(os.Environ(), "RUNNEL_STATE_DIR="+i.state())
	return cmd
}

func (i *Instance) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, i.URL+"/healthz", nil)
		if err != nil {
			return fmt.Errorf("ask the server: %w", err)
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-i.ended:
			return fmt.Errorf("the server ended at its start: %s", i.log.end())
		case <-ctx.Done():
			return fmt.Errorf("the server did not answer: %w: %s", ctx.Err(), i.log.end())
		}
	}
}

// PID is the server's process.
func (i *Instance) PID() int { return i.cmd.Process.Pid }

// KeeperPIDs are the processes beside the kernels, in no order.
func (i *Instance) KeeperPIDs() ([]int, error) {
	entries, err := os.ReadDir(i.place.Runtime)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, nil
		}
		return nil, fmt.Errorf("look for keepers: %w", err)
	}
	var pids []int
	for _, entry := range entries {
		running, err := keeper.ReadRunning(filepath.Join(i.place.Runtime, entry.Name()))
		if err != nil {
			continue // not a keeper's folder, or one that is just made
		}
		if running.PID > 0 && syscall.Kill(running.PID, 0) == nil {
			pids = append(pids, running.PID)
		}
	}
	slices.Sort(pids)
	return pids, nil
}

// Stop stops the kernels and the server, waits for their end, and removes the
// folder. It may be called once.
func (i *Instance) Stop() error {
	pids, err := i.KeeperPIDs()
	out, stopErr := i.command("kernels", "stop", "--all", "--force", "--folder", i.Folder).CombinedOutput()
	if stopErr != nil && len(pids) > 0 {
		err = errors.Join(err, fmt.Errorf("stop the kernels: %w: %s", stopErr, bytes.TrimSpace(out)))
	}
	i.keepersEnd(pids)
	_ = i.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-i.ended:
	case <-time.After(15 * time.Second):
		err = errors.Join(err, fmt.Errorf("the server did not end by itself: %s", i.log.end()), i.cmd.Process.Kill())
		<-i.ended
	}
	return errors.Join(err, os.RemoveAll(i.root))
}

// keepersEnd waits until the keepers have handed the server all they had.
func (i *Instance) keepersEnd(pids []int) {
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if !slices.ContainsFunc(pids, func(pid int) bool { return syscall.Kill(pid, 0) == nil }) {
			return
		}
	}
}

// Log is the end of what the server has written.
func (i *Instance) Log() string { return i.log.end() }

func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, err
}

// logBuffer keeps the last part of a log.
type logBuffer struct {
	mu   sync.Mutex
	text []byte
}

var _ io.Writer = (*logBuffer)(nil)

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text = append(b.text, p...)
	if over := len(b.text) - 16<<10; over > 0 {
		b.text = slices.Delete(b.text, 0, over)
	}
	return len(p), nil
}

func (b *logBuffer) end() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.TrimSpace(string(b.text))
}
