package session

import (
	"testing"

	"github.com/runnel-dev/runnel/internal/fault"
)

// Who asks for the text of an output that is not there is told so: it is no failure of the server's.
func TestOutputText_of_no_output(t *testing.T) {
	quiet(t, func(t *testing.T, w *world) {
		sv := w.serve()
		text, err := sv.open("a.ipynb").OutputText(testContext(t), "none")
		if err == nil {
			_ = text.Close()
		}
		if fault.KindOf(err) != fault.NotFound {
			t.Errorf("the error is %v, of the kind %s", err, fault.KindOf(err))
		}
	})
}
