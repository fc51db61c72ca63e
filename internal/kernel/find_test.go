package kernel_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/keeper"
	"github.com/runnel-dev/runnel/internal/kernel"
)

// TestFind_keeperThatEnds: a keeper whose socket is closed already and whose process is there for a moment more is no kernel that runs.
func TestFind_keeperThatEnds(t *testing.T) {
	root := shortDir(t)
	m := newManager(t, func(cfg *kernel.Config) { cfg.RuntimeDir = root })
	dir := dirOf(m, "ending")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	last := exec.Command("sleep", "0.3")
	if err := last.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- last.Wait() }()
	running := keeper.Running{Version: 1, PID: last.Process.Pid, Start: keeper.ProcessStart(last.Process.Pid)}
	data, err := json.Marshal(running)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		keeper.Config{KernelID: "ending", NotebookID: "n", Argv: []string{"true"}}.Write(dir),
		os.WriteFile(filepath.Join(dir, keeper.RunningFile), data, 0o600),
		os.WriteFile(filepath.Join(dir, "1.seg"), nil, 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	found, err := m.Find(testContext(t, 5*time.Second))
	if err != nil || len(found) != 1 || found[0].Alive || !found[0].State.Exited {
		t.Errorf("%+v, %v", found, err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
