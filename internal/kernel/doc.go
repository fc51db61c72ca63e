// Package kernel is the server's handle on kernels: launch one beside its keeper,
// find those that outlived a server, read what they say, and tell them things.
//
// The key idea: a kernel is read by pulling. Events are the keeper's records,
// numbered without gaps; who does not pull holds nobody up, and who acknowledges
// a number lets the keeper forget up to there. Everything sent carries the
// caller's own id and reaches the kernel at most once, over any number of broken
// connections.
//
// It does not know cells or notebooks, restarts nothing on its own, and knows of
// a kernel's death only what the keeper saw.
package kernel
