package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/runnel-dev/runnel/internal/testpy"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"runnel": main})
}

var registry = regexp.MustCompile(`(?i)^(PIP_|UV_|SSL_CERT_|.*_proxy$)`)

// TestScripts runs the manual: testdata/script/*.txtar.
func TestScripts(t *testing.T) {
	python := testpy.Python(t, "7")
	root, err := testpy.Root()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			// Short, because sockets lie below it.
			state, err := os.MkdirTemp("", "rs")
			if err != nil {
				return err
			}
			env.Defer(func() { _ = os.RemoveAll(state) })
			env.Setenv("RUNNEL_STATE_DIR", state)
			env.Setenv("HOME", env.WorkDir)
			own, _, _ := strings.Cut(env.Getenv("PATH"), string(os.PathListSeparator)) // where runnel is; beside it few interpreters to look at
			env.Setenv("PATH", strings.Join([]string{own, "/usr/bin", "/bin"}, string(os.PathListSeparator)))
			uv, _ := exec.LookPath("uv")
			env.Setenv("UV", uv)
			env.Setenv("PYTHON", python)
			for _, set := range os.Environ() { // how this machine reaches its package registry
				if name, value, _ := strings.Cut(set, "="); registry.MatchString(name) {
					env.Setenv(name, value)
				}
			}
			env.Setenv("EXAMPLES", filepath.Join(root, "examples"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"waitfile": waitFile,
			"execute":  execute,
		},
	})
}
