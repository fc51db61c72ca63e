package faults

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// F25: another version of the program takes a folder over, and the first one takes it back, while a cell runs. The kernel, its
// variables and every line stay.
func TestF25_another_version_takes_over(t *testing.T) {
	other := filepath.Join(t.TempDir(), "runnel")
	if err := build(other, "faults-next"); err != nil {
		t.Fatal(err)
	}
	s := newServer(t, "7")
	c := s.Client("upgrade.ipynb")
	pid := value(t, c, "before", "import os; marker = 4711; os.getpid()")
	n := short(1500, 6000)
	counter := filepath.Join(t.TempDir(), "runs")
	run := start(t, c, "flood", printLines(n, 1, 0.002, counter))
	ways := []func(){s.Terminate, s.Kill}
	for i, program := range []string{other, binary} {
		printed(t, c, "flood", int64((i+1)*n/4*len(line(0))), 30*time.Second)
		ways[i]()
		s.Binary = program
		s.Start()
	}
	if !strings.Contains(s.log.String(), "faults-next") {
		t.Error("the other version never ran")
	}
	finish(t, c, run, time.Minute, protocol.StatusOK)
	sameText(t, "the page", streamText(t, s, c.State(), "flood"), wantLines(n))
	if got, want := value(t, c, "after", "marker, os.getpid()"), fmt.Sprintf("(4711, %s)", pid); got != want {
		t.Errorf("afterwards the kernel says %s, want %s", got, want)
	}
	if got := executions(counter); got != 1 {
		t.Errorf("the cell ran %d times", got)
	}
}

// F25: a page of another version is told to load itself again, and never spoken to in a way it may misread.
func TestF25_page_of_another_version(t *testing.T) {
	t.Parallel()
	s := newServer(t, "7")
	s.notebook("old.ipynb")
	for _, version := range []int{protocol.Version - 1, protocol.Version + 1} {
		conn := s.dial(t)
		hello := fmt.Sprintf(`{"type":"hello","protocol":%d,"client_id":"old","subscriptions":[{"sub":"s","notebook":"old.ipynb"}]}`, version)
		if err := conn.Write(within(t, 5*time.Second), websocket.MessageText, []byte(hello)); err != nil {
			t.Fatal(err)
		}
		_, data, err := conn.Read(within(t, 10*time.Second))
		if got := websocket.CloseStatus(err); int(got) != protocol.CloseReload {
			t.Errorf("protocol %d: closed with %d, got %s", version, got, data)
		}
	}
}
