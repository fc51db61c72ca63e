// Package fault gives errors a kind, which decides the HTTP status or the error code on the wire, and a message that is
// safe to show to a person.
//
// Its key idea: an error has two readers. Error() is for the log and says everything; [Message] is for the person in
// front of the page, says what to do next, and never holds internals. An error without a kind is Internal.
//
// It maps nothing to statuses; the edge that answers does.
package fault

import (
	"errors"
	"fmt"
)

// Kind is what sort of failure an error is.
type Kind int

// The kinds. The zero value is Internal: an error that nobody classified is ours.
const (
	Internal     Kind = iota
	Invalid           // the request itself is wrong
	NotFound          // there is no such thing
	Conflict          // it exists already, or it changed meanwhile
	Unauthorized      // nobody has said who they are
	Forbidden         // it may not be done
	TooLarge          // over a limit
	Unavailable       // not now; trying again later can help
	NoSpace           // the disk or a quota is full
)

var names = [...]string{
	Internal: "internal", Invalid: "invalid", NotFound: "not_found", Conflict: "conflict", Unauthorized: "unauthorized",
	Forbidden: "forbidden", TooLarge: "too_large", Unavailable: "unavailable", NoSpace: "no_space",
}

// String is the kind's code on the wire.
func (k Kind) String() string {
	if k < 0 || int(k) >= len(names) {
		return names[Internal]
	}
	return names[k]
}

const internalMessage = "Something went wrong inside Runnel. The server's log says what."

// Error is an error with a kind and a message for a person. Make one with [New] or [Wrap].
type Error struct {
	kind    Kind
	message string
	cause   error
}

// New makes an error of a kind. The message is one or two sentences for a person: what happened, what to do next.
func New(kind Kind, message string) error { return &Error{kind: kind, message: message} }

// Newf is New with a format.
func Newf(kind Kind, format string, args ...any) error {
	return New(kind, fmt.Sprintf(format, args...))
}

// Wrap gives err a kind and a message for a person; err itself is only for the log and for errors.Is. Wrap of nil is nil.
func Wrap(kind Kind, message string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{kind: kind, message: message, cause: err}
}

// Error is the text for the log.
func (e *Error) Error() string {
	if e.cause == nil || e.cause.Error() == e.message {
		return e.message
	}
	return e.message + " (" + e.cause.Error() + ")"
}

// Unwrap is the cause, nil when there is none.
func (e *Error) Unwrap() error { return e.cause }

// Kind is the error's kind.
func (e *Error) Kind() Kind { return e.kind }

// KindOf is the kind of the outermost [Error] in err's chain, Internal when there is none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.kind
	}
	return Internal
}

// Message is what a person may see of err: the message of the outermost [Error] in its chain, else a sentence that gives
// nothing away. It is empty for nil.
func Message(err error) string {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok && e.message != "" {
		return e.message
	}
	return internalMessage
}
