package keeper

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// child is the kernel's process, and whatever it leaves behind.
type child struct {
	pid   int
	start string

	exited chan struct{} // closed when the kernel's own process is gone
	alone  chan struct{} // closed when no descendant is left either
	status syscall.WaitStatus
	usage  syscall.Rusage // both valid once exited is closed

	mu     sync.Mutex
	killed bool // by us: SIGKILL was sent
}

// spawn starts the kernel in its own process group, with pipes for stdout and
// stderr. One thread starts it and waits for it and for every orphan that is
// handed to us: the kernel dies with that thread where the system can do so.
func spawn(argv, env []string, dir string, umask int) (c *child, stdout, stderr *os.File, err error) {
	program, err := program(argv[0], env, dir)
	if err != nil {
		return nil, nil, nil, err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, nil, nil, err
	}
	defer null.Close()
	outR, outW, err := os.Pipe()
	if err != nil {
		return nil, nil, nil, err
	}
	defer outW.Close()
	errR, errW, err := os.Pipe()
	if err != nil {
		outR.Close()
		return nil, nil, nil, err
	}
	defer errW.Close()
	attr := &syscall.ProcAttr{
		Dir: dir, Env: env,
		Files: []uintptr{null.Fd(), outW.Fd(), errW.Fd()},
		Sys:   childAttr(),
	}
	c = &child{exited: make(chan struct{}), alone: make(chan struct{})}
	started := make(chan error, 1)
	go c.run(program, argv, attr, umask, started)
	if err := <-started; err != nil {
		outR.Close()
		errR.Close()
		return nil, nil, nil, fmt.Errorf("start %s: %w", program, err)
	}
	return c, outR, errR, nil
}

func (c *child) run(program string, argv []string, attr *syscall.ProcAttr, umask int, started chan<- error) {
	runtime.LockOSThread() // never unlocked: the thread is the kernel's parent
	old := syscall.Umask(umask)
	pid, err := syscall.ForkExec(program, argv, attr)
	syscall.Umask(old)
	if err == nil {
		c.pid = pid
		c.start = ProcessStart(pid)
	}
	started <- err
	if err != nil {
		return
	}
	c.reap()
}

// reap waits for the kernel and for adopted orphans until none is left.
func (c *child) reap() {
	defer close(c.alone)
	for {
		var status syscall.WaitStatus
		var usage syscall.Rusage
		pid, err := syscall.Wait4(-1, &status, 0, &usage)
		switch {
		case err == syscall.EINTR:
		case err != nil: // ECHILD
			return
		case pid == c.pid:
			c.status, c.usage = status, usage
			close(c.exited)
		}
	}
}

// signal sends to the kernel's process group. The group cannot be another's: it
// lives as long as its leader is not reaped, and after that only members keep it.
func (c *child) signal(sig syscall.Signal) error {
	if sig == syscall.SIGKILL {
		c.mu.Lock()
		c.killed = true
		c.mu.Unlock()
	}
	select {
	case <-c.exited:
		return syscall.ESRCH
	default:
	}
	return syscall.Kill(-c.pid, sig)
}

func (c *child) wasKilled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.killed
}

// killRest ends every descendant that is left, also those that made themselves
// daemons, and returns when they are gone or limit has passed.
func (c *child) killRest(limit time.Duration) {
	deadline := time.After(limit)
	for {
		_ = syscall.Kill(-c.pid, syscall.SIGKILL)
		for _, pid := range descendants(os.Getpid()) {
			if pid != c.pid {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		select {
		case <-c.alone:
			return
		case <-deadline:
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// program finds the file to run, in the kernel's own PATH and never in the
// current folder.
func program(name string, env []string, dir string) (string, error) {
	if strings.Contains(name, "/") {
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		return name, executable(name)
	}
	path := ""
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, "PATH="); ok {
			path = v
		}
	}
	for _, d := range filepath.SplitList(path) {
		if !filepath.IsAbs(d) {
			continue
		}
		if p := filepath.Join(d, name); executable(p) == nil {
			return p, nil
		}
	}
	return "", fmt.Errorf("%s is not found in PATH", name)
}

func executable(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.IsDir() || info.Mode()&0o111 == 0 {
		return fmt.Errorf("%s cannot be executed", path)
	}
	return nil
}
