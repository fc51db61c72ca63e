package server_test

import (
	"net/http"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/plainclient"
	"github.com/runnel-dev/runnel/internal/protocol"
	"github.com/runnel-dev/runnel/internal/server"
	"github.com/runnel-dev/runnel/internal/server/servertest"
	"github.com/runnel-dev/runnel/internal/testpy"
)

// pidOf runs a cell that says its kernel's process.
func pidOf(t *testing.T, s *server.Server, notebook string) int {
	t.Helper()
	ctx := within(t, 30*time.Second)
	page := openPage(t, s, notebook)
	if err := page.Wait(ctx, "a kernel", func(s *protocol.State) bool { return s.Kernel.PID != 0 }); err != nil {
		t.Fatal(err)
	}
	pid := page.State().Kernel.PID
	page.Close()
	return pid
}

// alive is false for a process that has ended and that nobody has asked about.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	state, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && !strings.HasPrefix(strings.TrimSpace(string(state)), "Z")
}

// TestStop ends servers with an idle kernel and a busy one in each mode.
func TestStop(t *testing.T) {
	tests := map[string]struct {
		mode          server.Mode
		stopped, left []string
	}{
		"stop all":   {server.StopAll, []string{"busy.ipynb", "idle.ipynb"}, nil},
		"leave busy": {server.LeaveBusy, []string{"idle.ipynb"}, []string{"busy.ipynb"}},
		"leave all":  {server.LeaveAll, nil, []string{"busy.ipynb", "idle.ipynb"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			place := servertest.Place(t, dir)
			config := server.Config{Dir: dir, Place: &place, Python: testpy.Python(t, "7")}
			s := servertest.Start(t, config)
			ctx := within(t, time.Minute)
			idle, busy := dial(t, s, "idle.ipynb"), dial(t, s, "busy.ipynb")
			if _, err := idle.Run(ctx, "a", "x = 1", nil); err != nil {
				t.Fatal(err)
			}
			if err := busy.Execute(ctx, "b", "import time\nfor i in range(200):\n    print(i, flush=True)\n    time.sleep(0.05)"); err != nil {
				t.Fatal(err)
			}
			if _, err := busy.Until(ctx, nil, plainclient.Message.IsText); err != nil {
				t.Fatal(err)
			}
			pids := map[string]int{"idle.ipynb": pidOf(t, s, "idle.ipynb"), "busy.ipynb": pidOf(t, s, "busy.ipynb")}
			if running := s.Running(ctx); len(running) != 1 || running[0].Notebook != "busy.ipynb" || running[0].Cell != 1 || running[0].Since <= 0 {
				t.Errorf("running: %+v", running)
			}
			report, err := s.Stop(ctx, tt.mode)
			if err != nil {
				t.Error(err)
			}
			slices.Sort(report.Stopped)
			slices.Sort(report.Left)
			if !slices.Equal(report.Stopped, tt.stopped) || !slices.Equal(report.Left, tt.left) || len(report.Unsaved) > 0 {
				t.Errorf("report %+v", report)
			}
			for _, notebook := range tt.stopped {
				if alive(pids[notebook]) {
					t.Errorf("the kernel of %s lives on", notebook)
				}
			}
			for _, notebook := range tt.left {
				if !alive(pids[notebook]) {
					t.Errorf("the kernel of %s is gone", notebook)
				}
			}
			if _, err := http.Get(s.URL() + "/healthz"); err == nil {
				t.Error("the server still answers")
			}
			takesUpAgain(t, config, tt.left, pids)
		})
	}
}

// takesUpAgain starts the next server: the kernels that were left are the same processes, and their output of the time between is there.
func takesUpAgain(t *testing.T, config server.Config, left []string, pids map[string]int) {
	t.Helper()
	s := servertest.Start(t, config)
	for _, notebook := range left {
		if got := pidOf(t, s, notebook); got != pids[notebook] {
			t.Errorf("%s has kernel %d, had %d", notebook, got, pids[notebook])
		}
	}
	if !slices.Contains(left, "busy.ipynb") {
		return
	}
	page := openPage(t, s, "busy.ipynb")
	ctx := within(t, 2*time.Minute)
	if err := page.Wait(ctx, "the end of the run", func(s *protocol.State) bool {
		c := s.Cell("b")
		return c != nil && c.Run != nil && c.Run.State == protocol.StateDone
	}); err != nil {
		t.Fatal(err)
	}
	c := page.State().Cell("b")
	if n := strings.Count(c.Outputs[0].Text.Head, "\n"); c.Run.Status != protocol.StatusOK || n != 200 || len(c.Outputs) != 1 {
		t.Errorf("%s with %d lines in %d outputs", c.Run.Status, n, len(c.Outputs))
	}
}
