// Package jupyter knows what a Jupyter client must know to talk to a kernel:
// the shape and the signature of messages, connection files, kernelspecs, and
// what makes ipykernel speak at once.
//
// The key idea: the four JSON parts of a message stay the bytes they were. They
// are signed, relayed and stored untouched, and parsed only by who asks, because
// a message that was marshalled again is another message.
//
// It opens no socket, starts no process and keeps no state but the ReplayGuard.
package jupyter
