package files

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/runnel-dev/runnel/internal/fault"
)

// TrashID names one thing in the trash.
type TrashID string

// Trashed is one thing in the trash: a folder named by its id, with the file or folder as "content" and this as "item.json".
type Trashed struct {
	ID      TrashID   `json:"id"`
	Path    Path      `json:"path"` // where it was
	Kind    string    `json:"kind"`
	Deleted time.Time `json:"deleted"`
}

const (
	trashContent = "content"
	trashItem    = "item.json"
)

var trashIDs = regexp.MustCompile(`^[A-Z2-7]{26}$`)

// Delete moves a file or folder to the trash.
func (f *Folder) Delete(p Path) (TrashID, error) {
	if f.trash == nil {
		return "", fault.New(fault.Unavailable, "Nothing can be deleted: this server has no trash.")
	}
	if p == "" {
		return "", fault.Wrap(fault.Forbidden, "The served folder itself cannot be deleted.", ErrPath)
	}
	entry, err := f.Stat(p)
	if err != nil {
		return "", err
	}
	at, err := f.locateEntry(p)
	if err != nil {
		return "", fail("delete", p, err)
	}
	defer at.close()
	item := Trashed{ID: TrashID(rand.Text()), Path: p, Kind: entry.Kind, Deleted: time.Now().UTC()}
	box, err := f.newBox(item)
	if err != nil {
		return "", fail("delete", p, err)
	}
	defer box.Close()
	if err := moveAnywhere(at.dir, at.name, box, trashContent); err != nil {
		return "", fail("delete", p, errors.Join(err, f.trash.RemoveAll(string(item.ID))))
	}
	return item.ID, fail("delete", p, errors.Join(syncDir(box), at.syncDir()))
}

// newBox makes the folder of one thing in the trash.
func (f *Folder) newBox(item Trashed) (*os.Root, error) {
	data, err := json.Marshal(item)
	if err != nil {
		return nil, err
	}
	if err := f.trash.Mkdir(string(item.ID), 0o700); err != nil {
		return nil, err
	}
	box, err := f.trash.OpenRoot(string(item.ID))
	if err != nil {
		return nil, err
	}
	err = copyInto(box, trashItem, strings.NewReader(string(data)), 0o600)
	if err == nil {
		err = syncDir(f.trash)
	}
	if err != nil {
		return nil, errors.Join(err, box.Close(), f.trash.RemoveAll(string(item.ID)))
	}
	return box, nil
}

// Restore brings something back from the trash to where it was, under a free name when that place is taken.
func (f *Folder) Restore(ctx context.Context, id TrashID) (Path, error) {
	item, err := f.item(id)
	if err != nil {
		return "", err
	}
	if _, err := Parse(string(item.Path)); err != nil {
		return "", err
	}
	if dir := item.Path.Dir(); dir != "" {
		if _, err := f.Stat(dir); fault.KindOf(err) == fault.NotFound {
			root, err := f.top()
			if err == nil {
				err = root.MkdirAll(string(dir), 0o777)
			}
			if err != nil {
				return "", fail("restore", item.Path, err)
			}
		}
	}
	box, err := f.trash.OpenRoot(string(id))
	if err != nil {
		return "", fail("restore", item.Path, err)
	}
	defer box.Close()
	ext := path.Ext(string(item.Path))
	stem := strings.TrimSuffix(item.Path.Base(), ext)
	for i := 0; ; i++ {
		if err := ctx.Err(); err != nil {
			return "", fmt.Errorf("restore %q: %w", item.Path, err)
		}
		to, err := item.Path.Dir().Join(numbered(stem, i) + ext)
		if err != nil {
			return "", err
		}
		err = f.restoreTo(box, to)
		if errors.Is(err, unix.EEXIST) && i < 10_000 {
			continue
		}
		if err != nil {
			return "", fail("restore", to, err)
		}
		return to, fail("restore", to, f.trash.RemoveAll(string(id)))
	}
}

func (f *Folder) restoreTo(box *os.Root, to Path) error {
	at, err := f.locateNew(to)
	if err != nil {
		return err
	}
	defer at.close()
	if err := moveAnywhere(box, trashContent, at.dir, at.name); err != nil {
		return err
	}
	return at.syncDir()
}

