package fault

import (
	"errors"
	"fmt"
	"testing"
)

func TestKindOf(t *testing.T) {
	inner := errors.New("open x: no such file")
	tests := []struct {
		name    string
		err     error
		kind    Kind
		message string
	}{
		{"plain error", inner, Internal, Message(inner)},
		{"new", New(Invalid, "bad name"), Invalid, "bad name"},
		{"wrapped under a fault", fmt.Errorf("list: %w", Wrap(NotFound, "no such folder", inner)), NotFound, "no such folder"},
		{"outermost wins", Wrap(Conflict, "exists", New(NotFound, "gone")), Conflict, "exists"},
		{"internal text is not shown", Wrap(Internal, "secret path", inner), Internal, Message(inner)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := KindOf(tt.err); got != tt.kind {
				t.Errorf("kind %v, want %v", got, tt.kind)
			}
			if got := Message(tt.err); got != tt.message {
				t.Errorf("message %q, want %q", got, tt.message)
			}
		})
	}
	if Wrap(Invalid, "x", nil) != nil {
		t.Error("Wrap of nil is not nil")
	}
	if !errors.Is(Wrap(NotFound, "x", inner), inner) {
		t.Error("the wrapped error is lost")
	}
	if Kind(99).String() != "internal" {
		t.Error("an unknown kind has a name of its own")
	}
}
