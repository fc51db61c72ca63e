package kernel_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
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
	stopped := make(chan error, 1)
	go func() { stopped <- m.Stop(testContext(t, patience), k.ID(), false) }()
	endsWithKeeper(t, stopped, dir)
	if err := m.Stop(testContext(t, patience), kernel.ID("nobody"), true); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a kernel that never was: %v", err)
	}
}

// A keeper that goes between its greeting and the request is waited for too: the request meets a socket that is broken already.
func TestStopMeetsABrokenSocket(t *testing.T) {
	m := newManager(t)
	k := launch(t, m, fakeSpec(t))
	if err := k.Ready(testContext(t, patience)); err != nil {
		t.Fatal(err)
	}
	k.Close()
	dir := dirOf(m, k.ID())
	broken := deafAfterHello(t, filepath.Join(dir, keeper.SocketFile))
	stopped := make(chan error, 1)
	go func() { stopped <- m.Stop(testContext(t, patience), k.ID(), false) }()
	<-broken
	endsWithKeeper(t, stopped, dir)
}

// A keeper that stands still, as in a debugger or on a disk that does not answer, cannot end its kernel: by force both are ended.
func TestStopOfAKeeperThatStandsStill(t *testing.T) {
	for _, who := range []string{"the server that is attached", "another program"} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			m := newManager(t)
			k := launchReady(t, m, "7")
			running, err := keeper.ReadRunning(dirOf(m, k.ID()))
			if err != nil {
				t.Fatal(err)
			}
			if err := syscall.Kill(running.PID, syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			await(t, patience, "the keeper stands still", func() bool { return standsStill(t, running.PID) })
			t.Cleanup(func() { // before newManager's, which asks keepers to stop
				if keeper.ProcessStart(running.PID) == running.Start {
					_ = syscall.Kill(running.PID, syscall.SIGCONT)
				}
			})
			if who == "another program" {
				k.Close()
				err = m.Stop(testContext(t, patience), k.ID(), true)
			} else if err = k.Stop(testContext(t, patience), true); err == nil {
				if exit := newHistory(t, k).untilExit(patience); !exit.KeeperLost {
					t.Errorf("%+v", exit)
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			if kernel.Alive(dirOf(m, k.ID())) || keeper.ProcessStart(running.KernelPID) == running.KernelStart {
				t.Error("the keeper or the kernel is there still")
			}
		})
	}
}

// standsStill says whether all threads of a process are stopped: one that still runs can answer.
func standsStill(t *testing.T, pid int) bool {
	t.Helper()
	stats, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(stats) == 0 {
		t.Fatalf("no threads of %d: %v", pid, err)
	}
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(stat), ") T ") {
			return false
		}
	}
	return true
}

// endsWithKeeper: a Stop waits as long as the keeper lives, and is content when that is gone.
func endsWithKeeper(t *testing.T, stopped <-chan error, dir string) {
	t.Helper()
	running, err := keeper.ReadRunning(dir)
	if err != nil {
		t.Fatal(err)
	}
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
}

// deafAfterHello stands before a keeper's socket: it hands on the first request and what comes back, and nothing more can be written to
// it. The channel is closed when that is so.
func deafAfterHello(t *testing.T, path string) (broken chan struct{}) {
	t.Helper()
	behind := path + ".real"
	if err := os.Rename(path, behind); err != nil {
		t.Fatal(err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	broken = make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		client, err := l.AcceptUnix()
		if err != nil {
			return
		}
		defer func() { _ = client.Close() }()
		behindIt, err := net.Dial("unix", behind)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = behindIt.Close() }()
		request := make([]byte, 64<<10)
		n, err := client.Read(request)
		if err == nil {
			err = client.CloseRead()
		}
		if err == nil {
			_, err = behindIt.Write(request[:n])
		}
		if err != nil {
			t.Error(err)
			return
		}
		close(broken)
		_, _ = io.Copy(client, behindIt) // until the keeper ends
	})
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	return broken
}
