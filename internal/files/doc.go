// Package files is the folder a server serves: listing, reading, atomic saving, a trash, and noticing changes from outside.
//
// Its key idea: every access goes through one os.Root with a [Path] that was checked component by component, so no request
// leaves the folder, and hidden and runtime files are denied, not just unlisted. A save writes a temporary file beside the
// target, syncs it, renames it over the target and syncs the folder: the file is always the whole old or the whole new one.
//
// Saving is written here over os.Root: libraries that replace files atomically take path names, which a symlink
// can lead elsewhere between two calls. It does not know what is in a file.
package files
