// Package testpy finds the real programs that tests run: Python environments
// with ipykernel 6 and 7, Deno, and what fault tests put around a server.
//
// The key idea: a test that needs a real program fails without it and says which
// command makes it; it never passes by not running. `make test-env` makes them
// all under .cache, in the root of the repository.
package testpy

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// Python is the interpreter of the environment with ipykernel of this major
// version, "6" or "7". Both also have jupyter_client, pyzmq and nbformat.
func Python(t testing.TB, ipykernelMajor string) string {
	t.Helper()
	return need(t, filepath.Join(".cache", "py-ipykernel"+ipykernelMajor, "bin", "python"))
}

// Deno is the deno program; `deno jupyter --kernel --conn FILE` is its kernel.
func Deno(t testing.TB) string {
	t.Helper()
	return need(t, filepath.Join(".cache", "deno", "node_modules", "@deno", denoPlatform(), "deno"))
}

// denoPlatform names the npm package that holds the program for this machine.
func denoPlatform() string {
	arch := map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	if runtime.GOOS == "linux" {
		return "linux-" + arch + "-glibc"
	}
	return runtime.GOOS + "-" + arch
}

// Program is a program of the system by its name, "nginx" or "strace": from the
// PATH, or what `make test-env` unpacked.
func Program(t testing.TB, name string) string {
	t.Helper()
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	unpacked := filepath.Join(root, ".cache", name, "usr")
	for _, path := range []string{name, filepath.Join("/usr/sbin", name), filepath.Join(unpacked, "sbin", name), filepath.Join(unpacked, "bin", name)} {
		if found, err := exec.LookPath(path); err == nil {
			return found
		}
	}
	t.Fatalf("%s is missing: run `make test-env` first", name)
	return ""
}

func need(t testing.TB, path string) string {
	t.Helper()
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(root, path)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%s is missing: run `make test-env` first", path)
	}
	return path
}

// Root is the root of the repository: the nearest folder upwards with a go.mod.
var Root = sync.OnceValues(func() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("no go.mod above the working directory")
		}
		dir = parent
	}
})