// item reads what is known of one thing in the trash.
func (f *Folder) item(id TrashID) (Trashed, error) {
	gone := fault.Newf(fault.NotFound, "This is not in the trash (any more).")
	if f.trash == nil || !trashIDs.MatchString(string(id)) {
		return Trashed{}, gone
	}
	data, err := f.trash.ReadFile(path.Join(string(id), trashItem))
	if err != nil {
		return Trashed{}, gone
	}
	var item Trashed
	if err := json.Unmarshal(data, &item); err != nil || item.ID != id {
		return Trashed{}, gone
	}
	if _, err := f.trash.Lstat(path.Join(string(id), trashContent)); err != nil {
		return Trashed{}, gone
	}
	return item, nil
}

// Trash lists what can be restored, the newest first.
func (f *Folder) Trash() ([]Trashed, error) {
	items := []Trashed{}
	if f.trash == nil {
		return items, nil
	}
	names, err := fs.ReadDir(f.trash.FS(), ".")
	if err != nil {
		return nil, fail("list", "trash", err)
	}
	for _, name := range names {
		if item, err := f.item(TrashID(name.Name())); err == nil {
			items = append(items, item)
		}
	}
	slices.SortFunc(items, func(a, b Trashed) int { return b.Deleted.Compare(a.Deleted) })
	return items, nil
}

// Purge deletes for good what was put in the trash before a time.
func (f *Folder) Purge(before time.Time) error {
	items, err := f.Trash()
	for _, item := range items {
		if item.Deleted.Before(before) {
			err = errors.Join(err, f.trash.RemoveAll(string(item.ID)))
		}
	}
	return err
}

// moveAnywhere moves a file or folder, never onto something; between disks it copies, then removes.
func moveAnywhere(from *os.Root, name string, to *os.Root, newName string) error {
	err := moveNew(from, name, to, newName)
	if !errors.Is(err, unix.EXDEV) {
		return err
	}
	// A copy grows under another name, so that half of one is never taken for the whole.
	temp := tempPrefix + rand.Text() + tempSuffix
	if err := copyTree(from, name, to, temp); err != nil {
		return errors.Join(err, to.RemoveAll(temp))
	}
	if err := moveNew(to, temp, to, newName); err != nil {
		return errors.Join(err, to.RemoveAll(temp))
	}
	if err := syncDir(to); err != nil {
		return err
	}
	return from.RemoveAll(name)
}

func copyTree(from *os.Root, name string, to *os.Root, newName string) error {
	info, err := from.Lstat(name)
	if err != nil {
		return err
	}
	switch info.Mode().Type() {
	case 0:
		src, err := from.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			return err
		}
		defer src.Close()
		if err := copyInto(to, newName, src, info.Mode().Perm()); err != nil {
			return err
		}
		return to.Chtimes(newName, info.ModTime(), info.ModTime())
	case fs.ModeSymlink:
		target, err := from.Readlink(name)
		if err != nil {
			return err
		}
		return to.Symlink(target, newName)
	case fs.ModeDir:
		return copyDir(from, name, to, newName, info)
	}
	return fmt.Errorf("copy %q: %w", name, syscall.EINVAL)
}

func copyDir(from *os.Root, name string, to *os.Root, newName string, info fs.FileInfo) error {
	if err := to.Mkdir(newName, 0o700); err != nil {
		return err
	}
	src, err := from.OpenRoot(name)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := to.OpenRoot(newName)
	if err != nil {
		return err
	}
	defer dst.Close()
	entries, err := fs.ReadDir(src.FS(), ".")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := copyTree(src, e.Name(), dst, e.Name()); err != nil {
			return err
		}
	}
	return errors.Join(syncDir(dst), to.Chmod(newName, info.Mode().Perm()))
}

// copyInto writes a new file and syncs it.
func copyInto(to *os.Root, name string, r io.Reader, mode fs.FileMode) error {
	file, err := to.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, r)
	if err == nil {
		err = file.Chmod(mode)
	}
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}
