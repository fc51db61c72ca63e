package session

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/runnel-dev/runnel/internal/journal"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// How facts are gathered into journal batches, and when batches become a snapshot.
const (
	groupTime     = 20 * time.Millisecond
	groupBytes    = 64 << 10
	writeRetry    = time.Second
	batchMost     = 1 << 20  // bytes of facts in one batch, unless one input led to more
	queueMax      = 8 << 20  // bytes of facts that wait while the journal works; then the kernel is held back
	heldMax       = 64 << 20 // the same for a disk that is full
	snapshotEvery = 2_000    // batches
	snapshotBytes = 8 << 20
)

// writer puts a session's facts into the journal, in order, in a goroutine of its own (run). Its lock guards what is below it.
type writer struct {
	j      batchWriter
	id     journal.NotebookID
	log    *slog.Logger
	failed func(error)   // told when writing begins to fail, and with nil when it works again; must not block
	grown  func()        // told when a snapshot is due; must not block
	acked  func(reached) // told how far the kernel's records are written; must not block
	kick   chan struct{}

	mu       sync.Mutex
	items    []item
	bytes    int
	since    time.Time // when items[0] came
	ticket   uint64    // of the last item added
	written  uint64    // ticket of the last item written
	urgent   uint64    // write at least up to this ticket now
	seq      uint64
	batches  int  // since the last snapshot
	sized    int  // bytes of batches since then
	snapped  int  // bytes of the last snapshot
	due      bool // a snapshot was asked for
	err      error
	progress chan struct{} // closed and replaced when written or err changes
}

// item is what one input led to, or a snapshot of the state after it.
type item struct {
	ticket   uint64
	facts    []protocol.Event
	at       int64
	n        uint64
	reached  reached
	snapshot func() (json.RawMessage, error)
}

// reached is how far a kernel's records are applied.
type reached struct {
	kernel string
	record uint64
}

func newWriter(j batchWriter, id journal.NotebookID, seq uint64, log *slog.Logger) *writer {
	return &writer{j: j, id: id, seq: seq, log: log, kick: make(chan struct{}, 1), progress: make(chan struct{})}
}

// add queues an item and returns its ticket.
func (w *writer) add(it item) uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ticket++
	it.ticket = w.ticket
	if len(w.items) == 0 {
		w.since = time.Now()
	}
	w.items = append(w.items, it)
	w.bytes += it.size()
	if it.snapshot != nil {
		w.urgent = w.ticket
	}
	w.poke()
	return it.ticket
}

// size is about how many bytes its facts take.
func (it item) size() int {
	n := 0
	for _, e := range it.facts {
		n += factSize(e)
	}
	return n
}

func factSize(e protocol.Event) int {
	if p, ok := e.(protocol.TextPut); ok {
		return len(p.Raw) + 64
	}
	if r, ok := e.(runAdded); ok {
		return len(r.Run.Code) + 200
	}
	return eventSize(e)
}

func (w *writer) poke() {
	select {
	case w.kick <- struct{}{}:
	default:
	}
}

// wait returns when the ticket is written; with hurry also when writing fails.
func (w *writer) wait(ctx context.Context, ticket uint64, hurry bool) error {
	for {
		w.mu.Lock()
		if w.written >= ticket {
			w.mu.Unlock()
			return nil
		}
		if w.err != nil && hurry {
			defer w.mu.Unlock()
			return w.err
		}
		if ticket > w.urgent {
			w.urgent = ticket
			w.poke()
		}
		changed := w.progress
		w.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// last is the ticket of the last item added.
func (w *writer) last() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ticket
}

// full says that too much waits to be written: what is said next shall wait in the keeper's spool, so that a person's command
// does not wait behind a flood.
func (w *writer) full() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return w.bytes > heldMax
	}
	return w.bytes > queueMax
}

// run writes until ctx ends, then what is left, once.
func (w *writer) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		wait := w.untilDue()
		if wait <= 0 {
			if w.flush() == nil {
				continue
			}
			select { // a disk that is full is not asked again at once
			case <-time.After(writeRetry):
			case <-ctx.Done():
			}
			continue
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
		case <-w.kick:
		case <-timer.C:
		}
	}
	for w.untilDue() != idle && w.flush() == nil {
	}
}

const idle = time.Hour

