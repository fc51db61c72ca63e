package keeper

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"github.com/runnel-dev/runnel/internal/jupyter"
	"github.com/runnel-dev/runnel/internal/steady"
	"github.com/runnel-dev/runnel/internal/zmtp"
)

const (
	defaultKeepFor = time.Hour
	tickEvery      = 2 * time.Second
	firstServer    = 10 * time.Second // at least, for the one that started us to attach
	stopRest       = 2 * time.Second
	drainLimit     = time.Second
	afterExit      = 5 * time.Second // a keeper stays so long beside a kernel that is gone, for a server that comes back
	floodBytes     = 5 << 20
	floodTries     = 5
)

// keeper is the running process's state. The loop of run decides; others tell it
// with poke that something changed.
type keeper struct {
	cfg    Config
	dir    string
	home   *home
	log    *slog.Logger
	spool  *spool
	signer *jupyter.Signer

	lines    []*line // shell, control, stdin, iopub
	heart    *line
	order    *order
	lastBeat steady.Moment
	activity activity
	oom      oomWatch
	child    *child // nil when it could not be started
	tails    [3]tail
	begun    time.Time

	wake     chan struct{}
	stopOnce sync.Once
	stopped  sync.WaitGroup
	finished chan struct{} // closed when the exited record is written

	mu           sync.Mutex
	server       *peer // who is attached
	epoch        uint64
	detached     time.Time
	keepFor      time.Duration
	requested    bool
	forget       bool
	ending       bool // asked to end: wait for no server
	unresponsive bool
	exitRecord   uint64
	exitTime     time.Time
	taken        map[string]outcome
	takenOrder   []string
}

func newKeeper(cfg Config, dir string, log *slog.Logger) (*keeper, error) {
	signer, err := cfg.Connection.Signer()
	if err != nil {
		return nil, err
	}
	home, err := newHome(dir)
	if err != nil {
		return nil, err
	}
	var id [8]byte
	if _, err := rand.Read(id[:]); err != nil {
		return nil, err
	}
	k := &keeper{
		cfg: cfg, dir: dir, home: home, log: log, signer: signer, begun: time.Now(), detached: time.Now(), keepFor: cfg.KeepFor,
		order:    newOrder(),
		spool:    newSpool(dir, binary.LittleEndian.Uint64(id[:]), cfg.Quota),
		wake:     make(chan struct{}, 1),
		finished: make(chan struct{}),
		taken:    map[string]outcome{},
		activity: activity{running: map[string]struct{}{}},
	}
	if k.keepFor <= 0 {
		k.keepFor = defaultKeepFor
	}
	identity := make([]byte, 16)
	if _, err := rand.Read(identity); err != nil {
		return nil, err
	}
	identity[0] |= 1 // ZeroMQ keeps a leading zero for itself
	maxFrame := cfg.MaxFrame
	if maxFrame <= 0 {
		maxFrame = defaultMaxFrame
	}
	o := zmtp.Options{Identity: identity, MaxFrame: maxFrame}
	dealer := func(ch Channel, name jupyter.Channel) *line {
		return newLine(ch, zmtp.Dealer, cfg.Connection.Endpoint(name), o)
	}
	k.lines = []*line{
		dealer(Shell, jupyter.Shell), dealer(Control, jupyter.Control), dealer(Stdin, jupyter.Stdin),
		newLine(IOPub, zmtp.Sub, cfg.Connection.Endpoint(jupyter.IOPub), zmtp.Options{MaxFrame: maxFrame}),
	}
	k.heart = newLine(0, zmtp.Req, cfg.Connection.Endpoint(jupyter.Heartbeat), zmtp.Options{MaxFrame: 1 << 10})
	return k, nil
}

