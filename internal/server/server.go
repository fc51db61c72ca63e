package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/gofrs/flock"
	"github.com/google/uuid"

	"github.com/runnel-dev/runnel/internal/auth"
	"github.com/runnel-dev/runnel/internal/files"
	"github.com/runnel-dev/runnel/internal/httpapi"
	"github.com/runnel-dev/runnel/internal/journal"
	"github.com/runnel-dev/runnel/internal/kernel"
	"github.com/runnel-dev/runnel/internal/pyenv"
	"github.com/runnel-dev/runnel/internal/session"
	"github.com/runnel-dev/runnel/internal/steady"
	"github.com/runnel-dev/runnel/internal/webui"
)

// Server is a running server. One of its Stop calls ends it.
type Server struct {
	cfg     Config
	token   string
	url     string
	lock    *flock.Flock
	served  *os.File // the folder, locked; nil when its file system cannot
	journal *journal.Journal
	folder  *files.Folder
	kernels *kernel.Manager // nil with a launcher of the tests
	finder  *pyenv.Finder
	hub     *session.Hub
	api     *httpapi.API
	http    *http.Server
	failed  chan error

	end  context.CancelFunc // of what runs in the background
	wg   sync.WaitGroup
	once sync.Once
	// what Stop found, for its later calls
	report Report
	err    error
}

// Start starts a server and returns when it answers; what ran under an earlier server is being taken up again then. A [ServedError]
// says that another one serves the folder.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, failed: make(chan error, 1), end: func() {}}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *Server) start(ctx context.Context) error {
	if err := s.cfg.Place.Make(); err != nil {
		return err
	}
	if err := s.takeLock(); err != nil {
		return err
	}
	if err := s.lockFolder(); err != nil {
		return err
	}
	var err error
	if s.token, err = tokenOf(s.cfg); err != nil {
		return err
	}
	logins, err := auth.Open(s.token, s.state("logins.json"))
	if err != nil {
		return err
	}
	if s.folder, err = files.Open(s.cfg.Dir, files.Options{Trash: s.state("trash"), Deny: []string{s.cfg.Place.Root}, Logger: s.cfg.Logger}); err != nil {
		return err
	}
	if s.journal, err = journal.Open(s.cfg.Place.State, s.cfg.Logger); err != nil {
		return err
	}
	launcher, err := s.launcher()
	if err != nil {
		return err
	}
	s.hub = session.NewHub(session.Config{Folder: s.folder, Journal: s.journal, Launcher: launcher, InputTimeout: s.cfg.InputTimeout, Boot: steady.Boot(),
		IdleCull: s.cfg.IdleCull, Logger: s.cfg.Logger})
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(s.cfg.Host, strconv.Itoa(s.cfg.Port)))
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	s.serve(logins, listener)
	return s.writeNote()
}

func (s *Server) launcher() (session.Launcher, error) {
	s.finder = pyenv.New(pyenv.Config{Python: s.cfg.Python, State: s.cfg.Place.Root, Logger: s.cfg.Logger})
	if s.cfg.Launcher != nil {
		return s.cfg.Launcher, nil
	}
	l, err := newLauncher(s.cfg, s.finder, s.folder)
	if err != nil {
		return nil, err
	}
	s.kernels = l.ipc
	return l, nil
}

// serve starts what runs in the background. From here on the server answers.
func (s *Server) serve(logins *auth.Auth, listener net.Listener) {
	port := listener.Addr().(*net.TCPAddr).Port
	host := s.cfg.Host
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	s.url = "http://" + net.JoinHostPort(host, strconv.Itoa(port))
	page := webui.New()
	s.api = httpapi.New(httpapi.Config{
		Notebooks: notebooks{s.hub}, Folder: s.folder, Blob: s.journal.Blob, Choices: s.finder.Choices, Packages: s.finder, Auth: logins, Page: page, Frame: page.Frame(),
		Port: port, Hosts: s.cfg.names(), AnyIP: !onLoopback(s.cfg.Host), ServerID: uuid.NewString(), Version: s.cfg.Version, Logger: s.cfg.Logger,
	})
	s.http = httpapi.Server(s.api)
	background, end := context.WithCancel(context.Background())
	s.end = end
	s.wg.Go(func() {
		if err := s.hub.Run(background); err != nil {
			s.cfg.Logger.Error("not all of the server before could be taken up again", "reason", err)
		}
	})
	s.wg.Go(func() { rest(background) })
	s.wg.Go(func() {
		if err := s.http.Serve(httpapi.Listener(listener)); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("serve: %w", err)
		}
	})
}

func (s *Server) state(name string) string { return filepath.Join(s.cfg.Place.State, name) }

// URL is the server's address, without the token.
func (s *Server) URL() string { return s.url }

// Token is what a client shows.
func (s *Server) Token() string { return s.token }

// LoginURL is the address to open in a browser.
func (s *Server) LoginURL() string { return Note{URL: s.url, Token: s.token}.LoginURL() }

// Failed tells of an end that nobody asked for: the server no longer answers. Stop is still to be called.
func (s *Server) Failed() <-chan error { return s.failed }

// Finder is what the server finds kernels with.
func (s *Server) Finder() *pyenv.Finder { return s.finder }

// close gives back what start took, in reverse.
func (s *Server) close() error {
	var errs []error
	s.end()
	s.wg.Wait()
	if s.journal != nil {
		errs = append(errs, s.journal.Close())
	}
	if s.folder != nil {
		errs = append(errs, s.folder.Close())
	}
	if s.served != nil {
		errs = append(errs, s.served.Close())
	}
	if s.lock != nil {
		if s.url != "" {
			_ = os.Remove(s.state(noteFile)) // it is only a hint
		}
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

// Run starts a server, tells onReady, and serves until ctx ends; kernels are left to their keepers.
func Run(ctx context.Context, cfg Config, onReady func(*Server)) error {
	s, err := Start(ctx, cfg)
	if err != nil {
		return err
	}
	if onReady != nil {
		onReady(s)
	}
	select {
	case <-ctx.Done():
	case err = <-s.Failed():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	_, stopErr := s.Stop(stop, LeaveAll)
	return errors.Join(err, stopErr)
}
