package faults

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/pageclient"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// typed makes a markdown cell and types words into it, each acknowledged; it returns the text.
func typed(t *testing.T, c *pageclient.Client, words int) string {
	t.Helper()
	do(t, c, protocol.Command{Type: protocol.CmdCellInsert, CellID: "typed", CellType: "markdown"})
	if err := c.Wait(within(t, 10*time.Second), "the cell", func(st *protocol.State) bool { return st.Cell("typed") != nil }); err != nil {
		t.Fatal(err)
	}
	return typeOn(t, c, "", words)
}

func typeOn(t *testing.T, c *pageclient.Client, text string, words int) string {
	t.Helper()
	for range words {
		version := c.State().Cell("typed").Version
		word := fmt.Sprintf("w%d ", version)
		set := []any{[]any{0, word}}
		if text != "" {
			set = append([]any{len(text)}, set...)
		}
		changes, _ := json.Marshal(set)
		do(t, c, protocol.Command{Type: protocol.CmdEdit, CellID: "typed", Version: version, Changes: changes})
		text += word
		if err := c.Wait(within(t, 10*time.Second), "the edit", func(st *protocol.State) bool { return st.Cell("typed").Source == text }); err != nil {
			t.Fatal(err)
		}
	}
	return text
}

// journalDir is where the server keeps the journal of its folder.
func (s *Server) journalDir() string {
	s.t.Helper()
	found, err := filepath.Glob(filepath.Join(s.State, "*", "journal.db"))
	if err != nil || len(found) != 1 {
		s.t.Fatalf("journals in %s: %v %v", s.State, found, err)
	}
	return filepath.Dir(found[0])
}

// image is the content of a server's files while it does not run.
type image map[string][]byte

