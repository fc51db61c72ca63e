package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnel-dev/runnel/internal/journal"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// What the session waits for and how long, on a clock that goes on when all wait: the times are exact. What the core decides by the clock that it
// is given is in the scripts and in queue_test.go.

// running begins a run of cell a in a fake kernel, which has taken it up.
func (sv *server) running(s *Session, p *page) (*fakeKernel, string) {
	sv.t.Helper()
	run := string(sv.execute(s, "a", "x"))
	k := <-sv.kernels.launched
	<-k.sent
	k.says(begun(run))
	p.until("it runs", func(s *protocol.State) bool {
		c := s.Cell("a")
		return c != nil && c.Run != nil && c.Run.State == protocol.StateRunning
	})
	return k, run
}

// idleKernel is a fake kernel that has run cell a.
func (sv *server) idleKernel(s *Session, p *page) *fakeKernel {
	sv.t.Helper()
	k, run := sv.running(s, p)
	k.says(replyOf(run, "ok"), idleOf(run))
	p.untilDone("a", protocol.StatusOK)
	return k
}

// took fails the test unless it is so long since then.
func took(t *testing.T, what string, since time.Time, want time.Duration) {
	t.Helper()
	if got := time.Since(since); got != want {
		t.Errorf("%s took %v, want %v", what, got, want)
	}
}

// J3: what a kernel says is shown at once, and written and acknowledged within 20 ms.
func TestOutputIsWrittenSoon(t *testing.T) {
	quiet(t, func(t *testing.T, w *world) {
		sv, s, p := w.begin()
		k, run := sv.running(s, p)
		time.Sleep(time.Second) // all of the begin is written
		written := func() bool {
			loaded, err := sv.journal.Load(testContext(t), s.id)
			if err != nil {
				t.Fatal(err)
			}
			return slices.ContainsFunc(loaded.Batches, func(b journal.Batch) bool { return bytes.Contains(b.Data, []byte("printed")) })
		}
		began := time.Now()
		k.says(printed1(run, "printed"))
		p.untilText("a", "printed")
		took(t, "to show it", began, 0)
		if written() || k.acked.Load() == k.record {
			t.Error("it is written already")
		}
		time.Sleep(groupTime)
		synctest.Wait()
		if !written() || k.acked.Load() != k.record {
			t.Errorf("written %v, acknowledged %d of %d", written(), k.acked.Load(), k.record)
		}
	})
}

// A changed notebook is in the file 1.5 s after the last change, and 10 s after the first.
func TestAutosaveTimes(t *testing.T) {
	quiet(t, func(t *testing.T, w *world) {
		sv, s, _ := w.begin()
		began := time.Now()
		for i := range 12 {
			sv.do(s, insert(fmt.Sprintf("cell%d", i), "x"))
			time.Sleep(time.Second)
			synctest.Wait()
			if there, due := strings.Contains(w.read("a.ipynb"), "cell0"), time.Since(began) >= saveMax*time.Millisecond; there != due {
				t.Fatalf("after %v in the file: %v", time.Since(began), there)
			}
		}
		for _, want := range []bool{false, true} {
			if got := strings.Contains(w.read("a.ipynb"), "cell11"); got != want {
				t.Errorf("the last change is in the file: %v, want %v", got, want)
			}
			time.Sleep(saveQuiet*time.Millisecond - time.Second)
			synctest.Wait()
		}
	})
}

// lines notes when a log has lines with a text.
type lines struct {
	text string
	at   []time.Time
}

func (l *lines) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte(l.text)) {
		l.at = append(l.at, time.Now())
	}
	return len(line), nil
}

// A save that fails is tried again after 1, 2, 5, 5, … s, by itself.
func TestSaveIsTriedAgain(t *testing.T) {
	quiet(t, func(t *testing.T, w *world) {
		failures := lines{text: "not saved"}
		w.log = slog.New(slog.NewTextHandler(&failures, nil))
		sv, s, p := w.begin()
		sv.do(s, insert("new", "x"))
		if err := os.RemoveAll(w.dir); err != nil {
			t.Fatal(err)
		}
		p.until("failed", func(s *protocol.State) bool { return s.Save.State == protocol.SaveFailed })
		time.Sleep(20 * time.Second)
		synctest.Wait()
		var waits []time.Duration
		for i, at := range failures.at[1:] {
			waits = append(waits, at.Sub(failures.at[i]))
		}
		if want := []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 5 * time.Second, 5 * time.Second}; !slices.Equal(waits, want) {
			t.Errorf("tried again after %v, want %v", waits, want)
		}
		if err := os.Mkdir(w.dir, 0o755); err != nil {
			t.Fatal(err)
		}
		p.untilSaved()
	})
}

// hanging is a journal that does not come to an end with a batch while it is held.
type hanging struct {
	Journal
	held chan struct{} // closed when it goes on
}

