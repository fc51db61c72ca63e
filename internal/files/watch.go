package files

import (
	"context"
	"log/slog"
	"time"
)

// Change says that a watched file is not what it was, and not by a Save of this Folder.
type Change struct {
	Path  Path
	Stamp Stamp // of what is there now
	Gone  bool  // nothing is there now
}

// Watcher notices outside changes of the files that are open: by the system's notices, and by a look at size and time every
// now and then for file systems that give none. Make one with NewWatcher; Run does the work.
type Watcher struct {
}

// NewWatcher makes a watcher that looks every poll (0: 2 s).
func NewWatcher(f *Folder, poll time.Duration, log *slog.Logger) *Watcher { return &Watcher{} }

// Watch begins to watch a file of which stamp is known (the zero Stamp: there is no file).
func (w *Watcher) Watch(p Path, stamp Stamp) {}

// Unwatch ends it.
func (w *Watcher) Unwatch(p Path) {}

// Changes is where changes arrive. Only the newest state of a file is told; a reader that is slow sees fewer, never wrong ones.
func (w *Watcher) Changes() <-chan Change { return nil }

// Run watches until ctx ends, then closes Changes.
func (w *Watcher) Run(ctx context.Context) error { return nil }
