package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/runnel-dev/runnel/internal/files"
	"github.com/runnel-dev/runnel/internal/journal"
	"github.com/runnel-dev/runnel/internal/journal/journaltest"
	"github.com/runnel-dev/runnel/internal/jupyter"
	"github.com/runnel-dev/runnel/internal/keeper"
	"github.com/runnel-dev/runnel/internal/kernel"
	"github.com/runnel-dev/runnel/internal/protocol"
	"github.com/runnel-dev/runnel/internal/testpy"
)

// The test binary is its own `runnel keep DIR`.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "keep" {
		if err := keeper.Main(context.Background(), os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if spec := os.Getenv("SESSION_VICTIM"); spec != "" {
		fmt.Fprintln(os.Stderr, victim(spec))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// world is a served folder with its state, and kernels of one Python; servers come and go in it.
type world struct {
	t       testing.TB
	python  string
	dir     string // served
	state   string
	runtime string
	memory  *journaltest.Memory // in place of python, state and runtime: see inMemory

	timeout time.Duration
	cull    time.Duration
	log     *slog.Logger
}

func newWorld(t testing.TB, major string) *world {
	t.Helper()
	runtime, err := os.MkdirTemp("/tmp", "rs")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, dir: t.TempDir(), state: t.TempDir(), runtime: runtime}
	if major != "" {
		w.python = testpy.Python(t, major)
	}
	t.Cleanup(w.stopKernels)
	return w
}

// copied is the world as a server finds it when the one before is killed now.
func (w *world) copied() *world {
	w.t.Helper()
	after := &world{t: w.t, dir: w.t.TempDir(), state: w.t.TempDir(), runtime: w.runtime}
	for to, from := range map[string]string{after.dir: w.dir, after.state: w.state} {
		if err := os.CopyFS(to, os.DirFS(from)); err != nil {
			w.t.Fatal(err)
		}
	}
	return after
}

// inMemory is a world whose journal is in memory and whose kernels are fakes.
func inMemory(t testing.TB) *world {
	return &world{t: t, dir: t.TempDir(), memory: journaltest.NewMemory()}
}

// quiet is a test in such a world, with a clock of its own: time passes when all wait.
func quiet(t *testing.T, test func(t *testing.T, w *world)) {
	synctest.Test(t, func(t *testing.T) { test(t, inMemory(t)) })
}

func (w *world) manager() *kernel.Manager {
	w.t.Helper()
	exe, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	m, err := kernel.NewManager(kernel.Config{RuntimeDir: w.runtime, Exe: exe, KeepFor: time.Minute})
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

func (w *world) stopKernels() {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	m := w.manager()
	found, err := m.Find(ctx)
	if err != nil {
		w.t.Error(err)
	}
	for _, f := range found {
		if err := m.Stop(ctx, f.ID, true); err != nil {
			w.t.Logf("stop %s: %v", f.ID, err)
		}
	}
	_ = os.RemoveAll(w.runtime)
}

// pythonLauncher starts ipykernel; broken makes it fail.
type pythonLauncher struct {
	m      *kernel.Manager
	w      *world
	mu     sync.Mutex
	broken error
	argv   []string
}

func (l *pythonLauncher) Launch(ctx context.Context, req LaunchRequest) (Kernel, LaunchInfo, error) {
	l.mu.Lock()
	broken, argv := l.broken, l.argv
	l.mu.Unlock()
	if broken != nil {
		return nil, LaunchInfo{}, broken
	}
	if l.w.python == "" {
		return nil, LaunchInfo{}, errors.New("this world has no Python")
	}
	if argv == nil {
		argv = append([]string{l.w.python, "-m", "ipykernel_launcher", "-f", "{connection_file}"}, jupyter.IPythonArgs()...)
	}
	req.Progress("starting Python")
	env := kernel.Environ(os.Environ(), map[string]string{"IPYTHONDIR": l.w.state, "JUPYTER_PLATFORM_DIRS": "1"})
	k, err := l.m.Launch(ctx, kernel.LaunchSpec{KernelID: kernel.ID(req.KernelID), NotebookID: req.Notebook, Argv: argv, Env: env, Cwd: l.w.dir, Name: "python3", Language: "python"})
	if err != nil {
		return nil, LaunchInfo{}, err
	}
	return k, LaunchInfo{Name: "python3", DisplayName: "Python 3", Language: "python", Environment: "the tests'"}, nil
}

func (l *pythonLauncher) Attach(ctx context.Context, id kernel.ID, from uint64) (Kernel, error) {
	k, err := l.m.Attach(ctx, id, from)
	if err != nil {
		return nil, err
	}
	return k, nil
}

func (l *pythonLauncher) Collect(ctx context.Context, before time.Time, needed func() (map[kernel.ID]bool, error)) (int, error) {
	return l.m.Collect(ctx, before, needed)
}

// server is one life of a server in a world.
type server struct {
	w       *world
	t       testing.TB
	hub     *Hub
	journal interface {
		Journal
		io.Closer
	}
	launcher *pythonLauncher // nil in a world in memory
	kernels  *fakeLauncher   // nil in any other
	stop     func()
}

func (w *world) serve() *server {
	w.t.Helper()
	folder, err := files.Open(w.dir, files.Options{NoNotices: w.memory != nil})
	if err != nil {
		w.t.Fatal(err)
	}
	sv := &server{w: w, t: w.t}
	launcher := sv.settle()
	log := w.log
	if os.Getenv("SESSION_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	sv.hub = NewHub(Config{Folder: folder, Journal: sv.journal, Launcher: launcher, InputTimeout: w.timeout, IdleCull: w.cull, Logger: log})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- sv.hub.Run(ctx) }()
	sv.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("hub: %v", err)
		}
		if err := errors.Join(sv.journal.Close(), folder.Close()); err != nil {
			w.t.Error(err)
		}
		if w.memory == nil {
			journaltest.Check(w.t, w.state)
		}
	})
	w.t.Cleanup(sv.stop)
	return sv
}

