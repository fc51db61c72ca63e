package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/runnel-dev/runnel/internal/fault"
)

// Change says that a watched file is not what it was, and not by a Save of this Folder: its content, or whether it may be saved.
type Change struct {
	Path     Path
	Stamp    Stamp // of what is there now
	Gone     bool  // nothing is there now
	Writable bool  // it may be saved, as far as can be seen
}

const (
	defaultPoll = 2 * time.Second
	settle      = 100 * time.Millisecond // a file is read when nothing was heard of it for so long
	settleMost  = time.Second            // or after this
)

// Watcher notices outside changes of the files that are open: by the system's notices, and by a look at size and time every
// now and then for file systems that give none. Make one with NewWatcher; Run does the work.
type Watcher struct {
	folder  *Folder
	poll    time.Duration
	log     *slog.Logger
	changes chan Change
	wake    chan struct{}

	mu      sync.Mutex
	watched map[Path]*watched
}

// watched is what is known of one file. Guarded by Watcher.mu.
type watched struct {
	known  Stamp       // told or saved last
	may    bool        // it may be saved; told last
	info   fs.FileInfo // of the last look, nil for nothing
	looked bool        // info is of known
	saving []Stamp     // saves under way: their content is no news
	saves  int         // that have ended: what was read across one of them is read again
	first  time.Time   // of the notices not yet looked into, zero for none
	last   time.Time
}

// NewWatcher makes a watcher that looks every poll (0: 2 s).
func NewWatcher(f *Folder, poll time.Duration, log *slog.Logger) *Watcher {
	if poll <= 0 {
		poll = defaultPoll
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	w := &Watcher{
		folder: f, poll: poll, log: log, changes: make(chan Change), wake: make(chan struct{}, 1),
		watched: map[Path]*watched{},
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.watchers = append(f.watchers, w)
	return w
}

// Watch begins to watch a file of which this is known (the zero Stamp: there is no file). For a watched file it is the news.
func (w *Watcher) Watch(p Path, stamp Stamp, writable bool) {
	w.mu.Lock()
	if f := w.watched[p]; f != nil {
		f.known, f.may, f.looked = stamp, writable, false
	} else {
		w.watched[p] = &watched{known: stamp, may: writable}
	}
	w.mu.Unlock()
	w.nudge()
}

// Unwatch ends it.
func (w *Watcher) Unwatch(p Path) {
	w.mu.Lock()
	delete(w.watched, p)
	w.mu.Unlock()
	w.nudge()
}

func (w *Watcher) nudge() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Changes is where changes arrive. Only the newest state of a file is told; a reader that is slow sees fewer, never wrong ones.
func (w *Watcher) Changes() <-chan Change { return w.changes }

// announce tells the watchers that p is about to be saved; the result tells them how that ended.
func (f *Folder) announce(p Path, stamp Stamp) func(saved bool) {
	f.mu.Lock()
	watchers := f.watchers
	f.mu.Unlock()
	for _, w := range watchers {
		w.mu.Lock()
		if file := w.watched[p]; file != nil {
			file.saving = append(file.saving, stamp)
		}
		w.mu.Unlock()
	}
	return func(saved bool) {
		for _, w := range watchers {
			w.mu.Lock()
			if file := w.watched[p]; file != nil {
				file.saving = nil // saves of one path wait for each other
				file.saves++
				if saved {
					file.known, file.looked = stamp, false
				}
			}
			w.mu.Unlock()
		}
	}
}

// Run watches until ctx ends, then closes Changes.
func (w *Watcher) Run(ctx context.Context) error {
	defer close(w.changes)
	defer w.leave()
	heard := w.listen()
	defer heard.close()
	tick := time.NewTicker(w.poll)
	defer tick.Stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.wake:
			w.follow(heard)
		case e := <-heard.events:
			w.hear(e.Name)
			if heard.lost(e) { // it may have been made again already
				w.follow(heard)
				w.lookAtAll()
			}
		case err := <-heard.errors:
			w.log.Warn("some notices of changed files are lost; looking instead", "err", err)
			w.lookAtAll()
		case <-tick.C:
			w.follow(heard)
			w.lookAtAll()
		case <-timer.C:
		}
		if err := w.readDue(ctx); err != nil {
			return nil
		}
		if wait, any := w.due(time.Now()); any {
			timer.Reset(wait)
		}
	}
}

// follow has the folders of the watched files followed, and no others. With a folder that is let go, because it is gone, go the
// notices of it that were not heard yet.
func (w *Watcher) follow(l *listener) {
	if l.follow(w.folders()) {
		w.lookAtAll()
	}
}

func (w *Watcher) leave() {
	w.folder.mu.Lock()
	defer w.folder.mu.Unlock()
	var rest []*Watcher
	for _, other := range w.folder.watchers {
		if other != w {
			rest = append(rest, other)
		}
	}
	w.folder.watchers = rest
}

// hear takes a notice about an absolute path.
func (w *Watcher) hear(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for p, f := range w.watched {
		if filepath.Base(name) == p.Base() {
			f.notice()
		}
	}
}

func (f *watched) notice() {
	f.last = time.Now()
	if f.first.IsZero() {
		f.first = f.last
	}
}

// lookAtAll notices what has another size or time than at the last look, or other rights.
func (w *Watcher) lookAtAll() {
	for _, p := range w.paths() {
		info, may, err := w.look(p)
		w.mu.Lock()
		f := w.watched[p]
		switch {
		case f == nil || err != nil:
		case !f.looked:
			f.notice()
		case (info == nil) != (f.info == nil):
			f.notice()
		case info != nil && (info.Size() != f.info.Size() || !info.ModTime().Equal(f.info.ModTime()) || !os.SameFile(info, f.info) || may != f.may):
			f.notice()
		}
		w.mu.Unlock()
	}
}

