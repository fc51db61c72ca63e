package files

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// run starts a watcher that ends with the test.
func run(t *testing.T, w *Watcher) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		for range w.Changes() {
			t.Error("an untold change")
		}
		must(t, <-done)
	})
}

func stampAt(t *testing.T, f *Folder, p Path) Stamp {
	t.Helper()
	_, stamp, err := f.Read(p)
	must(t, err)
	return stamp
}

// TestWatchByPoll has a clock of its own and no notices from the system.
func TestWatchByPoll(t *testing.T) {
	f, dir := open(t)
	f.notices = false
	put(t, dir, "a.ipynb", "one")
	synctest.Test(t, func(t *testing.T) {
		w := NewWatcher(f, 0, nil)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- w.Run(ctx) }()
		quiet := func(why string) {
			t.Helper()
			time.Sleep(10 * time.Second)
			select {
			case c := <-w.Changes():
				t.Fatalf("%s: %+v", why, c)
			default:
			}
		}
		next := func(why string) Change {
			t.Helper()
			select {
			case c := <-w.Changes():
				return c
			case <-time.After(5 * time.Second):
				t.Fatalf("%s: nothing is told", why)
				return Change{}
			}
		}
		stamp := stampAt(t, f, "a.ipynb")
		w.Watch("a.ipynb", stamp, true)
		quiet("nothing happened")
		put(t, dir, "a.ipynb", "another")
		if c := next("another program wrote"); c.Path != "a.ipynb" || c.Gone || !c.Stamp.Same(stampAt(t, f, "a.ipynb")) {
			t.Errorf("%+v", c)
		}
		quiet("it was told")
		future := time.Now().Add(time.Hour)
		must(t, os.Chtimes(filepath.Join(dir, "a.ipynb"), future, future))
		quiet("only the time changed")
		must(t, os.Chmod(filepath.Join(dir, "a.ipynb"), 0o444))
		if c := next("nobody may write it"); c.Writable || c.Gone || !c.Stamp.Same(stampAt(t, f, "a.ipynb")) {
			t.Errorf("%+v", c)
		}
		quiet("it was told")
		must(t, os.Chmod(filepath.Join(dir, "a.ipynb"), 0o644))
		if c := next("it may be written again"); !c.Writable || c.Gone {
			t.Errorf("%+v", c)
		}
		if _, err := f.Save(ctx, "a.ipynb", []byte("mine"), nil); err != nil {
			t.Fatal(err)
		}
		quiet("it was saved here")
		must(t, os.Remove(filepath.Join(dir, "a.ipynb")))
		if c := next("removed"); !c.Gone || c.Stamp != (Stamp{}) {
			t.Errorf("%+v", c)
		}
		quiet("gone once")
		put(t, dir, "a.ipynb", "mine")
		if c := next("back, as it was saved once"); c.Gone {
			t.Errorf("%+v", c)
		}
		w.Unwatch("a.ipynb")
		put(t, dir, "a.ipynb", "unseen")
		quiet("not watched any more")
		cancel()
		must(t, <-done)
	})
}

// TestWatchSettles: a file is read when it was quiet for a moment, one that is never quiet after a second.
func TestWatchSettles(t *testing.T) {
	f, dir := open(t)
	f.notices = false
	put(t, dir, "a.ipynb", "one")
	synctest.Test(t, func(t *testing.T) {
		w := NewWatcher(f, time.Hour, nil)
		run(t, w)
		w.Watch("a.ipynb", stampAt(t, f, "a.ipynb"), true)
		for _, test := range []struct {
			notices int
			after   time.Duration
		}{{1, settle}, {5, 4*settle/2 + settle}, {100, settleMost}} {
			put(t, dir, "a.ipynb", fmt.Sprint(test.notices))
			began, told := time.Now(), make(chan time.Time, 1)
			go func() { <-w.Changes(); told <- time.Now() }()
			for i := range test.notices {
				w.hear("a.ipynb")
				w.nudge()
				if i+1 < test.notices {
					time.Sleep(settle / 2)
				}
			}
			if got := (<-told).Sub(began); got != test.after {
				t.Errorf("of %d notices it is told after %v, want %v", test.notices, got, test.after)
			}
			time.Sleep(time.Minute)
		}
	})
}

// TestWatchByNotices waits for the system's notices: the poll is too slow to help.
func TestWatchByNotices(t *testing.T) {
	f, dir := open(t)
	put(t, dir, "a.ipynb", "one")
	w := NewWatcher(f, time.Hour, nil)
	run(t, w)
	w.Watch("a.ipynb", stampAt(t, f, "a.ipynb"), true)
	waitFollowed(t, w)
	put(t, dir, "a.ipynb", "two")
	if c := <-w.Changes(); c.Gone || !c.Stamp.Same(stampAt(t, f, "a.ipynb")) {
		t.Errorf("%+v", c)
	}
	put(t, dir, "other", "replaced")
	must(t, os.Rename(filepath.Join(dir, "other"), filepath.Join(dir, "a.ipynb")))
	if c := <-w.Changes(); !c.Stamp.Same(stampAt(t, f, "a.ipynb")) {
		t.Errorf("%+v", c)
	}
}

// waitFollowed returns when the watcher has taken up what Watch said.
func waitFollowed(t *testing.T, w *Watcher) {
	t.Helper()
	for range 2 { // the second is taken when the first has been worked off
		w.wake <- struct{}{}
	}
	w.wake <- struct{}{}
}

// TestWatchOwnSaves: what is saved here is never told as a change, what comes from outside in between always is.
func TestWatchOwnSaves(t *testing.T) {
	f, dir := open(t)
	put(t, dir, "a.ipynb", "0")
	w := NewWatcher(f, 5*time.Millisecond, nil)
	run(t, w)
	w.Watch("a.ipynb", stampAt(t, f, "a.ipynb"), true)
	for i := range 300 {
		if _, err := f.Save(context.Background(), "a.ipynb", version(i % 7)[:2000], nil); err != nil {
			t.Fatal(err)
		}
	}
	put(t, dir, "a.ipynb", "from outside")
	if c := <-w.Changes(); !c.Stamp.Same(stampAt(t, f, "a.ipynb")) {
		t.Errorf("told of %+v", c)
	}
}