// settle opens the journal of the world, and says who starts kernels there.
func (sv *server) settle() Launcher {
	w := sv.w
	if w.memory != nil {
		w.memory = w.memory.Kill() // the server before is over
		sv.journal, sv.kernels = w.memory, &fakeLauncher{launched: make(chan *fakeKernel, 10)}
		return sv.kernels
	}
	j, err := journal.Open(w.state, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	sv.journal, sv.launcher = j, &pythonLauncher{m: w.manager(), w: w}
	return sv.launcher
}

// begin is a server's life with a page on a.ipynb, which is made when it is not there.
func (w *world) begin() (*server, *Session, *page) {
	w.t.Helper()
	sv := w.serve()
	s := sv.open("a.ipynb")
	return sv, s, sv.page(s)
}

func (sv *server) open(path string) *Session {
	sv.t.Helper()
	s, err := sv.hub.Open(testContext(sv.t), path, true)
	if err != nil {
		sv.t.Fatal(err)
	}
	return s
}

func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func (sv *server) do(s *Session, cmd protocol.Command) protocol.Ack {
	sv.t.Helper()
	if cmd.CmdID == "" {
		cmd.CmdID = protocol.CommandID(uuid.NewString())
	}
	ack := s.Do(testContext(sv.t), cmd)
	if ack.Status != protocol.AckAccepted {
		sv.t.Fatalf("%s: %+v", cmd.Type, ack)
	}
	return ack
}

func (sv *server) execute(s *Session, cell, code string) protocol.RunID {
	sv.t.Helper()
	id := uuid.NewString()
	sv.do(s, protocol.Command{Type: protocol.CmdExecute, CmdID: protocol.CommandID(id), CellID: protocol.CellID(cell), Code: &code})
	return protocol.RunID(id)
}

// page is a client that checks what it is told: events without a gap, and at the end the server's own state.
type page struct {
	t      testing.TB
	s      *Session
	c      *Cursor
	state  *protocol.State
	events []protocol.Event
}

func (sv *server) page(s *Session) *page {
	p := &page{t: sv.t, s: s, c: s.Subscribe("page", protocol.Subscription{})}
	sv.t.Cleanup(p.c.Close)
	p.next(testContext(sv.t))
	return p
}

func (p *page) next(ctx context.Context) {
	p.t.Helper()
	b, err := p.c.Next(ctx)
	if err != nil {
		last := ""
		if p.state != nil {
			last = asJSON(p.state)
		}
		p.t.Fatalf("next: %v\nlast state: %s", err, last)
	}
	if b.Snapshot != nil {
		p.state = b.Snapshot.Clone()
		return
	}
	if b.From != p.state.N+1 {
		p.t.Fatalf("events from %d after %d", b.From, p.state.N)
	}
	for _, raw := range b.Encoded() {
		e, err := protocol.DecodeEvent(raw)
		if err != nil {
			p.t.Fatal(err)
		}
		p.state.Apply(e)
		p.events = append(p.events, e)
	}
	p.state.N = b.N
}

// until reads events until ok.
func (p *page) until(what string, ok func(*protocol.State) bool) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	for !ok(p.state) {
		if ctx.Err() != nil {
			p.t.Fatalf("waited for %s; state: %s", what, asJSON(p.state))
		}
		p.next(ctx)
	}
}

func (p *page) untilDone(cell string, status string) {
	p.t.Helper()
	_, top := p.s.Top()
	p.until("what is there already", func(s *protocol.State) bool { return s.N >= top })
	p.until(cell+" done", func(s *protocol.State) bool {
		c := s.Cell(protocol.CellID(cell))
		return c != nil && c.Run != nil && c.Run.State == protocol.StateDone
	})
	if r := p.state.Cell(protocol.CellID(cell)).Run; r.Status != status {
		p.t.Fatalf("run of %s ended with %s, want %s", cell, asJSON(p.state.Cell(protocol.CellID(cell))), status)
	}
}

func (p *page) untilText(cell, part string) {
	p.t.Helper()
	p.until(fmt.Sprintf("%q in %s", part, cell), func(s *protocol.State) bool {
		c := s.Cell(protocol.CellID(cell))
		return c != nil && strings.Contains(text(c), part)
	})
}

func (p *page) untilSaved() {
	p.t.Helper()
	p.until("saved", func(s *protocol.State) bool { return s.Save.State == protocol.Saved })
}

// same checks that the replica is the server's state.
func (p *page) same() {
	p.t.Helper()
	want, err := p.s.State(testContext(p.t))
	if err != nil {
		p.t.Fatal(err)
	}
	p.until("the top", func(s *protocol.State) bool { return s.N >= want.N })
	if p.state.N == want.N {
		if diff := cmp.Diff(asJSON(want), asJSON(p.state)); diff != "" {
			p.t.Fatalf("a page differs (-server +page):\n%s", diff)
		}
	}
}

func (w *world) write(path, content string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, path), []byte(content), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) read(path string) string {
	w.t.Helper()
	data, err := os.ReadFile(filepath.Join(w.dir, path))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(data)
}
