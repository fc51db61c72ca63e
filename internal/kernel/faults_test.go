package kernel_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/runnel-dev/runnel/internal/jupyter"
	"github.com/runnel-dev/runnel/internal/kernel"
)

// attending starts a server process for a kernel.
func attending(t *testing.T, m *kernel.Manager, id kernel.ID, journal string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "attend", filepath.Dir(dirOf(m, id)), string(id), journal)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// TestServerKilled: kill -9 of the server at random moments of a flood, and a new
// one each time: every record once, in order.
func TestServerKilled(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	m := newManager(t)
	k := launchReady(t, m, "7")
	execute(t, k, "import time\nfor i in range(6000):\n    print(i, flush=True)\n    if i % 100 == 0: time.sleep(.02)\nprint('done')")
	before := k.Status()
	k.Close()
	journal := filepath.Join(t.TempDir(), "journal")
	kills := 0
	for end := time.Now().Add(5 * time.Minute); ; kills++ {
		cmd := attending(t, m, k.ID(), journal)
		time.Sleep(time.Duration(rng.IntN(300)) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		_, text, err := readJournal(journal)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(text, "done") {
			if want := numbered(6000) + "done\n"; text != want {
				t.Fatalf("%d bytes of text, want %d: %q", len(text), len(want), text[:min(400, len(text))])
			}
			break
		}
		if time.Now().After(end) {
			t.Fatalf("not done after %d kills: %d bytes", kills, len(text))
		}
	}
	t.Logf("%d kills", kills)
	if kills < 5 {
		t.Error("too few to mean anything")
	}
	last, _, _ := readJournal(journal)
	k, err := m.Attach(testContext(t, 5*time.Second), k.ID(), last+1)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	h := newHistory(t, k)
	h.next = last + 1
	id := execute(t, k, "print(i)")
	h.untilIdle(patience, id)
	if after := k.Status(); h.printed(id) != "5999\n" || after.KernelPID != before.KernelPID {
		t.Errorf("printed %q, process %d was %d", h.printed(id), after.KernelPID, before.KernelPID)
	}
}

// TestServerStopped: SIGSTOP of the server in a flood of flushed lines, many more than a kernel keeps for who does not read.
func TestServerStopped(t *testing.T) {
	for _, major := range []string{"6", "7"} {
		t.Run("ipykernel "+major, func(t *testing.T) {
			t.Parallel()
			m := newManager(t)
			k := launchReady(t, m, major)
			k.Close()
			journal := filepath.Join(t.TempDir(), "journal")
			cmd := attending(t, m, k.ID(), journal)
			defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
			await(t, 5*time.Second, "server", func() bool { last, _, _ := readJournal(journal); return last > 0 })
			if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			// The one who starts the cell must not stay attached.
			runDetached(t, m, k.ID(), "for i in range(5000):\n    print(i, flush=True)\nprint('done')")
			cmd2 := attending(t, m, k.ID(), journal)
			defer func() { _ = cmd2.Process.Kill(); _ = cmd2.Wait() }()
			if err := cmd2.Process.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Second)
			if err := cmd2.Process.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			await(t, patience, "all lines", func() bool {
				_, text, err := readJournal(journal)
				if err != nil {
					t.Fatal(err)
				}
				return strings.HasSuffix(text, "done\n")
			})
			_, text, _ := readJournal(journal)
			if text != numbered(5000)+"done\n" {
				t.Fatalf("%d bytes of text", len(text))
			}
			_ = cmd.Process.Signal(syscall.SIGCONT) // fenced long ago
			if err := cmd.Wait(); err == nil {
				t.Error("the older server did not notice that it is fenced")
			}
		})
	}
}

// runDetached starts a cell and leaves.
func runDetached(t *testing.T, m *kernel.Manager, id kernel.ID, code string) {
	t.Helper()
	k, err := m.Attach(testContext(t, 5*time.Second), id, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	execute(t, k, code)
}

func await(t testing.TB, limit time.Duration, what string, fits func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !fits(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no %s after %v", what, limit)
		}
	}
}

