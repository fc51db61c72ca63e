package keeper

import (
	"os"
	"sync/atomic"
	"time"
)

// home is the keeper's folder. Somebody may remove it while we live: then no server can find us any more, and nothing we write is read.
type home struct {
	dir  string
	was  os.FileInfo // at our start
	gone atomic.Bool
}

func newHome(dir string) (*home, error) {
	was, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	return &home{dir: dir, was: was}, nil
}

// look says whether the folder is gone, or another in its place. Once gone is gone for ever.
func (h *home) look() bool {
	now, err := os.Stat(h.dir)
	if os.IsNotExist(err) || err == nil && !os.SameFile(h.was, now) {
		h.gone.Store(true)
	}
	return h.gone.Load()
}

// decide looks at who is there and what runs. A running cell is never culled, unless
// no server can ever come: then it has as long as an idle kernel has.
func (k *keeper) decide(now time.Time) (end, remove bool, next time.Duration) {
	_, _, acked := k.spool.bounds()
	running, ended := k.activity.now()
	k.mu.Lock()
	defer k.mu.Unlock()
	attached := k.server != nil
	gone := k.home.gone.Load()
	if k.exitRecord > 0 {
		if acked >= k.exitRecord || k.forget {
			return true, true, 0
		}
		if k.ending || gone {
			left := k.exitTime.Add(drainLimit).Sub(now)
			return !attached || left <= 0, false, max(left, time.Millisecond)
		}
		// What is left is on the disk, where the next server reads it without a keeper.
		left := latest(k.exitTime, k.detached).Add(min(k.keepFor, afterExit)).Sub(now)
		return !attached && left <= 0, false, max(left, time.Millisecond)
	}
	if attached || running > 0 && !gone || k.requested {
		return false, false, tickEvery
	}
	keepFor := k.keepFor
	switch {
	case gone && running == 0:
		keepFor = 0
	case k.epoch == 0:
		keepFor = max(keepFor, firstServer)
	}
	left := latest(ended, k.detached).Add(keepFor).Sub(now)
	if left <= 0 {
		k.log.Info("no server came back: stopping the kernel", "kernel", k.cfg.KernelID, "after", k.keepFor)
		k.requested = true
		k.stopLocked(defaultGrace)
		return false, false, tickEvery
	}
	return false, false, left
}

// alone: no server is there, and none will come.
func (k *keeper) alone(now time.Time) bool {
	gone := k.home.look()
	k.mu.Lock()
	defer k.mu.Unlock()
	return gone || k.server == nil && now.Sub(k.detached) > k.keepFor
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
