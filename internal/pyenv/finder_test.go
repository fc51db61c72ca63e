package pyenv

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/runnel-dev/runnel/internal/testpy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a machine with nothing on it but what a test puts there.
type world struct {
	t    *testing.T
	root string
	env  map[string]string
}

func newWorld(t *testing.T) *world {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return &world{t: t, root: root, env: map[string]string{"PATH": filepath.Join(root, "bin")}}
}

func (w *world) finder(python string) *Finder {
	return New(Config{Python: python, State: filepath.Join(w.root, "state"), Home: filepath.Join(w.root, "home"), System: []string{},
		Env: func(key string) string { return w.env[key] }})
}

func (w *world) file(path, content string, mode os.FileMode) string {
	path = filepath.Join(w.root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// interpreter puts a program there that answers as a Python would.
func (w *world) interpreter(prefix, version, ipykernel string) string {
	return w.file(prefix+"/bin/python", `#!/bin/sh
echo a greeting from sitecustomize
echo 'x' >> '`+w.root+`/asked'
echo
echo 'runnel {"version":"`+version+`","prefix":"`+filepath.Join(w.root, prefix)+`","base":"/usr","ipykernel":"`+ipykernel+`","pip":true,
  "executable":"`+filepath.Join(w.root, prefix, "bin", "python")+`","paths":["`+filepath.Join(w.root, prefix, "site-packages")+`"]}'
`, 0o755)
}

func (w *world) asked() int {
	text, err := os.ReadFile(filepath.Join(w.root, "asked"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		w.t.Fatal(err)
	}
	return strings.Count(string(text), "x")
}

func choices(t *testing.T, f *Finder, dir string) []Choice {
	t.Helper()
	list, err := f.Choices(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	// Kernels that are installed on this machine for everybody are not part of the test's world.
	return slices.DeleteFunc(slices.Clone(list), func(c Choice) bool { return strings.HasPrefix(c.Environment, "installed in /usr/") })
}

func TestChoices_realInterpreters(t *testing.T) {
	for _, major := range []string{"6", "7"} {
		t.Run("ipykernel "+major, func(t *testing.T) {
			python := testpy.Python(t, major)
			w := newWorld(t)
			w.env["VIRTUAL_ENV"] = filepath.Dir(filepath.Dir(python))
			list := choices(t, w.finder(""), w.root)
			if len(list) != 1 {
				t.Fatalf("%d choices: %+v", len(list), list)
			}
			c := list[0]
			if c.Python != python || !c.HasKernel || !strings.HasPrefix(c.IPyKernel, major+".") || c.Name != "python3" || c.Fix != "" {
				t.Errorf("%+v", c)
			}
			if c.Env["VIRTUAL_ENV"] != w.env["VIRTUAL_ENV"] || !strings.HasPrefix(c.Env["PATH"], filepath.Dir(python)) {
				t.Errorf("not activated: %v", c.Env)
			}
		})
	}
}

func TestChoices_whereItLooks(t *testing.T) {
	tests := map[string]struct {
		prefix, where string
		env           map[string]string
		file, content string
	}{
		"active conda environment": {prefix: "c/envs/lab", where: "active conda", env: map[string]string{"CONDA_PREFIX": "c/envs/lab"}},
		"noted by conda":           {prefix: "c/envs/lab", where: "conda environment lab", file: "home/.conda/environments.txt", content: "ROOT/c/envs/lab\n"},
		"miniforge at home":        {prefix: "home/miniforge3/envs/a", where: "conda environment a"},
		"uv":                       {prefix: "home/.local/share/uv/python/cpython-3.13.1-linux", where: "installed by uv"},
		"uv elsewhere":             {prefix: "uv/cpython-3.13.1", where: "installed by uv", env: map[string]string{"UV_PYTHON_INSTALL_DIR": "uv"}},
		"pyenv":                    {prefix: "home/.pyenv/versions/3.12.4", where: "pyenv version 3.12.4"},
		"virtualenvwrapper":        {prefix: "home/.virtualenvs/web", where: "virtual environment web"},
		"what our advice makes":    {prefix: "home/.venv", where: "~/.venv"},
		"Runnel's own":             {prefix: "state/python", where: "made by Runnel"},
		"PATH":                     {prefix: "usr", where: "on PATH", env: map[string]string{"PATH": "usr/bin"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			for key, value := range tt.env {
				w.env[key] = filepath.Join(w.root, value)
			}
			if tt.file != "" {
				w.file(tt.file, strings.ReplaceAll(tt.content, "ROOT", w.root), 0o644)
			}
			python := w.interpreter(tt.prefix, "3.12.4", "7.1.0")
			list := choices(t, w.finder(""), w.root)
			if len(list) != 1 || list[0].Python != python || !strings.Contains(list[0].Environment, tt.where) || !list[0].HasKernel {
				t.Errorf("want %s (%s), got %+v", python, tt.where, list)
			}
		})
	}
}

func TestChoices_besideTheNotebookIsOnlyRead(t *testing.T) {
	w := newWorld(t)
	w.interpreter("project/.venv", "3.12.4", "7.1.0")
	w.file("project/.venv/pyvenv.cfg", "home = /usr/bin\nversion = 3.12.4\n", 0o644)
	w.file("project/.venv/lib/python3.12/site-packages/ipykernel-7.1.0.dist-info/METADATA", "", 0o644)
	f, deep := w.finder(""), filepath.Join(w.root, "project", "a", "b")
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	list := choices(t, f, deep)
	if len(list) != 1 || !list[0].HasKernel || list[0].IPyKernel != "7.1.0" || list[0].Version != "3.12.4" {
		t.Fatalf("%+v", list)
	}
	if n := w.asked(); n != 0 {
		t.Errorf("looking at a folder ran its interpreter %d times", n)
	}
	c, err := f.Pick(t.Context(), "python3", "python", deep)
	if err != nil || c.Python != list[0].Python {
		t.Errorf("pick: %+v, %v", c, err)
	}
	if n := w.asked(); n != 1 {
		t.Errorf("starting a kernel asked the interpreter %d times", n)
	}
	if err := os.Chmod(filepath.Join(w.root, "project"), 0o777); err != nil {
		t.Fatal(err)
	}
	if list := choices(t, w.finder(""), filepath.Join(w.root, "project")); len(list) != 0 {
		t.Errorf("an environment in a folder that all can write to is offered: %+v", list)
	}
}

func TestChoices_order(t *testing.T) {
	w := newWorld(t)
	w.interpreter("home/.pyenv/versions/3.9.1", "3.9.1", "6.30.0")
	w.interpreter("home/.pyenv/versions/3.13.0", "3.13.0", "")
	w.interpreter("home/.pyenv/versions/3.6.9", "3.6.9", "5.5.6")
	w.env["PATH"] = filepath.Join(w.root, "usr", "bin")
	w.interpreter("usr", "3.11.2", "")
	var got []string
	for _, c := range choices(t, w.finder(""), w.root) {
		got = append(got, c.Version)
		if c.HasKernel == (c.Fix != "") {
			t.Errorf("%s: has a kernel %v, fix %q", c.Version, c.HasKernel, c.Fix)
		}
	}
	if want := "3.9.1 3.11.2 3.13.0 3.6.9"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestChoices_brokenInterpreters(t *testing.T) {
	tests := map[string]struct{ script, fix string }{
		"crashes":         {"#!/bin/sh\necho 'Fatal Python error: init' >&2\nexit 3\n", "Fatal Python error: init"},
		"is killed":       {"#!/bin/sh\nkill -9 $$\n", "killed"},
		"says nothing":    {"#!/bin/sh\n", "not a Python interpreter"},
		"is a program":    {"#!/bin/sh\necho \"cannot read '$*'\" >&2\nexit 2\n", "exit status 2: cannot read '-'"},
		"complains long":  {"#!/bin/sh\nhead -c 5000 /dev/zero | tr '\\0' x >&2\nexit 1\n", strings.Repeat("x", 300) + "…"},
		"says much":       {"#!/bin/sh\nyes | head -c 3000000\n", "not a Python interpreter"},
		"has no loader":   {"#!/nonexistent/loader\n", "no such file"},
		"is not a script": {"\x7fELF garbage", "exec format error"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.file("bin/python3", tt.script, 0o755)
			list := choices(t, w.finder(""), w.root)
			if len(list) != 1 || list[0].HasKernel || !strings.Contains(list[0].Fix, tt.fix) {
				t.Errorf("want a fix with %q, got %+v", tt.fix, list)
			}
			if strings.Contains(list[0].Fix, "import") {
				t.Errorf("the fix tells what was asked: %s", list[0].Fix)
			}
		})
	}
}

func TestChoices_hangingInterpreterHoldsUpNobody(t *testing.T) {
	w := newWorld(t)
	w.file("bin/python3", "#!/bin/sh\nsleep 600 & wait\n", 0o755)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := w.finder("").Choices(ctx, w.root); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("took %v after the caller gave up", took)
	}
}

func TestChoices_cache(t *testing.T) {
	w := newWorld(t)
	python := w.interpreter("bin-home", "3.12.4", "")
	f := w.finder(python)
	for range 3 {
		if _, err := f.Pick(t.Context(), "", "", w.root); !errors.Is(err, ErrNoKernel) || !strings.Contains(err.Error(), python+" -m pip install ipykernel") {
			t.Fatalf("error %v", err)
		}
	}
	if n := w.asked(); n != 1 {
		t.Errorf("asked %d times", n)
	}
	w.interpreter("bin-home", "3.12.4", "7.1.0")
	if c, err := f.Pick(t.Context(), "", "", w.root); err != nil || c.IPyKernel != "7.1.0" {
		t.Errorf("after the interpreter changed: %+v, %v", c, err)
	}
}

func TestPick(t *testing.T) {
	w := newWorld(t)
	w.interpreter("home/.pyenv/versions/3.12.0", "3.12.0", "7.1.0")
	other := w.interpreter("home/.pyenv/versions/3.9.1", "3.9.1", "6.30.0")
	f := w.finder("")
	tests := map[string]struct{ name, language, version, error string }{
		"nothing named":             {version: "3.12.0"},
		"python3":                   {name: "python3", version: "3.12.0"},
		"one by its name":           {name: nameOf(other), language: "python", version: "3.9.1"},
		"from another machine":      {name: "lab-env", language: "python", version: "3.12.0"},
		"a name and no language":    {name: "python-lab", version: "3.12.0"},
		"another language":          {name: "ir", language: "R", error: `"ir"`},
		"another name, no language": {name: "ir", error: `"ir"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := f.Pick(t.Context(), tt.name, tt.language, w.root)
			if tt.error != "" {
				if !errors.Is(err, ErrNoKernel) || !strings.Contains(err.Error(), tt.error) {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil || c.Version != tt.version || !c.HasKernel {
				t.Errorf("got %+v, %v", c, err)
			}
		})
	}
}

func TestPick_askedFor(t *testing.T) {
	w := newWorld(t)
	w.interpreter("home/.pyenv/versions/3.12.0", "3.12.0", "7.1.0")
	for name, python := range map[string]string{
		"missing": filepath.Join(w.root, "nowhere", "python"),
		"broken":  w.file("broken", "#!/bin/sh\nexit 1\n", 0o755),
		"a text":  w.file("text", "hello", 0o644),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.finder(python).Pick(t.Context(), "", "", w.root)
			if !errors.Is(err, ErrNoKernel) || !strings.Contains(err.Error(), python) {
				t.Errorf("another interpreter was taken, or the error does not name this one: %v", err)
			}
			if !strings.Contains(err.Error(), "with another --python, or without") {
				t.Errorf("the error does not say what to do: %v", err)
			}
		})
	}
	good := w.interpreter("mine", "3.10.1", "6.29.0")
	if c, err := w.finder(good).Pick(t.Context(), "python3", "python", w.root); err != nil || c.Python != good {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestPick_nothingAtAll(t *testing.T) {
	w := newWorld(t)
	_, err := w.finder("").Pick(t.Context(), "python3", "python", w.root)
	if !errors.Is(err, ErrNoKernel) || !strings.Contains(err.Error(), "install Python") {
		t.Errorf("error %v", err)
	}
}

func TestFixFor(t *testing.T) {
	tests := map[string]struct {
		p    probed
		path string
		want string
		uv   bool
	}{
		"pip":            {probed{Pip: true}, "/e/bin/python", "/e/bin/python -m pip install ipykernel", false},
		"a space":        {probed{Pip: true}, "/my env/bin/python", "'/my env/bin/python' -m pip install ipykernel", false},
		"conda":          {probed{Conda: true, Prefix: "/c"}, "/c/bin/python", "conda install --yes --prefix /c ipykernel", false},
		"the system's":   {probed{External: true, Pip: true}, "/usr/bin/python3", "/usr/bin/python3 -m venv ~/.venv && ~/.venv/bin/pip install ipykernel", false},
		"without pip":    {probed{}, "/e/bin/python", "uv pip install --python /e/bin/python ipykernel", true},
		"nor uv":         {probed{}, "/e/bin/python", "/e/bin/python -m ensurepip && /e/bin/python -m pip install ipykernel", false},
		"a single quote": {probed{Pip: true}, "/it's", `'/it'\''s' -m pip install ipykernel`, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if tt.uv {
				w.file("bin/uv", "#!/bin/sh\n", 0o755)
			}
			if got := w.finder("").fixFor(tt.p, tt.path); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
