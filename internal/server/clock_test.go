package server

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/flock"

	"github.com/runnel-dev/runnel/internal/place"
)

// gone is the id of a process that has ended.
func gone(t *testing.T) int {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, "-test.run", "^$")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid
}

// The lock of a server that has just died is waited for; who waits ten seconds is told of that server.
func TestLockPatience(t *testing.T) {
	dead := gone(t)
	synctest.Test(t, func(t *testing.T) {
		s := &Server{cfg: Config{Place: &place.Place{State: t.TempDir()}}}
		note, err := json.Marshal(Note{URL: "http://localhost:1", PID: dead})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(s.state(noteFile), note, 0o600); err != nil {
			t.Fatal(err)
		}
		other := flock.New(filepath.Join(s.cfg.Place.State, "lock"))
		if ok, err := other.TryLock(); !ok || err != nil {
			t.Fatal(ok, err)
		}
		began := time.Now()
		served, is := errors.AsType[*ServedError](s.takeLock())
		if took := time.Since(began); !is || served.PID != dead || took < lockPatience || took > lockPatience+time.Second {
			t.Errorf("after %v: %v", took, served)
		}
		let := time.Now().Add(3 * time.Second)
		time.AfterFunc(3*time.Second, func() { _ = other.Close() })
		if err := s.takeLock(); err != nil || time.Since(let) > time.Second {
			t.Errorf("%v after it was let go: %v", time.Since(let), err)
		}
		_ = s.lock.Close()
	})
}

// What the server may need is looked at every 20 seconds: the goal for its memory is never below what is in use.
func TestRest(t *testing.T) {
	for name := range map[string]bool{"GOGC": true, "GOMEMLIMIT": true} {
		t.Setenv(name, "")
	}
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1))
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	synctest.Test(t, func(t *testing.T) {
		go rest(t.Context())
		limit := func() int64 { synctest.Wait(); return debug.SetMemoryLimit(-1) }
		if got := limit(); got != memoryGoal {
			t.Errorf("at first the goal is %d", got)
		}
		used := make([]byte, 2*memoryGoal)
		time.Sleep(restEvery - 1)
		if got := limit(); got != memoryGoal {
			t.Errorf("before it has looked the goal is %d", got)
		}
		time.Sleep(time.Nanosecond)
		if got := limit(); got < int64(len(used)) || got == math.MaxInt64 {
			t.Errorf("with %d in use the goal is %d", len(used), got)
		}
		runtime.KeepAlive(used)
	})
}
