package keeper

import (
	"sync"
	"time"
)

const (
	orderTick  = 500 * time.Millisecond
	orderQuiet = 4  // ticks in a row without a word on iopub: what is awaited is lost
	orderMost  = 60 // ticks, whatever is heard
)

// order makes one order of what a kernel says on two sockets: a question, on stdin, comes after what was printed before it, on iopub. A kernel
// that wants this says on iopub when it has said all, and its question names that (jupyter.Said).
type order struct {
	news chan struct{} // to the reader of stdin, the only one who waits

	mu        sync.Mutex // guards the rest
	listening bool       // iopub is being read
	taking    bool       // a message of it is on its way into the spool, which may have no room
	heard     int        // messages of it
	latest    uint64     // the number that was said last
}

func newOrder() *order { return &order{news: make(chan struct{}, 1)} }

// await returns when all is said up to number n: 0 at once. It gives a kernel up that has lost it: one that is silent for two seconds, or talks for
// thirty and does not come to that. A time in which the spool has no room does not count.
func (o *order) await(n uint64) {
	if !o.awaits(n) {
		return
	}
	ticker := time.NewTicker(orderTick)
	defer ticker.Stop()
	heard, _ := o.now()
	for ticks, quiet := 0, 0; quiet < orderQuiet && ticks < orderMost; {
		select {
		case <-o.news:
			if !o.awaits(n) {
				return
			}
		case <-ticker.C:
			now, taking := o.now()
			if !taking {
				ticks++
				quiet++
			}
			if taking || now != heard {
				heard, quiet = now, 0
			}
		}
	}
}

func (o *order) now() (heard int, taking bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.heard, o.taking
}

func (o *order) awaits(n uint64) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.listening && o.latest < n
}

// listens is told when iopub begins to be read and when it ends: from then on nothing is awaited.
func (o *order) listens(now bool) {
	o.mu.Lock()
	o.listening, o.taking = now, false
	o.mu.Unlock()
	poke(o.news)
}

// said: all is said up to number n.
func (o *order) said(n uint64) {
	o.mu.Lock()
	o.latest = max(o.latest, n)
	o.mu.Unlock()
	poke(o.news)
}

// takes is told when a message of iopub was read and when it is in the spool.
func (o *order) takes(now bool) {
	o.mu.Lock()
	o.taking = now
	o.heard++
	o.mu.Unlock()
}
