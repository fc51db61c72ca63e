package faults

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/runnel-dev/runnel/internal/pageclient"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// F23: two tabs answer one prompt at the same moment: one wins, the other is told, the kernel gets one reply.
func TestF23_two_tabs_answer(t *testing.T) {
	t.Parallel()
	s := newServer(t, "7")
	tabs := []*pageclient.Client{s.Client("two.ipynb"), s.Client("two.ipynb")}
	rounds := short(20, 200)
	run := start(t, tabs[0], "ask", fmt.Sprintf("for i in range(%d): print(input(f'{i}: '))", rounds))
	want := ""
	for i := range rounds {
		acks := make([]protocol.Ack, len(tabs))
		var wg sync.WaitGroup
		for _, c := range tabs {
			waitPromptText(t, c, fmt.Sprintf("%d: ", i))
		}
		p := tabs[0].State().Prompts[0]
		for k, c := range tabs {
			wg.Go(func() { acks[k] = answer(t, c, p, fmt.Sprintf("tab%d", k)) })
		}
		wg.Wait()
		winner := 0
		if acks[0].Status == protocol.AckRejected {
			winner = 1
		}
		if acks[winner].Status != protocol.AckAccepted || acks[1-winner].Code != protocol.CodeAlreadyAnswered {
			t.Fatalf("round %d: %+v", i, acks)
		}
		want += fmt.Sprintf("tab%d\n", winner)
	}
	finish(t, tabs[0], run, 20*time.Second, protocol.StatusOK)
	if got := streamText(t, s, tabs[0].State(), "ask"); got != want {
		t.Errorf("the kernel was answered %q, want %q", got, want)
	}
}

// F23: two tabs press Run on one cell at the same moment: both runs happen, one after the other, and both tabs say the same.
func TestF23_two_tabs_run(t *testing.T) {
	t.Parallel()
	s := newServer(t, "7")
	tabs := []*pageclient.Client{s.Client("two.ipynb"), s.Client("two.ipynb")}
	value(t, tabs[0], "warm", "1")
	counter := filepath.Join(t.TempDir(), "runs")
	rounds := short(20, 200)
	for range rounds {
		var wg sync.WaitGroup
		runs := make([]protocol.RunID, len(tabs))
		for k, c := range tabs {
			wg.Go(func() { runs[k] = start(t, c, "cell", fmt.Sprintf("open(%q, 'a').write('x')", counter)) })
		}
		wg.Wait()
		for _, c := range tabs {
			for _, run := range runs {
				finish(t, c, run, 20*time.Second, protocol.StatusOK)
			}
		}
	}
	if got := executions(counter); got != 2*rounds {
		t.Errorf("%d executions, want %d", got, 2*rounds)
	}
	converge(t, tabs[0], tabs[1])
}

// F23: two tabs type into one cell at the same time, on lines that are cut now and then. Nothing is lost, both end with one text.
func TestF23_two_tabs_type(t *testing.T) {
	rng := random(t)
	s := newServer(t, "7")
	p := newProxy(t, s.URL)
	tabs := []*pageclient.Client{s.Client("two.ipynb", p.URL), s.Client("two.ipynb", p.URL)}
	do(t, tabs[0], protocol.Command{Type: protocol.CmdCellInsert, CellID: "typed", CellType: "markdown"})
	edits := short(60, 600)
	var wg sync.WaitGroup
	for k, c := range tabs {
		seed := rng.Uint64()
		wg.Go(func() { typeWords(t, c, fmt.Sprintf("<%d.%%d>", k), edits, rand.New(rand.NewPCG(seed, 0))) })
	}
	for range edits / 10 {
		time.Sleep(time.Duration(rng.IntN(60)) * time.Millisecond)
		p.Cut()
	}
	wg.Wait()
	converge(t, tabs[0], tabs[1])
	text := tabs[0].State().Cell("typed").Source
	for k := range tabs {
		for i := range edits {
			if word := fmt.Sprintf("<%d.%d>", k, i); strings.Count(text, word) != 1 {
				t.Fatalf("%s is there %d times in %q", word, strings.Count(text, word), text)
			}
		}
	}
}

// typeWords puts words between the words that are there.
func typeWords(t *testing.T, c *pageclient.Client, word string, n int, rng *rand.Rand) {
	if err := c.Wait(within(t, 10*time.Second), "the cell", func(st *protocol.State) bool { return st.Cell("typed") != nil }); err != nil {
		t.Error(err)
		return
	}
	for i := range n {
		cell := c.State().Cell("typed")
		at := rng.IntN(len(cell.Source) + 1)
		for at > 0 && cell.Source[at-1] != '>' {
			at--
		}
		set := []any{[]any{0, fmt.Sprintf(word, i)}}
		if at > 0 {
			set = append([]any{at}, set...)
		}
		if rest := len(cell.Source) - at; rest > 0 {
			set = append(set, rest)
		}
		changes, _ := json.Marshal(set)
		ack, err := c.Do(within(t, 30*time.Second), protocol.Command{Type: protocol.CmdEdit, CellID: "typed", Version: cell.Version, Changes: changes})
		if err != nil || ack.Status == protocol.AckRejected {
			t.Errorf("edit %d: %+v %v", i, ack, err)
			return
		}
	}
}

// converge waits until both are at one number and compares them.
func converge(t *testing.T, a, b *pageclient.Client) {
	t.Helper()
	var x, y *protocol.State
	eventually(t, 15*time.Second, "both pages are at one number", func() bool {
		x, y = a.State(), b.State()
		return x != nil && y != nil && x.Epoch == y.Epoch && x.N == y.N && x.Save.State == protocol.Saved
	})
	sameState(t, x, y)
}

// dial opens a WebSocket.
func (s *Server) dial(t *testing.T) *websocket.Conn {
	t.Helper()
	conn, _, err := websocket.Dial(within(t, 10*time.Second), s.URL+"/ws", &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer " + s.Token}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	return conn
}
