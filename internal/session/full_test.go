package session

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// J9: what a person does on a full disk is shown, said to be at risk, and acknowledged when there is space again: it is tried once a second.
func TestFullDisk(t *testing.T) {
	quiet(t, func(t *testing.T, w *world) {
		sv, s, p := w.begin()
		sv.do(s, insert("before", "x"))
		w.memory.Fill(true)
		acked := make(chan protocol.Ack, 1)
		cmd := insert("big", strings.Repeat("y", 1<<20))
		cmd.CmdID = protocol.CommandID(uuid.NewString())
		go func() { acked <- s.Do(context.Background(), cmd) }()
		p.until("shown", func(st *protocol.State) bool { return st.Cell("big") != nil })
		p.until("said", func(st *protocol.State) bool {
			return st.Save.State == protocol.SaveFailed && strings.Contains(st.Save.Text, "disk is full")
		})
		time.Sleep(10 * writeRetry)
		if len(acked) > 0 {
			t.Fatalf("acknowledged on a full disk: %+v", <-acked)
		}
		w.memory.Fill(false)
		room := time.Now()
		if ack := <-acked; ack.Status != protocol.AckAccepted {
			t.Errorf("%+v", ack)
		}
		if took := time.Since(room); took > writeRetry {
			t.Errorf("acknowledged after %v", took)
		}
		p.untilSaved()
		p.c.Close()
		sv.stop()
		sv = w.serve()
		if p := sv.page(sv.open("a.ipynb")); p.state.Cell("big") == nil {
			t.Error("it is gone")
		}
	})
}
