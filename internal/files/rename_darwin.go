package files

import "golang.org/x/sys/unix"

func renameNew(from int, name string, to int, newName string) error {
	return unix.RenameatxNp(from, name, to, newName, unix.RENAME_EXCL)
}
