package session

import (
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// TestCellsWithoutIds: a file before 4.5 holds no ids; its cells keep theirs here over changes by another program and over a new
// server, and nothing is doubled or lost.
func TestCellsWithoutIds(t *testing.T) {
	quiet(t, func(t *testing.T, w *world) {
		old := strings.NewReplacer(`   "id": "head",`+"\n", "", `   "id": "code",`+"\n", `   "unknown": 1.50,`+"\n", `"nbformat_minor": 5`, `"nbformat_minor": 4`).Replace(twoCells)
		w.write("a.ipynb", old)
		sv, s, p := w.begin()
		head, code := p.state.Cells[0].ID, p.state.Cells[1].ID
		same := func(when string, want int) {
			t.Helper()
			if n := len(p.state.Cells); n != want || p.state.Cells[0].ID != head || p.state.Cell(code) == nil {
				t.Errorf("%s: %s", when, asJSON(p.state))
			}
		}
		w.write("a.ipynb", strings.ReplaceAll(old, "# Title", "# Other"))
		p.until("the other title", func(s *protocol.State) bool { return s.Cells[0].Source == "# Other" })
		same("changed by another program", 2)
		sv.do(s, insert("ours", "o"))
		w.write("a.ipynb", strings.ReplaceAll(old, "# Title", "# Third"))
		p.until("both", func(s *protocol.State) bool { return s.Cells[0].Source == "# Third" && s.Cell("ours") != nil })
		same("changed by both", 3)
		p.untilSaved()
		sv.stop()

		sv = w.serve()
		s = sv.open("a.ipynb")
		p = sv.page(s)
		same("after a new server", 3)
		sv.do(s, insert("more", "m"))
		p.until("unsaved", func(s *protocol.State) bool { return s.Save.State != protocol.Saved })
		p.untilSaved()
		if got := w.read("a.ipynb"); strings.Contains(got, `"id"`) || !strings.Contains(got, `"unknown": 1.50`) || strings.Count(got, "# Third") != 1 {
			t.Errorf("the file: %s", got)
		}
	})
}
