// Package servertest starts real servers inside tests: a temporary folder, a temporary state, any free port, and real
// keepers.
//
// The key idea: the keepers are the test's own program run again, so a test needs no built binary; its TestMain calls
// [Main].
//
// It kills no servers: a test of a server's death runs the program itself.
package servertest

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/runnel-dev/runnel/internal/journal/journaltest"
	"github.com/runnel-dev/runnel/internal/keeper"
	"github.com/runnel-dev/runnel/internal/place"
	"github.com/runnel-dev/runnel/internal/server"
)

// Main is for TestMain: it runs the tests and looks for goroutines that they left behind, or runs a keeper when the program was started as one.
// It returns the exit code. Servers and kernels have an empty home, and few interpreters to look at.
func Main(m *testing.M) int {
	if len(os.Args) == 3 && os.Args[1] == "keep" {
		if err := keeper.Main(context.Background(), os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	}
	home, err := os.MkdirTemp("", "home")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(home) }()
	for name, value := range map[string]string{"HOME": home, "PATH": "/usr/bin:/bin", "PYENV_ROOT": ""} {
		if err := os.Setenv(name, value); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, "the tests leave goroutines behind:", err)
		return 1
	}
	return code
}

// Start starts a server that ends with the test, its kernels too, and whose journal is sound then. What config leaves open is filled in.
func Start(t testing.TB, config server.Config) *server.Server {
	t.Helper()
	if config.Dir == "" {
		config.Dir = t.TempDir()
	}
	if config.Place == nil {
		p := Place(t, config.Dir)
		config.Place = &p
	}
	if config.Token == "" {
		config.Token = "token-of-the-test"
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.NewTextHandler(logWriter{t}, &slog.HandlerOptions{Level: slog.LevelInfo}))
	}
	s, err := server.Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
		defer cancel()
		if _, err := s.Stop(ctx, server.StopAll); err != nil {
			t.Errorf("stop the server: %v", err)
		}
		journaltest.Check(t, config.Place.State)
	})
	return s
}

// Place is a state of its own for a folder. Its path is short, as sockets want it.
func Place(t testing.TB, folder string) place.Place {
	t.Helper()
	root, err := os.MkdirTemp("", "rn")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	folder, err = place.Real(folder)
	if err != nil {
		t.Fatal(err)
	}
	env := func(key string) string {
		if key == "RUNNEL_STATE_DIR" {
			return filepath.Join(root, "s")
		}
		return ""
	}
	p, err := place.Dirs(env, "", "", folder, os.Getuid())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

type logWriter struct{ t testing.TB }

func (w logWriter) Write(p []byte) (int, error) {
	w.t.Log(string(p[:len(p)-1]))
	return len(p), nil
}
