package files

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Options of Open.
type Options struct {
	// Trash is where deleted files go, outside of what is served; made when missing. Without it nothing can be deleted.
	Trash string
	// Deny names further folders, by absolute path, that are never served even when they lie inside: Runnel's own state.
	Deny []string
	// Logger hears of the folder's own fate; nil: nobody does.
	Logger *slog.Logger
	// NoNotices is for tests with a clock of their own: watchers look every now and then, and do not ask the system.
	NoNotices bool
}

// MaxRead is the largest file that Read reads.
const MaxRead = 512 << 20

// Stamp tells one version of a file from another. The zero Stamp stands for no file.
type Stamp struct {
	ModTime time.Time `json:"mod_time"`
	Size    int64     `json:"size"`
	Hash    string    `json:"hash"` // sha256 of the content, hex
}

// Same says whether both are of the same content.
func (s Stamp) Same(other Stamp) bool { return s.Hash == other.Hash && s.Size == other.Size }

// Kinds of entries.
const (
	KindFolder   = "dir"
	KindNotebook = "notebook"
	KindFile     = "file"
)

// Entry is one line of a listing.
type Entry struct {
	Name     string    `json:"name"`
	Path     Path      `json:"path"`
	Kind     string    `json:"kind"`
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
	Writable bool      `json:"writable"` // a file may be saved, in a folder something may be made
}

// Folder is the served folder. It is safe for concurrent use.
type Folder struct {
	trash   *os.Root // nil: nothing can be deleted
	dir     string   // real absolute path
	deny    []string // slash paths below dir
	log     *slog.Logger
	notices bool // watchers ask the system

	mu       sync.Mutex
	root     *os.Root         // what is at dir; see top
	held     fs.FileInfo      // of root
	before   *os.Root         // that was at dir before, nil for nothing
	saving   map[string]*gate // by real path
	swept    map[string]bool  // folders in which what dead servers left was removed
	watchers []*Watcher

	// moving is held while something is renamed, and shared by a save from its last look at the old file until the new one is in its place: else
	// that would be put where the old one was, and be a second file.
	moving sync.RWMutex

	// step is called before each step of a save; tests make it fail.
	step func(what string) error
}

// gate lets one save of a path through at a time.
type gate struct {
	mu    sync.Mutex
	users int
}

// Open opens a folder. Close it when nothing uses it any more.
func Open(dir string, options Options) (*Folder, error) {
	dir, err := filepath.Abs(dir)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("open folder: %w", err)
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	f := &Folder{dir: dir, log: options.Logger, notices: !options.NoNotices, saving: map[string]*gate{}, swept: map[string]bool{}, step: func(string) error { return nil }}
	if f.root, err = os.OpenRoot(dir); err != nil {
		return nil, fmt.Errorf("open folder: %w", err)
	}
	if f.held, err = f.root.Stat("."); err != nil {
		return nil, errors.Join(fmt.Errorf("open folder: %w", err), f.root.Close())
	}
	if options.Trash != "" {
		if err := os.MkdirAll(options.Trash, 0o700); err != nil {
			return nil, errors.Join(fmt.Errorf("make trash: %w", err), f.root.Close())
		}
		if f.trash, err = os.OpenRoot(options.Trash); err != nil {
			return nil, errors.Join(fmt.Errorf("open trash: %w", err), f.root.Close())
		}
	}
	for _, denied := range append(slices.Clone(options.Deny), options.Trash) {
		if rel, ok := f.inside(denied); denied != "" && ok {
			f.deny = append(f.deny, rel)
		}
	}
	return f, nil
}

// inside is the slash path below the folder of an absolute path.
func (f *Folder) inside(path string) (string, bool) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return f.below(path)
}

// below is inside by the names alone: the disk is not looked at.
func (f *Folder) below(path string) (string, bool) {
	rel, err := filepath.Rel(f.dir, path)
	if err != nil || !filepath.IsLocal(rel) {
		return "", false
	}
	return filepath.ToSlash(rel), true
}

// Close gives the folder back; calls under way may fail.
func (f *Folder) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.root.Close()
	if f.before != nil {
		err = errors.Join(err, f.before.Close())
	}
	if f.trash != nil {
		err = errors.Join(err, f.trash.Close())
	}
	return err
}

// Dir is the folder's real absolute path.
func (f *Folder) Dir() string { return f.dir }

// Where is the absolute path of p, for processes that are started there.
func (f *Folder) Where(p Path) string { return filepath.Join(f.dir, filepath.FromSlash(string(p))) }

