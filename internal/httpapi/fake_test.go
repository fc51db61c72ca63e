package httpapi

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/runnel-dev/runnel/internal/auth"
	"github.com/runnel-dev/runnel/internal/fault"
	"github.com/runnel-dev/runnel/internal/files"
	"github.com/runnel-dev/runnel/internal/gateway"
	"github.com/runnel-dev/runnel/internal/protocol"
	"github.com/runnel-dev/runnel/internal/pyenv"
	"github.com/runnel-dev/runnel/internal/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeNotebooks counts what reaches it. Its one notebook says nothing.
type fakeNotebooks struct {
	folder  *files.Folder
	mu      sync.Mutex
	touched int
	done    []protocol.Command
	kernel  protocol.Kernel // of a notebook beside the one, in a folder
}

func (f *fakeNotebooks) touch() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.touched++
}

func (f *fakeNotebooks) Open(_ context.Context, path string, _ bool) (gateway.Session, error) {
	f.touch()
	if path != "n.ipynb" && path != gateway.Scratch {
		return nil, fault.New(fault.NotFound, "There is no such notebook.")
	}
	return fakeSession{f}, nil
}

func (f *fakeNotebooks) Sessions() []session.Info {
	f.touch()
	all := []session.Info{{Notebook: "n.ipynb", Kernel: protocol.Kernel{ID: "k1", State: protocol.KernelIdle}}}
	if f.kernel.State != "" {
		all = append(all, session.Info{Notebook: "sub/p.ipynb", Kernel: f.kernel})
	}
	return all
}

func (f *fakeNotebooks) Rename(_ context.Context, from, to files.Path) error {
	f.touch()
	return f.folder.Rename(from, to)
}

func (f *fakeNotebooks) OutputText(ctx context.Context, notebook string, _ protocol.OutputID) (io.ReadCloser, error) {
	if _, err := f.Open(ctx, notebook, false); err != nil {
		return nil, err
	}
	return io.NopCloser(strings.NewReader("<script>alert(1)</script>")), nil
}

type fakeSession struct{ f *fakeNotebooks }

func (s fakeSession) Do(_ context.Context, c protocol.Command) protocol.Ack {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	s.f.done = append(s.f.done, c)
	return protocol.Ack{Status: protocol.AckAccepted}
}

func (s fakeSession) Ask(context.Context, protocol.Request) protocol.Response {
	return protocol.Response{}
}
func (s fakeSession) Top() (string, uint64) { return "e", 0 }
func (s fakeSession) Subscribe(protocol.ClientID, protocol.Subscription) gateway.Cursor {
	return &fakeCursor{}
}
func (s fakeSession) SubscribePlain(protocol.ClientID) gateway.Cursor { return &fakeCursor{} }

type fakeCursor struct{ begun bool }

func (c *fakeCursor) Next(ctx context.Context) (session.Batch, error) {
	if !c.begun {
		c.begun = true
		return session.Batch{Snapshot: &protocol.State{Notebook: "n.ipynb", Epoch: "e"}, Epoch: "e"}, nil
	}
	<-ctx.Done()
	return session.Batch{}, ctx.Err()
}

func (*fakeCursor) News() <-chan struct{} { return nil }

func (c *fakeCursor) Close() {}

const token = "the-token-of-the-tests"

type testServer struct {
	*httptest.Server
	api       *API
	notebooks *fakeNotebooks
	dir       string
	t         *testing.T
}

type fakePage struct{}

func (fakePage) Serve(w http.ResponseWriter, r *http.Request, nonce string) bool {
	if r.URL.Path != "/" {
		return false
	}
	w.Header().Set("Content-Type", "text/html")
	_, _ = io.WriteString(w, "the page "+nonce)
	return true
}

// start serves a folder with a few files, as the real server does.
func start(t *testing.T) *testServer {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"a.txt": "text", "evil.svg": "<svg onload=alert(1)>", "evil.html": "<script>", ".secret": "s", "n.ipynb": "{}"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	folder, err := files.Open(dir, files.Options{Trash: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	logins, err := auth.Open(token, "")
	if err != nil {
		t.Fatal(err)
	}
	blobs := t.TempDir()
	for hash, text := range map[string]string{strings.Repeat("a", 64): "\x89PNG\r\n\x1a\n", strings.Repeat("b", 64): "<html><script>"} {
		if err := os.WriteFile(filepath.Join(blobs, hash), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := &testServer{notebooks: &fakeNotebooks{folder: folder}, dir: dir, t: t}
	s.api = New(Config{
		Notebooks: s.notebooks, Folder: folder, Auth: logins, Page: fakePage{}, Frame: []byte("<!doctype html>frame"), Port: 8000, Hosts: []string{"notes.test"},
		Blob:    func(hash string) (io.ReadSeekCloser, error) { return os.Open(filepath.Join(blobs, hash)) },
		Choices: func(context.Context, string) ([]pyenv.Choice, error) { return nil, nil }, ServerID: "srv", Version: "1",
	})
	s.Server = httptest.NewUnstartedServer(nil)
	s.Config = Server(s.api)
	s.Listener = Listener(s.Listener)
	s.Start()
	t.Cleanup(func() {
		s.api.Close(protocol.CloseRestarting, "over")
		s.Close()
		_ = folder.Close()
	})
	return s
}

// do sends a request without following redirects. headers are name, value, name, value...
func (s *testServer) do(method, path, body string, headers ...string) (*http.Response, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.URL, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.URL.Opaque = path // as it is, not cleaned
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	return response, string(text)
}

const bearer = "Bearer " + token
