package keeper

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
)

// detachedEnv tells the second process of Main that it is the keeper.
const detachedEnv = "RUNNEL_KEEPER"

// readyFD is the pipe on which the keeper tells its starter that it listens.
const readyFD = 3

// Main is `runnel keep DIR`. The first process starts a second one, detached in
// its own session with DIR/keeper.log as output, and returns when a server can
// attach to that: so a launcher only has to wait for a command to end, here or
// on another machine. The second process is the keeper and returns at its end.
func Main(ctx context.Context, dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if os.Getenv(detachedEnv) == "" {
		return detach(dir)
	}
	debug.SetGCPercent(50)
	runtime.GOMAXPROCS(min(2, runtime.NumCPU()))
	closeInherited()
	// Caught, not ignored: what is ignored would be ignored by the kernel too.
	quiet := make(chan os.Signal, 1)
	signal.Notify(quiet, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP, syscall.SIGPIPE)
	defer signal.Stop(quiet)
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	err = run(ctx, dir, log, tellStarter)
	if err != nil {
		tellStarter(err)
		log.Error("keeper", "error", err)
	}
	return err
}

var starterTold sync.Once

// tellStarter says once how the start went; the number of the pipe may belong
// to another file later.
func tellStarter(err error) { starterTold.Do(func() { writeStarter(err) }) }

func writeStarter(err error) {
	pipe := os.NewFile(readyFD, "ready")
	if pipe == nil {
		return
	}
	if err != nil {
		fmt.Fprintln(pipe, err)
	} else {
		fmt.Fprintln(pipe, "ready")
	}
	pipe.Close()
}

func detach(dir string) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(dir, LogFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	cmd := exec.Command(exe, os.Args[1:]...)
	cmd.Env = append(ownEnv(), detachedEnv+"=1")
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{w}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	w.Close()
	if err != nil {
		return err
	}
	said, err := io.ReadAll(io.LimitReader(r, 4096))
	text := string(bytes.TrimSpace(said))
	if err == nil && text == "ready" {
		return cmd.Process.Release()
	}
	err = errors.Join(err, cmd.Wait())
	if text == "" {
		text = fmt.Sprintf("it ended before it was ready: %v", err)
	}
	return fmt.Errorf("start keeper: %s", text)
}

// ownEnv is the little that the keeper itself needs. The server's secrets are
// not in it, for a kernel can read its parent's environment.
func ownEnv() []string {
	var env []string
	for _, e := range os.Environ() {
		name, _, _ := strings.Cut(e, "=")
		switch name {
		case "PATH", "HOME", "LANG", "TMPDIR", "TZ", "GOTRACEBACK", "GOCOVERDIR":
			env = append(env, e)
		}
	}
	return env
}
