package session

import (
	"fmt"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/kernel"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// BenchmarkStream is what one line costs the core when the kernel floods: 500 messages in a batch.
func BenchmarkStream(b *testing.B) {
	bc := newBench(b, 0)
	bc.execute("r1", "a", "1")
	bc.start()
	var events []kernel.Event
	for i := range 500 {
		e := printed1("r1", fmt.Sprintf("line %d of many\n", i))
		e.Msg.Header = mustMarshal(map[string]string{"msg_id": fmt.Sprintf("4e0f5cb0-%d", i), "session": "4e0f5cb0", "username": "root", "date": "2026-11-23T21:00:00.000000Z", "msg_type": "stream", "version": "5.3"})
		events = append(events, e)
	}
	b.ReportAllocs()
	for b.Loop() {
		bc.c.kernelEvents(bc.c.priv.KernelID, events)
		bc.c.take()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/500, "ns/line")
}

// BenchmarkCommand is a command from Do to its Ack: written, applied, synced.
func BenchmarkCommand(b *testing.B) {
	w := newWorld(b, "")
	sv := w.serve()
	s := sv.open("a.ipynb")
	i := 0
	for b.Loop() {
		i++
		ack := s.Do(b.Context(), protocol.Command{Type: protocol.CmdClearOutputs, CmdID: protocol.CommandID(fmt.Sprint(i))})
		if ack.Status != protocol.AckAccepted {
			b.Fatalf("%+v", ack)
		}
	}
}

// BenchmarkRealPrints is a flood of a real kernel, to the last event.
func BenchmarkRealPrints(b *testing.B) {
	w := newWorld(b, "7")
	sv, s, p := w.begin()
	sv.execute(s, "a", "1")
	p.untilDone("a", protocol.StatusOK)
	for b.Loop() {
		begun := time.Now()
		sv.execute(s, "a", "for i in range(200_000): print('line', i)")
		p.untilDone("a", protocol.StatusOK)
		b.ReportMetric(200_000/time.Since(begun).Seconds(), "lines/s")
	}
}
