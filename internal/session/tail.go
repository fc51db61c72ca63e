package session

import (
	"sync"

	"github.com/runnel-dev/runnel/internal/protocol"
)

// Bounds of the events kept in memory, and of one batch.
const (
	tailMin      = 5_000 // events, unless they are over tailBytes
	tailMax      = 200_000
	tailBytes    = 64 << 20
	resumeMax    = 5_000   // events a resume may bring (P21)
	resumeBytes  = 2 << 20 // and bytes
	lagBytes     = 4 << 20 // a page further behind gets a snapshot, unless one batch says all (P25)
	batchBytes   = 256 << 10
	batchEvents  = 5_000 // in one batch, before they are joined
	perEventCost = 160   // bytes of memory beside its text
)

// tail is the last events, shared by all cursors. Its own lock guards it; changed is closed and replaced at each change.
type tail struct {
	mu      sync.Mutex
	epoch   string
	entries []entry // entries[0] has number first
	first   uint64
	top     uint64
	bytes   int
	total   int64 // bytes ever put, to know how far behind a cursor is
	gone    *protocol.Gone
	closed  bool
	changed chan struct{}
	news    uint64        // number of the last event that is no output
	told    chan struct{} // closed and replaced with news
	memo    [2]Batch      // the batches made last, for plain clients and for pages: cursors that are at the same place share them
}

type entry struct {
	event protocol.Event
	size  int
	total int64 // bytes ever put, up to and with this one
}

func newTail(epoch string, n uint64) *tail {
	return &tail{epoch: epoch, first: n + 1, top: n, changed: make(chan struct{}), told: make(chan struct{})}
}

func (t *tail) wakeLocked() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// put adds events.
func (t *tail) put(events []protocol.Event) {
	if len(events) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range events {
		size := eventSize(e)
		t.total += int64(size)
		t.bytes += size
		t.entries = append(t.entries, entry{event: e, size: size, total: t.total})
		t.top++
		if !isOutput(e) {
			t.news = t.top
		}
	}
	if t.news > t.top-uint64(len(events)) {
		close(t.told)
		t.told = make(chan struct{})
	}
	drop := 0
	for left := len(t.entries); left > tailMax || t.bytes > tailBytes && left > 1; left-- {
		t.bytes -= t.entries[drop].size
		t.entries[drop].event = nil
		drop++
	}
	t.entries = t.entries[drop:]
	t.first += uint64(drop)
	t.wakeLocked()
}

// isOutput says whether it is of the kind that a kernel makes by the thousand.
func isOutput(e protocol.Event) bool {
	switch e.(type) {
	case protocol.TextPut, protocol.OutputSet, protocol.OutputsCleared, protocol.WidgetUpdated, protocol.SaveChanged:
		return true
	}
	return false
}

// trim forgets all but the newest events, when nobody reads.
func (t *tail) trim(keep int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if drop := len(t.entries) - keep; drop > 0 {
		t.entries = append([]entry(nil), t.entries[drop:]...)
		t.first += uint64(drop)
		t.bytes = 0
		for _, e := range t.entries {
			t.bytes += e.size
		}
		t.memo = [2]Batch{}
	}
}

func (t *tail) end(gone *protocol.Gone) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if gone != nil && t.gone == nil {
		t.gone = gone
	}
	t.closed = t.closed || gone == nil
	t.wakeLocked()
}

// behindLocked is how many bytes of events come after n, -1 when some of them are gone.
func (t *tail) behindLocked(n uint64) int64 {
	switch {
	case n > t.top || n+1 < t.first:
		return -1
	case n == t.top:
		return 0
	case n+1 == t.first:
		return t.total - (t.entries[0].total - int64(t.entries[0].size))
	}
	return t.total - t.entries[n-t.first].total
}

// resumable says whether a client at (epoch, n) can go on with events (P21).
func (t *tail) resumable(epoch string, n uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if epoch != t.epoch || epoch == "" {
		return false
	}
	behind := t.behindLocked(n)
	return behind >= 0 && behind <= resumeBytes && t.top-n < resumeMax
}

// nextLocked is a batch of the events after n; there is at least one. For pages, a text of which much is dropped again counts with what is
// left of it.
func (t *tail) nextLocked(n uint64, pages bool) Batch {
	memo := &t.memo[0]
	if pages {
		memo = &t.memo[1]
	}
	if memo.From == n+1 && memo.N > n {
		return *memo
	}
	j := joiner{pages: pages}
	read := uint64(0)
	for _, e := range t.entries[n+1-t.first:] {
		if read > 0 && (read == batchEvents || !j.room(e)) {
			break
		}
		j.add(e.event)
		read++
	}
	events := j.events()
	*memo = Batch{Epoch: t.epoch, From: n + 1, N: n + read, Events: events}
	memo.Encoded = sync.OnceValue(func() [][]byte { return encodeAll(events) })
	return *memo
}

func encodeAll(events []protocol.Event) [][]byte {
	out := make([][]byte, len(events))
	for i, e := range events {
		out[i] = encode(e)
	}
	return out
}

func encode(e protocol.Event) []byte {
	raw, err := protocol.EncodeEvent(e)
	if err != nil { // a value that the kernel sent and we could not check before
		return mustMarshal(protocol.Notice{Level: "error", Code: "internal", Text: "An event could not be encoded."})
	}
	return raw
}

// eventSize is about how many bytes the event is on the wire.
func eventSize(e protocol.Event) int {
	switch e := e.(type) {
	case protocol.TextPut:
		if e.Text == e.Raw {
			return perEventCost + len(e.Text)
		}
		return perEventCost + len(e.Text) + len(e.Raw)
	case protocol.OutputSet:
		return perEventCost + outputSize(e.Output)
	case protocol.CellAdded:
		n := perEventCost + len(e.Cell.Source)
		for _, o := range e.Cell.Outputs {
			n += outputSize(o)
		}
		return n
	case protocol.Edited:
		return perEventCost + len(e.Changes)
	case protocol.WidgetOpened:
		return perEventCost + sizeOfState(e.State) + sizeOfKept(e.Buffers)
	case protocol.WidgetUpdated:
		return perEventCost + sizeOfState(e.State) + sizeOfKept(e.Buffers)
	case protocol.WidgetSaid:
		n := perEventCost + len(e.Content)
		for _, b := range e.Buffers {
			n += len(b)
		}
		return n
	case captureChanged:
		return perEventCost + len(e.Text) + len(e.Output)
	case protocol.RunDone:
		return perEventCost + len(e.Variables)
	}
	return perEventCost
}

func outputSize(o *protocol.Output) int {
	n := perEventCost + len(o.Metadata)
	for _, v := range o.Data {
		n += len(v)
	}
	if o.Text != nil {
		n += len(o.Text.Head) + len(o.Text.Tail)
	}
	for _, line := range o.Traceback {
		n += len(line)
	}
	return n
}
