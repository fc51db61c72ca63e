package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/runnel-dev/runnel/internal/fault"
)

// spot is a place in the folder with its parent held open: what happens to the names above it changes nothing any more.
type spot struct {
	dir  *os.Root
	name string      // in dir; "." for the folder itself
	real string      // slash path without symlinks
	info fs.FileInfo // of what is there, nil for nothing
}

func (s *spot) close() { s.dir.Close() }

// locate finds what is at p, symlinks followed. It is a regular file or a folder.
func (f *Folder) locate(p Path) (*spot, error) {
	s, err := f.find(p, true)
	if err != nil {
		return nil, err
	}
	if s.info == nil {
		s.close()
		return nil, fs.ErrNotExist
	}
	return s, nil
}

// locateEntry finds the entry p itself, even if it is a symlink to something allowed.
func (f *Folder) locateEntry(p Path) (*spot, error) {
	target, err := f.locate(p)
	if err != nil {
		return nil, err
	}
	target.close()
	return f.find(p, false)
}

// locateNew finds where p would be: nothing is there.
func (f *Folder) locateNew(p Path) (*spot, error) {
	s, err := f.find(p, false)
	if err != nil {
		return nil, err
	}
	if s.info != nil {
		s.close()
		return nil, syscall.EEXIST
	}
	return s, nil
}

// find finds a place, whether something is there or not. follow says whether a symlink at its very end is followed.
func (f *Folder) find(p Path, follow bool) (*spot, error) {
	root, err := f.top()
	if err != nil {
		return nil, err
	}
	real, err := f.resolve(root, p, follow)
	if err != nil {
		return nil, err
	}
	s := &spot{real: real, name: path.Base(real)}
	if s.dir, err = root.OpenRoot(path.Dir(real)); err != nil {
		return nil, err
	}
	if s.info, err = s.dir.Lstat(s.name); errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil && s.info.Mode().Type()&^fs.ModeDir != 0 && (follow || s.info.Mode().Type() != fs.ModeSymlink) {
		err = fault.Wrap(fault.Forbidden, p.Base()+" is neither a file nor a folder.", fmt.Errorf("%v: %w", s.info.Mode().Type(), ErrPath))
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// resolve is p without symlinks, as a slash path; "." for the folder itself. Each name on the way is allowed. What is
// looked at here may change before it is opened; os.Root holds then, and what is opened is looked at again.
func (f *Folder) resolve(root *os.Root, p Path, follow bool) (string, error) {
	real, links := ".", 0
	rest := strings.Split(string(p), "/")
	if p == "" {
		rest = nil
	}
	for len(rest) > 0 {
		name := rest[0]
		rest = rest[1:]
		if name == "" || name == "." {
			continue
		}
		if name == ".." {
			if real == "." {
				return "", outside(p)
			}
			real = path.Dir(real)
			continue
		}
		if err := checkName(name); err != nil {
			return "", err
		}
		next := path.Join(real, name)
		if f.denied(next) {
			return "", outside(p)
		}
		info, err := root.Lstat(next)
		if errors.Is(err, fs.ErrNotExist) && len(rest) == 0 {
			return next, nil
		}
		if err != nil {
			return "", err
		}
		if info.Mode().Type() != fs.ModeSymlink || len(rest) == 0 && !follow {
			real = next
			continue
		}
		if links++; links > 40 {
			return "", syscall.ELOOP
		}
		target, err := root.Readlink(next)
		if err != nil {
			return "", err
		}
		if filepath.IsAbs(target) {
			rel, ok := f.below(target)
			if !ok {
				return "", outside(p)
			}
			real, target = ".", rel
		}
		rest = append(strings.Split(filepath.ToSlash(target), "/"), rest...)
	}
	return real, nil
}

func outside(p Path) error {
	return fault.Wrap(fault.Forbidden, "This path leads out of the folder that is served.", fmt.Errorf("%q: %w", p, ErrPath))
}

func (f *Folder) denied(real string) bool {
	for _, d := range f.deny {
		if real == d || strings.HasPrefix(real, d+"/") {
			return true
		}
	}
	return false
}

// open opens the regular file for reading.
func (s *spot) open() (*os.File, error) {
	if s.info.IsDir() {
		return nil, notFile(Path(s.real), "a folder")
	}
	file, err := s.dir.OpenFile(s.name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = outside(Path(s.real))
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func (s *spot) openDir() (*os.File, error) {
	return s.dir.OpenFile(s.name, os.O_RDONLY|syscall.O_DIRECTORY, 0)
}

// syncDir makes the names in the parent durable.
func (s *spot) syncDir() error { return syncDir(s.dir) }

func syncDir(root *os.Root) error {
	dir, err := root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// writable says whether the file may be saved, or something made in the folder, as far as can be seen.
func (s *spot) writable() bool {
	dir, err := s.dir.Open(".")
	if err != nil {
		return false
	}
	defer dir.Close()
	may := func(name string, mode uint32) bool { return unix.Faccessat(int(dir.Fd()), name, mode, 0) == nil }
	if s.info.IsDir() {
		return may(s.name, unix.W_OK|unix.X_OK)
	}
	// A save puts a new file beside the old one, in its place, and does so only where that one may be written: see mayReplace.
	return s.info.Mode().Perm()&0o222 != 0 && may(s.name, unix.W_OK) && may(".", unix.W_OK|unix.X_OK)
}

// moveNew renames between two open folders and never onto something.
func moveNew(from *os.Root, name string, to *os.Root, newName string) error {
	src, err := from.Open(".")
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := to.Open(".")
	if err != nil {
		return err
	}
	defer dst.Close()
	err = renameNew(int(src.Fd()), name, int(dst.Fd()), newName)
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.EINVAL) {
		// The file system cannot do it in one step. EINVAL is also what a move into itself gives: the second try says so again.
		if _, err := to.Lstat(newName); err == nil {
			return syscall.EEXIST
		}
		err = unix.Renameat(int(src.Fd()), name, int(dst.Fd()), newName)
	}
	return err
}
