package faults

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/pageclient"
	"github.com/runnel-dev/runnel/internal/testpy"
)

// binary is the path of the runnel program that the tests run: RUNNEL_BINARY, or what TestMain builds.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "rf")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if binary = os.Getenv("RUNNEL_BINARY"); binary == "" {
		binary = filepath.Join(dir, "runnel")
		if err := build(binary, "faults"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// build makes the program, with this version, of the parts that `make build` has compiled.
func build(to, version string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-o", to, "-ldflags", "-X main.version="+version, "github.com/runnel-dev/runnel/cmd/runnel")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build runnel: %w\n%s", err, out)
	}
	return nil
}

// soak says whether the long forms run.
func soak() bool { return os.Getenv("RUNNEL_SOAK") != "" }

// short picks the number for this kind of run.
func short(inTest, inSoak int) int {
	if soak() {
		return inSoak
	}
	return inTest
}

// random is the test's source of chance; its seed is printed when the test fails.
func random(t *testing.T) *rand.Rand {
	seed, err := strconv.ParseUint(os.Getenv("RUNNEL_SEED"), 10, 64)
	if err != nil {
		seed = uint64(time.Now().UnixNano())
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("RUNNEL_SEED=%d", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 0))
}

// Server is one served folder over several lives of a server process.
type Server struct {
	t      *testing.T
	Dir    string // the served folder
	State  string // the state directory
	URL    string
	Token  string
	Python string
	Args   []string // further arguments of serve
	Env    []string
	Binary string // the program that the next Start runs
	Shell  string // what a shell does before, as "ulimit -n 64"

	home string // empty: nothing of the person's who runs the tests, and few interpreters to look at
	cmd  *exec.Cmd
	log  *lockedBuffer
}

// newServer prepares a folder and starts the first server on it with ipykernel of that major version.
func newServer(t *testing.T, ipykernel string, args ...string) *Server {
	t.Helper()
	root, err := os.MkdirTemp("", "rf") // t.TempDir gives paths too long for unix sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	return newServerIn(t, ipykernel, root, filepath.Join(root, "s"), args...)
}

// newServerAt does the same with a state directory of the caller's.
func newServerAt(t *testing.T, ipykernel, state string, args ...string) *Server {
	t.Helper()
	return newServerIn(t, ipykernel, t.TempDir(), state, args...)
}