func (h *hanging) Append(ctx context.Context, id journal.NotebookID, b journal.Batch) error {
	<-h.held
	return h.Journal.Append(ctx, id, b)
}

// A journal that hangs keeps a save waiting for a second and no longer.
func TestSaveWhileTheJournalHangs(t *testing.T) {
	quiet(t, func(t *testing.T, w *world) {
		sv, s, p := w.begin()
		k, run := sv.running(s, p)
		p.untilSaved()
		h := &hanging{Journal: sv.journal, held: make(chan struct{})}
		if err := s.call(testContext(t), func() { s.writer.j = h }); err != nil {
			t.Fatal(err)
		}
		k.says(printed1(run, "printed"))
		p.untilText("a", "printed")
		time.Sleep(saveQuiet*time.Millisecond + noteWait - 1)
		for _, want := range []bool{false, true} {
			synctest.Wait()
			if got := strings.Contains(w.read("a.ipynb"), "printed"); got != want {
				t.Errorf("in the file: %v, want %v", got, want)
			}
			time.Sleep(time.Nanosecond)
		}
		if k.acked.Load() == k.record {
			t.Error("acknowledged, and not written")
		}
		close(h.held)
		time.Sleep(groupTime)
		if synctest.Wait(); k.acked.Load() != k.record {
			t.Error("not acknowledged when it goes on")
		}
	})
}