func (w *Watcher) paths() []Path {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := make([]Path, 0, len(w.watched))
	for p := range w.watched {
		list = append(list, p)
	}
	return list
}

// folders are the absolute paths of the folders with watched files.
func (w *Watcher) folders() map[string]bool {
	set := map[string]bool{}
	root, err := w.folder.top()
	if err != nil {
		return set
	}
	for _, p := range w.paths() {
		if real, err := w.folder.resolve(root, p, true); err == nil {
			set[filepath.Join(w.folder.dir, filepath.FromSlash(path.Dir(real)))] = true
		}
	}
	return set
}

// look is what is at p now, nil for nothing, and whether it may be saved.
func (w *Watcher) look(p Path) (info fs.FileInfo, writable bool, err error) {
	at, err := w.folder.locate(p)
	if errors.Is(err, fs.ErrNotExist) || fault.KindOf(err) == fault.NotFound {
		return nil, true, nil
	}
	if err != nil {
		return nil, false, err
	}
	defer at.close()
	return at.info, at.writable(), nil
}

// due is how long it is until a file is to be read.
func (w *Watcher) due(now time.Time) (time.Duration, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	least, any := time.Duration(0), false
	for _, f := range w.watched {
		if f.first.IsZero() {
			continue
		}
		if wait := max(f.wait(now), 0); !any || wait < least {
			least, any = wait, true
		}
	}
	return least, any
}

func (f *watched) wait(now time.Time) time.Duration {
	return min(f.last.Add(settle).Sub(now), f.first.Add(settleMost).Sub(now))
}

// readDue reads the files that have settled and tells what is news.
func (w *Watcher) readDue(ctx context.Context) error {
	for _, p := range w.paths() {
		w.mu.Lock()
		f := w.watched[p]
		if f == nil || f.first.IsZero() || f.wait(time.Now()) > 0 {
			w.mu.Unlock()
			continue
		}
		f.first = time.Time{}
		saves := f.saves
		w.mu.Unlock()
		stamp, info, err := w.stamp(p)
		if err != nil {
			w.log.Warn("a watched file cannot be read", "path", string(p), "err", err)
			continue
		}
		_, may, err := w.look(p)
		found := Change{Path: p, Stamp: stamp, Gone: info == nil, Writable: may && err == nil}
		if w.judge(found, f, saves, info) {
			select {
			case w.changes <- found:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return nil
}

// stamp is the stamp of what is at p now; info is nil for nothing.
func (w *Watcher) stamp(p Path) (Stamp, fs.FileInfo, error) {
	file, err := w.folder.OpenFile(p)
	if fault.KindOf(err) == fault.NotFound {
		return Stamp{}, nil, nil
	}
	if err != nil {
		return Stamp{}, nil, err
	}
	defer file.Close()
	stamp, err := stampFile(file)
	if err != nil {
		return Stamp{}, nil, fmt.Errorf("read %q: %w", p, err)
	}
	info, err := file.Stat()
	return stamp, info, err
}

// judge says whether what was found is news, and takes it as known.
func (w *Watcher) judge(found Change, f *watched, saves int, info fs.FileInfo) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.watched[found.Path] != f {
		return false
	}
	if f.saves != saves {
		f.notice() // a save ended while the file was read: look again
		return false
	}
	f.info, f.looked = info, true
	if slices.ContainsFunc(f.saving, found.Stamp.Same) || f.known.Same(found.Stamp) && f.may == found.Writable {
		return false
	}
	f.known, f.may = found.Stamp, found.Writable
	return true
}

// listener follows folders with the system's notices, as far as there are any.
type listener struct {
	watcher *fsnotify.Watcher // nil: none
	events  <-chan fsnotify.Event
	errors  <-chan error
	follows map[string]bool
	log     *slog.Logger
}

func (w *Watcher) listen() *listener {
	l := &listener{follows: map[string]bool{}, log: w.log}
	if !w.folder.notices {
		return l
	}
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		w.log.Warn("no notices of changed files; looking instead", "err", err)
		return l
	}
	l.watcher, l.events, l.errors = watcher, watcher.Events, watcher.Errors
	return l
}

// follow makes it these folders, and says whether one was let go. One that cannot be followed is looked at by the poll all the same.
func (l *listener) follow(folders map[string]bool) (letGo bool) {
	if l.watcher == nil {
		return false
	}
	for dir := range l.follows {
		if !folders[dir] {
			_ = l.watcher.Remove(dir) // it may be gone with its folder
			delete(l.follows, dir)
			letGo = true
		}
	}
	for dir := range folders {
		if !l.follows[dir] {
			err := l.watcher.Add(dir)
			if errors.Is(err, fs.ErrNotExist) {
				continue // it may come
			}
			if err != nil {
				l.log.Debug("no notices of a folder; looking instead", "dir", dir, "err", err)
			}
			l.follows[dir] = true
		}
	}
	return letGo
}

// lost says that a folder is no longer followed: it was removed or moved.
func (l *listener) lost(e fsnotify.Event) bool {
	if !e.Has(fsnotify.Remove|fsnotify.Rename) || !l.follows[e.Name] {
		return false
	}
	delete(l.follows, e.Name)
	return true
}

func (l *listener) close() {
	if l.watcher != nil {
		if err := l.watcher.Close(); err != nil {
			l.log.Debug("end of notices", "err", err)
		}
	}
}