// run is the keeper's life: it returns when there is nothing more to keep. ready
// is called once a server can attach.
func run(ctx context.Context, dir string, log *slog.Logger, ready func(error)) error {
	umask := syscall.Umask(0o077)
	cfg, err := ReadConfig(dir)
	if err != nil {
		return err
	}
	k, err := newKeeper(cfg, dir, log)
	if err != nil {
		return err
	}
	listener, err := k.prepare()
	if err != nil {
		return err
	}
	var writer, servers sync.WaitGroup
	writer.Go(k.spool.run)
	k.spool.setWatch(k.toServer)
	k.start(umask)
	running := Running{Version: ProtocolVersion, PID: os.Getpid(), Start: ProcessStart(os.Getpid())}
	if k.child != nil {
		running.KernelPID, running.KernelStart = k.child.pid, k.child.start
	}
	err = writeJSON(filepath.Join(dir, RunningFile), running)
	serving, endServing := context.WithCancel(context.Background())
	servers.Go(func() { k.serve(serving, listener) })
	ready(nil)
	remove := err == nil && k.loop(ctx)
	endServing()
	servers.Wait()
	k.stopped.Wait()
	k.spool.close()
	writer.Wait()
	return errors.Join(err, k.cleanUp(remove))
}

// prepare puts the files and the socket in place.
func (k *keeper) prepare() (net.Listener, error) {
	if err := adopt(); err != nil {
		k.log.Warn("orphans of the kernel cannot be adopted", "error", err)
	}
	if err := k.cfg.Connection.Write(filepath.Join(k.dir, ConnectionFile)); err != nil {
		return nil, err
	}
	path := filepath.Join(k.dir, SocketFile)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return listener, os.Chmod(path, 0o600)
}

// start brings the kernel up, or writes down why it could not be.
func (k *keeper) start(umask int) {
	env := append(append([]string(nil), k.cfg.Env...), Mark(k.cfg.KernelID), fmt.Sprintf("JPY_PARENT_PID=%d", os.Getpid()))
	argv := k.cfg.argv(filepath.Join(k.dir, ConnectionFile))
	child, stdout, stderr, err := spawn(argv, env, k.cfg.Cwd, umask)
	if err != nil {
		k.exited(Exit{Code: -1, NotStarted: true, Text: fmt.Sprintf("The kernel could not be started: %v.", err)})
		close(k.finished)
		return
	}
	k.child = child
	preferForOOM(child.pid)
	release := k.limit(child.pid)
	k.oom.begin(child.pid)
	k.spool.append(KindStarted, payload{head: numbers(uint64(child.pid))}, false)
	ctx, gone := context.WithCancel(context.Background())
	var readers, others sync.WaitGroup
	for _, l := range k.lines {
		readers.Go(func() { k.listenAfter(ctx, k.lines[IOPub-1], l) })
		if l.channel != IOPub {
			others.Go(func() { k.speak(ctx, l) })
		}
	}
	others.Go(func() { k.beat(ctx, k.heart) })
	readers.Go(func() { k.drain(1, stdout) })
	readers.Go(func() { k.drain(2, stderr) })
	k.stopped.Go(func() {
		defer k.refuseAll()
		defer close(k.finished)
		<-child.exited
		child.killRest(stopRest)
		gone()
		k.heart.close()
		k.awaitReaders(&readers, stdout, stderr)
		others.Wait()
		e := k.cause()
		release()
		k.exited(e)
	})
}

// limit bounds the kernel's memory where the system lets us.
func (k *keeper) limit(pid int) (release func()) {
	if k.cfg.MemoryMax > 0 {
		release, err := limitMemory(pid, k.cfg.MemoryMax)
		if err == nil {
			return release
		}
		k.log.Warn("the kernel runs without its memory limit", "error", err)
	}
	return func() {}
}

// listenAfter waits for iopub first: what the kernel says in answer to a request
// should have somebody who listens.
func (k *keeper) listenAfter(ctx context.Context, first, l *line) {
	if first != l {
		if _, err := first.connected(ctx); err != nil {
			return
		}
	}
	k.listen(ctx, l)
}

// awaitReaders lets the readers come to the end of what the kernel wrote. Who
// still holds a pipe or socket open after a while is not waited for; readers
// that wait for room in the spool are, as long as a server may come and make some.
func (k *keeper) awaitReaders(readers *sync.WaitGroup, pipes ...*os.File) {
	done := make(chan struct{})
	go func() { readers.Wait(); close(done) }() // ends: everything is closed below
	for waiting := true; waiting; {
		select {
		case <-done:
			waiting = false
		case <-time.After(drainLimit):
			held, _ := k.spool.held()
			waiting = held && !k.alone(time.Now())
		}
	}
	k.spool.letIn()
	for _, l := range k.lines {
		l.close()
	}
	for _, p := range pipes {
		p.Close()
	}
	<-done
}

