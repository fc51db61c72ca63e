// Package place decides where Runnel keeps its own files: the state of each
// served folder, and the sockets of its kernels.
//
// Its key idea: every served folder has its own state folder, named by a hash
// of the folder's real path and kept outside of it, so that nothing of Runnel
// lies among a person's notebooks and two servers never share state. A unix
// socket's path may have about 100 bytes only; where the state's own path is too
// long for that, a short link leads to it.
//
// It makes and checks folders; it reads and writes no files in them.
package place

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"github.com/google/renameio/v2"
)

const (
	// maxSocketPath is a unix socket path that every system accepts (Linux takes 107 bytes, macOS 103).
	maxSocketPath = 100
	// socketTail is what is appended to Runtime: a separator, a kernel's folder (12 hex digits) and a short file name.
	socketTail = 1 + 12 + 1 + 12
)

// Place is where Runnel keeps what belongs to one served folder.
type Place struct {
	// Root is the state of all folders together: managed Python environments live here.
	Root string
	// State is this folder's own part of Root: journal, blobs, spool, trash, lock, server.json. It is on a disk.
	State string
	// Runtime is for what the keepers of this folder's kernels hold: spools, and sockets. It is State/k, or a short
	// link to it: a path of 47 bytes can be appended to it and still be a valid socket path. The link may change with
	// the environment of the process, what it leads to does not.
	Runtime string
}

// Dirs gives the Place of folder, an absolute path, without touching the disk.
// env is os.Getenv, goos is runtime.GOOS. The order is: $RUNNEL_STATE_DIR,
// $XDG_STATE_HOME/runnel, then the system's usual place below home.
func Dirs(env func(string) string, home, goos, folder string, uid int) (Place, error) {
	if !filepath.IsAbs(folder) {
		return Place{}, fmt.Errorf("find the state of %q: not an absolute path", folder)
	}
	root, err := stateRoot(env, home, goos)
	if err != nil {
		return Place{}, err
	}
	sum := sha256.Sum256([]byte(filepath.Clean(folder)))
	name := hex.EncodeToString(sum[:6])
	p := Place{Root: root, State: filepath.Join(root, name)}

	p.Runtime = p.spool()
	if fits(p.Runtime) {
		return p, nil
	}
	// The link's name holds the state's path, so that two states do not share one.
	sum = sha256.Sum256([]byte(p.State))
	short := hex.EncodeToString(sum[:6])
	if dir := env("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		p.Runtime = filepath.Join(dir, "runnel", short)
	}
	if !fits(p.Runtime) {
		p.Runtime = filepath.Join("/tmp", "runnel-"+strconv.Itoa(uid), short)
	}
	return p, nil
}

func fits(runtime string) bool { return len(runtime)+socketTail <= maxSocketPath }

// spool is where Runtime is or leads to.
func (p Place) spool() string { return filepath.Join(p.State, "k") }

func stateRoot(env func(string) string, home, goos string) (string, error) {
	if dir := env("RUNNEL_STATE_DIR"); dir != "" {
		if !filepath.IsAbs(dir) {
			return "", fmt.Errorf("RUNNEL_STATE_DIR is %q: it must be an absolute path", dir)
		}
		return filepath.Clean(dir), nil
	}
	if dir := env("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "runnel"), nil
	}
	if !filepath.IsAbs(home) {
		return "", errors.New("no home folder: set RUNNEL_STATE_DIR to a folder for Runnel's own files")
	}
	if goos == "darwin" {
		return filepath.Join(home, "Library", "Application Support", "Runnel"), nil
	}
	return filepath.Join(home, ".local", "state", "runnel"), nil
}

// Of gives the Place of folder for the user and machine that this process runs
// as. folder may be relative; symbolic links are followed, so that one folder
// has one Place by whichever way it was reached.
func Of(folder string) (Place, error) {
	real, err := Real(folder)
	if err != nil {
		return Place{}, err
	}
	home, err := os.UserHomeDir()
	if err != nil {
		home = "" // Dirs says what to do when it is needed
	}
	return Dirs(os.Getenv, home, runtime.GOOS, real, os.Getuid())
}

// Real gives the absolute path of an existing folder, with symbolic links followed.
func Real(folder string) (string, error) {
	abs, err := filepath.Abs(folder)
	if err != nil {
		return "", fmt.Errorf("find folder %s: %w", folder, err)
	}
	real, err := filepath.EvalSymlinks(abs)
	if err != nil {
		return "", fmt.Errorf("find folder %s: %w", folder, err)
	}
	info, err := os.Stat(real)
	if err != nil {
		return "", fmt.Errorf("find folder %s: %w", folder, err)
	}
	if !info.IsDir() {
		return "", fmt.Errorf("%s is a file, not a folder", folder)
	}
	return real, nil
}

// Make creates what is missing, for this user only (0700), closes to others what
// was open to them, and refuses a folder of somebody else's.
func (p Place) Make() error {
	for _, dir := range []string{p.Root, p.State, p.spool()} {
		if err := makePrivate(dir); err != nil {
			return err
		}
	}
	if p.Runtime == p.spool() {
		return nil
	}
	if err := makePrivate(filepath.Dir(p.Runtime)); err != nil {
		return err
	}
	if to, err := os.Readlink(p.Runtime); err == nil && to == p.spool() {
		return nil
	}
	if err := renameio.Symlink(p.spool(), p.Runtime); err != nil {
		return fmt.Errorf("make a short way to %s: %w", p.spool(), err)
	}
	return nil
}

func makePrivate(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make folder %s: %w", dir, err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("check folder %s: %w", dir, err)
	}
	if !info.IsDir() {
		return fmt.Errorf("check folder %s: it is not a folder", dir)
	}
	if !ownedByMe(info) {
		return fmt.Errorf("check folder %s: it belongs to another user", dir)
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(dir, 0o700); err != nil {
			return fmt.Errorf("close folder %s to others: %w", dir, err)
		}
	}
	return nil
}
