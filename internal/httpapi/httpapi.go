package httpapi

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/runnel-dev/runnel/internal/auth"
	"github.com/runnel-dev/runnel/internal/files"
	"github.com/runnel-dev/runnel/internal/gateway"
	"github.com/runnel-dev/runnel/internal/protocol"
	"github.com/runnel-dev/runnel/internal/pyenv"
	"github.com/runnel-dev/runnel/internal/session"
)

// Notebooks are the open notebooks, beyond what a gateway needs of them.
type Notebooks interface {
	gateway.Hub
	Sessions() []session.Info
	Rename(ctx context.Context, from, to files.Path) error
	OutputText(ctx context.Context, notebook string, output protocol.OutputID) (io.ReadCloser, error)
}

// Page is the built page and its files. Its style elements show the nonce. Serve says whether there is something at the address; when
// there is not, it has written nothing.
type Page interface {
	Serve(w http.ResponseWriter, r *http.Request, nonce string) (found bool)
}

// Config is what the routes lead to.
type Config struct {
	Notebooks Notebooks
	Folder    *files.Folder
	Blob      func(hash string) (io.ReadSeekCloser, error)
	Choices   func(ctx context.Context, folder string) ([]pyenv.Choice, error)
	Packages  Packages
	Auth      *auth.Auth
	Page      Page   // the page and its files
	Frame     []byte // the HTML of the output frames

	Port     int
	Hosts    []string // names beside the loopback's by which the server may be called
	AnyIP    bool     // it listens beyond loopback: any IP address is a name too
	ServerID string
	Version  string
	Logger   *slog.Logger
}

// API is the handler of everything. Its connections live until Close.
type API struct {
	cfg     Config
	started time.Time
	limit   auth.Limit
	cross   http.CrossOriginProtection
	mux     *http.ServeMux
	handler http.Handler // of mux, guarded

	ctx     context.Context // of the connections
	end     context.CancelCauseFunc
	mu      sync.Mutex // guards closed, and wg.Add against Close
	closed  bool
	wg      sync.WaitGroup
	clients atomic.Int64
	lines   lines
}

// New makes the handler. Close ends what it serves.
func New(cfg Config) *API {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	a := &API{cfg: cfg, started: time.Now()}
	a.ctx, a.end = context.WithCancelCause(context.Background())
	a.lines.byID = map[string]*line{}
	a.mux = http.NewServeMux()
	for _, r := range a.routes() {
		a.mux.Handle(r.pattern, r.handler)
	}
	a.handler = a.guard(a.mux)
	return a
}

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }

// Close tells all connections why they end, with a close code of the protocol, and waits for them.
func (a *API) Close(code int, reason string) {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	a.end(gateway.Ending{Code: code, Reason: reason})
	a.wg.Wait()
}

// begin counts a connection in; false when there are to be no more.
func (a *API) begin() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return false
	}
	a.wg.Add(1)
	a.clients.Add(1)
	return true
}

func (a *API) done() {
	a.clients.Add(-1)
	a.wg.Done()
}

type route struct {
	pattern string
	handler http.HandlerFunc
}

// routes are all there are; which of them are public is the guard's business.
func (a *API) routes() []route {
	return []route{
		{"GET /healthz", a.healthz},
		{"GET /login", a.loginPage},
		{"POST /login", a.login},
		{"GET /logout", a.logoutPage},
		{"POST /logout", a.logout},
		{"GET /frame", a.frame},
		{"GET /ws", a.socket},
		{"POST /runnel/v1/line", a.openLine},
		{"GET /runnel/v1/line/{id}", a.lineDown},
		{"POST /runnel/v1/line/{id}", a.lineUp},
		{"DELETE /runnel/v1/line/{id}", a.closeLine},
		{"GET /runnel/v1/files", a.listFolder},
		{"POST /runnel/v1/files", a.changeFolder},
		{"GET /runnel/v1/file", a.readFile},
		{"PUT /runnel/v1/file", a.writeFile},
		{"GET /runnel/v1/kernels", a.kernels},
		{"POST /runnel/v1/kernels/{id}/interrupt", a.interruptKernel},
		{"POST /runnel/v1/kernels/{id}/stop", a.stopKernel},
		{"GET /runnel/v1/packages", a.packages},
		{"POST /runnel/v1/packages", a.installPackage},
		{"GET /runnel/v1/status", a.status},
		{"GET /runnel/v1/snapshot", a.snapshot},
		{"GET /runnel/v1/blobs/{hash}", a.blob},
		{"GET /runnel/v1/outputs", a.outputText},
		{"/runnel/", a.noRoute},
		{"/", a.page},
	}
}

func (a *API) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

func (a *API) page(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		otherMethod(w, http.MethodGet, http.MethodHead)
		return
	}
	if !a.cfg.Page.Serve(w, r, styled(w)) {
		a.nothingThere(w)
	}
}

func (a *API) frame(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", frameCSP)
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(a.cfg.Frame)
}

// statusAnswer is GET /runnel/v1/status.
type statusAnswer struct {
	Version  string          `json:"version"`
	ServerID string          `json:"server_id"`
	PID      int             `json:"pid"`
	Started  int64           `json:"started_at"`
	Folder   string          `json:"folder"`
	Clients  int64           `json:"clients"` // connections
	Sessions []sessionAnswer `json:"notebooks"`
}

type sessionAnswer struct {
	Notebook string          `json:"notebook"`
	Kernel   protocol.Kernel `json:"kernel"`
	Running  protocol.CellID `json:"running,omitempty"`
	Queue    int             `json:"queue"`
	Clients  int             `json:"clients"`
	Save     protocol.Save   `json:"save"`
}

func (a *API) status(w http.ResponseWriter, _ *http.Request) {
	out := statusAnswer{Version: a.cfg.Version, ServerID: a.cfg.ServerID, PID: os.Getpid(), Started: a.started.UnixMilli(),
		Folder: a.cfg.Folder.Dir(), Clients: a.clients.Load(), Sessions: []sessionAnswer{}}
	for _, s := range a.cfg.Notebooks.Sessions() {
		out.Sessions = append(out.Sessions, sessionAnswer(s))
	}
	writeJSON(w, http.StatusOK, out)
}

// snapshot sends the first cells of a notebook to a page that has no line yet.
func (a *API) snapshot(w http.ResponseWriter, r *http.Request) {
	frame, err := gateway.First(r.Context(), a.cfg.Notebooks, r.URL.Query().Get("notebook"))
	if err != nil {
		a.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(frame) // the client is gone
}

// noRoute answers for what no other route takes; one that takes it with another method is named.
func (a *API) noRoute(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	other := r.Clone(r.Context())
	for _, other.Method = range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		if _, pattern := a.mux.Handler(other); strings.HasPrefix(pattern, other.Method+" ") {
			allowed = append(allowed, other.Method)
		}
	}
	if len(allowed) > 0 {
		otherMethod(w, allowed...)
		return
	}
	a.nothingThere(w)
}

func (a *API) nothingThere(w http.ResponseWriter) {
	refuse(w, http.StatusNotFound, "not_found", "There is nothing at this address.")
}

func otherMethod(w http.ResponseWriter, allowed ...string) {
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	refuse(w, http.StatusMethodNotAllowed, "invalid", "That method is not used here.")
}
