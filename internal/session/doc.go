// Package session is one notebook being lived in: its document, its run queue, its outputs, its prompts and its kernel.
//
// The key idea: a session is a list of facts. A pure core turns inputs (a command, what the kernel said, a tick of the clock,
// a file that changed) into facts and effects; facts go to the journal and, numbered, to the clients; replaying the journal's facts
// gives the same state again, so a server that was killed goes on where it was. One goroutine per session owns the core and performs its effects.
//
// The package holds no sockets and no HTTP, starts no process by itself (a [Launcher] does) and does not know how an .ipynb is written.
package session
