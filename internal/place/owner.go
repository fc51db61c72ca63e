package place

import (
	"io/fs"
	"os"
	"syscall"
)

// ownedByMe reports whether the user of this process owns the file.
func ownedByMe(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Getuid()
}
