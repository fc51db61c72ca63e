package keeper

import (
	"log/slog"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/runnel-dev/runnel/internal/jupyter"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// still is a keeper without a kernel, whose spool is not written.
func still(t *testing.T, keepFor time.Duration) *keeper {
	t.Helper()
	dir := t.TempDir()
	conn, err := jupyter.NewConnectionInfo(jupyter.TransportIPC, dir, "test")
	if err != nil {
		t.Fatal(err)
	}
	k, err := newKeeper(Config{Connection: conn, KeepFor: keepFor}, dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	k.stopOnce.Do(func() {}) // there is no kernel to stop
	return k
}

// TestDecide: how long a keeper waits for a server, from what on, and what it does then.
func TestDecide(t *testing.T) {
	const minute = time.Minute
	attached := func(k *keeper) { k.server, k.epoch = &peer{}, 1 }
	known := func(k *keeper) { k.epoch = 1 }
	running := func(k *keeper) { k.epoch = 1; k.activity.begin("run") }
	gone := func(k *keeper) { k.home.gone.Store(true) }
	exited := func(k *keeper) {
		k.epoch, k.exitTime = 1, k.begun
		k.exitRecord = k.spool.append(KindExited, payload{}, false)
	}
	const keep, stop, end, remove = "keep", "stop", "end", "remove"
	for _, test := range []struct {
		name    string
		keepFor time.Duration
		set     []func(*keeper)
		after   time.Duration // since it was begun and detached
		want    string
		next    time.Duration
	}{
		{"no server has come yet", minute, nil, minute - 1, keep, 1},
		{"none came", minute, nil, minute, stop, tickEvery},
		{"the first server has ten seconds", time.Second, nil, firstServer - 1, keep, 1},
		{"and no more", time.Second, nil, firstServer, stop, tickEvery},
		{"one that was there has as long as was asked", time.Second, []func(*keeper){known}, time.Second, stop, tickEvery},
		{"one is there", minute, []func(*keeper){attached}, 24 * time.Hour, keep, tickEvery},
		{"a cell runs", minute, []func(*keeper){running}, 24 * time.Hour, keep, tickEvery},
		{"a cell has ended", minute, []func(*keeper){running, func(k *keeper) {
			k.activity.end("run")
			k.activity.ended = k.begun.Add(time.Hour)
		}}, time.Hour + minute - 1, keep, 1},
		{"a cell has ended long ago", minute, []func(*keeper){running, func(k *keeper) {
			k.activity.end("run")
			k.activity.ended = k.begun.Add(time.Hour)
		}}, time.Hour + minute, stop, tickEvery},
		{"the folder is gone", minute, []func(*keeper){known, gone}, 1, stop, tickEvery},
		{"the folder is gone and a cell runs", minute, []func(*keeper){running, gone}, minute - 1, keep, 1},
		{"for a minute", minute, []func(*keeper){running, gone}, minute, stop, tickEvery},
		{"it is asked to stop", minute, []func(*keeper){known, func(k *keeper) { k.requested = true }}, time.Hour, keep, tickEvery},
		{"the kernel has ended", minute, []func(*keeper){exited}, afterExit - 1, keep, time.Millisecond},
		{"and nobody came", minute, []func(*keeper){exited}, afterExit, end, time.Millisecond},
		{"and it was not to wait", time.Second, []func(*keeper){exited}, time.Second, end, time.Millisecond},
		{"and a server reads", minute, []func(*keeper){exited, attached}, time.Hour, keep, time.Millisecond},
		{"and a server has it all", minute, []func(*keeper){exited, attached, func(k *keeper) { k.spool.ack(k.exitRecord) }}, 0, remove, 0},
		{"and nobody wants it", minute, []func(*keeper){exited, func(k *keeper) { k.forget = true }}, 0, remove, 0},
		{"and the keeper shall end, a server reads", minute, []func(*keeper){exited, attached, func(k *keeper) { k.ending = true }}, drainLimit - 1, keep, time.Millisecond},
		{"for a second", minute, []func(*keeper){exited, attached, func(k *keeper) { k.ending = true }}, drainLimit, end, time.Millisecond},
	} {
		t.Run(test.name, func(t *testing.T) {
			k := still(t, test.keepFor)
			k.detached = k.begun
			for _, set := range test.set {
				set(k)
			}
			before := k.requested
			ended, removed, next := k.decide(k.begun.Add(test.after))
			got := keep
			switch {
			case removed:
				got = remove
			case ended:
				got = end
			case k.requested && !before:
				got = stop
			}
			if got != test.want || next != test.next {
				t.Errorf("after %v: %s, next %v; want %s, next %v", test.after, got, next, test.want, test.next)
			}
		})
	}
}

// TestUnresponsive: a kernel whose heart has not been heard for ten seconds is told to be unresponsive, and responsive when it is heard again.
func TestUnresponsive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := still(t, time.Minute)
		tick := func(want bool, why string) {
			t.Helper()
			before := k.spool.next
			was := k.unresponsive
			k.tick()
			if k.unresponsive != want {
				t.Errorf("%s: unresponsive %v", why, k.unresponsive)
			}
			if told := k.spool.next != before; told != (was != want) {
				t.Errorf("%s: told %v", why, told)
			}
		}
		time.Sleep(time.Hour)
		tick(false, "it was never heard")
		k.lastBeat.Set()
		time.Sleep(beatMissing)
		tick(false, "ten seconds")
		time.Sleep(time.Nanosecond)
		tick(true, "more")
		tick(true, "still")
		k.lastBeat.Set()
		tick(false, "heard again")
	})
}

// TestFolderGone: the folder is looked at with every tick; once gone is gone for ever.
func TestFolderGone(t *testing.T) {
	k := still(t, time.Minute)
	if k.tick(); k.home.gone.Load() {
		t.Error("gone while it is there")
	}
	if err := os.RemoveAll(k.dir); err != nil {
		t.Fatal(err)
	}
	k.tick()
	if err := os.Mkdir(k.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if k.tick(); !k.home.gone.Load() {
		t.Error("another folder was taken for ours")
	}
}
