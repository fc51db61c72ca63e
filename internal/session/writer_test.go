package session

import (
	"log/slog"
	"slices"
	"testing"

	"github.com/runnel-dev/runnel/internal/journal/journaltest"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// An old kernel's last records are acknowledged also when they are written together with a new one's first: else its keeper stays.
func TestWriterAcknowledgesEachKernel(t *testing.T) {
	j := journaltest.NewMemory()
	id, err := j.Notebook(t.Context(), "a.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	w := newWriter(j, id, 0, slog.New(slog.DiscardHandler))
	var got []reached
	w.acked, w.failed, w.grown = func(r reached) { got = append(got, r) }, func(error) {}, func() {}
	want := []reached{{"old", 8}, {"new", 2}}
	for _, r := range []reached{{"old", 7}, want[0], {"new", 1}, want[1]} {
		w.add(item{facts: []protocol.Event{protocol.Notice{Code: "x"}}, reached: r})
	}
	if err := w.flush(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("acknowledged %v, want %v", got, want)
	}
}
