// Package pyenv answers one question: what can a notebook run on, here? It
// lists installed kernels and Python environments, picks one for a notebook,
// and makes a Python environment when no interpreter has a kernel. It knows what
// packages an environment has, and brings more.
//
// Its key idea: an interpreter is asked, not guessed about. Each one found is
// run once, for a moment, in parallel and with a time-out, and the answer is
// kept until the interpreter or its packages change on disk, in a file too, so
// that the next server need not ask them all; the one that is picked is asked
// again by each. The exception are
// environments that lie beside a notebook: a folder may come from anywhere and
// opening it must run nothing of it, so these are only read until somebody
// starts a kernel.
//
// It starts no kernel and knows no session.
package pyenv
