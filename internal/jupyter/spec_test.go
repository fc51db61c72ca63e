package jupyter_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/runnel-dev/runnel/internal/jupyter"
)

func TestSearchPaths(t *testing.T) {
	cases := []struct {
		name     string
		goos     string
		env      map[string]string
		prefixes []string
		want     string
	}{
		{"linux", "linux", nil, []string{"/usr"}, `
			/home/u/.local/share/jupyter/kernels
			/usr/share/jupyter/kernels
			/usr/local/share/jupyter/kernels
			/home/u/.ipython/kernels`},
		{"a virtual environment goes first", "linux", map[string]string{"VIRTUAL_ENV": "/venv"}, []string{"/opt/py"}, `
			/venv/share/jupyter/kernels
			/opt/py/share/jupyter/kernels
			/home/u/.local/share/jupyter/kernels
			/usr/local/share/jupyter/kernels
			/usr/share/jupyter/kernels
			/home/u/.ipython/kernels`},
		{"conda's base is no environment", "linux", map[string]string{"CONDA_PREFIX": "/conda", "CONDA_DEFAULT_ENV": "base"}, nil, `
			/home/u/.local/share/jupyter/kernels
			/conda/share/jupyter/kernels
			/usr/local/share/jupyter/kernels
			/usr/share/jupyter/kernels
			/home/u/.ipython/kernels`},
		{"the user may forbid it", "linux", map[string]string{"VIRTUAL_ENV": "/venv", "JUPYTER_PREFER_ENV_PATH": "0"}, nil, `
			/home/u/.local/share/jupyter/kernels
			/venv/share/jupyter/kernels
			/usr/local/share/jupyter/kernels
			/usr/share/jupyter/kernels
			/home/u/.ipython/kernels`},
		{"every variable", "linux", map[string]string{
			"JUPYTER_PATH": "/a::/b/", "JUPYTER_DATA_DIR": "/data", "PYTHONUSERBASE": "/base", "IPYTHONDIR": "/ipy", "XDG_DATA_HOME": "/xdg"}, nil, `
			/a/kernels
			/b/kernels
			/data/kernels
			/base/share/jupyter/kernels
			/usr/local/share/jupyter/kernels
			/usr/share/jupyter/kernels
			/ipy/kernels`},
		{"XDG", "linux", map[string]string{"XDG_DATA_HOME": "/xdg"}, nil, `
			/xdg/jupyter/kernels
			/home/u/.local/share/jupyter/kernels
			/usr/local/share/jupyter/kernels
			/usr/share/jupyter/kernels
			/home/u/.ipython/kernels`},
		{"macOS", "darwin", nil, []string{"/opt/homebrew"}, `
			/home/u/Library/Jupyter/kernels
			/home/u/.local/share/jupyter/kernels
			/opt/homebrew/share/jupyter/kernels
			/usr/local/share/jupyter/kernels
			/usr/share/jupyter/kernels
			/home/u/.ipython/kernels`},
		{"Windows", "windows", map[string]string{"APPDATA": `C:\A`, "PROGRAMDATA": `C:\P`, "JUPYTER_PATH": `C:\x;D:\y`}, []string{`C:\py`}, `
			C:\x\kernels
			D:\y\kernels
			C:\A\jupyter\kernels
			C:\py\share\jupyter\kernels
			C:\P\jupyter\kernels
			/home/u\.ipython\kernels`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := jupyter.SearchPaths(func(k string) string { return c.env[k] }, "/home/u", c.prefixes, c.goos)
			if diff := cmp.Diff(strings.Fields(c.want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// putSpec writes a kernel.json below root and returns its folder.
func putSpec(t *testing.T, root, name, content string) string {
	t.Helper()
	dir := filepath.Join(root, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "kernel.json"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestFindSpecs(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	putSpec(t, a, "Python3", `{"argv":["python","-m","ipykernel_launcher","-f","{connection_file}"],"display_name":"Mine","language":"python","new_key":1}`)
	putSpec(t, b, "python3", `{"argv":["x"],"display_name":"Hidden"}`)
	putSpec(t, b, "deno", `{"argv":["deno","{connection_file}"],"interrupt_mode":"message","metadata":{"a":1.0},"env":{"A":"b"}}`)
	putSpec(t, a, "broken", `{"argv":`)
	putSpec(t, b, "broken", `{"argv":["hidden by the broken one"]}`)
	putSpec(t, a, "idle", `{"display_name":"starts nothing"}`)
	putSpec(t, a, "odd", `{"argv":["x"],"interrupt_mode":"shout"}`)
	putSpec(t, a, "two words", `{"argv":["x"]}`)
	putSpec(t, a, "mistyped", `{"argv":"x"}`)
	if err := os.WriteFile(filepath.Join(a, "README"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(a, "empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	specs, errs := jupyter.FindSpecs([]string{filepath.Join(a, "missing"), a, b})
	want := []jupyter.Spec{
		{Name: "deno", DisplayName: "deno", InterruptMode: "message", Argv: []string{"deno", "{connection_file}"},
			Env: map[string]string{"A": "b"}, Metadata: []byte(`{"a":1.0}`), Dir: filepath.Join(b, "deno")},
		{Name: "python3", DisplayName: "Mine", Language: "python", InterruptMode: "signal",
			Argv: []string{"python", "-m", "ipykernel_launcher", "-f", "{connection_file}"}, Dir: filepath.Join(a, "Python3")},
	}
	if diff := cmp.Diff(want, specs); diff != "" {
		t.Error(diff)
	}
	var bad []string
	for _, err := range errs {
		var e *jupyter.SpecError
		if !errors.As(err, &e) {
			t.Errorf("unexpected: %v", err)
			continue
		}
		bad = append(bad, e.Name)
	}
	slices.Sort(bad)
	if diff := cmp.Diff([]string{"broken", "idle", "mistyped", "odd", "two words"}, bad); diff != "" {
		t.Error(diff)
	}
	if !specs[1].IsIPython() || specs[0].IsIPython() {
		t.Error("which one is ipykernel?")
	}
}

func TestCommand(t *testing.T) {
	cases := []struct {
		name, argv, python, want string
	}{
		{"substitutes", "k --conn {connection_file} --res {resource_dir} {else}", "", "k --conn /c.json --res /dir {else}"},
		{"python becomes the interpreter", "python3.12 -m x -f {connection_file}", "/v/bin/python", "/v/bin/python -m x -f /c.json"},
		{"python stays without one", "python -f {connection_file}", "", "python -f /c.json"},
		{"a full path stays", "/usr/bin/python3 -f {connection_file}", "/v/bin/python", "/usr/bin/python3 -f /c.json"},
		{"prefix", "{prefix}/bin/k {connection_file}", "/v/bin/python", "/v/bin/k /c.json"},
		{"inside a word", "k --conn={connection_file}", "", "k --conn=/c.json"},
		{"no connection file", "k", "", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := jupyter.Spec{Name: "k", Argv: strings.Fields(c.argv), Dir: "/dir"}
			got, err := s.Command("/c.json", c.python)
			if (err != nil) != (c.want == "") || strings.Join(got, " ") != c.want {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	if _, err := (jupyter.Spec{}).Command("/c.json", ""); err == nil {
		t.Error("an empty spec has a command")
	}
}

func TestEnviron(t *testing.T) {
	s := jupyter.Spec{Env: map[string]string{"PATH": "/x:${PATH}", "B": "$HOME/b", "C": "$$5 $ {HOME} ${NO}", "D": "plain"}}
	env := map[string]string{"PATH": "/bin", "HOME": "/home/u"}
	got := s.Environ(func(k string) (string, bool) { v, ok := env[k]; return v, ok })
	want := map[string]string{"PATH": "/x:/bin", "B": "/home/u/b", "C": "$5 $ {HOME} ${NO}", "D": "plain"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzKernelSpec(f *testing.F) {
	f.Add([]byte(`{"argv":["python","-f","{connection_file}"],"env":{"A":"${A}$$"},"interrupt_mode":"message"}`))
	f.Add([]byte(`{"argv":["{prefix}","{{connection_file}}"],"metadata":null}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		s, err := jupyter.ParseSpec(in)
		if err != nil {
			return
		}
		argv, err := s.Command("/c.json", "/v/bin/python")
		if err == nil && len(argv) != len(s.Argv) {
			t.Fatalf("%q", argv)
		}
		if env := s.Environ(os.LookupEnv); len(env) != len(s.Env) {
			t.Fatalf("%q", env)
		}
		s.IsIPython()
	})
}
