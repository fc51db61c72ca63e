package server_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/conformance"
	"github.com/runnel-dev/runnel/internal/server"
	"github.com/runnel-dev/runnel/internal/server/servertest"
	"github.com/runnel-dev/runnel/internal/testpy"
)

func TestMain(m *testing.M) { os.Exit(servertest.Main(m)) }

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// TestConformance tries the rules of the protocol against real kernels.
func TestConformance(t *testing.T) {
	for _, version := range []string{"7", "6"} {
		t.Run("ipykernel "+version, func(t *testing.T) {
			t.Parallel()
			s := servertest.Start(t, server.Config{Python: testpy.Python(t, version), InputTimeout: time.Minute})
			for _, check := range conformance.Run(within(t, 8*time.Minute), conformance.Options{URL: s.URL(), Token: s.Token()}) {
				if check.Error != "" {
					t.Errorf("%s %s: %s", check.Rule, check.Name, check.Error)
				}
			}
		})
	}
}

func TestSecondServer(t *testing.T) {
	dir := t.TempDir()
	place := servertest.Place(t, dir)
	first := servertest.Start(t, server.Config{Dir: dir, Place: &place})
	_, err := server.Start(t.Context(), server.Config{Dir: dir, Place: &place})
	served, ok := errors.AsType[*server.ServedError](err)
	if !ok || served.URL != first.LoginURL() || served.PID != os.Getpid() {
		t.Fatalf("second server: %v", err)
	}
	if _, err := first.Stop(within(t, 10*time.Second), server.StopAll); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(place.State, "server.json")); err == nil {
		t.Error("server.json is still there")
	}
	second := servertest.Start(t, server.Config{Dir: dir, Place: &place})
	if info, err := os.Stat(filepath.Join(place.State, "server.json")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("server.json: %v %v", info, err)
	}
	if second.URL() == "" {
		t.Error("no address")
	}
}

// A second server is refused as well when its own files are elsewhere: both would write the same notebooks.
func TestSecondServer_otherState(t *testing.T) {
	dir := t.TempDir()
	first := servertest.Start(t, server.Config{Dir: dir})
	elsewhere := servertest.Place(t, dir)
	second := server.Config{Dir: dir, Place: &elsewhere}
	s, err := server.Start(t.Context(), second)
	if served, is := errors.AsType[*server.ServedError](err); !is || served.URL != "" {
		t.Errorf("a second server with a state of its own: %v", err)
	}
	if err == nil {
		_, _ = s.Stop(t.Context(), server.StopAll)
	}
	if _, err := first.Stop(within(t, 10*time.Second), server.StopAll); err != nil {
		t.Fatal(err)
	}
	servertest.Start(t, second)
}

func TestConfig_refused(t *testing.T) {
	dir := t.TempDir()
	place := servertest.Place(t, dir)
	for name, config := range map[string]server.Config{
		"a short token beyond loopback": {Dir: dir, Place: &place, Host: "0.0.0.0", Token: "short"},
		"a token with a space":          {Dir: dir, Place: &place, Token: "a b"},
		"no folder":                     {Dir: filepath.Join(dir, "none"), Place: &place},
	} {
		if s, err := server.Start(t.Context(), config); err == nil {
			t.Errorf("%s was taken", name)
			_, _ = s.Stop(t.Context(), server.StopAll)
		}
	}
}
