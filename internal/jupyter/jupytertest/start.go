package jupytertest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/jupyter"
)

// ProcessEnv makes a test binary that calls RunAsKernel be a fake kernel.
const ProcessEnv = "RUNNEL_FAKE_KERNEL"

// Main is the kernel as a process: it serves the connection file and returns
// the exit code. Like ipykernel it ends with the parent that JPY_PARENT_PID
// names, unless that is 1.
func Main(connectionFile string) int {
	if parent, err := strconv.Atoi(os.Getenv("JPY_PARENT_PID")); err == nil && parent > 1 {
		go func() { // ends with the process
			for os.Getppid() == parent {
				time.Sleep(500 * time.Millisecond)
			}
			os.Exit(1)
		}()
	}
	info, err := jupyter.ReadConnectionFile(connectionFile)
	if err == nil {
		err = Serve(context.Background(), info, os.Exit)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "fake kernel:", err)
		return 1
	}
	return 0
}

// RunAsKernel, called first in TestMain, turns this process into a fake kernel
// when it was started as Spec says, and does nothing otherwise.
func RunAsKernel() {
	if os.Getenv(ProcessEnv) == "" {
		return
	}
	if err := os.Unsetenv(ProcessEnv); err != nil { // not for its children
		panic(err)
	}
	os.Exit(Main(os.Args[len(os.Args)-1]))
}

// Spec starts the running test binary as a fake kernel; see RunAsKernel.
func Spec(t testing.TB) jupyter.Spec {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return jupyter.Spec{
		Name: "fake", DisplayName: "Fake", Language: "script", InterruptMode: jupyter.InterruptSignal,
		Argv: []string{self, "{connection_file}"}, Env: map[string]string{ProcessEnv: "1"},
	}
}

// Install writes Spec's kernel.json under dir, a folder of kernelspecs (so that
// $JUPYTER_PATH finds it, dir must be named kernels).
func Install(t testing.TB, dir string) {
	t.Helper()
	spec := Spec(t)
	spec.Metadata = json.RawMessage("{}")
	data, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, spec.Name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, spec.Name, "kernel.json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Start serves a fake kernel in this process until the test ends, over ipc. Its
// sockets are ready when Start returns.
func Start(t testing.TB) jupyter.ConnectionInfo {
	t.Helper()
	dir, err := os.MkdirTemp("", "fk") // short: socket paths are
	if err != nil {
		t.Fatal(err)
	}
	info, err := jupyter.NewConnectionInfo(jupyter.TransportIPC, dir, "fake")
	if err != nil {
		t.Fatal(err)
	}
	k, err := listen(info, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = k.serve(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		_ = os.RemoveAll(dir)
	})
	return info
}

// onInterrupt calls f for each SIGINT of the process until stop, which waits.
func onInterrupt(f func()) (stop func()) {
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, os.Interrupt)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range ch {
			f()
		}
	}()
	return func() {
		signal.Stop(ch)
		close(ch)
		<-done
	}
}
