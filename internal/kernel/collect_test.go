package kernel_test

import (
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/kernel"
)

// TestCollect: only what a dead keeper left goes, when it is old and nobody needs it.
func TestCollect(t *testing.T) {
	m := newManager(t)
	lives, needed, left := launchReady(t, m, "7"), launchReady(t, m, "7"), launchReady(t, m, "7")
	there := func(k *kernel.Kernel) bool {
		_, err := os.Stat(dirOf(m, k.ID()))
		return err == nil
	}
	for _, k := range []*kernel.Kernel{needed, left} {
		pid := k.Status().KeeperPID
		k.Close()
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		await(t, 5*time.Second, "its end", func() bool { return !kernel.Alive(dirOf(m, k.ID())) })
	}
	asked := 0
	collect := func(before time.Time, want int) {
		t.Helper()
		got, err := m.Collect(testContext(t, 5*time.Second), before, func() (map[kernel.ID]bool, error) {
			asked++
			return map[kernel.ID]bool{needed.ID(): true}, nil
		})
		if err != nil || got != want {
			t.Errorf("%d folders removed, want %d; %v", got, want, err)
		}
	}
	collect(time.Now().Add(-time.Minute), 0)
	if !there(left) || asked > 0 {
		t.Errorf("a young folder: there %v, asked %d times who needs it", there(left), asked)
	}
	later := time.Now().Add(time.Minute)
	collect(later, 1)
	if there(left) || !there(needed) || !there(lives) {
		t.Errorf("left is there: %v; needed: %v; of a kernel that lives: %v", there(left), there(needed), there(lives))
	}
	if asked != 1 {
		t.Errorf("asked %d times who needs it", asked)
	}
	id := execute(t, lives, "print(1)")
	newHistory(t, lives).untilIdle(5*time.Second, id)
	if k, err := m.Attach(testContext(t, time.Second), needed.ID(), 1); err != nil {
		t.Error(err)
	} else {
		newHistory(t, k).untilExit(5 * time.Second)
		k.Close()
	}
}
