// Package pageclient is a client of part 2 of the protocol, the one Runnel's own page speaks, without a page: it keeps a replica of
// one notebook's state by applying events, comes back after a cut line from the number it has, and keeps commands
// until they are acknowledged.
//
// Its key idea: it checks what the protocol promises while it uses it. A gap, a repeated event number, a second terminal event of
// a run (after a server's death it may be told again, the same) or a command accepted twice is found in [Client.Violations].
//
// It draws nothing and does not share one connection between notebooks.
package pageclient
