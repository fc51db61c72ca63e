package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/runnel-dev/runnel/internal/fault"
)

// What can go wrong beside what fault's kinds say; test with errors.Is.
var (
	ErrPath     = errors.New("path not allowed")        // forbidden or invalid, never opened
	ErrChanged  = errors.New("file changed on disk")    // it is not the version that was expected
	ErrExists   = errors.New("name is taken")           // nothing was written over
	ErrNoSpace  = errors.New("no space left")           // disk or quota; the old file is intact
	ErrReadOnly = errors.New("not writable")            // the file, its folder or the disk
	ErrTooLarge = errors.New("larger than the limit")   // nothing was written
	ErrNotFile  = errors.New("not a file of that kind") // a folder where a file is wanted, or the reverse
)

// fail gives an error of the system a kind and a message. what is the attempt, for the log.
func fail(what string, p Path, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return fmt.Errorf("%s %q: %w", what, p, err)
	}
	kind, message, sentinel := classify(what, p, err)
	if sentinel == nil {
		return fault.Wrap(kind, message, fmt.Errorf("%s %q: %w", what, p, err))
	}
	return fault.Wrap(kind, message, fmt.Errorf("%s %q: %w: %w", what, p, sentinel, err))
}

func classify(what string, p Path, err error) (fault.Kind, string, error) {
	is := func(list ...syscall.Errno) bool {
		for _, errno := range list {
			if errors.Is(err, errno) {
				return true
			}
		}
		return false
	}
	name := p.Base()
	if p == "" {
		name = "The folder"
	}
	errno := syscall.Errno(0)
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fault.Unavailable, "It was broken off before it was done.", nil
	case errors.Is(err, fs.ErrNotExist), is(syscall.ENOTDIR):
		return fault.NotFound, name + " is not there (any more).", nil
	case errors.Is(err, fs.ErrExist):
		return fault.Conflict, "The name is taken already. Choose another one.", ErrExists
	case is(syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG):
		return fault.NoSpace, "The disk is full. Nothing is lost; free some space and it goes on by itself.", ErrNoSpace
	case is(syscall.EACCES, syscall.EPERM) && (what == "read" || what == "list"):
		return fault.Forbidden, "You may not read " + name + ". Change its permissions, or ask its owner to.", nil
	case is(syscall.EROFS, syscall.EACCES, syscall.EPERM):
		return fault.Forbidden, notWritable(what, p, is(syscall.EROFS)), ErrReadOnly
	case is(syscall.ENAMETOOLONG):
		return fault.Invalid, "This name is too long.", ErrPath
	case is(syscall.EINVAL) && what == "rename":
		return fault.Invalid, "A folder cannot be moved into itself.", nil
	case is(syscall.ELOOP), !errors.As(err, &errno) && errors.As(err, new(*fs.PathError)):
		return fault.Forbidden, "This path leads out of the folder that is served.", ErrPath
	}
	return fault.Unavailable, "The disk did not do it: " + what + " failed. The server's log has the details.", nil
}

// notWritable says what cannot be done, why, and what helps.
func notWritable(what string, p Path, disk bool) string {
	name, instead := p.Base()+" cannot be changed", "Change the permissions of the folder."
	switch what {
	case "make":
		in := "this folder"
		if parent := p.Dir(); parent != "" {
			in = parent.Base()
		}
		name, instead = "Nothing can be made in "+in, "Choose another folder, or change its permissions."
	case "save":
		name, instead = p.Base()+" cannot be written", "Change the permissions of the file and of its folder."
	}
	if disk {
		return name + ": the disk is read-only."
	}
	return name + ": you may not write there. " + instead
}

func changed(p Path, how string) error {
	return fault.Wrap(fault.Conflict, p.Base()+" was changed by another program.", fmt.Errorf("save %q: %w: %s", p, ErrChanged, how))
}

func notFile(p Path, is string) error {
	return fault.Wrap(fault.Invalid, p.Base()+" is "+is+".", fmt.Errorf("%q is %s: %w", p, is, ErrNotFile))
}

func tooLarge(p Path, limit int64) error {
	message := fmt.Sprintf("%s is larger than %d MiB, which is the most.", p.Base(), limit>>20)
	return fault.Wrap(fault.TooLarge, message, fmt.Errorf("%q: %w", p, ErrTooLarge))
}
