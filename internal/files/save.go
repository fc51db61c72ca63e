package files

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Temporary files are hidden, beside their target, and removed when their server died long ago.
const (
	tempPrefix = ".runnel-"
	tempSuffix = ".tmp"
	tempAge    = 10 * time.Minute
)

// Save replaces a file's content atomically and durably, or makes the file. With expect it does so only while the file on disk
// is that version (the zero Stamp: while there is no file), else ErrChanged. The mode is kept, and the owner where that is allowed;
// hard links and extended attributes are not. After an error the old content is whole. Saves of one path wait for each other, also those
// of another Folder, in another process: see lockOld.
//
// Between the last look at the old file and the rename another program can still write it: the time of one rename, not more.
func (f *Folder) Save(ctx context.Context, p Path, data []byte, expect *Stamp) (Stamp, error) {
	return f.SaveFrom(ctx, p, bytes.NewReader(data), int64(len(data)), expect)
}

// SaveFrom is Save from a reader, of at most limit bytes.
func (f *Folder) SaveFrom(ctx context.Context, p Path, r io.Reader, limit int64, expect *Stamp) (Stamp, error) {
	at, err := f.find(p, true)
	if err != nil {
		return Stamp{}, fail("save", p, err)
	}
	defer at.close()
	defer f.lock(at.real)()
	f.sweep(at)
	if err := f.mayReplace(at, p, expect); err != nil {
		return Stamp{}, fail("save", p, err)
	}
	temp, stamp, err := f.writeTemp(ctx, at, p, r, limit)
	if err != nil {
		return Stamp{}, fail("save", p, err)
	}
	if err := f.replace(ctx, at, p, temp, stamp, expect); err != nil {
		return Stamp{}, fail("save", p, errors.Join(err, removed(at.dir.Remove(temp))))
	}
	if err := f.steps("syncdir", at.syncDir); err != nil {
		return Stamp{}, fail("save", p, err)
	}
	return stamp, nil
}

// removed takes it as good when nothing was there.
func removed(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (f *Folder) steps(what string, do func() error) error {
	if err := f.step(what); err != nil {
		return err
	}
	return do()
}

// lock lets one save of a path through; the result lets the next.
func (f *Folder) lock(real string) func() {
	f.mu.Lock()
	g := f.saving[real]
	if g == nil {
		g = &gate{}
		f.saving[real] = g
	}
	g.users++
	f.mu.Unlock()
	g.mu.Lock()
	return func() {
		g.mu.Unlock()
		f.mu.Lock()
		defer f.mu.Unlock()
		if g.users--; g.users == 0 {
			delete(f.saving, real)
		}
	}
}

// mayReplace refuses early what will not be replaced.
func (f *Folder) mayReplace(at *spot, p Path, expect *Stamp) error {
	var err error
	if at.info, err = at.dir.Lstat(at.name); errors.Is(err, fs.ErrNotExist) {
		if expect != nil && expect.Hash != "" {
			return changed(p, "it is gone")
		}
		at.info = nil
		return nil
	}
	switch {
	case err != nil:
		return err
	case at.info.IsDir():
		return notFile(p, "a folder")
	case !at.info.Mode().IsRegular():
		return outside(p)
	case at.info.Mode().Perm()&0o222 == 0:
		return syscall.EACCES
	case expect != nil && expect.Hash == "":
		return changed(p, "it was not there")
	case expect != nil && expect.Size != at.info.Size():
		return changed(p, "another size")
	}
	// Replacing needs no right to write the file itself; respect that right all the same.
	file, err := at.dir.OpenFile(at.name, os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	return file.Close()
}

// writeTemp writes and syncs a temporary file beside the target. After an error there is none.
func (f *Folder) writeTemp(ctx context.Context, at *spot, p Path, r io.Reader, limit int64) (temp string, stamp Stamp, err error) {
	name := tempPrefix + rand.Text() + tempSuffix
	mode := fs.FileMode(0o666) // less the process's umask
	if at.info != nil {
		mode = 0o600 // until it has the target's own
	}
	if err := f.step("create"); err != nil {
		return "", Stamp{}, err
	}
	file, err := at.dir.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return "", Stamp{}, err
	}
	open := true
	defer func() {
		if err != nil {
			if open {
				file.Close()
			}
			err = errors.Join(err, removed(at.dir.Remove(name)))
		}
	}()
	stamp, err = f.fill(ctx, file, p, r, limit)
	if err != nil {
		return "", Stamp{}, err
	}
	if at.info != nil {
		if err := keepRights(file, at.info); err != nil {
			return "", Stamp{}, err
		}
	}
	if err := f.steps("sync", file.Sync); err != nil {
		return "", Stamp{}, err
	}
	info, err := file.Stat()
	if err != nil {
		return "", Stamp{}, err
	}
	stamp.ModTime = info.ModTime()
	open = false
	if err := f.steps("close", file.Close); err != nil {
		return "", Stamp{}, err
	}
	return name, stamp, nil
}

// fill copies r into file. The stamp has no time yet.
func (f *Folder) fill(ctx context.Context, file *os.File, p Path, r io.Reader, limit int64) (Stamp, error) {
	hash, size := sha256.New(), int64(0)
	buffer := make([]byte, min(limit+1, 1<<20))
	for {
		if err := ctx.Err(); err != nil {
			return Stamp{}, err
		}
		n, readErr := r.Read(buffer)
		if size += int64(n); size > limit {
			return Stamp{}, tooLarge(p, limit)
		}
		hash.Write(buffer[:n])
		err := f.steps("write", func() error {
			_, err := file.Write(buffer[:n])
			return err
		})
		if err != nil {
			return Stamp{}, err
		}
		if readErr == io.EOF {
			return Stamp{Size: size, Hash: hex.EncodeToString(hash.Sum(nil))}, nil
		}
		if readErr != nil {
			return Stamp{}, fmt.Errorf("read what is to be saved: %w", readErr)
		}
	}
}

// keepRights gives the new file the old one's mode, and its owner as far as that is allowed.
func keepRights(file *os.File, old fs.FileInfo) error {
	if was, ok := old.Sys().(*syscall.Stat_t); ok {
		if now, err := file.Stat(); err == nil {
			if is, ok := now.Sys().(*syscall.Stat_t); ok && (is.Uid != was.Uid || is.Gid != was.Gid) {
				_ = file.Chown(int(was.Uid), int(was.Gid)) // only some may; the content matters more
			}
		}
	}
	return file.Chmod(old.Mode().Perm())
}

// replace puts the temporary file in the target's place if that is still what is expected.
func (f *Folder) replace(ctx context.Context, at *spot, p Path, temp string, stamp Stamp, expect *Stamp) (err error) {
	old, err := f.lockOld(ctx, at)
	if err != nil {
		return err
	}
	if old != nil {
		defer old.Close() // and with it the lock
	}
	f.moving.RLock()
	defer f.moving.RUnlock()
	if err := stillThere(at, p, old, expect); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	done := f.announce(p, stamp)
	defer func() { done(err == nil) }()
	return f.steps("rename", func() error {
		if expect != nil && expect.Hash == "" {
			err := moveNew(at.dir, temp, at.dir, at.name)
			if errors.Is(err, fs.ErrExist) {
				err = changed(p, "it was not there")
			}
			return err
		}
		return at.dir.Rename(temp, at.name)
	})
}

// How long a save waits for another's lock, and how often it asks. What holds it longer is no save.
const (
	lockWait  = 10 * time.Second
	lockRetry = 2 * time.Millisecond
)

// lockOld opens the file that is to be replaced, nil when there is none, and locks it (flock) until it is closed. Who saves looks at the
// old file and puts a new one in its place; two that do so at the same time would each see the old one, and one's content would be gone.
// A file system without locks is gone on with all the same.
func (f *Folder) lockOld(ctx context.Context, at *spot) (*os.File, error) {
	file, err := at.dir.OpenFile(at.name, os.O_RDWR|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for end := time.Now().Add(lockWait); ; {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) || time.Now().After(end) {
			return file, nil
		}
		select {
		case <-time.After(lockRetry):
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), file.Close())
		}
	}
}

