// Package keeper is the process beside one kernel (`runnel keep DIR`). It starts
// the kernel, holds its ZeroMQ sockets, and writes all it says to a spool that a
// server reads, now or after the server was away.
//
// The key idea: the kernel's sockets are always read. What arrives becomes a
// numbered record, is appended to plain segment files (docs/spool.md), and only
// then handed on over a Unix socket. A server that is slow, stopped or dead is a
// cursor that does not move: it costs disk, not memory, and the kernel never
// waits for it. The other direction is commands with the server's own ids, each
// passed to the kernel at most once.
//
// It does not understand notebooks, does not restart kernels, and never decides
// that a busy kernel is dead: only the end of its process says that.
package keeper
