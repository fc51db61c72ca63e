package session

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/runnel-dev/runnel/internal/files"
	"github.com/runnel-dev/runnel/internal/journal"
	"github.com/runnel-dev/runnel/internal/kernel"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// TestServerKilledAgainAndAgain kills -9 a server, a process of its own, at random moments of a cell that prints: the same kernel goes on, every
// line is there once, and what was acknowledged is there.
func TestServerKilledAgainAndAgain(t *testing.T) {
	rounds, lines := 12, 3000
	if testing.Short() {
		rounds, lines = 3, 1000
	}
	w := newWorld(t, "7")
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	acked := 0
	for round := range rounds {
		acked = w.serveAndKill(t, round, lines, acked, time.Duration(50+random.IntN(400))*time.Millisecond)
	}
	_, _, p := w.begin()
	if n := len(p.state.Cells) - 1; n < acked {
		t.Errorf("%d cells are there, %d were acknowledged", n, acked)
	}
	p.untilDone("run", protocol.StatusOK)
	checkLines(t, text(p.state.Cell("run")), lines)
	p.same()
}

func (w *world) serveAndKill(t *testing.T, round, lines, acked int, after time.Duration) int {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), fmt.Sprintf("SESSION_VICTIM=%s|%s|%s|%s|%d|%d", w.dir, w.state, w.runtime, w.python, round, lines))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var kill *time.Timer
	scan := bufio.NewScanner(out)
	for scan.Scan() {
		switch {
		case scan.Text() == "ready":
			kill = time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		case strings.HasPrefix(scan.Text(), "acked "):
			acked++
		default:
			t.Errorf("victim: %s", scan.Text())
		}
	}
	if kill == nil {
		t.Fatal("the victim was never ready")
	}
	kill.Stop()
	_ = cmd.Wait()
	return acked
}

// victim is the server that is killed: it runs the cell in the first round, then adds cells until its end.
func victim(spec string) error {
	part := strings.Split(spec, "|")
	var round, lines int
	if _, err := fmt.Sscan(part[4]+" "+part[5], &round, &lines); err != nil {
		return err
	}
	folder, err := files.Open(part[0], files.Options{})
	if err != nil {
		return err
	}
	j, err := journal.Open(part[1], nil)
	if err != nil {
		return err
	}
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	m, err := kernel.NewManager(kernel.Config{RuntimeDir: part[2], Exe: exe, KeepFor: time.Minute})
	if err != nil {
		return err
	}
	w := &world{dir: part[0], state: part[1], runtime: part[2], python: part[3]}
	hub := NewHub(Config{Folder: folder, Journal: j, Launcher: &pythonLauncher{m: m, w: w}})
	ctx := context.Background()
	go func() { _ = hub.Run(ctx) }()
	s, err := hub.Open(ctx, "a.ipynb", true)
	if err != nil {
		return err
	}
	if round == 0 {
		code := fmt.Sprintf("import time\nfor i in range(%d):\n    print('line', i)\n    time.sleep(.001)", lines)
		ack := s.Do(ctx, protocol.Command{Type: protocol.CmdExecute, CmdID: protocol.CommandID(uuid.NewString()), CellID: "run", Code: &code})
		if ack.Status != protocol.AckAccepted {
			return fmt.Errorf("execute: %+v", ack)
		}
	}
	fmt.Println("ready")
	for {
		ack := s.Do(ctx, protocol.Command{Type: protocol.CmdCellInsert, CmdID: protocol.CommandID(uuid.NewString()), Index: 999, CellType: "markdown", Source: "x"})
		if ack.Status != protocol.AckAccepted {
			return fmt.Errorf("insert: %+v", ack)
		}
		fmt.Println("acked", ack.N)
		time.Sleep(5 * time.Millisecond)
	}
}
