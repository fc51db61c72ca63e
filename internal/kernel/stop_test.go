package kernel_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/keeper"
	"github.com/runnel-dev/runnel/internal/kernel"
)

// A keeper that ends by itself while it is told to stop has taken its socket away already: it is waited for, and nobody hears of a missing file.
func TestStopOfOneThatEnds(t *testing.T) {
	m := newManager(t)
	k := launch(t, m, fakeSpec(t))
	if err := k.Ready(testContext(t, patience)); err != nil {
		t.Fatal(err)
	}
	k.Close()
	dir := dirOf(m, k.ID())
	if err := os.Remove(filepath.Join(dir, keeper.SocketFile)); err != nil {
		t.Fatal(err)
	}
	running, err := keeper.ReadRunning(dir)
	if err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- m.Stop(testContext(t, patience), k.ID(), false) }()
	select {
	case err := <-stopped:
		t.Fatalf("stop did not wait: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	if err := syscall.Kill(running.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := <-stopped; err != nil || kernel.Alive(dir) {
		t.Errorf("stop: %v", err)
	}
	if err := m.Stop(testContext(t, patience), kernel.ID("nobody"), true); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a kernel that never was: %v", err)
	}
}
