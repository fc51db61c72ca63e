package bench

import (
	"io"
	"testing"

	"go.uber.org/goleak"

	"github.com/runnel-dev/runnel/internal/testpy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestFloor/every figure shows that the measuring itself works, on the one
// system that needs nothing else.
func TestFloor(t *testing.T) {
	argv, err := kernelArgv(t.Context(), testpy.Python(t, "7"))
	if err != nil {
		t.Fatal(err)
	}
	floor, err := newFloor(argv)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := floor.close(); err != nil {
			t.Error(err)
		}
	})
	report := Report{Systems: []string{floor.name()}, Notes: map[string]string{}}
	m := &measurement{config: Config{Quick: true, Progress: io.Discard}, systems: []system{floor}, report: &report}
	if err := m.all(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, note := range report.Notes {
		t.Errorf("%s: %s", name, note)
	}
	for _, name := range []string{figureFirst, figureTrip, figurePrint, figureAnswer, figurePrompt, figureLines, figureDisplay} {
		for _, figure := range report.Figures {
			if figure.Name == name && (figure.Values[floor.name()].N == 0 || figure.Values[floor.name()].P50 <= 0) {
				t.Errorf("%s: %+v", name, figure)
			}
		}
	}
	var lines testWriter
	if err := report.Print(&lines); err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", lines)
}

type testWriter []byte

func (w *testWriter) Write(p []byte) (int, error) { *w = append(*w, p...); return len(p), nil }