// exited writes the last record.
func (k *keeper) exited(e Exit) {
	rec := ExitRecord(0, 0, e)
	n := k.spool.append(KindExited, payload{head: rec.Payload}, false)
	k.spool.flush()
	k.mu.Lock()
	k.exitRecord, k.exitTime = n, time.Now()
	k.mu.Unlock()
	k.log.Info("kernel is gone", "kernel", k.cfg.KernelID, "cause", e.Text)
	k.toServer()
	k.poke()
}

// loop waits for what ends the keeper, and says whether the folder may go.
func (k *keeper) loop(ctx context.Context) (remove bool) {
	var flood floodWatch
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	timer := time.NewTimer(tickEvery)
	defer timer.Stop()
	ended := ctx.Done()
	for {
		end, remove, next := k.decide(time.Now())
		if end {
			return remove
		}
		timer.Reset(next)
		select {
		case <-k.wake:
		case <-ended:
			ended = nil
			k.mu.Lock()
			k.ending = true
			k.mu.Unlock()
			k.stop(defaultGrace, false)
		case <-timer.C:
		case <-ticker.C:
			k.tick()
			flood.tick(k.spool)
		}
	}
}

// tick looks after the folder, the heartbeat and the memory counter.
func (k *keeper) tick() {
	if !k.home.gone.Load() && k.home.look() {
		k.log.Warn("the keeper's folder is gone", "dir", k.dir, "kernel", k.cfg.KernelID)
	}
	k.mu.Lock()
	gone := k.exitRecord > 0
	was := k.unresponsive
	k.mu.Unlock()
	if gone {
		return
	}
	k.oom.tick()
	last := k.lastBeat.Time()
	missing := !last.IsZero() && time.Since(last) > beatMissing
	if missing == was {
		return
	}
	k.mu.Lock()
	k.unresponsive = missing
	k.mu.Unlock()
	kind := KindResponsive
	if missing {
		kind = KindUnresponsive
	}
	k.spool.append(kind, payload{}, false)
	k.toServer()
}

func (k *keeper) poke() { poke(k.wake) }

// floodWatch gives memory back to the system when it is quiet after a flood. The
// start is one of its own: it touches much of the program that is not needed again.
type floodWatch struct {
	started bool
	seen    int64 // where the spool ended at the last tick
	clean   int64 // where it ended when the memory was small
	tries   int   // in vain, since the last change
}

func (f *floodWatch) tick(s *spool) {
	s.mu.Lock()
	end := s.end
	s.mu.Unlock()
	if !f.started {
		f.started = true
		trimProgram()
	}
	if end != f.seen {
		f.seen, f.tries = end, 0
		return
	}
	if end == f.clean || f.tries == floodTries {
		return
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.HeapSys-m.HeapReleased <= floodBytes {
		f.clean = end
		return
	}
	f.tries++
	debug.FreeOSMemory()
	trimProgram()
}

// cleanUp leaves the spool for a later server, unless all was taken over.
func (k *keeper) cleanUp(remove bool) error {
	if k.home.look() {
		return nil
	}
	if remove {
		return os.RemoveAll(k.dir)
	}
	names := []string{SocketFile, ConnectionFile}
	if k.cfg.Connection.Transport == jupyter.TransportIPC {
		for _, ch := range []jupyter.Channel{jupyter.Shell, jupyter.Control, jupyter.Stdin, jupyter.IOPub, jupyter.Heartbeat} {
			names = append(names, fmt.Sprintf("%s-%d", filepath.Base(k.cfg.Connection.IP), k.cfg.Connection.Port(ch)))
		}
	}
	for _, name := range names {
		if err := os.Remove(filepath.Join(k.dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Mark is the entry in the environment of a kernel and its children by which
// they are found again.
func Mark(kernelID string) string { return "RUNNEL_KERNEL=" + kernelID }
