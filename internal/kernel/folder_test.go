package kernel_test

import (
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/keeper"
	"github.com/runnel-dev/runnel/internal/kernel"
)

// TestNobodyReads: a kernel is killed while its keeper holds it back, for the spool is full. The keeper waits for a server that makes room,
// and ends when its time is over; what it has stays for a later server.
func TestNobodyReads(t *testing.T) {
	t.Parallel()
	m := newManager(t, func(cfg *kernel.Config) { cfg.KeepFor, cfg.Quota = 4*time.Second, 8<<20 })
	k := launchReady(t, m, "7")
	dir := dirOf(m, k.ID())
	running, err := keeper.ReadRunning(dir)
	if err != nil {
		t.Fatal(err)
	}
	execute(t, k, "while True: print('x' * 1000)")
	awaitHeld(t, m)
	k.Close()
	_ = syscall.Kill(running.KernelPID, syscall.SIGKILL)
	await(t, 30*time.Second, "the keeper's end", func() bool { return !kernel.Alive(dir) })
	if k, err = m.Attach(testContext(t, 5*time.Second), k.ID(), 1); err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if exit := newHistory(t, k).untilExit(20 * time.Second); exit.Signal != "SIGKILL" || exit.KeeperLost {
		t.Errorf("%+v", exit)
	}
}

// awaitHeld waits until the one kernel is held back by its keeper.
func awaitHeld(t *testing.T, m *kernel.Manager) {
	t.Helper()
	await(t, 30*time.Second, "a keeper that holds its kernel back, for nobody reads", func() bool {
		found, err := m.Find(testContext(t, 5*time.Second))
		return err == nil && len(found) == 1 && found[0].State.Held
	})
}

// TestFolderRemoved: a keeper whose folder somebody removed can be found by no server any more. It ends within seconds once its kernel is
// gone, and ends its kernel once no server is attached; a cell that runs may go on for as long as without a server.
func TestFolderRemoved(t *testing.T) {
	const flood = "while True: print('x' * 1000)"
	cases := []struct {
		name    string
		code    string // runs in the kernel, "" for nothing
		keepFor time.Duration
		end     func(t *testing.T, k *kernel.Kernel, kernelPID int)
	}{
		{"kernel killed, a server attached that has acknowledged nothing", "", time.Minute, func(t *testing.T, _ *kernel.Kernel, pid int) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}},
		{"kernel killed while it is held back, no server", flood, time.Minute, func(t *testing.T, k *kernel.Kernel, pid int) {
			k.Close()
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}},
		{"kernel idle, no server", "", time.Minute, func(t *testing.T, k *kernel.Kernel, pid int) { k.Close() }},
		{"kernel held back in a flood, no server", flood, time.Second, func(t *testing.T, k *kernel.Kernel, pid int) { k.Close() }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := newManager(t, func(cfg *kernel.Config) { cfg.KeepFor, cfg.Quota = c.keepFor, 8<<20 })
			k := launchReady(t, m, "7")
			dir := dirOf(m, k.ID())
			running, err := keeper.ReadRunning(dir)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { // whatever went wrong
				if keeper.ProcessStart(running.PID) == running.Start {
					_ = syscall.Kill(running.PID, syscall.SIGKILL)
				}
			})
			if c.code != "" {
				execute(t, k, c.code)
				awaitHeld(t, m)
			}
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
			c.end(t, k, running.KernelPID)
			await(t, 20*time.Second, "the end of keeper and kernel", func() bool {
				return keeper.ProcessStart(running.PID) != running.Start && keeper.ProcessStart(running.KernelPID) != running.KernelStart
			})
		})
	}
}
