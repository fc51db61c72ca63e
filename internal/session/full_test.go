package session

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// J9: what a person does on a full disk is shown, said to be at risk, and acknowledged when there is space again.
func TestFullDisk(t *testing.T) {
	w := newWorld(t, "")
	sv, s, p := w.begin()
	sv.do(s, insert("before", "x"))
	if err := sv.journal.LimitPages(testContext(t), 1); err != nil {
		t.Fatal(err)
	}
	acked := make(chan protocol.Ack, 1)
	cmd := insert("big", strings.Repeat("y", 1<<20))
	cmd.CmdID = protocol.CommandID(uuid.NewString())
	go func() { acked <- s.Do(context.Background(), cmd) }()
	p.until("shown", func(st *protocol.State) bool { return st.Cell("big") != nil })
	p.until("said", func(st *protocol.State) bool {
		return st.Save.State == protocol.SaveFailed && strings.Contains(st.Save.Text, "disk is full")
	})
	select {
	case ack := <-acked:
		t.Fatalf("acknowledged on a full disk: %+v", ack)
	case <-time.After(50 * time.Millisecond):
	}
	if err := sv.journal.LimitPages(testContext(t), 1<<30); err != nil {
		t.Fatal(err)
	}
	if ack := <-acked; ack.Status != protocol.AckAccepted {
		t.Errorf("%+v", ack)
	}
	p.untilSaved()
	p.c.Close()
	sv.stop()
	sv = w.serve()
	if p := sv.page(sv.open("a.ipynb")); p.state.Cell("big") == nil {
		t.Error("it is gone")
	}
}