func newServerIn(t *testing.T, ipykernel, root, state string, args ...string) *Server {
	t.Helper()
	s := &Server{
		t: t, Dir: filepath.Join(root, "files"), State: state, Token: "faults-" + strings.Repeat("k", 40),
		Python: testpy.Python(t, ipykernel), Args: args, Binary: binary, home: t.TempDir(), log: &lockedBuffer{},
	}
	if err := os.Mkdir(s.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s.URL = "http://127.0.0.1:" + strconv.Itoa(freePort(t))
	t.Cleanup(func() {
		s.cleanUp()
		s.nothingLeft()
		if t.Failed() {
			t.Logf("server log (end):\n%s", tailOf(s.log.String(), 6000))
		}
	})
	s.Start()
	return s
}

// Start starts a server on the folder and waits until it answers.
func (s *Server) Start() {
	s.t.Helper()
	u, err := url.Parse(s.URL)
	if err != nil {
		s.t.Fatal(err)
	}
	args := append([]string{"serve", s.Dir, "--port", u.Port(), "--token", s.Token, "--no-browser", "--python", s.Python}, s.Args...)
	s.cmd = exec.Command(s.Binary, args...)
	if s.Shell != "" {
		s.cmd = exec.Command("sh", append([]string{"-c", s.Shell + `; exec "$0" "$@"`, s.Binary}, args...)...)
	}
	s.cmd.Env = append(os.Environ(), "RUNNEL_STATE_DIR="+s.State, "XDG_RUNTIME_DIR=", markName+s.State, "HOME="+s.home, "PATH=/usr/bin:/bin", "PYENV_ROOT=")
	s.cmd.Env = append(s.cmd.Env, s.Env...)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.waitHealthy(20 * time.Second)
}

func (s *Server) waitHealthy(limit time.Duration) {
	s.t.Helper()
	eventually(s.t, limit, "the server answers", func() bool {
		resp, err := http.Get(s.URL + "/healthz")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// Kill ends the server as kill -9 does.
func (s *Server) Kill() {
	s.t.Helper()
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// Terminate ends the server with SIGTERM and waits for it.
func (s *Server) Terminate() {
	s.t.Helper()
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	_ = s.cmd.Wait()
}

// Signal sends the server process a signal.
func (s *Server) Signal(sig syscall.Signal) { _ = s.cmd.Process.Signal(sig) }

// PID is the server's process id.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// cleanUp stops what is left: the server, and the kernels through the command a person would use.
func (s *Server) cleanUp() {
	if s.cmd != nil && s.cmd.ProcessState == nil {
		_ = s.cmd.Process.Signal(syscall.SIGCONT)
	}
	stop := exec.Command(binary, "kernels", "stop", "--all", "--force", "--folder", s.Dir)
	stop.Env = append(os.Environ(), "RUNNEL_STATE_DIR="+s.State, "XDG_RUNTIME_DIR=")
	if out, err := stop.CombinedOutput(); err != nil {
		s.t.Logf("kernels stop: %v: %s", err, out)
	}
	if s.cmd != nil && s.cmd.ProcessState == nil {
		_ = s.cmd.Process.Signal(syscall.SIGTERM)
		done := make(chan struct{})
		go func() { _ = s.cmd.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			_ = s.cmd.Process.Kill()
			<-done
		}
	}
}

// emptyNotebook is what a new file holds.
const emptyNotebook = `{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}`

// Client opens a page client on a notebook, which is made when it is not there; via, when not empty, is a proxy's URL.
func (s *Server) Client(notebook string, via ...string) *pageclient.Client {
	s.t.Helper()
	to := s.URL
	if len(via) > 0 {
		to = via[0]
	}
	return s.Open(notebook, pageclient.Options{URL: to})
}

// Open does the same with further options.
func (s *Server) Open(notebook string, options pageclient.Options) *pageclient.Client {
	s.t.Helper()
	s.notebook(notebook)
	return s.open(notebook, options)
}

// open opens a page client, whose broken promises fail the test.
func (s *Server) open(notebook string, options pageclient.Options) *pageclient.Client {
	options.Token, options.Notebook, options.Remember = s.Token, notebook, true
	c := pageclient.Open(options)
	s.t.Cleanup(func() {
		c.Close()
		for _, v := range c.Violations() {
			s.t.Errorf("client of %s: %s", notebook, v)
		}
		keepHistory(s.t, notebook, c)
	})
	return c
}

func (s *Server) notebook(name string) {
	s.t.Helper()
	f, err := os.OpenFile(filepath.Join(s.Dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return
	}
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := f.WriteString(emptyNotebook); err != nil {
		s.t.Fatal(err)
	}
}

// request asks for an address with the token; body is JSON, or empty. An error when there is no answer.
func (s *Server) request(ctx context.Context, method, address, body string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+s.Token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	return http.DefaultClient.Do(req)
}

// Get fetches a path with the token.
func (s *Server) Get(path string) (int, []byte) {
	s.t.Helper()
	resp, err := s.request(context.Background(), http.MethodGet, s.URL+path, "")
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, body
}

// File reads a file of the served folder.
func (s *Server) File(name string) []byte {
	data, _ := os.ReadFile(filepath.Join(s.Dir, name))
	return data
}

func eventually(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(slowness * limit)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", limit, what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// slowness is by how much all limits are stretched, in a machine inside this one.
var slowness time.Duration = 1

func within(t *testing.T, limit time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), slowness*limit)
	t.Cleanup(cancel)
	return ctx
}

func freePort(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

func tailOf(s string, n int) string {
	if len(s) > n {
		return "..." + s[len(s)-n:]
	}
	return s
}

func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// lacks ends a test on a machine that cannot make its fault, and says what it lacks. What cannot be had is a disk, a cgroup, a traced process.
func lacks(t *testing.T, format string, args ...any) {
	t.Helper()
	t.Logf(format, args...)
	t.Skip("only root on Linux can make this fault, with what the line before names")
}
