package kernel

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/runnel-dev/runnel/internal/jupyter"
	"github.com/runnel-dev/runnel/internal/keeper"
)

// Config is what a Manager needs.
type Config struct {
	// RuntimeDir holds a folder per kernel. It is made 0700 and must be ours. Its
	// path must be short: the sockets in it have at most about 103 bytes.
	RuntimeDir string
	// Exe is started as `Exe keep DIR`.
	Exe string
	// KeepFor is how long a keeper waits for a server, from the end of the last
	// execute; 0 is an hour.
	KeepFor time.Duration
	Logger  *slog.Logger
	// Transport of the kernels' sockets, ipc when empty.
	Transport string
	// Launcher starts keepers; nil starts them on this machine.
	Launcher Launcher
	// Quota bounds a kernel's spool in bytes; 0 is 8 GiB.
	Quota int64
}

// Launcher runs `keep dir` wherever the kernel shall be, and returns when the
// keeper listens.
type Launcher interface {
	Start(ctx context.Context, dir string) error
}

// LaunchSpec is a kernel to start.
type LaunchSpec struct {
	KernelID      ID
	NotebookID    string
	Argv          []string // {connection_file} is replaced, all else is as it is
	Env           []string // the whole environment; see Environ
	Cwd           string
	InterruptMode string // "signal" (default) or "message"
	Name          string // of the kernelspec
	Language      string
	MemoryMax     int64 // bytes, 0 for no limit
}

// Manager launches and finds kernels of one runtime folder.
type Manager struct {
	cfg Config
	log *slog.Logger

	mu    sync.Mutex
	epoch uint64 // guarded by mu
}

// NewManager checks the runtime folder. Its epoch is the time: a manager made
// later takes kernels over from one made before, never the other way round.
func NewManager(cfg Config) (*Manager, error) {
	if err := ownFolder(cfg.RuntimeDir); err != nil {
		return nil, fmt.Errorf("runtime folder: %w", err)
	}
	if cfg.Transport == "" {
		cfg.Transport = jupyter.TransportIPC
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Launcher == nil {
		cfg.Launcher = here{exe: cfg.Exe}
	}
	return &Manager{cfg: cfg, epoch: uint64(time.Now().UnixNano()), log: cfg.Logger}, nil
}

// ownFolder makes dir, readable by nobody else, and refuses one that is not so.
func ownFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(dir) // a short link may lead to it (package place), from a folder of ours
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || int(st.Uid) != os.Getuid() {
		return fmt.Errorf("%s is not a folder of this user", dir)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return os.Chmod(dir, 0o700)
	}
	return nil
}

// here starts keepers on this machine.
type here struct{ exe string }

func (h here) Start(ctx context.Context, dir string) error {
	cmd := exec.CommandContext(ctx, h.exe, "keep", dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for the server
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	if text := strings.TrimSpace(string(out)); text != "" {
		return fmt.Errorf("%s", text)
	}
	return err
}

// dir is the folder of a kernel: short, and the same for every server.
func (m *Manager) dir(id ID) string {
	sum := sha256.Sum256([]byte(id))
	return filepath.Join(m.cfg.RuntimeDir, hex.EncodeToString(sum[:6]))
}

// Launch starts a keeper and its kernel, and attaches. It returns while the
// kernel may still be starting: see Ready. A kernel that could not be started is
// not an error here but an exited event.
func (m *Manager) Launch(ctx context.Context, spec LaunchSpec) (*Kernel, error) {
	if spec.KernelID == "" || len(spec.Argv) == 0 {
		return nil, errors.New("launch kernel: no id or no argv")
	}
	dir := m.dir(spec.KernelID)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, fmt.Errorf("launch kernel %s: %w", spec.KernelID, err)
	}
	k, err := m.launch(ctx, dir, spec)
	if err != nil {
		if !Alive(dir) {
			_ = os.RemoveAll(dir)
		}
		return nil, fmt.Errorf("launch kernel %s: %w", spec.KernelID, err)
	}
	return k, nil
}

func (m *Manager) launch(ctx context.Context, dir string, spec LaunchSpec) (*Kernel, error) {
	connection, err := jupyter.NewConnectionInfo(m.cfg.Transport, dir, spec.Name)
	if err != nil {
		return nil, err
	}
	connection.Session = spec.NotebookID
	err = keeper.Config{
		KernelID: string(spec.KernelID), NotebookID: spec.NotebookID, Name: spec.Name, Language: spec.Language,
		Argv: spec.Argv, Env: spec.Env, Cwd: spec.Cwd, InterruptMode: spec.InterruptMode, Connection: connection,
		KeepFor: m.cfg.KeepFor, Quota: m.cfg.Quota, MemoryMax: spec.MemoryMax,
	}.Write(dir)
	if err != nil {
		return nil, err
	}
	if err := m.cfg.Launcher.Start(ctx, dir); err != nil {
		return nil, err
	}
	return m.attach(ctx, dir, 1)
}

// Attach takes a kernel over, with its records from number from on. Of a kernel
// whose keeper is gone it gives the records that are left and then an exited
// event. os.ErrNotExist when nothing is known of the kernel.
func (m *Manager) Attach(ctx context.Context, id ID, from uint64) (*Kernel, error) {
	k, err := m.attach(ctx, m.dir(id), from)
	if err != nil {
		return nil, fmt.Errorf("attach kernel %s: %w", id, err)
	}
	return k, nil
}

func (m *Manager) attach(ctx context.Context, dir string, from uint64) (*Kernel, error) {
	cfg, err := keeper.ReadConfig(dir)
	if err != nil {
		return nil, err
	}
	signer, err := cfg.Connection.Signer()
	if err != nil {
		return nil, err
	}
	client, hello, epoch, err := m.connect(ctx, dir, from)
	if err != nil && (Alive(dir) || ctx.Err() != nil) {
		return nil, err
	}
	k := newKernel(ID(cfg.KernelID), dir, epoch, from, signer, m.log)
	if client != nil {
		k.meet(hello)
	}
	k.wg.Go(func() { k.follow(client, hello) })
	return k, nil
}

// connect attaches. A keeper that knows a newer epoch, though this manager was
// just asked to take the kernel over, means that the clock went back: the epoch
// goes on from there. Handles never do that: they are fenced.
func (m *Manager) connect(ctx context.Context, dir string, from uint64) (*keeper.Client, keeper.Hello, uint64, error) {
	m.mu.Lock()
	epoch := m.epoch
	m.mu.Unlock()
	client, hello, err := keeper.Attach(ctx, dir, epoch, from)
	var fenced *keeper.FencedError
	if errors.As(err, &fenced) {
		epoch = fenced.By + 1
		m.mu.Lock()
		m.epoch = max(m.epoch, epoch)
		m.mu.Unlock()
		client, hello, err = keeper.Attach(ctx, dir, epoch, from)
	}
	return client, hello, epoch, err
}
