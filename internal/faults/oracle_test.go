package faults

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/pageclient"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// line is what the kernel prints as its line i: numbered and checksummed.
func line(i int) string {
	return fmt.Sprintf("%07d %08x\n", i, crc32.ChecksumIEEE(fmt.Appendf(nil, "%d", i)))
}

func wantLines(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(line(i))
	}
	return b.String()
}

// printLines is a cell that prints n such lines, with a pause in seconds after every `every` lines, and counts its own executions in the file
// counter.
func printLines(n, every int, pause float64, counter string) string {
	return fmt.Sprintf(`import zlib, time
with open(%q, "a") as f: f.write("x")
for i in range(%d):
    print(f"{i:07d} {zlib.crc32(str(i).encode()):08x}")
    if i %% %d == %d - 1: time.sleep(%g)
`, counter, n, every, every, pause)
}

// printFlushed is a cell that prints n such lines as fast as it can, each in a message of its own. That takes ipykernel far longer than the same
// lines without a flush.
func printFlushed(n int) string {
	return fmt.Sprintf(`import zlib
for i in range(%d): print(f"{i:07d} {zlib.crc32(str(i).encode()):08x}", flush=True)
`, n)
}

// printNoting is printFlushed that writes into the file at how far it is, after every 50 lines.
func printNoting(n int, at string) string {
	return fmt.Sprintf(`import zlib, os
for i in range(%d):
    print(f"{i:07d} {zlib.crc32(str(i).encode()):08x}", flush=True)
    if i %% 50 == 49:
        with open(%q + "~", "w") as f: f.write(str(i))
        os.replace(%q + "~", %q)
`, n, at, at, at)
}

// printSlowly is a cell that prints such lines, each flushed, with a pause in seconds after each, until the file stop is there; it keeps in the file at how
// many there are.
func printSlowly(pause float64, stop, at string) string {
	return fmt.Sprintf(`import zlib, time, os, itertools
for i in itertools.count():
    if os.path.exists(%q): break
    print(f"{i:07d} {zlib.crc32(str(i).encode()):08x}", flush=True)
    with open(%q + "~", "w") as f: f.write(str(i + 1))
    os.replace(%q + "~", %q)
    time.sleep(%g)
`, stop, at, at, at, pause)
}

// printUntil is a cell that prints such lines, 100 and then a pause, until there are atLeast and the file stop is there; it writes how many into
// the file count, and counts its executions in the file counter. With flush each line is a message of its own.
func printUntil(atLeast int, pause time.Duration, flush bool, stop, count, counter string) string {
	return fmt.Sprintf(`import zlib, time, os, itertools
with open(%q, "a") as f: f.write("x")
for i in itertools.count():
    if i %% 100 == 0:
        if i >= %d and os.path.exists(%q): break
        time.sleep(%g)
    print(f"{i:07d} {zlib.crc32(str(i).encode()):08x}", flush=%s)
with open(%q, "w") as f: f.write(str(i))
`, counter, atLeast, stop, pause.Seconds(), map[bool]string{true: "True", false: "False"}[flush], count)
}

// streamText is the text of a cell's stream outputs, whole: what the client holds, or the download where its middle was cut. With names it
// is the text of those streams only.
func streamText(t *testing.T, s *Server, st *protocol.State, cell protocol.CellID, names ...string) string {
	t.Helper()
	c := st.Cell(cell)
	if c == nil {
		return ""
	}
	var b strings.Builder
	for _, o := range c.Outputs {
		if o.Kind != protocol.KindStream || len(names) > 0 && !slices.Contains(names, o.Name) {
			continue
		}
		if int64(protocol.UTF16Len(o.Text.Head)+protocol.UTF16Len(o.Text.Tail)) == o.Text.Total {
			b.WriteString(o.Text.Head + o.Text.Tail)
			continue
		}
		status, body := s.Get("/runnel/v1/outputs?notebook=" + url.QueryEscape(st.Notebook) + "&output=" + url.QueryEscape(string(o.ID)))
		if status != 200 {
			t.Fatalf("download of output %s: status %d: %s", o.ID, status, tailOf(string(body), 300))
		}
		b.Write(body)
	}
	return b.String()
}

