// Package server puts the parts of a Runnel server together, for one folder: its state on disk, the kernels, the
// notebooks, and the address at which they are served.
//
// The key idea: it is the only place that wires. Parts start in one order (lock, journal, kernels, notebooks, HTTP) and
// stop in its reverse, and at the end it says what became of each kernel.
//
// It holds no logic of notebooks and handles no signals: when and how to stop is its caller's decision.
package server
