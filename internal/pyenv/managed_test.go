package pyenv

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/internal/testpy"
)

// fakeUV puts a uv on PATH that makes an environment with the packages of the test's own one.
func (w *world) fakeUV(python string) {
	prefix := filepath.Dir(filepath.Dir(python))
	packages, err := filepath.Glob(filepath.Join(prefix, "lib", "python3*", "site-packages"))
	if err != nil || len(packages) != 1 {
		w.t.Fatalf("packages of %s: %v, %v", prefix, packages, err)
	}
	w.file("bin/uv", `#!/bin/sh
if [ "$1" = venv ]; then
  exec `+python+` -m venv --without-pip "$3"
fi
echo "Resolved 30 packages in 2ms" >&2
for site in '`+w.root+`'/state/python/lib/python3*/site-packages; do echo '`+packages[0]+`' > "$site/borrowed.pth"; done
`, 0o755)
}

func TestMakeManaged_uv(t *testing.T) {
	w := newWorld(t)
	w.fakeUV(testpy.Python(t, "7"))
	f := w.finder("")
	if list := choices(t, f, w.root); len(list) != 0 {
		t.Fatalf("before: %+v", list)
	}
	var lines []string
	c, err := f.MakeManaged(t.Context(), func(line string) { lines = append(lines, line) })
	if err != nil {
		t.Fatal(err)
	}
	if !c.HasKernel || c.Environment != managedWhere || !strings.HasPrefix(c.IPyKernel, "7.") {
		t.Errorf("%+v", c)
	}
	if told := strings.Join(lines, "\n"); !strings.Contains(told, "with uv") || !strings.Contains(told, "Resolved 30") || !strings.Contains(told, "is ready") {
		t.Errorf("told: %s", told)
	}
	if list := choices(t, f, w.root); len(list) != 1 || list[0].Python != c.Python {
		t.Errorf("after: %+v", list)
	}
	again, err := f.MakeManaged(t.Context(), func(line string) { t.Errorf("the second time: %s", line) })
	if err != nil || again.Python != c.Python {
		t.Errorf("again: %+v, %v", again, err)
	}
}

func TestMakeManaged_nothingToMakeItWith(t *testing.T) {
	w := newWorld(t)
	_, err := w.finder("").MakeManaged(t.Context(), func(string) {})
	if err == nil || !strings.Contains(err.Error(), "install one, or uv") {
		t.Errorf("error %v", err)
	}
}

func TestMakeManaged_failureNamesInterpreterAndCommand(t *testing.T) {
	w := newWorld(t)
	w.file("bin/python3", `#!/bin/sh
if [ "$1" = -m ]; then echo 'ensurepip is not available' >&2; exit 1; fi
echo; echo 'runnel {"version":"3.11.2","prefix":"/usr","base":"/usr","external":true}'
`, 0o755)
	_, err := w.finder("").MakeManaged(t.Context(), func(string) {})
	if err == nil {
		t.Fatal("made from nothing")
	}
	for _, want := range []string{filepath.Join(w.root, "bin", "python3"), "sudo apt-get install python3-venv", "ensurepip is not available"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
}

func TestMakeManaged_cancelled(t *testing.T) {
	w := newWorld(t)
	w.file("bin/uv", "#!/bin/sh\nmkdir -p \"$3/bin\"\necho Installing >&2\nsleep 600 & wait\n", 0o755)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := w.finder("").MakeManaged(ctx, func(line string) {
		if line == "Installing" {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(filepath.Join(w.root, "state", "python")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what was begun is still there: %v", err)
	}
}
