// Package fault is the small set of kinds of error that Runnel tells its users, each with a text that is safe to show and says
// what to do next. The edges (HTTP, WebSocket, command line) map kinds to statuses, close reasons and exit codes; what went
// wrong inside stays in the wrapped error, for the log.
//
// It holds no table of statuses and logs nothing.
package fault

import "errors"

// Kind is what sort of error it is.
type Kind int

// The kinds. An error without one is Internal.
const (
	Internal     Kind = iota // our own fault; the text is not shown
	Invalid                  // the request cannot be understood or allowed as it is
	NotFound                 // there is no such thing
	Conflict                 // it changed meanwhile, or exists already
	Unauthorized             // log in first
	Forbidden                // not for this client
	TooLarge                 // over a limit
	Unavailable              // not now; the same request may work later
	NoSpace                  // the disk is full
)

var names = [...]string{"internal", "invalid", "not_found", "conflict", "unauthorized", "forbidden", "too_large", "unavailable", "no_space"}

// String is the kind's stable name, as clients see it.
func (k Kind) String() string {
	if k < 0 || int(k) >= len(names) {
		return names[Internal]
	}
	return names[k]
}

type fault struct {
	kind    Kind
	message string
	err     error
}

func (f *fault) Error() string {
	if f.err == nil {
		return f.message
	}
	return f.message + ": " + f.err.Error()
}

func (f *fault) Unwrap() error { return f.err }

// New is an error of a kind with a text for the user.
func New(kind Kind, message string) error { return &fault{kind: kind, message: message} }

// Wrap gives err a kind and a text for the user; err itself is for the log. A nil err stays nil.
func Wrap(kind Kind, message string, err error) error {
	if err == nil {
		return nil
	}
	return &fault{kind: kind, message: message, err: err}
}

// KindOf is the kind of the outermost fault in err's chain, Internal when there is none.
func KindOf(err error) Kind {
	if f, ok := errors.AsType[*fault](err); ok {
		return f.kind
	}
	return Internal
}

// Message is the text that may be shown to the user; for an error without a kind, a general one.
func Message(err error) string {
	if f, ok := errors.AsType[*fault](err); ok && f.kind != Internal {
		return f.message
	}
	return "Something went wrong inside Runnel; its log has the details"
}