// onlyFlushNotes fails when stderr has more than what ipykernel says there when a flush takes its own thread over 10 s: its keeper stands still, or
// the thread has a gigabyte to encode on a busy machine.
func onlyFlushNotes(t *testing.T, s *Server, st *protocol.State, cell protocol.CellID) {
	t.Helper()
	if said := streamText(t, s, st, cell, "stderr"); strings.ReplaceAll(said, "IOStream.flush timed out\n", "") != "" {
		t.Errorf("on stderr: %s", tailOf(said, 500))
	}
}

// sameText fails with the place of the first difference.
func sameText(t *testing.T, what, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			t.Fatalf("%s: %d lines, want %d; line %d is %q, want %q", what, len(g)-1, len(w)-1, i, g[i], w[i])
		}
	}
	t.Fatalf("%s: %d lines, want %d", what, len(g)-1, len(w)-1)
}

// fileText is the stream text of a cell in the .ipynb on disk, "" when the file does not parse or lacks the cell.
func fileText(t *testing.T, s *Server, notebook string, cell protocol.CellID) string {
	t.Helper()
	data := s.File(notebook)
	var doc struct {
		Cells []struct {
			ID      string `json:"id"`
			Outputs []struct {
				Type string          `json:"output_type"`
				Text json.RawMessage `json:"text"`
			} `json:"outputs"`
		} `json:"cells"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatalf("%s on disk does not parse: %v", notebook, err)
	}
	var b strings.Builder
	for _, c := range doc.Cells {
		if c.ID != string(cell) {
			continue
		}
		for _, o := range c.Outputs {
			if o.Type != "stream" {
				continue
			}
			var lines []string
			if json.Unmarshal(o.Text, &lines) == nil {
				b.WriteString(strings.Join(lines, ""))
			}
		}
	}
	return b.String()
}

// executions is how often the cells that write to the counter file ran.
func executions(counter string) int {
	data, _ := os.ReadFile(counter)
	return len(data)
}

// start queues a run without waiting for its end.
func start(t *testing.T, c *pageclient.Client, cell protocol.CellID, code string) protocol.RunID {
	t.Helper()
	cmd := protocol.Command{Type: protocol.CmdExecute, CellID: cell, Code: &code, CmdID: pageclient.NewCommandID()}
	ack, err := c.Do(within(t, 30*time.Second), cmd)
	if err != nil {
		t.Fatal(err)
	}
	if ack.Status == protocol.AckRejected {
		t.Fatalf("execute rejected: %s", ack.Error)
	}
	return protocol.RunID(cmd.CmdID)
}

// finish waits for the end of a run and checks its status.
func finish(t *testing.T, c *pageclient.Client, run protocol.RunID, limit time.Duration, want string) {
	t.Helper()
	got, err := c.WaitRun(within(t, limit), run)
	if err != nil {
		if st := c.State(); st != nil {
			data, _ := json.Marshal(st.Kernel)
			t.Logf("kernel: %s queue: %v save: %+v n: %d", data, st.Queue, st.Save, st.N)
		}
		t.Fatal(err)
	}
	if got != want {
		t.Fatalf("run ended as %s, want %s", got, want)
	}
}

// printed waits until the cell's stream text has at least n units.
func printed(t *testing.T, c *pageclient.Client, cell protocol.CellID, n int64, limit time.Duration) {
	t.Helper()
	err := c.Wait(within(t, limit), fmt.Sprintf("%d units of text", n), func(s *protocol.State) bool {
		return textTotal(s, cell) >= n
	})
	if err != nil {
		t.Fatal(err)
	}
}

func textTotal(s *protocol.State, cell protocol.CellID) int64 {
	var sum int64
	if c := s.Cell(cell); c != nil {
		for _, o := range c.Outputs {
			if o.Text != nil {
				sum += o.Text.Total
			}
		}
	}
	return sum
}

// savedText waits until the notebook is saved and the cell's text on disk is want.
func savedText(t *testing.T, s *Server, c *pageclient.Client, notebook string, cell protocol.CellID, want string) {
	t.Helper()
	err := c.Wait(within(t, 30*time.Second), "the notebook to be saved", func(st *protocol.State) bool { return st.Save.State == protocol.Saved })
	if err != nil {
		t.Fatal(err)
	}
	sameText(t, "the file", fileText(t, s, notebook, cell), want)
}
