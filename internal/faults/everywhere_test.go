package faults

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/pageclient"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// everywhere is the whole oracle. What the kernel says that it printed (want) is, byte for byte, the text of the cell in all pages, on disk, and in a
// page that comes after the server was killed and has its journal alone to tell; and at one number all pages hold equal states.
func everywhere(t *testing.T, s *Server, notebook string, cell protocol.CellID, want string, pages ...*pageclient.Client) {
	t.Helper()
	for i, c := range pages {
		if i > 0 {
			converge(t, pages[0], c)
		}
		sameText(t, fmt.Sprintf("page %d", i+1), streamText(t, s, c.State(), cell), want)
	}
	savedText(t, s, pages[0], notebook, cell, want)
	before := pages[0].State()
	s.Kill()
	s.Start()
	late := s.Client(notebook)
	if err := late.Wait(within(t, time.Minute), "the state in the journal", func(st *protocol.State) bool {
		return st.Cell(cell) != nil && st.Save.State == protocol.Saved
	}); err != nil {
		t.Fatal(err)
	}
	sameText(t, "the journal", streamText(t, s, late.State(), cell), want)
	if got, want := cellsText(late.State()), cellsText(before); got != want {
		t.Errorf("the journal's cells differ from the pages':\n%s\n%s", tailOf(got, 1500), tailOf(want, 1500))
	}
}

// cellsText is all that a state says of its cells: sources, outputs, counts, runs with their times.
func cellsText(st *protocol.State) string {
	data, _ := json.Marshal(st.Cells)
	return string(data)
}

// keepHistory shows the end of what a client received when the test fails, and keeps it whole beside the test's artifacts.
func keepHistory(t *testing.T, notebook string, c *pageclient.Client) {
	if !t.Failed() {
		return
	}
	all := strings.Join(c.History(), "\n") + "\n"
	path := filepath.Join(t.ArtifactDir(), fmt.Sprintf("client-%s.txt", c.ID()))
	if err := os.WriteFile(path, []byte(all), 0o600); err != nil {
		t.Log(err)
	}
	t.Logf("client %s of %s, the end of what it received (go test -artifacts keeps the whole):\n%s", c.ID(), notebook, tailOf(all, 2000))
}
