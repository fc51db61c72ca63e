package session

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// J3: the power goes at a random moment while four people work: the next server has all that was acknowledged, and what it has is what the first commands
// of each of them led to.
func TestPowerCut(t *testing.T) {
	for range 30 {
		quiet(t, func(t *testing.T, w *world) {
			sv, s, _ := w.begin()
			ctx, cancel := context.WithCancel(t.Context())
			var mu sync.Mutex
			acked := map[int]int{}
			var people sync.WaitGroup
			for i := range 4 {
				people.Go(func() {
					for n := 1; ; n++ {
						cmd := insert(fmt.Sprintf("p%d-%d", i, n), "x")
						cmd.CmdID = protocol.CommandID(cmd.CellID)
						if s.Do(ctx, cmd).Status != protocol.AckAccepted {
							return
						}
						mu.Lock()
						acked[i] = n
						mu.Unlock()
						time.Sleep(time.Duration(rand.IntN(100)) * time.Millisecond)
					}
				})
			}
			time.Sleep(time.Duration(rand.IntN(3000)) * time.Millisecond)
			after := &world{t: t, dir: t.TempDir(), memory: w.memory.PowerCut()}
			cancel()
			if err := os.CopyFS(after.dir, os.DirFS(w.dir)); err != nil {
				t.Fatal(err)
			}
			people.Wait()
			sv.stop()
			sv = after.serve()
			p := sv.page(sv.open("a.ipynb"))
			for i := range 4 {
				there := func(n int) bool { return p.state.Cell(protocol.CellID(fmt.Sprintf("p%d-%d", i, n))) != nil }
				n := 1
				for there(n) {
					n++
				}
				if n <= acked[i] || there(n+1) {
					t.Errorf("of person %d %d commands were acknowledged, and the first that is missing is %d", i, acked[i], n)
				}
			}
		})
	}
}
