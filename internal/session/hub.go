package session

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/runnel-dev/runnel/internal/fault"
	"github.com/runnel-dev/runnel/internal/files"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// Config is what a hub needs.
type Config struct {
	Folder       *files.Folder
	Journal      Journal
	Launcher     Launcher
	InputTimeout time.Duration // of a prompt; 0: never
	IdleCull     time.Duration // stop kernels idle for so long; 0: never
	Boot         string        // names what the machine has been since it was started; empty: not known
	Logger       *slog.Logger  // nil: none
}

// Hub holds the sessions of one served folder. The caller of NewHub calls Run; sessions are opened while it runs.
type Hub struct {
	cfg     Config
	log     *slog.Logger
	watcher *files.Watcher
	ready   chan struct{} // closed when what ran before has been taken up again
	ending  atomic.Bool   // see End

	mu       sync.Mutex
	sessions map[files.Path]*Session
	opening  map[files.Path]chan struct{} // closed when that Open has ended
	ctx      context.Context              // of Run; nil before and after
	wg       sync.WaitGroup               // the sessions' loops
}

// Info is one line about a session.
type Info struct {
	Notebook string
	Kernel   protocol.Kernel
	Running  protocol.CellID // empty: none; or the cell of a thread that waits for an answer
	Queue    int
	Clients  int
	Save     protocol.Save
}

// NewHub makes a hub; nothing happens before Run.
func NewHub(cfg Config) *Hub {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	h := &Hub{cfg: cfg, log: cfg.Logger, ready: make(chan struct{}), sessions: map[files.Path]*Session{}, opening: map[files.Path]chan struct{}{}}
	if cfg.Folder != nil {
		h.watcher = files.NewWatcher(cfg.Folder, 0, cfg.Logger)
	}
	return h
}

func (h *Hub) newID() string { return uuid.NewString() }

// Run takes up what an earlier server left (kernels, queues, what was not saved), then lets sessions live until ctx ends. It returns when
// every session is saved and journaled; kernels live on with their keepers.
func (h *Hub) Run(ctx context.Context) error {
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	h.mu.Lock()
	h.ctx = life
	h.mu.Unlock()
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := h.watcher.Run(life); err != nil && life.Err() == nil {
			h.log.Error("files are not watched", "err", err)
		}
	})
	wg.Go(func() { h.passChanges(life) })
	err := h.recover(ctx)
	close(h.ready)
	wg.Go(func() { h.collectDaily(ctx) })
	<-ctx.Done()
	h.mu.Lock()
	h.ctx = nil
	for _, s := range h.sessions {
		s.cancel()
	}
	h.mu.Unlock()
	h.wg.Wait()
	end()
	wg.Wait()
	return err
}

func (h *Hub) passChanges(ctx context.Context) {
	for {
		select {
		case change, open := <-h.watcher.Changes():
			if !open {
				return
			}
			h.mu.Lock()
			s := h.sessions[change.Path]
			h.mu.Unlock()
			if s != nil {
				s.send(ctx, func() { s.fileChanged(change) })
			}
		case <-ctx.Done():
			return
		}
	}
}

// recover opens every notebook that had something going on when the last server ended.
func (h *Hub) recover(ctx context.Context) error {
	live, err := h.cfg.Journal.Live(ctx)
	if err != nil {
		return err
	}
	for _, path := range live {
		path = h.whereMoved(ctx, path)
		if _, err := h.open(ctx, files.Path(path), false, true); err != nil {
			h.log.Warn("a notebook of the server before is not taken up again", "notebook", path, "err", err)
			if isGone(err) {
				if id, err := h.cfg.Journal.Notebook(ctx, path); err == nil {
					_ = h.cfg.Journal.SetLive(ctx, id, false)
				}
			}
		}
	}
	return nil
}

var errStopping = fault.New(fault.Unavailable, "The server is starting or stopping. Try again in a moment.")

// Open gives the notebook's session, reading the file when it is not open yet; with create, a file that is not there is made. It waits
// until Run has taken up what ran before. Errors have kinds: NotFound, Invalid (its name, or what is in the file, is no notebook's), ...
func (h *Hub) Open(ctx context.Context, path string, create bool) (*Session, error) {
	select {
	case <-h.ready:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p, err := files.Parse(path)
	if err != nil {
		return nil, err
	}
	if !p.IsNotebook() && !h.has(p) {
		return nil, fault.Newf(fault.Invalid, "The name of a notebook ends with .ipynb; %.100q does not.", p)
	}
	return h.open(ctx, p, create, false)
}

// has says whether a notebook is open under that path.
func (h *Hub) has(p files.Path) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sessions[p] != nil
}

func (h *Hub) open(ctx context.Context, p files.Path, create, recovering bool) (*Session, error) {
	for {
		h.mu.Lock()
		if h.ctx == nil {
			h.mu.Unlock()
			return nil, errStopping
		}
		if s := h.sessions[p]; s != nil {
			h.mu.Unlock()
			return s, nil
		}
		other := h.opening[p]
		if other == nil {
			h.opening[p] = make(chan struct{})
			life := h.ctx
			h.mu.Unlock()
			return h.openNew(ctx, life, p, create, recovering)
		}
		h.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (h *Hub) openNew(ctx, life context.Context, p files.Path, create, recovering bool) (*Session, error) {
	s, err := h.load(ctx, life, p, create, recovering)
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.opening[p])
	delete(h.opening, p)
	if err != nil {
		return nil, err
	}
	if h.ctx == nil {
		s.cancel()
		return nil, errStopping
	}
	h.sessions[p] = s
	h.wg.Go(func() {
		s.run()
		h.ended(s)
	})
	return s, nil
}

// unload ends a session, unless somebody has come. It is called by its loop.
func (h *Hub) unload(s *Session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.clients() > 0 {
		return
	}
	s.cancel()
}

// ended forgets a session whose loop is over.
func (h *Hub) ended(s *Session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sessions[s.path] == s {
		delete(h.sessions, s.path)
	}
	h.watcher.Unwatch(s.path)
}

// End says that the server stops: from its return on no cell is run and no kernel started for anybody, which is refused with
// CodeStopping. What runs, and what waits for its turn, goes on.
func (h *Hub) End() { h.ending.Store(true) }

// sessionsTime is how long Sessions waits for loops that are busy.
const sessionsTime = time.Second

// Sessions is a line about each open notebook, but for those that are too busy to tell.
func (h *Hub) Sessions() []Info {
	ctx, cancel := context.WithTimeout(context.Background(), sessionsTime)
	defer cancel()
	return h.SessionsWithin(ctx)
}

// SessionsWithin is Sessions for a caller with more time, or less.
func (h *Hub) SessionsWithin(ctx context.Context) []Info {
	h.mu.Lock()
	all := make([]*Session, 0, len(h.sessions))
	for _, s := range h.sessions {
		all = append(all, s)
	}
	h.mu.Unlock()
	var out []Info
	for _, s := range all {
		var info Info
		if s.call(ctx, func() { info = s.info() }) == nil {
			out = append(out, info)
		}
	}
	return out
}

// info belongs to the loop.
func (s *Session) info() Info {
	pub := s.core.pub
	info := Info{Notebook: pub.Notebook, Kernel: pub.Kernel, Queue: len(pub.Queue), Clients: s.clients(), Save: pub.Save}
	if r := s.core.current(); r != nil {
		info.Running = r.Cell
	} else if len(pub.Prompts) > 0 {
		info.Running = pub.Prompts[0].CellID
	}
	return info
}
