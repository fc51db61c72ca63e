package kernel_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/runnel-dev/runnel/internal/jupyter"
	"github.com/runnel-dev/runnel/internal/jupyter/jupytertest"
	"github.com/runnel-dev/runnel/internal/keeper"
	"github.com/runnel-dev/runnel/internal/kernel"
	"github.com/runnel-dev/runnel/internal/testpy"
)

// The test binary is its own `runnel keep DIR`, and the servers that are killed.
func TestMain(m *testing.M) {
	jupytertest.RunAsKernel()
	if len(os.Args) == 3 && os.Args[1] == "keep" {
		if err := keeper.Main(context.Background(), os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) > 2 && os.Args[1] == "attend" {
		os.Exit(attend(os.Args[2:]))
	}
	goleak.VerifyTestMain(m)
}

// shortDir is a folder whose path leaves room for sockets.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "rk")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			logs, _ := filepath.Glob(filepath.Join(dir, "*", keeper.LogFile))
			for _, path := range logs {
				b, _ := os.ReadFile(path)
				t.Logf("%s:\n%s", path, b)
			}
		}
		os.RemoveAll(dir)
	})
	return dir
}

func testContext(t testing.TB, limit time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	return ctx
}

func newManager(t testing.TB, change ...func(*kernel.Config)) *kernel.Manager {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cfg := kernel.Config{RuntimeDir: shortDir(t), Exe: exe, KeepFor: time.Minute, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
	for _, c := range change {
		c(&cfg)
	}
	m, err := kernel.NewManager(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopAll(t, m) })
	return m
}

// stopAll leaves nothing behind, whatever the test did.
func stopAll(t testing.TB, m *kernel.Manager) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	found, err := m.Find(ctx)
	if err != nil {
		t.Error(err)
	}
	for _, f := range found {
		k, err := m.Attach(ctx, f.ID, 1)
		if err != nil {
			t.Errorf("stop %s: %v", f.ID, err)
			continue
		}
		if err := k.Stop(ctx, true); err != nil {
			t.Errorf("stop %s: %v", f.ID, err)
		}
		for {
			batch, err := k.NextBatch(ctx, 1<<20)
			if err != nil {
				if !errors.Is(err, io.EOF) {
					t.Errorf("stop %s: %v", f.ID, err)
				}
				break
			}
			k.Ack(batch[len(batch)-1].Record)
		}
		for f.Alive && kernel.Alive(dirOf(m, f.ID)) && ctx.Err() == nil {
			time.Sleep(5 * time.Millisecond)
		}
		k.Close()
	}
}

func pythonSpec(t testing.TB, major string) kernel.LaunchSpec {
	t.Helper()
	argv := []string{testpy.Python(t, major), "-m", "ipykernel_launcher", "-f", "{connection_file}"}
	return spec(t, append(argv, jupyter.IPythonArgs()...)...)
}

func spec(t testing.TB, argv ...string) kernel.LaunchSpec {
	env := kernel.Environ(os.Environ(), map[string]string{"IPYTHONDIR": t.TempDir(), "JUPYTER_PLATFORM_DIRS": "1"})
	return kernel.LaunchSpec{
		KernelID: kernel.ID(uuid.NewString()), NotebookID: "notebook", Argv: argv, Env: env, Cwd: t.TempDir(),
		Name: "python3", Language: "python",
	}
}

