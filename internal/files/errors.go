package files

import "errors"

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