// List is what may be seen in a folder: folders first, then by name. What is hidden, odd or leads outside is left out.
func (f *Folder) List(p Path) ([]Entry, error) {
	at, err := f.locate(p)
	if err != nil {
		return nil, fail("list", p, err)
	}
	defer at.close()
	if !at.info.IsDir() {
		return nil, notFile(p, "not a folder")
	}
	dir, err := at.openDir()
	if err != nil {
		return nil, fail("list", p, err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, fail("list", p, err)
	}
	entries := []Entry{}
	for _, name := range names {
		if child, err := p.Join(name); err == nil {
			if e, err := f.Stat(child); err == nil {
				entries = append(entries, e)
			}
		}
	}
	slices.SortFunc(entries, func(a, b Entry) int {
		if (a.Kind == KindFolder) != (b.Kind == KindFolder) {
			if a.Kind == KindFolder {
				return -1
			}
			return 1
		}
		if c := strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	return entries, nil
}

// Stat describes one file or folder.
func (f *Folder) Stat(p Path) (Entry, error) {
	at, err := f.locate(p)
	if err != nil {
		return Entry{}, fail("read", p, err)
	}
	defer at.close()
	e := Entry{Name: p.Base(), Path: p, Kind: KindFile, Size: at.info.Size(), Modified: at.info.ModTime(), Writable: at.writable()}
	switch {
	case at.info.IsDir():
		e.Kind, e.Size = KindFolder, 0
	case p.IsNotebook():
		e.Kind = KindNotebook
	}
	if p == "" {
		e.Name = filepath.Base(f.dir)
	}
	return e, nil
}

// OpenFile opens a file for reading, for downloads. The caller closes it.
func (f *Folder) OpenFile(p Path) (*os.File, error) {
	at, err := f.locate(p)
	if err != nil {
		return nil, fail("read", p, err)
	}
	defer at.close()
	file, err := at.open()
	if err != nil {
		return nil, fail("read", p, err)
	}
	return file, nil
}

// Read reads a file whole.
func (f *Folder) Read(p Path) ([]byte, Stamp, error) {
	file, err := f.OpenFile(p)
	if err != nil {
		return nil, Stamp{}, err
	}
	defer file.Close()
	// A file that is written while it is read shows by its time or size: read it again then.
	for range 5 {
		var data []byte
		var before, after fs.FileInfo
		if before, err = file.Stat(); err != nil {
			break
		}
		if before.Size() > MaxRead {
			return nil, Stamp{}, tooLarge(p, MaxRead)
		}
		if data, err = readAll(file, before.Size()); err != nil {
			break
		}
		if after, err = file.Stat(); err != nil {
			break
		}
		if after.Size() == int64(len(data)) && after.ModTime().Equal(before.ModTime()) {
			return data, stampOf(data, after), nil
		}
		if _, err = file.Seek(0, io.SeekStart); err != nil {
			break
		}
		err = errors.New("another program keeps writing it")
	}
	return nil, Stamp{}, fail("read", p, err)
}

func readAll(r io.Reader, size int64) ([]byte, error) {
	data := make([]byte, 0, size+512)
	for {
		if len(data) == cap(data) {
			data = slices.Grow(data, len(data))
		}
		n, err := r.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if err == io.EOF || len(data) > MaxRead {
			return data, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// StampOf is the stamp of a content, without a time.
func StampOf(data []byte) Stamp {
	sum := sha256.Sum256(data)
	return Stamp{Size: int64(len(data)), Hash: hex.EncodeToString(sum[:])}
}

func stampOf(data []byte, info fs.FileInfo) Stamp {
	stamp := StampOf(data)
	stamp.ModTime = info.ModTime()
	return stamp
}

// stampFile hashes an open file.
func stampFile(file *os.File) (Stamp, error) {
	h := sha256.New()
	n, err := io.Copy(h, file)
	if err != nil {
		return Stamp{}, err
	}
	info, err := file.Stat()
	if err != nil {
		return Stamp{}, err
	}
	return Stamp{ModTime: info.ModTime(), Size: n, Hash: hex.EncodeToString(h.Sum(nil))}, nil
}

// Free says whether something new can take this name: ErrExists when it is taken.
func (f *Folder) Free(p Path) error {
	at, err := f.locateNew(p)
	if err != nil {
		return fail("make", p, err)
	}
	at.close()
	return nil
}

// Mkdir makes a folder; its parent must be there.
func (f *Folder) Mkdir(p Path) error {
	at, err := f.locateNew(p)
	if err != nil {
		return fail("make", p, err)
	}
	defer at.close()
	if err := at.dir.Mkdir(at.name, 0o777); err != nil {
		return fail("make", p, err)
	}
	return fail("make", p, at.syncDir())
}

// Rename moves a file or folder, never onto an existing one: ErrExists. A save of it that is under way and expects
// the old file is over before, or fails: ErrChanged.
func (f *Folder) Rename(from, to Path) error {
	if from == "" || to == "" {
		return fail("rename", from, syscall.EEXIST)
	}
	src, err := f.locateEntry(from)
	if err != nil {
		return fail("rename", from, err)
	}
	defer src.close()
	f.moving.Lock()
	defer f.moving.Unlock()
	dst, err := f.locateNew(to)
	if err != nil {
		if same, other := f.sameFile(from, to); !same || from == to {
			return fail("rename", to, errors.Join(err, other))
		}
		// Only the case of letters differs, on a disk that does not tell them apart.
		root, err := f.top()
		if err == nil {
			err = root.Rename(string(from), string(to))
		}
		return fail("rename", to, err)
	}
	defer dst.close()
	if err := moveNew(src.dir, src.name, dst.dir, dst.name); err != nil {
		return fail("rename", to, err)
	}
	return fail("rename", to, errors.Join(dst.syncDir(), src.syncDir()))
}

func (f *Folder) sameFile(a, b Path) (bool, error) {
	if !strings.EqualFold(string(a), string(b)) {
		return false, nil
	}
	root, err := f.top()
	if err != nil {
		return false, err
	}
	one, err := root.Lstat(string(a))
	if err != nil {
		return false, err
	}
	two, err := root.Lstat(string(b))
	if err != nil {
		return false, err
	}
	return os.SameFile(one, two), nil
}
