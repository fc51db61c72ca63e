package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/runnel-dev/runnel/internal/fault"
)

// top is the served folder, held open. It is the folder at its path: when another one is there, because the first was removed
// or moved away and made again, that one is opened. While nothing is there, a folder that was moved goes on, and one that was
// removed is an error.
func (f *Folder) top() (*os.Root, error) {
	f.mu.Lock()
	root, held := f.root, f.held
	f.mu.Unlock()
	now, err := os.Lstat(f.dir)
	switch {
	case err == nil && os.SameFile(now, held):
		return root, nil
	case err == nil && now.IsDir() && ownerOf(now) == ownerOf(held):
		return f.reopen(held)
	}
	if isRemoved(root) {
		return nil, fault.Wrap(fault.NotFound, "The folder that is served is not there (any more). It goes on by itself when the folder is back.",
			fmt.Errorf("%s: %w", f.dir, fs.ErrNotExist))
	}
	return root, nil
}

// reopen takes what is at the path for the folder, in the place of held. It is as at the start: no symlink leads there.
func (f *Folder) reopen(held fs.FileInfo) (*os.Root, error) {
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return nil, err
	}
	now, err := root.Stat(".")
	if err == nil && ownerOf(now) != ownerOf(held) {
		err = syscall.EACCES
	}
	if err == nil {
		var real string
		if real, err = filepath.EvalSymlinks(f.dir); err == nil && real != f.dir {
			err = outside("")
		}
	}
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.held != held { // another call was faster
		_ = root.Close()
		return f.root, nil
	}
	f.log.Warn("another folder is at the path that is served; it is served from now on", "folder", f.dir)
	if f.before != nil {
		_ = f.before.Close()
	}
	f.before, f.root, f.held = f.root, root, now // calls under way end with the one before
	clear(f.swept)
	return root, nil
}

// isRemoved says that the folder is on no disk any more.
func isRemoved(root *os.Root) bool {
	info, err := root.Stat(".")
	if err != nil {
		return true
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Nlink == 0
}

func ownerOf(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return -1
}
