// Package zmtp speaks ZeroMQ's wire protocol, ZMTP 3.0 with the NULL mechanism,
// as a client: DEALER, SUB and REQ sockets that dial one peer over tcp or ipc.
//
// The key idea: a Conn is one connection and nothing more. It has no goroutine,
// no queue and no reconnect, so a caller always knows what was written and what
// was lost, and nothing a peer announces costs memory before its bytes arrive.
//
// It does not bind, does not encrypt, does not know what its messages mean.
package zmtp
