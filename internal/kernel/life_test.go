package kernel_test

import (
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/kernel"
	"github.com/runnel-dev/runnel/internal/testpy"
)

func TestLife(t *testing.T) {
	for _, major := range []string{"6", "7"} {
		t.Run("ipykernel "+major, func(t *testing.T) {
			t.Parallel()
			testLife(t, major)
		})
	}
}

// testLife is a kernel's life from beginning to end: run, interrupt, detach,
// attach, stop.
func testLife(t *testing.T, major string) {
	m := newManager(t)
	begun := time.Now()
	k := launchReady(t, m, major)
	t.Logf("ready after %v: %s", time.Since(begun), k.Info().Banner)
	h := newHistory(t, k)
	id := execute(t, k, "x = 41\nprint('hello', x + 1)")
	h.untilIdle(5*time.Second, id)
	if got := h.printed(id); got != "hello 42\n" {
		t.Fatalf("printed %q", got)
	}

	id = execute(t, k, "print('loop')\nwhile True: pass")
	h.until(5*time.Second, "loop", func(e kernel.Event) bool { return isStream(e, "loop") })
	begun = time.Now()
	if err := k.Interrupt(testContext(t, time.Second)); err != nil {
		t.Fatal(err)
	}
	h.untilIdle(5*time.Second, id)
	t.Logf("interrupted after %v", time.Since(begun))

	id = execute(t, k, "import time\nfor i in range(100):\n    print(i, flush=True)\n    time.sleep(.01)")
	h.until(5*time.Second, "10", func(e kernel.Event) bool { return isStream(e, "10") })
	s := k.Status()
	if s.KernelPID == 0 || s.Memory < 10<<20 || s.KeeperMemory <= 0 || s.KeeperMemory > 64<<20 {
		t.Fatalf("status: %+v", s)
	}
	t.Logf("keeper %d KiB, kernel %d KiB", s.KeeperMemory>>10, s.Memory>>10)
	k.Close()
	if _, err := k.Next(testContext(t, time.Second)); err == nil {
		t.Log("events that were there are still given after Close")
	}

	k, err := m.Attach(testContext(t, 5*time.Second), k.ID(), h.next)
	if err != nil {
		t.Fatal(err)
	}
	h.k = k
	h.untilIdle(5*time.Second, id)
	if got := h.printed(id); strings.Count(got, "\n") != 100 || !strings.HasSuffix(got, "99\n") {
		t.Fatalf("printed %q", got)
	}
	id = execute(t, k, "print(x)")
	h.untilIdle(5*time.Second, id)
	if got := h.printed(id); got != "41\n" {
		t.Fatalf("variables are gone: printed %q", got)
	}

	begun = time.Now()
	if err := k.Stop(testContext(t, time.Second), false); err != nil {
		t.Fatal(err)
	}
	exit := h.untilExit(5 * time.Second)
	t.Logf("stopped after %v: %+v", time.Since(begun), exit)
	if !exit.Requested || exit.PeakRSS < 10<<20 {
		t.Errorf("exit %+v", exit)
	}
	if _, err := k.Next(testContext(t, time.Second)); err != io.EOF {
		t.Errorf("after the exited event: %v", err)
	}
	if h.stdio.Len() > 0 {
		t.Errorf("the kernel wrote to its own stdout or stderr: %q", h.stdio.String())
	}
	k.Ack(h.next - 1)
	awaitGone(t, dirOf(m, k.ID()))
}

// awaitGone waits for a kernel's folder to be removed by its keeper.
func awaitGone(t *testing.T, dir string) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(dir); os.IsNotExist(err) {
			return
		}
		if time.Now().After(end) {
			entries, _ := os.ReadDir(dir)
			t.Fatalf("%s is still there: %v", dir, entries)
		}
	}
}

// TestSlowStart: a kernel whose start takes longer than a silent shell is waited for, comes up without a word of complaint.
func TestSlowStart(t *testing.T) {
	t.Parallel()
	const late = "import time; time.sleep(6.5); from ipykernel import kernelapp; kernelapp.launch_new_instance()"
	for _, major := range []string{"6", "7"} {
		t.Run("ipykernel "+major, func(t *testing.T) {
			t.Parallel()
			k := launch(t, newManager(t), spec(t, testpy.Python(t, major), "-c", late, "-f", "{connection_file}"))
			h := newHistory(t, k)
			if err := k.Ready(testContext(t, time.Minute)); err != nil {
				t.Fatal(err)
			}
			h.untilIdle(20*time.Second, execute(t, k, "print('up')"))
			for _, e := range h.events {
				if strings.Contains(string(e.Msg.Content)+string(e.Data), "Traceback") {
					t.Errorf("it complains: %s%s", e.Msg.Content, e.Data)
				}
			}
		})
	}
}
