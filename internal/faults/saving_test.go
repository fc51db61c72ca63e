package faults

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// F15: the disk of the notebooks is full. The page says so, nothing is lost, it heals by itself.
func TestF15_notebook_disk_full(t *testing.T) {
	t.Parallel()
	s := newServer(t, "7")
	disk := filepath.Join(s.Dir, "small")
	mountSmall(t, disk, "1m")
	c := s.Client("small/full.ipynb")
	value(t, c, "warm", "1")
	waitSave(t, c.Wait, protocol.Saved, 20*time.Second)
	before := s.File("small/full.ipynb")
	filler := filepath.Join(disk, "filler")
	fill(t, filler)
	run := start(t, c, "big", "print('z' * 300000)")
	finish(t, c, run, 20*time.Second, protocol.StatusOK)
	waitSave(t, c.Wait, protocol.SaveFailed, 20*time.Second)
	if text := c.State().Save.Text; !strings.Contains(strings.ToLower(text), "full") {
		t.Errorf("the save state says %q", text)
	}
	if !json.Valid(s.File("small/full.ipynb")) || string(s.File("small/full.ipynb")) != string(before) {
		t.Error("the file is not the whole old version")
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	waitSave(t, c.Wait, protocol.Saved, 20*time.Second)
	if got := len(fileText(t, s, "small/full.ipynb", "big")); got != 300_001 {
		t.Errorf("the file holds %d characters of output", got)
	}
}

// F15: the disk of the journal and of the keeper's spool is full while a cell prints. The page says so and gets what is printed; then the server is
// killed, so that the keeper alone has what could not be written. When there is room again, all is there.
func TestF15_journal_disk_full(t *testing.T) {
	root, err := os.MkdirTemp("", "rf")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	disk := filepath.Join(root, "d")
	mountSmall(t, disk, "24m")
	s := newServerAt(t, "7", filepath.Join(disk, "s"))
	c := s.Client("full.ipynb")
	dir := t.TempDir()
	stop, count, counter := filepath.Join(dir, "stop"), filepath.Join(dir, "count"), filepath.Join(dir, "runs")
	run := start(t, c, "flood", printUntil(20_000, 20*time.Millisecond, false, stop, count, counter))
	printed(t, c, "flood", 1, 20*time.Second)
	filler := filepath.Join(disk, "filler")
	fill(t, filler)
	waitSave(t, c.Wait, protocol.SaveFailed, 30*time.Second)
	if text := c.State().Save.Text; !strings.Contains(text, "disk is full") {
		t.Errorf("the page says %q", text)
	}
	// Many more lines than the last segment of the spool has room for, all of them on the screen.
	shown := textTotal(c.State(), "flood")
	printed(t, c, "flood", shown+100_000, time.Minute)
	if free := freeBytes(t, disk); free > 0 {
		t.Errorf("the disk has %d bytes left", free)
	}
	s.Kill()
	time.Sleep(time.Second)
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	s.Start()
	if err := os.WriteFile(stop, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	finish(t, c, run, time.Minute, protocol.StatusOK)
	printed, _ := os.ReadFile(count)
	everywhere(t, s, "full.ipynb", "flood", wantLines(atoi(t, string(printed))), c)
	if got := executions(counter); got != 1 {
		t.Errorf("the cell ran %d times", got)
	}
}

func freeBytes(t *testing.T, at string) uint64 {
	t.Helper()
	var st unix.Statfs_t
	if err := unix.Statfs(at, &st); err != nil {
		t.Fatal(err)
	}
	return st.Bavail * uint64(st.Bsize)
}

// F29: another program changes, renames and removes the open file.
func TestF29_file_changed_from_outside(t *testing.T) {
	t.Parallel()
	s := newServer(t, "7")
	c := s.Client("outside.ipynb")
	value(t, c, "mine", "word = 'mine'")
	waitSave(t, c.Wait, protocol.Saved, 20*time.Second)

	edit := func(from, to string) {
		data := strings.Replace(string(s.File("outside.ipynb")), from, to, 1)
		tmp := filepath.Join(s.Dir, ".tmp-edit")
		if err := os.WriteFile(tmp, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(tmp, filepath.Join(s.Dir, "outside.ipynb")); err != nil {
			t.Fatal(err)
		}
	}
	edit(`'mine'`, `'from outside'`)
	if err := c.Wait(within(t, 15*time.Second), "the outside edit", func(st *protocol.State) bool {
		return strings.Contains(st.Cell("mine").Source, "from outside")
	}); err != nil {
		t.Fatal(err)
	}

	moved := s.File("outside.ipynb")
	if err := os.Rename(filepath.Join(s.Dir, "outside.ipynb"), filepath.Join(s.Dir, "moved.ipynb")); err != nil {
		t.Fatal(err)
	}
	value(t, c, "renamed", "'renamed'")
	eventually(t, 20*time.Second, "the file is written again under its name", func() bool { return strings.Contains(string(s.File("outside.ipynb")), "renamed") })
	if string(s.File("moved.ipynb")) != string(moved) {
		t.Error("the file that was moved away was written over")
	}

	if err := os.Remove(filepath.Join(s.Dir, "outside.ipynb")); err != nil {
		t.Fatal(err)
	}
	value(t, c, "more", "1+1")
	eventually(t, 20*time.Second, "the removed file to be written again or its loss to be shown", func() bool {
		st := c.State()
		return strings.Contains(string(s.File("outside.ipynb")), "1+1") || st.Save.State == protocol.SaveFailed || st.Save.State == protocol.SaveClashed
	})
	if st := c.State(); st.Cell("more") == nil || st.Cell("mine") == nil {
		t.Error("cells were lost")
	}
}

// F14-like restart: what was typed and acknowledged is there after kill -9, also when it was never saved to the file.
func TestAcknowledged_edits_survive_a_kill(t *testing.T) {
	s := newServer(t, "7")
	c := s.Client("edits.ipynb")
	do(t, c, protocol.Command{Type: protocol.CmdCellInsert, CellID: "typed", CellType: "markdown", Index: 0})
	text := ""
	for i := range 40 {
		word := fmt.Sprintf("w%d ", i)
		changes, _ := json.Marshal([]any{len(text), []any{0, word}})
		if text == "" {
			changes, _ = json.Marshal([]any{[]any{0, word}})
		}
		do(t, c, protocol.Command{Type: protocol.CmdEdit, CellID: "typed", Version: i, Changes: changes})
		text += word
	}
	s.Kill()
	s.Start()
	late := s.Client("edits.ipynb")
	if err := late.Wait(within(t, 20*time.Second), "the typed cell", func(st *protocol.State) bool {
		return st.Cell("typed") != nil && st.Cell("typed").Source == text
	}); err != nil {
		t.Fatalf("%v; has %+v", err, late.State())
	}
}

// F24: a command is sent again after its ack, after a restart of the server, and after many others: it takes effect once.
func TestF24_command_repeated(t *testing.T) {
	s := newServer(t, "7")
	c := s.Client("again.ipynb")
	counter := filepath.Join(t.TempDir(), "runs")
	code := fmt.Sprintf("open(%q, 'a').write('x')", counter)
	run := start(t, c, "once", code)
	finish(t, c, run, 30*time.Second, protocol.StatusOK)
	for i := range 4 {
		if i == 3 { // long after
			typed(t, c, short(60, 2000))
			waitSave(t, c.Wait, protocol.Saved, 20*time.Second)
		}
		ack, err := c.Do(within(t, 20*time.Second), protocol.Command{Type: protocol.CmdExecute, CmdID: protocol.CommandID(run), CellID: "once", Code: &code})
		if err != nil {
			t.Fatal(err)
		}
		if ack.Status != protocol.AckDuplicate {
			t.Errorf("repeat %d was %s", i, ack.Status)
		}
		if i == 1 {
			s.Kill()
			s.Start()
		}
	}
	value(t, c, "last", "1")
	if got := executions(counter); got != 1 {
		t.Errorf("the cell ran %d times", got)
	}
}

func waitSave(t *testing.T, wait waiter, state string, limit time.Duration) {
	t.Helper()
	if err := wait(within(t, limit), "save state "+state, func(st *protocol.State) bool { return st.Save.State == state }); err != nil {
		t.Fatal(err)
	}
}

func mountSmall(t *testing.T, at, size string) {
	t.Helper()
	if os.Geteuid() != 0 {
		lacks(t, "a disk of its own needs root, to mount it")
	}
	if err := os.MkdirAll(at, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+size, "tmpfs", at).CombinedOutput(); err != nil {
		lacks(t, "no disk of its own can be mounted here: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", at).Run() })
}

// fill writes until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	block := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(block)
	}
}