// While the journal hangs, so much of what a kernel says is taken, and no more; the rest is, soon after the journal goes on.
func TestKernelIsHeldBack(t *testing.T) {
	quiet(t, func(t *testing.T, w *world) {
		sv, s, p := w.begin()
		k, run := sv.running(s, p)
		p.untilSaved()
		h := &hanging{Journal: sv.journal, held: make(chan struct{})}
		if err := s.call(testContext(t), func() { s.writer.j = h }); err != nil {
			t.Fatal(err)
		}
		const said = 20
		for range said {
			k.says(printed1(run, strings.Repeat("x", queueMax/10)+"\n"))
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if left := len(k.events); left == 0 || left > said/2 {
			t.Errorf("%d of %d texts are left to the keeper", left, said)
		}
		close(h.held)
		time.Sleep(time.Second)
		if synctest.Wait(); len(k.events) > 0 || k.acked.Load() != k.record {
			t.Errorf("%d texts are left, acknowledged are %d of %d", len(k.events), k.acked.Load(), k.record)
		}
	})
}

// slowNext is a journal that takes so long to note a save.
type slowNext struct {
	Journal
	takes time.Duration
}

func (j *slowNext) PutNext(id journal.NotebookID, tag string) error {
	time.Sleep(j.takes)
	return j.Journal.PutNext(id, tag)
}

// A session that ends has twenty seconds to save; what is not saved then is in the journal.
func TestLastSave(t *testing.T) {
	for takes, want := range map[time.Duration]bool{lastSaves - time.Second: true, lastSaves + time.Second: false} {
		quiet(t, func(t *testing.T, w *world) {
			sv := w.serve()
			synctest.Wait()
			sv.hub.cfg.Journal = &slowNext{sv.journal, takes}
			s := sv.open("a.ipynb")
			sv.do(s, insert("last", "x"))
			began := time.Now()
			sv.stop()
			took(t, "the end", began, takes)
			if got := strings.Contains(w.read("a.ipynb"), `"last"`); got != want {
				t.Errorf("a save of %v is in the file: %v, want %v", takes, got, want)
			}
			sv = w.serve()
			p := sv.page(sv.open("a.ipynb"))
			if p.state.Cell("last") == nil {
				t.Errorf("after a save of %v it is gone", takes)
			}
		})
	}
}

// A prompt's time is over when it was to be seen for so long, and only then (P8).
func TestInputTimeout(t *testing.T) {
	quiet(t, func(t *testing.T, w *world) {
		w.timeout = time.Minute
		sv, s, p := w.begin()
		k, run := sv.running(s, p)
		k.says(asks(run, "q", "? ", false))
		p.until("asked", func(s *protocol.State) bool { return len(s.Prompts) == 1 })
		time.Sleep(20 * time.Second)
		p.c.Close()
		time.Sleep(time.Hour)
		p = sv.page(s)
		if len(p.state.Prompts) != 1 {
			t.Fatal("it was over while nobody was there")
		}
		came := time.Now()
		p.until("over", func(s *protocol.State) bool { return len(s.Prompts) == 0 })
		took(t, "the rest of its time", came, 40*time.Second)
	})
}

// A kernel is stopped when it was idle for so long, not while it runs.
func TestIdleCull(t *testing.T) {
	quiet(t, func(t *testing.T, w *world) {
		w.cull = 10 * time.Minute
		sv, s, p := w.begin()
		k, run := sv.running(s, p)
		time.Sleep(time.Hour)
		idle := time.Now()
		k.says(replyOf(run, "ok"), idleOf(run))
		p.untilDone("a", protocol.StatusOK)
		time.Sleep(w.cull - time.Second)
		p.until("stopped", func(s *protocol.State) bool { return s.Kernel.State == protocol.KernelNone })
		took(t, "to stop it", idle, w.cull)
	})
}

// The kernel's memory is looked at every five seconds while somebody is there.
func TestMemoryIsLookedAt(t *testing.T) {
	quiet(t, func(t *testing.T, w *world) {
		sv, s, p := w.begin()
		k := sv.idleKernel(s, p)
		for _, bytes := range []int64{100 << 20, 300 << 20} {
			k.memory.Store(bytes)
			began := time.Now()
			p.until("told", func(s *protocol.State) bool { return s.Kernel.Memory == bytes })
			if time.Since(began) > memoryEvery {
				t.Errorf("told after %v", time.Since(began))
			}
		}
		p.c.Close()
		k.memory.Store(900 << 20)
		time.Sleep(time.Hour)
		var known int64
		if err := s.call(testContext(t), func() { known = s.core.pub.Kernel.Memory }); err != nil || known != 300<<20 {
			t.Errorf("looked at with nobody there: %d, %v", known, err)
		}
	})
}

// A message that is not taken is passed on again a second later, once and before those behind it.
func TestMessageIsSentAgain(t *testing.T) {
	quiet(t, func(t *testing.T, w *world) {
		sv, s, p := w.begin()
		k := sv.idleKernel(s, p)
		k.set(errors.New("not now"), false)
		began := time.Now()
		run := sv.execute(s, "a", "again")
		time.Sleep(2500 * time.Millisecond)
		k.set(nil, false)
		if h, err := (<-k.sent).ParseHeader(); err != nil || h.MsgID != string(run) {
			t.Errorf("sent %s, want %s: %v", h.MsgID, run, err)
		}
		took(t, "the third try", began, 3*sendAgain)
		time.Sleep(time.Minute)
		if len(k.sent) > 0 {
			t.Errorf("sent again: %s", asJSON(<-k.sent))
		}
	})
}

// A kernel that hangs in an interrupt and in a stop holds up nothing else, and is let go of in time.
func TestKernelThatDoesNotObey(t *testing.T) {
	quiet(t, func(t *testing.T, w *world) {
		sv, s, p := w.begin()
		k, _ := sv.running(s, p)
		k.set(nil, true)
		sv.do(s, protocol.Command{Type: protocol.CmdInterrupt})
		sv.do(s, protocol.Command{Type: protocol.CmdKernelStop})
		p.until("stopping", func(s *protocol.State) bool { return s.Kernel.State == protocol.KernelStopping })
		time.Sleep(time.Minute)
		synctest.Wait()
		k.set(nil, false)
		sv.do(s, protocol.Command{Type: protocol.CmdKernelStop, Force: true})
		p.until("no kernel", func(s *protocol.State) bool { return s.Kernel.State == protocol.KernelNone })
	})
}

// A question that the kernel does not answer is given up after two seconds.
func TestAskTimeout(t *testing.T) {
	quiet(t, func(t *testing.T, w *world) {
		sv, s, p := w.begin()
		sv.idleKernel(s, p)
		began := time.Now()
		out := s.Ask(testContext(t), protocol.Request{RequestID: "r", Kind: "complete", Code: "x"})
		if !strings.Contains(out.Error, "in time") {
			t.Errorf("%+v", out)
		}
		took(t, "the answer", began, askTimeout)
	})
}

// A session whose loop is held up is left out of the list after a second.
func TestSessions_of_one_that_hangs(t *testing.T) {
	quiet(t, func(t *testing.T, w *world) {
		sv, s, _ := w.begin()
		sv.open("b.ipynb")
		held, over := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(over)
			s.send(context.Background(), func() { <-held })
		}()
		<-over
		began := time.Now()
		if got := sv.hub.Sessions(); len(got) > 1 {
			t.Errorf("listed %+v", got)
		}
		took(t, "the list", began, time.Second)
		close(held)
		if got := sv.hub.Sessions(); len(got) != 2 {
			t.Errorf("listed %+v", got)
		}
	})
}

// What belongs to nothing is removed a day later (J13).
func TestCollectedDaily(t *testing.T) {
	quiet(t, func(t *testing.T, w *world) {
		sv := w.serve()
		synctest.Wait() // it was done at the start
		hash := journal.Hash([]byte("garbage"))
		if err := sv.journal.Put(hash, []byte("garbage")); err != nil {
			t.Fatal(err)
		}
		there := func() bool {
			f, err := sv.journal.Blob(hash)
			if err == nil {
				_ = f.Close()
			}
			return err == nil
		}
		time.Sleep(collectEvery - time.Minute)
		if !there() {
			t.Error("removed too early")
		}
		time.Sleep(2 * time.Minute)
		if synctest.Wait(); there() {
			t.Error("there after a day")
		}
	})
}