// untilDue is how long the oldest item may still wait; an hour when there is none.
func (w *writer) untilDue() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case len(w.items) == 0:
		return idle
	case w.urgent > w.written || w.bytes >= groupBytes:
		return 0
	}
	return groupTime - time.Since(w.since)
}

// flush writes the items up to the next snapshot as one batch, then that snapshot.
func (w *writer) flush() error {
	ctx := context.Background() // a batch that was handed over is waited for: it may be written already
	w.mu.Lock()
	take, size := 0, 0
	for _, it := range w.items {
		take++
		if size += it.size(); it.snapshot != nil || size >= batchMost {
			break
		}
	}
	items := w.items[:take:take]
	seq := w.seq
	w.mu.Unlock()
	if len(items) == 0 {
		return nil
	}
	size, err := w.append(ctx, items, seq+1)
	if err == nil && size > 0 {
		seq++
	}
	snapshot := 0
	last := items[len(items)-1]
	if err == nil && last.snapshot != nil {
		snapshot = w.snapshot(ctx, last, seq)
	}
	w.settle(items, seq, size, snapshot, err)
	return err
}

// append writes one batch; a size of 0 says there was nothing to write.
func (w *writer) append(ctx context.Context, items []item, seq uint64) (int, error) {
	rec := record{Version: 1}
	var facts []protocol.Event
	for _, it := range items {
		rec.At = it.at
		if it.reached.kernel != "" {
			rec.KernelID, rec.Record = it.reached.kernel, it.reached.record
		}
		facts = append(facts, it.facts...)
	}
	for _, e := range joinFacts(facts) {
		raw, err := encodeFact(e)
		if err != nil {
			w.log.Error("a fact cannot be journaled", "type", e.EventType(), "err", err)
			continue
		}
		rec.Facts = append(rec.Facts, raw)
	}
	if len(rec.Facts) == 0 && rec.KernelID == "" {
		return 0, nil
	}
	data := rec.encode()
	return len(data), w.j.Append(ctx, w.id, journal.Batch{Seq: seq, N: items[len(items)-1].n, Data: data})
}

func (w *writer) snapshot(ctx context.Context, it item, seq uint64) int {
	data, err := it.snapshot()
	if err == nil {
		err = w.j.Snapshot(ctx, w.id, journal.Batch{Seq: seq, N: it.n, Data: data})
	}
	if err != nil {
		w.log.Warn("snapshot not written; the batches stay", "err", err)
		return 0
	}
	return len(data)
}

// snapshotDueLocked: a snapshot of a large state is written only after much has happened, so that its cost stays in proportion.
func (w *writer) snapshotDueLocked() bool {
	return w.sized >= max(snapshotBytes, w.snapped) || w.batches >= snapshotEvery && w.sized >= w.snapped/8
}

func (w *writer) settle(items []item, seq uint64, size int, snapshot int, err error) {
	w.mu.Lock()
	before := w.err
	w.err = err
	ask := false
	var reach []reached // of each kernel how far: a new one's first records come together with an old one's last
	if err == nil {
		last := items[len(items)-1]
		w.seq, w.written = seq, last.ticket
		w.items = w.items[len(items):]
		if len(w.items) == 0 {
			w.items, w.bytes = nil, 0
		} else {
			for _, it := range items {
				w.bytes -= it.size()
			}
			w.since = time.Now()
		}
		w.batches++
		w.sized += size
		if last.snapshot != nil {
			w.due = false
		}
		if snapshot > 0 {
			w.batches, w.sized, w.snapped = 0, 0, snapshot
		}
		if !w.due && w.snapshotDueLocked() {
			w.due, ask = true, true
		}
		for _, it := range items {
			switch n := len(reach); {
			case it.reached.kernel == "":
			case n > 0 && reach[n-1].kernel == it.reached.kernel:
				reach[n-1] = it.reached
			default:
				reach = append(reach, it.reached)
			}
		}
		clear(items) // the array lives on behind w.items
	}
	close(w.progress)
	w.progress = make(chan struct{})
	w.mu.Unlock()
	if (before == nil) != (err == nil) && !errors.Is(err, context.Canceled) {
		w.failed(err)
	}
	for _, r := range reach {
		w.acked(r)
	}
	if ask {
		w.grown()
	}
}