func takeImage(t *testing.T, dirs ...string) image {
	t.Helper()
	im := image{}
	for _, dir := range dirs {
		if err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			data, err := os.ReadFile(path)
			im[path] = data
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	return im
}

// put makes the folders hold what the image does, and nothing else.
func (im image) put(t *testing.T, dirs ...string) {
	t.Helper()
	for path := range takeImage(t, dirs...) {
		if _, ok := im[path]; !ok {
			_ = os.Remove(path)
		}
	}
	for path, data := range im {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// damage is one way in which a file comes back other than it was written.
func damage(rng *rand.Rand, data []byte) (string, []byte) {
	out := append([]byte(nil), data...)
	at := rng.IntN(len(out))
	switch rng.IntN(4) {
	case 0:
		return fmt.Sprintf("cut at %d of %d", at, len(data)), out[:at]
	case 1:
		out[at] ^= 1 << rng.IntN(8)
		return fmt.Sprintf("a bit flipped at %d", at), out
	case 2:
		clear(out[at:])
		return fmt.Sprintf("zeros from %d", at), out
	default:
		for i := at; i < min(at+512, len(out)); i++ {
			out[i] = byte(rng.Uint32())
		}
		return fmt.Sprintf("garbage at %d", at), out
	}
}

// F19: the journal comes back damaged at any place. The server starts, has the longest part that is whole or the file, under a new
// epoch; where something acknowledged is missing it says so; what is done then is kept.
func TestF19_damaged_journal(t *testing.T) {
	rng := random(t)
	s := newServer(t, "7")
	c := s.Client("damage.ipynb")
	text := typed(t, c, 10)
	if err := c.Wait(within(t, 20*time.Second), "the save", func(st *protocol.State) bool { return st.Save.State == protocol.Saved }); err != nil {
		t.Fatal(err)
	}
	text = typeOn(t, c, text, 30)
	epochs := map[string]bool{c.State().Epoch: true}
	s.Kill()
	c.Close()
	dir := s.journalDir()
	whole := takeImage(t, dir, s.Dir)
	lost, rounds := 0, short(20, 400)
	for range rounds {
		name := []string{"journal.db", "journal.db-wal", "journal.db-wal", "marks"}[rng.IntN(4)]
		how, data := damage(rng, whole[filepath.Join(dir, name)])
		broken := image{}
		for path, d := range whole {
			broken[path] = d
		}
		broken[filepath.Join(dir, name)] = data
		broken.put(t, dir, s.Dir)
		s.Start()
		late := s.Client("damage.ipynb")
		if err := late.Wait(within(t, 20*time.Second), "a state", func(*protocol.State) bool { return true }); err != nil {
			t.Fatalf("%s, %s: %v", name, how, err)
		}
		st := late.State()
		if epochs[st.Epoch] {
			t.Errorf("%s, %s: the epoch is an old one", name, how)
		}
		epochs[st.Epoch] = true
		got := ""
		if cell := st.Cell("typed"); cell != nil {
			got = cell.Source
		}
		if !strings.HasPrefix(text, got) || got != "" && !strings.HasSuffix(got, " ") {
			t.Errorf("%s, %s: the cell says %q", name, how, got)
		}
		if got != text {
			lost++
			if !toldOf(late, 5*time.Second, "journal_damaged") {
				t.Errorf("%s, %s: %d of %d words are left, and nobody says so", name, how, strings.Count(got, " "), strings.Count(text, " "))
			}
		}
		if got != "" {
			typeOn(t, late, got, 1)
		}
		s.Kill()
		late.Close()
	}
	if strings.Contains(s.log.String(), "panic") {
		t.Error("the server panicked")
	}
	t.Logf("%d damaged journals, in %d something was missing", rounds, lost)
	whole.put(t, dir, s.Dir)
	s.Start()
}

// toldOf waits for a notice of one of these codes.
func toldOf(c *pageclient.Client, limit time.Duration, codes ...string) bool {
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		for _, n := range c.Notices() {
			for _, code := range codes {
				if n.Code == code {
					return true
				}
			}
		}
	}
	return false
}

// F20: an older copy of the journal is put in its place. Pages that know more get a snapshot; what is in the file is not lost.
func TestF20_older_journal_put_back(t *testing.T) {
	s := newServer(t, "7")
	c := s.Client("older.ipynb")
	text := typed(t, c, 10)
	s.Kill()
	dir := s.journalDir()
	older := takeImage(t, dir)
	s.Start()
	if err := c.Wait(within(t, 20*time.Second), "the page is back", func(st *protocol.State) bool { return st.Cell("typed") != nil }); err != nil {
		t.Fatal(err)
	}
	eventually(t, 20*time.Second, "the line stands", c.Live)
	text = typeOn(t, c, text, 20)
	if err := c.Wait(within(t, 20*time.Second), "the save", func(st *protocol.State) bool { return st.Save.State == protocol.Saved }); err != nil {
		t.Fatal(err)
	}
	n, epoch := c.State().N, c.State().Epoch
	s.Kill()
	older.put(t, dir)
	s.Start()
	if err := c.Wait(within(t, 20*time.Second), "a snapshot of the older journal", func(st *protocol.State) bool { return st.Epoch != epoch }); err != nil {
		t.Fatal(err)
	}
	st := c.State()
	t.Logf("the page was at %d, the journal is at %d", n, st.N)
	kept := 0
	for _, cell := range st.Cells {
		if cell.Source == text {
			kept++
		}
	}
	if kept != 1 {
		t.Errorf("what the file had is there %d times, want once: %+v", kept, withoutClock(st))
	}
	if st.Cell("typed").Source != text && !toldOf(c, 5*time.Second, "file_clash") {
		t.Error("the older text won, and nobody says that there are two")
	}
	typeOn(t, c, st.Cell("typed").Source, 3)
}

// F19: the server and the keeper are killed, and the keeper's spool comes back damaged. What is whole is shown, the run ends in exactly
// one way, the next run starts anew.
func TestF19_damaged_spool(t *testing.T) {
	rng := random(t)
	s := newServer(t, "7")
	for i := range short(3, 60) {
		c := s.Client(fmt.Sprintf("spool%d.ipynb", i))
		keeper := atoi(t, value(t, c, "ppid", "import os; os.getppid()"))
		n := 3000
		run := start(t, c, "flood", printLines(n, 100, 0.02, filepath.Join(t.TempDir(), "runs")))
		printed(t, c, "flood", 2000, 20*time.Second)
		shown := textTotal(c.State(), "flood")
		do(t, c, protocol.Command{Type: protocol.CmdCellInsert, CellID: "mark", CellType: "markdown"}) // acknowledged: what came before is in the journal
		s.Kill()
		time.Sleep(time.Duration(rng.IntN(300)) * time.Millisecond)
		kill(t, keeper, syscall.SIGKILL)
		eventually(t, 10*time.Second, "the keeper is gone", func() bool { return !alive(keeper) })
		how := damageSpool(t, rng, s)
		s.Start()
		status, err := c.WaitRun(within(t, 30*time.Second), run)
		if err != nil {
			t.Fatalf("%s: %v", how, err)
		}
		if status != protocol.StatusLost && status != protocol.StatusKernelDied {
			t.Errorf("%s: the run ended as %s", how, status)
		}
		wantPrefix(t, streamText(t, s, c.State(), "flood"), int(shown)-len(line(0))) // what was shown after that, for some 20 ms, was in the spool alone
		if death := c.State().Kernel.Death; death == nil || !strings.Contains(death.Text, "process that kept the kernel is gone") {
			t.Errorf("%s: the page says of the kernel's end: %+v", how, death)
		}
		if got := value(t, c, "again", "6*7"); got != "42" {
			t.Errorf("%s: a new kernel says %s", how, got)
		}
		do(t, c, protocol.Command{Type: protocol.CmdKernelStop, Force: true})
		c.Close()
	}
	if strings.Contains(s.log.String(), "panic") {
		t.Error("the server panicked")
	}
}

// damageSpool damages one of the spool's files.
func damageSpool(t *testing.T, rng *rand.Rand, s *Server) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(s.State, "*", "k", "*", "*.seg"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no spool in %s: %v", s.State, err)
	}
	path := found[rng.IntN(len(found))]
	data, err := os.ReadFile(path)
	if err != nil || len(data) == 0 {
		t.Fatalf("spool %s: %d bytes, %v", path, len(data), err)
	}
	how, broken := damage(rng, data)
	if err := os.WriteFile(path, broken, 0o600); err != nil {
		t.Fatal(err)
	}
	return filepath.Base(path) + ": " + how
}
