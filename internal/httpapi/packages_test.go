package httpapi

import (
	"bufio"
	"context"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/internal/fault"
	"github.com/runnel-dev/runnel/internal/protocol"
	"github.com/runnel-dev/runnel/internal/pyenv"
)

// fakePackages installs what it is told to, and remembers where.
type fakePackages struct {
	asked   []string // interpreter and requirement
	install func(ctx context.Context, progress func(string)) error
}

func (f *fakePackages) Packages(_ context.Context, c pyenv.Choice) ([]pyenv.Package, error) {
	f.asked = append(f.asked, c.Python)
	return []pyenv.Package{{Name: "pandas", Version: "2.2"}}, nil
}

func (f *fakePackages) Install(ctx context.Context, c pyenv.Choice, requirement string, progress func(string)) error {
	f.asked = append(f.asked, c.Python+" "+requirement)
	return f.install(ctx, progress)
}

// withPackages serves a notebook in a folder that runs on an interpreter that was found there.
func withPackages(t *testing.T) (*testServer, *fakePackages) {
	s, f := start(t), &fakePackages{}
	s.notebooks.kernel = protocol.Kernel{ID: "k2", State: protocol.KernelIdle, Name: "python3", DisplayName: "Python 3.12 (here)", Language: "python"}
	s.api.cfg.Packages = f
	s.api.cfg.Choices = func(_ context.Context, dir string) ([]pyenv.Choice, error) {
		if dir != filepath.Join(s.dir, "sub") {
			t.Errorf("looked in %s", dir)
		}
		return []pyenv.Choice{{Name: "python3", DisplayName: "Python 3.11", Python: "/other/python"}, {Name: "python3", DisplayName: "Python 3.12 (here)", Python: "/here/python"}}, nil
	}
	return s, f
}

const packagesPath = "/runnel/v1/packages"

func (s *testServer) install(body string) (*http.Response, string) {
	return s.do(http.MethodPost, packagesPath, body, "Authorization", bearer, "Content-Type", "application/json")
}

func TestPackages(t *testing.T) {
	s, f := withPackages(t)
	response, body := s.do(http.MethodGet, packagesPath+"?notebook=sub/p.ipynb&python=/evil/python", "", "Authorization", bearer)
	if want := `{"python":"/here/python","display_name":"Python 3.12 (here)","packages":[{"name":"pandas","version":"2.2"}]}`; response.StatusCode != http.StatusOK || strings.TrimSpace(body) != want {
		t.Errorf("%d %s", response.StatusCode, body)
	}
	f.install = func(_ context.Context, progress func(string)) error {
		progress("Collecting x")
		progress("Installed x")
		return nil
	}
	response, body = s.install(`{"notebook":"sub/p.ipynb","requirement":"x>=1","python":"/evil/python","name":"evil"}`)
	if want := "{\"line\":\"Collecting x\"}\n{\"line\":\"Installed x\"}\n{\"done\":true}\n"; response.StatusCode != http.StatusOK || body != want || response.Header.Get("Content-Type") != "application/x-ndjson" {
		t.Errorf("%d %q %v", response.StatusCode, body, response.Header)
	}
	if want := []string{"/here/python", "/here/python x>=1"}; !slices.Equal(f.asked, want) {
		t.Errorf("asked: %v", f.asked)
	}
}

func TestPackages_failures(t *testing.T) {
	s, f := withPackages(t)
	f.install = func(context.Context, func(string)) error { return fault.New(fault.Invalid, "Write a name.") }
	if response, body := s.install(`{"notebook":"sub/p.ipynb","requirement":"-r x"}`); response.StatusCode != http.StatusBadRequest || !strings.Contains(body, "Write a name.") {
		t.Errorf("%d %s", response.StatusCode, body)
	}
	f.install = func(_ context.Context, progress func(string)) error {
		progress("Collecting x")
		return fault.New(fault.Unavailable, "No such thing; run: pip")
	}
	if response, body := s.install(`{"notebook":"sub/p.ipynb","requirement":"x"}`); response.StatusCode != http.StatusOK ||
		body != "{\"line\":\"Collecting x\"}\n{\"error\":\"No such thing; run: pip\",\"code\":\"unavailable\"}\n" {
		t.Errorf("%d %q", response.StatusCode, body)
	}
	f.asked = nil
	if response, _ := s.do(http.MethodPost, packagesPath, "notebook=sub/p.ipynb&requirement=x", "Authorization", bearer, "Content-Type", "application/x-www-form-urlencoded"); response.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("a form: %d", response.StatusCode)
	}
	for _, c := range []struct {
		notebook string
		kernel   protocol.Kernel
		status   int
		says     string
	}{
		{"none.ipynb", s.notebooks.kernel, http.StatusNotFound, "not open"},
		{"../p.ipynb", s.notebooks.kernel, http.StatusNotFound, "not open"},
		{"sub/p.ipynb", protocol.Kernel{State: protocol.KernelNone}, http.StatusConflict, "Start it"},
		{"sub/p.ipynb", protocol.Kernel{ID: "k", State: protocol.KernelIdle, Name: "deno", DisplayName: "Deno", Language: "typescript"}, http.StatusConflict, "Deno is not Python"},
		{"sub/p.ipynb", protocol.Kernel{ID: "k", State: protocol.KernelIdle, Name: "python3", DisplayName: "Python 3.9", Language: "python"}, http.StatusNotFound, "Python 3.9 is not found"},
	} {
		s.notebooks.kernel = c.kernel
		response, body := s.do(http.MethodGet, packagesPath+"?notebook="+c.notebook, "", "Authorization", bearer)
		posted, said := s.install(`{"notebook":"` + c.notebook + `","requirement":"x"}`)
		if response.StatusCode != c.status || !strings.Contains(body, c.says) || posted.StatusCode != c.status || said != body {
			t.Errorf("%s on %s: %d %s, posted: %d %s", c.notebook, c.kernel.DisplayName, response.StatusCode, body, posted.StatusCode, said)
		}
	}
	if len(f.asked) > 0 {
		t.Errorf("an interpreter was reached: %v", f.asked)
	}
}

// TestPackages_endWhenNobodyWaits: an installation ends when its client leaves, and when the server does.
func TestPackages_endWhenNobodyWaits(t *testing.T) {
	for name, leave := range map[string]func(*testServer, context.CancelFunc){
		"the client": func(_ *testServer, cancel context.CancelFunc) { cancel() },
		"the server": func(s *testServer, _ context.CancelFunc) { s.api.Close(protocol.CloseRestarting, "over") },
	} {
		t.Run(name, func(t *testing.T) {
			s, f := withPackages(t)
			ended := make(chan error, 1)
			f.install = func(ctx context.Context, progress func(string)) error {
				progress("Collecting x")
				<-ctx.Done()
				ended <- ctx.Err()
				return ctx.Err()
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+packagesPath, strings.NewReader(`{"notebook":"sub/p.ipynb","requirement":"x"}`))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", bearer)
			r.Header.Set("Content-Type", "application/json")
			response, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = response.Body.Close() }()
			if line, err := bufio.NewReader(response.Body).ReadString('\n'); line != "{\"line\":\"Collecting x\"}\n" {
				t.Fatalf("%q, %v", line, err)
			}
			leave(s, cancel)
			if err := <-ended; err == nil {
				t.Error("it ended without a reason")
			}
		})
	}
}
