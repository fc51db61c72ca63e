package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/cli"
	"github.com/runnel-dev/runnel/internal/kernel"
	"github.com/runnel-dev/runnel/internal/pageclient"
	"github.com/runnel-dev/runnel/internal/place"
	"github.com/runnel-dev/runnel/internal/protocol"
	"github.com/runnel-dev/runnel/internal/server"
	"github.com/runnel-dev/runnel/internal/server/servertest"
	"github.com/runnel-dev/runnel/internal/testpy"
)

func TestMain(m *testing.M) { os.Exit(servertest.Main(m)) }

// command runs `runnel kernels ...` for a folder.
func command(t *testing.T, folder string, args ...string) (code int, out, errs string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var stdout, stderr bytes.Buffer
	code = cli.Run(ctx, append(append([]string{"kernels"}, args...), "--folder", folder), cli.Streams{Out: &stdout, Err: &stderr}, "")
	return code, stdout.String(), stderr.String()
}

// gated is a kernelspec whose kernel begins to start only when the returned function was called.
func gated(t *testing.T, name string) (open func()) {
	t.Helper()
	jupyter, gate := t.TempDir(), filepath.Join(t.TempDir(), "gate")
	spec, err := json.Marshal(map[string]any{"display_name": name, "language": "python", "argv": []string{"/bin/sh", "-c",
		`until [ -e "$1" ]; do sleep 0.02; done; exec "$2" -m ipykernel_launcher -f "$3"`, "sh", gate, testpy.Python(t, "7"), "{connection_file}"}})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(jupyter, "kernels", name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "kernel.json"), spec, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("JUPYTER_PATH", jupyter)
	return func() {
		if err := os.WriteFile(gate, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// serve serves a folder with one notebook of that kernelspec, and opens it.
func serve(t *testing.T, name string) (folder string, s *server.Server, page *pageclient.Client) {
	t.Helper()
	folder = t.TempDir()
	text := `{"cells": [], "metadata": {"kernelspec": {"name": "` + name + `", "display_name": "x", "language": "python"}}, "nbformat": 4, "nbformat_minor": 5}`
	if err := os.WriteFile(filepath.Join(folder, "a.ipynb"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	where := servertest.Place(t, folder)
	t.Setenv("RUNNEL_STATE_DIR", where.Root)
	s = servertest.Start(t, server.Config{Dir: folder, Place: &where})
	page = pageclient.Open(pageclient.Options{URL: s.URL(), Token: s.Token(), Notebook: "a.ipynb"})
	t.Cleanup(page.Close)
	return folder, s, page
}

func wait(t *testing.T, page *pageclient.Client, what string, ok func(*protocol.State) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := page.Wait(ctx, what, ok); err != nil {
		t.Fatal(err)
	}
}

func execute(t *testing.T, page *pageclient.Client, cell protocol.CellID, code string) protocol.RunID {
	t.Helper()
	cmd := protocol.Command{Type: protocol.CmdExecute, CellID: cell, Code: &code}
	if ack := <-page.Send(&cmd); ack.Status != protocol.AckAccepted {
		t.Fatalf("%s: %+v", cell, ack)
	}
	return protocol.RunID(cmd.CmdID)
}

func status(s *protocol.State, cell protocol.CellID) string {
	if c := s.Cell(cell); c != nil && c.Run != nil {
		return c.Run.Status
	}
	return ""
}

func said(page *pageclient.Client, code string) bool {
	return slices.ContainsFunc(page.Notices(), func(n protocol.Notice) bool { return n.Code == code })
}

// With a server, a kernel that is still starting outlives an interrupt, and its notebook's queue is empty: a signal would have ended it.
func TestKernels_interrupted_while_starting(t *testing.T) {
	open := gated(t, "gated")
	folder, _, page := serve(t, "gated")
	execute(t, page, "first", "print('never')")
	var first kernel.ID
	wait(t, page, "the kernel starts", func(*protocol.State) bool {
		_, out, _ := command(t, folder, "list", "--json")
		var list []struct{ ID kernel.ID }
		if json.Unmarshal([]byte(out), &list) != nil || len(list) != 1 {
			return false
		}
		first = list[0].ID
		return true
	})
	if code, out, errs := command(t, folder, "interrupt", "a.ipynb"); code != 0 || out != "a.ipynb: interrupted\n" || errs != "" {
		t.Fatalf("exit code %d, %q, %q", code, out, errs)
	}
	wait(t, page, "the queue is empty", func(s *protocol.State) bool { return status(s, "first") == protocol.StatusCancelled })
	open()
	if run, err := page.Execute(t.Context(), "second", "print('lives')"); err != nil || run != protocol.StatusOK {
		t.Errorf("a run after it: %v %v", run, err)
	}
	if k := page.State().Kernel; k.ID != string(first) || status(page.State(), "first") != protocol.StatusCancelled {
		t.Errorf("the kernel is %+v, was %s", k, first)
	}
	if !said(page, "interrupted") {
		t.Error("the page is not told of the interrupt")
	}
}

// With a server, a stop is the notebook's: the page says that it came from outside, and no death is shown.
func TestKernels_stopped_under_a_server(t *testing.T) {
	open := gated(t, "gated")
	open()
	folder, _, page := serve(t, "gated")
	execute(t, page, "loop", "import time\nwhile True: print('x', flush=True); time.sleep(0.01)")
	execute(t, page, "next", "1")
	wait(t, page, "it prints", func(s *protocol.State) bool { return len(s.Cell("loop").Outputs) > 0 })
	if code, out, errs := command(t, folder, "stop", "--all"); code != 0 || out != "a.ipynb: stopped\n" || errs != "" {
		t.Fatalf("exit code %d, %q, %q", code, out, errs)
	}
	if _, out, _ := command(t, folder); !strings.Contains(out, "no kernel runs") {
		t.Errorf("stopped, and listed: %s", out)
	}
	wait(t, page, "there is no kernel", func(s *protocol.State) bool { return s.Kernel.State == protocol.KernelNone })
	s := page.State()
	if status(s, "loop") != protocol.StatusInterrupted || !strings.Contains(s.Cell("loop").Run.Reason, "outside") || status(s, "next") != protocol.StatusCancelled || s.Kernel.Death != nil {
		t.Errorf("loop %+v, next %+v, kernel %+v", s.Cell("loop").Run, s.Cell("next").Run, s.Kernel)
	}
	if !said(page, "kernel_stopped") {
		t.Error("the page is not told of the stop")
	}
}

// A server that does not answer keeps nobody from stopping a kernel.
func TestKernels_stopped_beside_a_silent_server(t *testing.T) {
	gated(t, "gated")()
	folder, s, page := serve(t, "gated")
	if run, err := page.Execute(t.Context(), "first", "1"); err != nil || run != protocol.StatusOK {
		t.Fatalf("a run: %v %v", run, err)
	}
	if report, err := s.Stop(t.Context(), server.LeaveAll); err != nil || len(report.Left) != 1 {
		t.Fatalf("the server's end: %+v %v", report, err)
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	where, err := place.Of(folder)
	if err != nil {
		t.Fatal(err)
	}
	note, err := json.Marshal(server.Note{URL: "http://" + silent.Addr().String(), PID: os.Getpid()})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(where.State, "server.json"), note, 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := command(t, folder, "stop", "a.ipynb")
	if code != 0 || out != "a.ipynb: stopped\n" || !strings.Contains(errs, "does not answer") {
		t.Errorf("exit code %d, %q, %q", code, out, errs)
	}
	if _, out, _ := command(t, folder); !strings.Contains(out, "no kernel runs") {
		t.Errorf("stopped, and listed: %s", out)
	}
}