// stillThere compares what is on disk, opened as old, with what is expected, by content.
func stillThere(at *spot, p Path, old *os.File, expect *Stamp) error {
	if expect == nil || expect.Hash == "" {
		return nil
	}
	if old == nil {
		return changed(p, "it is gone")
	}
	opened, err := old.Stat()
	if err != nil {
		return err
	}
	switch there, err := at.dir.Lstat(at.name); { // while the lock was waited for another file may have come
	case errors.Is(err, fs.ErrNotExist):
		return changed(p, "it is gone")
	case err != nil:
		return err
	case !os.SameFile(opened, there):
		return changed(p, "another file")
	}
	now, err := stampFile(old)
	if err != nil {
		return err
	}
	if !now.Same(*expect) {
		return changed(p, "another content")
	}
	return nil
}

// sweep removes, once for each folder, the temporary files of saves that never ended.
func (f *Folder) sweep(at *spot) {
	parent := at.real[:max(strings.LastIndexByte(at.real, '/'), 0)]
	f.mu.Lock()
	done := f.swept[parent]
	f.swept[parent] = true
	f.mu.Unlock()
	if done {
		return
	}
	dir, err := at.dir.Open(".")
	if err != nil {
		return
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	for _, name := range names {
		if !strings.HasPrefix(name, tempPrefix) || !strings.HasSuffix(name, tempSuffix) {
			continue
		}
		if info, err := at.dir.Lstat(name); err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > tempAge {
			_ = at.dir.Remove(name) // the next server tries again
		}
	}
}

// Create makes a file and never writes over one: ErrExists.
func (f *Folder) Create(ctx context.Context, p Path, data []byte) (Stamp, error) {
	stamp, err := f.create(ctx, p, data)
	return stamp, fail("make", p, err)
}

func (f *Folder) create(ctx context.Context, p Path, data []byte) (Stamp, error) {
	at, err := f.locateNew(p)
	if err != nil {
		return Stamp{}, err
	}
	defer at.close()
	temp, stamp, err := f.writeTemp(ctx, at, p, bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return Stamp{}, err
	}
	done := f.announce(p, stamp)
	if err := moveNew(at.dir, temp, at.dir, at.name); err != nil {
		done(false)
		return Stamp{}, errors.Join(err, removed(at.dir.Remove(temp)))
	}
	done(true)
	return stamp, at.syncDir()
}

// CreateFree makes a file under the first free of "stem.ext", "stem 1.ext", "stem 2.ext"... in the folder dir. ext is with its dot.
func (f *Folder) CreateFree(ctx context.Context, dir Path, stem, ext string, data []byte) (Path, Stamp, error) {
	for i := 0; ; i++ {
		p, err := dir.Join(numbered(stem, i) + ext)
		if err != nil {
			return "", Stamp{}, err
		}
		stamp, err := f.create(ctx, p, data)
		if err == nil || !errors.Is(err, unix.EEXIST) || i >= 10_000 {
			return p, stamp, fail("make", p, err)
		}
	}
}

func numbered(stem string, i int) string {
	if i == 0 {
		return stem
	}
	return fmt.Sprintf("%s %d", stem, i)
}
