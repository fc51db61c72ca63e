package files

import (
	"context"
	"errors"
	"io"
	"os"
	"time"
)

// Options of Open.
type Options struct {
	// Trash is where deleted files go, outside of what is served; made when missing. Without it nothing can be deleted.
	Trash string
	// Deny names further folders, by absolute path, that are never served even when they lie inside: Runnel's own state.
	Deny []string
}

// Stamp tells one version of a file from another.
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
	Writable bool      `json:"writable"`
}

// Trashed is one thing in the trash.
type Trashed struct {
	ID      TrashID   `json:"id"`
	Path    Path      `json:"path"` // where it was
	Kind    string    `json:"kind"`
	Deleted time.Time `json:"deleted"`
}

// TrashID names one thing in the trash.
type TrashID string

// Folder is the served folder. It is safe for concurrent use.
type Folder struct {
}

var errNotYet = errors.New("files cannot be used yet")

// Open opens a folder. Close it when nothing uses it any more.
func Open(dir string, options Options) (*Folder, error) { return nil, errNotYet }

// Close gives the folder back; calls under way may fail.
func (f *Folder) Close() error { return nil }

// Dir is the folder's real absolute path.
func (f *Folder) Dir() string { return "" }

// Where is the absolute path of p, for processes that are started there.
func (f *Folder) Where(p Path) string { return "" }

// List is what may be seen in a folder: folders first, then by name. What is hidden, odd or leads outside is left out.
func (f *Folder) List(p Path) ([]Entry, error) { return nil, errNotYet }

// Stat describes one file or folder.
func (f *Folder) Stat(p Path) (Entry, error) { return Entry{}, errNotYet }

// Read reads a file whole.
func (f *Folder) Read(p Path) ([]byte, Stamp, error) { return nil, Stamp{}, errNotYet }

// OpenFile opens a file for reading, for downloads. The caller closes it.
func (f *Folder) OpenFile(p Path) (*os.File, error) { return nil, errNotYet }

// Save replaces a file's content atomically and durably, or makes the file. With expect it does so only while the file on disk
// is that version (the zero Stamp: while there is no file), else ErrChanged. The mode is kept. After an error the old content
// is whole. Saves of one path wait for each other.
func (f *Folder) Save(ctx context.Context, p Path, data []byte, expect *Stamp) (Stamp, error) {
	return Stamp{}, errNotYet
}

// SaveFrom is Save from a reader, of at most limit bytes.
func (f *Folder) SaveFrom(ctx context.Context, p Path, r io.Reader, limit int64, expect *Stamp) (Stamp, error) {
	return Stamp{}, errNotYet
}

// Create makes a file and never writes over one: ErrExists.
func (f *Folder) Create(ctx context.Context, p Path, data []byte) (Stamp, error) {
	return Stamp{}, errNotYet
}

// CreateFree makes a file under the first free of "stem.ext", "stem 1.ext", "stem 2.ext"... in the folder dir. ext is with its dot.
func (f *Folder) CreateFree(ctx context.Context, dir Path, stem, ext string, data []byte) (Path, Stamp, error) {
	return "", Stamp{}, errNotYet
}

// Mkdir makes a folder; its parent must be there.
func (f *Folder) Mkdir(p Path) error { return errNotYet }

// Rename moves a file or folder, never onto an existing one: ErrExists.
func (f *Folder) Rename(from, to Path) error { return errNotYet }

// Delete moves a file or folder to the trash.
func (f *Folder) Delete(p Path) (TrashID, error) { return "", errNotYet }

// Restore brings something back from the trash to where it was, under a free name when that place is taken.
func (f *Folder) Restore(ctx context.Context, id TrashID) (Path, error) { return "", errNotYet }

// Trash lists what can be restored, the newest first.
func (f *Folder) Trash() ([]Trashed, error) { return nil, errNotYet }

// Purge deletes for good what was put in the trash before a time.
func (f *Folder) Purge(before time.Time) error { return errNotYet }

// Parse checks a path from outside: see Path.
func Parse(s string) (Path, error) { return Path(s), nil }
