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

// TestFind_renamed: the kernel of a notebook that has another name now is found under that, by whoever looks next; one that is gone stays gone.
func TestFind_renamed(t *testing.T) {
	m := newManager(t)
	k := launch(t, m, spec(t, "sleep", "600"))
	if err := k.Rename("moved/b.ipynb"); err != nil {
		t.Fatal(err)
	}
	found, err := m.Find(testContext(t, 5*time.Second))
	if err != nil || len(found) != 1 || found[0].NotebookID != "moved/b.ipynb" || !found[0].Alive || found[0].Name != "python3" {
		t.Errorf("%+v, %v", found, err)
	}
	if err := os.RemoveAll(dirOf(m, k.ID())); err != nil {
		t.Fatal(err)
	}
	if err := k.Rename("c.ipynb"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dirOf(m, k.ID())); !os.IsNotExist(err) {
		t.Errorf("its folder: %v", err)
	}
}