// TestFlood: nobody pulls for a while; nothing is lost, and the keeper is small
// again afterwards.
func TestFlood(t *testing.T) {
	for _, major := range []string{"6", "7"} {
		t.Run("ipykernel "+major, func(t *testing.T) {
			t.Parallel()
			m := newManager(t)
			k := launchReady(t, m, major)
			h := newHistory(t, k)
			id := execute(t, k, "for i in range(5000):\n    print(i, flush=True)")
			time.Sleep(2 * time.Second) // the fault: not pulling
			h.untilIdle(patience, id)
			if h.printed(id) != numbered(5000) {
				t.Fatalf("%d bytes of text", len(h.printed(id)))
			}
			k.Ack(h.next - 1)
			id = execute(t, k, "for i in range(5): print('x' * 20_000_000)")
			h.untilIdle(patience, id)
			if len(h.printed(id)) != 5*20_000_001 {
				t.Fatalf("%d bytes of text", len(h.printed(id)))
			}
			k.Ack(h.next - 1)
			t.Logf("keeper %d KiB after 100 MB", k.Status().KeeperMemory>>10)
			if raceEnabled {
				return // the detector keeps memory of its own
			}
			await(t, 15*time.Second, "small keeper", func() bool { return k.Status().KeeperMemory < 12<<20 })
			t.Logf("keeper %d KiB later", k.Status().KeeperMemory>>10)
		})
	}
}

// TestFenced: the server that attaches last has the kernel.
func TestFenced(t *testing.T) {
	m := newManager(t)
	k := launchReady(t, m, "7")
	newer, err := kernel.NewManager(kernel.Config{RuntimeDir: filepath.Dir(dirOf(m, k.ID())), Exe: "/nonexistent"})
	if err != nil {
		t.Fatal(err)
	}
	k2, err := newer.Attach(testContext(t, 5*time.Second), k.ID(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer k2.Close()
	ctx := testContext(t, 5*time.Second)
	for {
		if _, err = k.Next(ctx); err != nil {
			break
		}
	}
	if err != kernel.ErrFenced {
		t.Fatalf("the first server: %v", err)
	}
	id, msg := executeMessage("print('no')")
	if err := k.Send(ctx, id, jupyter.Shell, msg); err != kernel.ErrFenced {
		t.Fatalf("send of the first server: %v", err)
	}
	h := newHistory(t, k2)
	id = execute(t, k2, "print('yes')")
	h.untilIdle(5*time.Second, id)
	if h.printed(id) != "yes\n" {
		t.Fatalf("printed %q", h.printed(id))
	}
}

// TestSendOnce: an id reaches the kernel once, however often it is sent.
func TestSendOnce(t *testing.T) {
	m := newManager(t)
	k := launchReady(t, m, "7")
	h := newHistory(t, k)
	id := execute(t, k, "n = 0")
	h.untilIdle(5*time.Second, id)
	_, msg := executeMessage("n += 1")
	once := uuid.NewString()
	for range 3 {
		if err := k.Send(testContext(t, 5*time.Second), once, jupyter.Shell, msg); err != nil {
			t.Fatal(err)
		}
		k.Close()
		var err error
		if k, err = m.Attach(testContext(t, 5*time.Second), k.ID(), h.next); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { k.Close() })
		h.k = k
	}
	id = execute(t, k, "print(n)")
	h.untilIdle(5*time.Second, id)
	if h.printed(id) != "1\n" {
		t.Fatalf("printed %q", h.printed(id))
	}
	count := 0
	for _, e := range h.events {
		if e.Kind == kernel.Sent && e.SentID == once {
			count++
		}
	}
	if count != 1 {
		t.Errorf("%d sent records", count)
	}
}
