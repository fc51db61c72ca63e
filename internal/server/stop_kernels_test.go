package server_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/runnel-dev/runnel/internal/keeper"
	"github.com/runnel-dev/runnel/internal/place"
	"github.com/runnel-dev/runnel/internal/plainclient"
	"github.com/runnel-dev/runnel/internal/protocol"
	"github.com/runnel-dev/runnel/internal/server"
	"github.com/runnel-dev/runnel/internal/server/servertest"
	"github.com/runnel-dev/runnel/internal/testpy"
)

// stubborn is a cell that no polite word ends.
const stubborn = `import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
while True:
    try:
        print("here", flush=True)
        time.sleep(600)
    except KeyboardInterrupt:
        pass`

// Every run has its end before the line has: what ran and what waited when all was stopped, and what was asked for while the kernel ended.
func TestStop_runsEndBeforeLines(t *testing.T) {
	s := servertest.Start(t, server.Config{Python: testpy.Python(t, "7")})
	ctx := within(t, 3*time.Minute)
	client, page := dial(t, s, "a.ipynb"), openPage(t, s, "a.ipynb")
	if err := client.Execute(ctx, "runs", stubborn); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Until(ctx, nil, plainclient.Message.IsText); err != nil {
		t.Fatal(err)
	}
	for _, cell := range []string{"waits1", "waits2"} {
		if err := client.Execute(ctx, cell, "1"); err != nil {
			t.Fatal(err)
		}
	}
	if err := page.Wait(ctx, "a queue", func(s *protocol.State) bool { return len(s.Queue) == 2 }); err != nil {
		t.Fatal(err)
	}
	var stopping sync.WaitGroup
	defer stopping.Wait()
	stopping.Go(func() {
		if report, err := s.Stop(ctx, server.StopAll); err != nil || !slices.Equal(report.Stopped, []string{"a.ipynb"}) || len(report.Left) > 0 {
			t.Errorf("%+v %v", report, err)
		}
	})
	ends := map[string][]string{}
	var late <-chan protocol.Ack
	for {
		m, err := client.Receive(ctx)
		if err != nil {
			if websocket.CloseStatus(err) != protocol.CloseRestarting {
				t.Errorf("the line ended with %v", err)
			}
			break
		}
		if !m.IsLast {
			continue
		}
		ends[m.CellID] = append(ends[m.CellID], m.Status+" "+m.Code)
		if m.CellID == "runs" {
			if err := client.Execute(ctx, "late", "1"); err != nil {
				t.Errorf("a cell could not be asked for while the kernel ends: %v", err)
			}
			late = page.Send(&protocol.Command{Type: protocol.CmdExecute, CellID: "waits1"})
		}
	}
	want := map[string][]string{"runs": {"interrupted "}, "waits1": {"interrupted "}, "waits2": {"interrupted "}, "late": {"error unavailable"}}
	if fmt.Sprint(ends) != fmt.Sprint(want) {
		t.Errorf("the runs ended with %v, want %v", ends, want)
	}
	select {
	case ack := <-late: // a page sends what was unavailable again, to the next server too; this it must not
		if ack.Status != protocol.AckRejected || ack.Code != protocol.CodeStopping || ack.Error == "" {
			t.Errorf("a page that asked for a run was told %+v", ack)
		}
	case <-ctx.Done():
		t.Error("a page that asked for a run was told nothing")
	}
	if r := page.State().Cell("runs").Run; r == nil || r.Status != protocol.StatusInterrupted || len(page.State().Queue) > 0 {
		t.Errorf("the page was told %+v, and that %d wait", r, len(page.State().Queue))
	}
}

// All kernels end when all are to, however little time there is: those that ignore what they are told, and one whose keeper does not answer.
func TestStop_all(t *testing.T) {
	t.Parallel()
	const n = 4
	dir := t.TempDir()
	where := servertest.Place(t, dir)
	s := servertest.Start(t, server.Config{Dir: dir, Place: &where, Python: testpy.Python(t, "7")})
	ctx := within(t, 3*time.Minute)
	var names []string
	var pids []int
	for i := range n {
		name := fmt.Sprintf("%d.ipynb", i)
		client := dial(t, s, name)
		if err := client.Execute(ctx, "a", stubborn); err != nil {
			t.Fatal(err)
		}
		if _, err := client.Until(ctx, nil, plainclient.Message.IsText); err != nil {
			t.Fatal(err)
		}
		names, pids = append(names, name), append(pids, pidOf(t, s, name))
	}
	stuck := keeperOf(t, where, pids[0])
	if err := syscall.Kill(stuck, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(stuck, syscall.SIGCONT) })
	short, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	report, err := s.Stop(short, server.StopAll)
	slices.Sort(report.Stopped)
	if err != nil || !slices.Equal(report.Stopped, names) || len(report.Left) > 0 {
		t.Errorf("%+v %v", report, err)
	}
	for i, pid := range pids {
		if alive(pid) {
			t.Errorf("the kernel of %s lives on", names[i])
		}
	}
}

// keeperOf is the keeper of the folder's kernel that is this process.
func keeperOf(t *testing.T, p place.Place, pid int) int {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(p.Runtime, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		if r, err := keeper.ReadRunning(dir); err == nil && r.KernelPID == pid {
			return r.PID
		}
	}
	t.Fatalf("no keeper has the kernel %d", pid)
	return 0
}
