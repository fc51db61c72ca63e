// Package gateway serves one client's connection to the notebooks of the server: it understands what the client says,
// passes it to the sessions, and tells the client what happens there.
//
// The key idea: a connection is a cursor, not a queue. Each subscription reads the session's events at the speed at which
// the client takes them, so a slow client costs no memory and slows nobody; one that is far behind is given the state in
// place of the steps. A connection is plain (wire shapes of part 1 of docs/protocol.md) until its first message is
// a hello, which makes it a page (part 2).
//
// It decides nothing about notebooks, checks no password and knows no HTTP: a [Transport] carries the messages, be it a
// WebSocket or a line of plain requests.
package gateway
