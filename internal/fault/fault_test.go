package fault_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/internal/fault"
)

func TestKindAndMessage(t *testing.T) {
	wrapped := fault.Wrap(fault.NoSpace, "The disk is full. Free some space.", fs.ErrClosed)
	for _, c := range []struct {
		name    string
		err     error
		kind    fault.Kind
		message string
	}{
		{"new", fault.New(fault.NotFound, "No such notebook."), fault.NotFound, "No such notebook."},
		{"wrapped further", fmt.Errorf("save a.ipynb: %w", wrapped), fault.NoSpace, "The disk is full. Free some space."},
		{"outermost wins", fault.Wrap(fault.Conflict, "Changed.", wrapped), fault.Conflict, "Changed."},
		{"joined", errors.Join(fs.ErrExist, wrapped), fault.NoSpace, "The disk is full. Free some space."},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := fault.KindOf(c.err); got != c.kind {
				t.Errorf("kind %v, want %v", got, c.kind)
			}
			if got := fault.Message(c.err); got != c.message {
				t.Errorf("message %q, want %q", got, c.message)
			}
		})
	}
	if !errors.Is(wrapped, fs.ErrClosed) || !strings.Contains(wrapped.Error(), "closed") {
		t.Errorf("the cause is lost: %v", wrapped)
	}
	if text := fault.Wrap(fault.Unavailable, "no kernel", errors.New("no kernel")).Error(); text != "no kernel" {
		t.Errorf("said twice: %s", text)
	}
}

func TestUnclassified(t *testing.T) {
	err := errors.New("open /secret/path: denied")
	if fault.KindOf(err) != fault.Internal || strings.Contains(fault.Message(err), "secret") {
		t.Errorf("%v %q", fault.KindOf(err), fault.Message(err))
	}
	if fault.Message(nil) != "" || fault.Wrap(fault.Invalid, "x", nil) != nil {
		t.Error("nil is an error")
	}
	if fault.Kind(99).String() != "internal" || fault.NoSpace.String() != "no_space" {
		t.Error("names of kinds")
	}
}
