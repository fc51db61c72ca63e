package journal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Hash names a blob: the sha256 of its bytes, in hex.
func Hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Put keeps data as a blob under its Hash, which whoever refers to it has made. The same data is kept once.
func (j *Journal) Put(hash string, data []byte) error {
	path := j.blobPath(hash)
	j.blobs.RLock()
	defer j.blobs.RUnlock()
	if info, err := os.Stat(path); err == nil && info.Size() == int64(len(data)) {
		now := time.Now()
		return os.Chtimes(path, now, now) // it is young again (J14)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("keep blob: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return fmt.Errorf("keep blob: %w", err)
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("keep blob: %w", err)
	}
	if j.fresh.add(path) < freshMost {
		return nil
	}
	return j.Sync(context.Background())
}

// freshMost is how many blobs may wait for the next sync: a cell that makes them for hours syncs nothing else.
const freshMost = 1000

// fresh are the blobs that are not known to be on the disk yet.
type fresh struct {
	mu    sync.Mutex
	paths []string
}

// add gives how many wait now.
func (f *fresh) add(path string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.paths = append(f.paths, path)
	return len(f.paths)
}

// sync puts them on the disk: what is synced may name them.
func (f *fresh) sync() error {
	f.mu.Lock()
	paths := f.paths
	f.paths = nil
	f.mu.Unlock()
	folders := map[string]bool{}
	for _, path := range paths {
		folder := filepath.Dir(path)
		folders[folder], folders[filepath.Dir(folder)] = true, true
		if err := syncPath(path); err != nil {
			return err
		}
	}
	for folder := range folders {
		if err := syncPath(folder); err != nil {
			return err
		}
	}
	return nil
}

// syncPath makes a file or a folder durable; one that was removed needs not be.
func syncPath(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Blob opens a blob, which the caller closes; fs.ErrNotExist when there is none.
func (j *Journal) Blob(hash string) (io.ReadSeekCloser, error) {
	if raw, err := hex.DecodeString(hash); err != nil || len(raw) != sha256.Size || strings.ToLower(hash) != hash {
		return nil, fmt.Errorf("blob %.80q: %w", hash, fs.ErrNotExist)
	}
	return opened(os.Open(j.blobPath(hash)))
}

// opened is a file that is there, or no file at all.
func opened(f *os.File, err error) (io.ReadSeekCloser, error) {
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (j *Journal) blobPath(hash string) string { return filepath.Join(j.dir, "blobs", hash[:2], hash) }

// Spill writes data at offset into what is kept aside of an output. Writing the same again changes nothing.
func (j *Journal) Spill(id NotebookID, output string, offset int64, data []byte) error {
	path, err := j.spillPath(id, output)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("keep output: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("keep output: %w", err)
	}
	_, err = f.WriteAt(data, offset)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("keep output: %w", err)
	}
	return nil
}

// OpenSpill opens what is kept aside of an output, which the caller closes; fs.ErrNotExist when there is nothing.
func (j *Journal) OpenSpill(id NotebookID, output string) (io.ReadSeekCloser, error) {
	path, err := j.spillPath(id, output)
	if err != nil {
		return nil, err
	}
	return opened(os.Open(path))
}

// DropSpill removes what is kept aside of an output; empty: of all outputs of the notebook.
func (j *Journal) DropSpill(id NotebookID, output string) error {
	if output == "" {
		return os.RemoveAll(j.spillDir(id))
	}
	path, err := j.spillPath(id, output)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (j *Journal) spillDir(id NotebookID) string {
	return filepath.Join(j.dir, "spill", strconv.FormatInt(int64(id), 10))
}

func (j *Journal) spillPath(id NotebookID, output string) (string, error) {
	if output == "" || len(output) > 64 || strings.Trim(output, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "" {
		return "", fmt.Errorf("output %.80q: %w", output, fs.ErrNotExist)
	}
	return filepath.Join(j.spillDir(id), output), nil
}

// PutBase keeps the version of the file that a notebook's session has read or written last; tag says which one it is. The one before stays: a server that
// is killed may not have written down yet that there is a newer one.
func (j *Journal) PutBase(id NotebookID, tag string, data []byte) error {
	path := j.besidePath("base", id)
	if _, err := baseIn(path, tag); err != nil { // else it is that one again
		if err := os.Rename(path, path+beforeSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("keep base: %w", err)
		}
	}
	if err := replace(path, append([]byte(tag+"\n"), data...)); err != nil {
		return fmt.Errorf("keep base: %w", err)
	}
	return nil
}

const beforeSuffix = ".before"

// PutNext notes by its tag the version of the file that is about to be written, of which everything is in the journal: a server
// that finds it in the file knows it for its own.
func (j *Journal) PutNext(id NotebookID, tag string) error {
	if err := replace(j.besidePath("next", id), []byte(tag)); err != nil {
		return fmt.Errorf("note the next version: %w", err)
	}
	return nil
}

// IsNext says whether PutNext noted this tag last.
func (j *Journal) IsNext(id NotebookID, tag string) bool {
	noted, err := os.ReadFile(j.besidePath("next", id))
	return err == nil && string(noted) == tag
}

// PutMove notes the path that a notebook is about to get: a server that finds the file there, and none at the path before, knows it for moved. Empty:
// it is where it was, or Rename has written down where it is.
func (j *Journal) PutMove(id NotebookID, to string) error {
	var err error
	if path := j.besidePath("move", id); to != "" {
		err = replace(path, []byte(to))
	} else {
		err = os.Remove(path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("note a move: %w", err)
	}
	return nil
}

// Move is the path that PutMove noted, empty for none.
func (j *Journal) Move(id NotebookID) string {
	to, err := os.ReadFile(j.besidePath("move", id))
	if err != nil {
		return ""
	}
	return string(to)
}

func replace(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// Base is what PutBase kept under this tag, last or before; fs.ErrNotExist when that were other versions.
func (j *Journal) Base(id NotebookID, tag string) ([]byte, error) {
	path := j.besidePath("base", id)
	data, err := baseIn(path, tag)
	if errors.Is(err, fs.ErrNotExist) {
		return baseIn(path+beforeSuffix, tag)
	}
	return data, err
}

func baseIn(path, tag string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	have, rest, _ := bytes.Cut(data, []byte("\n"))
	if string(have) != tag {
		return nil, fmt.Errorf("base %q: %w", tag, fs.ErrNotExist)
	}
	return rest, nil
}

func (j *Journal) besidePath(folder string, id NotebookID) string {
	return filepath.Join(j.dir, folder, strconv.FormatInt(int64(id), 10))
}