func launch(t testing.TB, m *kernel.Manager, s kernel.LaunchSpec) *kernel.Kernel {
	t.Helper()
	k, err := m.Launch(testContext(t, 10*time.Second), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	return k
}

func launchReady(t testing.TB, m *kernel.Manager, major string) *kernel.Kernel {
	t.Helper()
	k := launch(t, m, pythonSpec(t, major))
	if err := k.Ready(testContext(t, 20*time.Second)); err != nil {
		t.Fatal(err)
	}
	return k
}

func executeMessage(code string) (id string, m jupyter.Message) {
	id = uuid.NewString()
	m, err := jupyter.NewMessage("test", id, "execute_request", jupyter.ExecuteRequest{
		Code: code, StoreHistory: true, AllowStdin: true, StopOnError: true, UserExpressions: map[string]string{},
	}, time.Now())
	if err != nil {
		panic(err)
	}
	return id, m
}

func execute(t testing.TB, k *kernel.Kernel, code string) (id string) {
	t.Helper()
	id, m := executeMessage(code)
	if err := k.Send(testContext(t, 10*time.Second), id, jupyter.Shell, m); err != nil {
		t.Fatal(err)
	}
	return id
}

// history is what a reader has seen: it checks the numbers as they come.
type history struct {
	t      testing.TB
	k      *kernel.Kernel
	next   uint64
	text   map[string]*strings.Builder // by execute
	stdio  strings.Builder
	events []kernel.Event
}

func newHistory(t testing.TB, k *kernel.Kernel) *history {
	return &history{t: t, k: k, next: 1, text: map[string]*strings.Builder{}}
}

func (h *history) step(ctx context.Context) (kernel.Event, error) {
	e, err := h.k.Next(ctx)
	if err != nil {
		return e, err
	}
	h.add(e)
	return e, nil
}

func (h *history) add(e kernel.Event) {
	h.t.Helper()
	if e.Record != h.next {
		h.t.Fatalf("record %d in the place of %d", e.Record, h.next)
	}
	h.next++
	h.events = append(h.events, e)
	if e.Kind == kernel.Stdio {
		h.stdio.Write(e.Data)
	}
	if e.Kind == kernel.Message && header(e).MsgType == "stream" {
		s, err := jupyter.Decode[jupyter.Stream](e.Msg.Content)
		if err != nil {
			h.t.Fatal(err)
		}
		id := parent(e).MsgID
		if h.text[id] == nil {
			h.text[id] = &strings.Builder{}
		}
		h.text[id].WriteString(s.Text)
	}
}

// until reads on until an event fits.
func (h *history) until(limit time.Duration, what string, fits func(kernel.Event) bool) kernel.Event {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for {
		e, err := h.step(ctx)
		if err != nil {
			h.t.Fatalf("waiting for %s after record %d: %v", what, h.next-1, err)
		}
		if fits(e) {
			return e
		}
	}
}

func (h *history) untilIdle(limit time.Duration, id string) {
	h.t.Helper()
	h.until(limit, "idle", func(e kernel.Event) bool { return isIdle(e, id) })
}

func (h *history) untilExit(limit time.Duration) *kernel.Exit {
	h.t.Helper()
	return h.until(limit, "exit", func(e kernel.Event) bool { return e.Kind == kernel.Exited }).Exit
}

func (h *history) printed(id string) string {
	if h.text[id] == nil {
		return ""
	}
	return h.text[id].String()
}

func header(e kernel.Event) jupyter.Header {
	h, _ := e.Msg.ParseHeader()
	return h
}

func parent(e kernel.Event) jupyter.Header {
	h, _ := e.Msg.ParentHeader()
	return h
}

func isIdle(e kernel.Event, id string) bool {
	if e.Kind != kernel.Message || e.Channel != jupyter.IOPub || header(e).MsgType != "status" || parent(e).MsgID != id {
		return false
	}
	var s jupyter.Status
	_ = json.Unmarshal(e.Msg.Content, &s)
	return s.ExecutionState == jupyter.StateIdle
}

func isStream(e kernel.Event, text string) bool {
	if e.Kind != kernel.Message || header(e).MsgType != "stream" {
		return false
	}
	s, _ := jupyter.Decode[jupyter.Stream](e.Msg.Content)
	return strings.Contains(s.Text, text)
}

func dirOf(m *kernel.Manager, id kernel.ID) string { return kernel.DirOf(m, id) }

// streamText is what an event adds to a cell's stdout, and nothing for others.
func streamText(e kernel.Event) string {
	if e.Kind != kernel.Message || header(e).MsgType != "stream" {
		return ""
	}
	s, _ := jupyter.Decode[jupyter.Stream](e.Msg.Content)
	if s.Name != "stdout" {
		return "" // debugpy's warnings at the start
	}
	return s.Text
}

// numbered is what printing 0 to n-1 on lines of their own gives.
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintln(&b, i)
	}
	return b.String()
}

func sortDurations(d []time.Duration) { slices.Sort(d) }
