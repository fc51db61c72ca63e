package faults

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/pageclient"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// F26: a second server on the folder is refused and names the first one's address, also when it is given another name of the folder.
func TestF26_second_server_refused(t *testing.T) {
	t.Parallel()
	s := newServer(t, "7")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(s.Dir, link); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{s.Dir, link, s.Dir + "/."} {
		second := *s
		second.log = &lockedBuffer{}
		if code := second.runOnce("serve", folder, "--port", "0", "--no-browser"); code == 0 {
			t.Fatalf("a second server on %s started", folder)
		}
		if !strings.Contains(second.log.String(), strings.TrimPrefix(s.URL, "http://")) {
			t.Errorf("the refusal does not name %s: %s", s.URL, second.log.String())
		}
	}
}

// F26: one file under two servers, as when a folder and one in it are served. Each takes the other for a program that changes the file: what was
// typed on both sides is in both, and on disk, once.
func TestF26_two_servers_over_one_file(t *testing.T) {
	t.Parallel()
	one := newServer(t, "7")
	two := newServer(t, "7")
	two.Terminate()
	two.Dir = filepath.Join(one.Dir, "in")
	if err := os.Mkdir(two.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	two.Start()
	a, b := one.Client("in/both.ipynb"), two.Client("both.ipynb")
	words := short(6, 40)
	for _, c := range []*pageclient.Client{a, b} {
		if err := c.Wait(within(t, 20*time.Second), "a state", func(*protocol.State) bool { return true }); err != nil {
			t.Fatal(err)
		}
	}
	cell := func(side string, i int) protocol.CellID { return protocol.CellID(fmt.Sprintf("%s%d", side, i)) }
	for i := range words {
		do(t, a, protocol.Command{Type: protocol.CmdCellInsert, CellID: cell("a", i), CellType: "markdown", Source: fmt.Sprintf("from one, %d", i)})
		do(t, b, protocol.Command{Type: protocol.CmdCellInsert, CellID: cell("b", i), CellType: "markdown", Source: fmt.Sprintf("from two, %d", i)})
	}
	whole := func(c *pageclient.Client) bool {
		st := c.State()
		for i := range words {
			if st.Cell(cell("a", i)) == nil || st.Cell(cell("b", i)) == nil {
				return false
			}
		}
		return len(st.Cells) == 2*words && st.Save.State == protocol.Saved
	}
	eventually(t, time.Minute, "both have all cells, once", func() bool { return whole(a) && whole(b) })
	for i := range words {
		for _, text := range []string{fmt.Sprintf("from one, %d\"", i), fmt.Sprintf("from two, %d\"", i)} {
			if n := strings.Count(string(two.File("both.ipynb")), text); n != 1 {
				t.Errorf("%s is in the file %d times", text, n)
			}
		}
	}
}
