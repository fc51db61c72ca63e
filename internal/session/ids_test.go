package session

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/runnel-dev/runnel/internal/journal/journaltest"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// TestIdsOfClients: a cell is called as its client called it, here and on the wire, also where the format forbids that in a file; it is the same cell when
// another program has changed the file, and for a server that has nothing but the file.
func TestIdsOfClients(t *testing.T) {
	quiet(t, func(t *testing.T, w *world) {
		ids := []string{"a/b", "plain", "two words", "é😀", strings.Repeat("x", 65), strings.Repeat("y", 128)}
		sv, s, p := w.begin()
		for _, id := range ids {
			sv.execute(s, id, "'"+id+"'")
		}
		saved := func() {
			t.Helper()
			p.until("the top", func(*protocol.State) bool { _, top := s.Top(); return p.state.N >= top })
			p.untilSaved()
		}
		saved()
		file := w.read("a.ipynb")
		allowed := regexp.MustCompile("^[a-zA-Z0-9-_]{1,64}$")
		for _, id := range idsIn(t, file) {
			if !allowed.MatchString(id) {
				t.Errorf("the file has the id %q", id)
			}
		}
		w.write("a.ipynb", strings.ReplaceAll(file, `"'a/b'"`, `"'changed'"`))
		p.until("the change of another program", func(s *protocol.State) bool { return s.Cell("a/b") != nil && s.Cell("a/b").Source == "'changed'" })
		if n := len(p.state.Cells); n != len(ids) {
			t.Errorf("%d cells after it", n)
		}
		sv.do(s, insert("later", "1"))
		saved()
		for _, journal := range []string{"kept", "lost"} {
			sv.stop()
			if journal == "lost" {
				w.memory = journaltest.NewMemory()
			}
			sv, s, p = w.begin()
			for _, id := range ids {
				sv.execute(s, id, "1")
				p.until("the run of "+id, func(s *protocol.State) bool { c := s.Cell(protocol.CellID(id)); return c != nil && c.Source == "1" })
			}
			if n := len(p.state.Cells); n != len(ids)+1 {
				t.Errorf("the journal is %s: %d cells: %s", journal, n, asJSON(p.state))
			}
			for _, c := range p.state.Cells {
				if string(c.Metadata) != "{}" {
					t.Errorf("the journal is %s: cell %s has %s", journal, c.ID, c.Metadata)
				}
			}
			saved()
		}
	})
}

func idsIn(t *testing.T, file string) (ids []string) {
	t.Helper()
	var parsed struct {
		Cells []struct {
			ID string `json:"id"`
		} `json:"cells"`
	}
	if err := json.Unmarshal([]byte(file), &parsed); err != nil {
		t.Fatal(err)
	}
	for _, c := range parsed.Cells {
		ids = append(ids, c.ID)
	}
	return ids
}

// Ids that are none are refused, and say why.
func TestIdsThatAreRefused(t *testing.T) {
	quiet(t, func(t *testing.T, w *world) {
		_, s, p := w.begin()
		code := "1"
		for _, id := range []string{strings.Repeat("x", 129), "a\nb", "\x7f", "\xff"} {
			ack := s.Do(testContext(t), protocol.Command{Type: protocol.CmdExecute, CmdID: protocol.CommandID(uuid.NewString()), CellID: protocol.CellID(id), Code: &code})
			if ack.Status != protocol.AckRejected || ack.Code != protocol.CodeInvalid || !strings.Contains(ack.Error, "1 to 128 bytes") {
				t.Errorf("%q: %+v", id, ack)
			}
		}
		if n := len(p.state.Cells); n != 0 {
			t.Errorf("%d cells", n)
		}
	})
}
