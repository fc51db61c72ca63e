package repotest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/internal/testpy"
)

func root(t *testing.T) string {
	t.Helper()
	dir, err := testpy.Root()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// tracked lists the files of the repository: those that are committed or could be.
func tracked(t *testing.T) []string {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("list the repository's files (these tests need git and its checkout): %v", err)
	}
	var names []string
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if info, err := os.Lstat(filepath.Join(cmd.Dir, name)); err == nil && info.Mode().IsRegular() {
			names = append(names, name)
		}
	}
	return names
}

// Each word is put together here so that this file does not hold it.
var words = []struct {
	pattern *regexp.Regexp
	reason  string
}{
	{regexp.MustCompile(`/(home|Users)/` + `[a-zA-Z]`), "names somebody's home folder"},
	{regexp.MustCompile(`(^|[^.\w/])/` + `root/`), "names somebody's home folder"},
	{regexp.MustCompile(`[a-z.]` + `npmjs\.(org|com)|python` + `hosted\.org|pypi` + `\.org/simple|proxy\.golang` + `\.org`), "names a package registry: the tools know theirs"},
	{regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b`), "leaves something for later where nobody will look: write an issue"},
	{regexp.MustCompile(`\bt\.Skip` + `(Now|f)?\(|\b(it|test|describe)\.(skip|only)` + `\(`), "skips a test: a test runs, or is not there"},
}

// innocent are made-up people of the tests and documents, and the one skip with
// a good reason: only root may mount the small disk that a test fills up.
var innocent = regexp.MustCompile(`/(home|Users)/` + `(ada|you|user|u|jovyan)\b|t\.Skip` + `\("only root on Linux`)

func TestFilesSpeakOfRunnelAlone(t *testing.T) {
	for _, name := range tracked(t) {
		if strings.HasSuffix(name, "-lock.json") || strings.HasSuffix(name, ".sum") || strings.Contains(name, "testdata/") && !strings.HasSuffix(name, ".txtar") {
			continue // other people's words, kept as they are
		}
		text, err := os.ReadFile(filepath.Join(root(t), filepath.FromSlash(name)))
		if err != nil {
			t.Error(err)
			continue
		}
		if bytes.IndexByte(text, 0) >= 0 {
			continue // a picture
		}
		text = innocent.ReplaceAll(text, nil)
		for _, word := range words {
			if found := word.pattern.Find(text); found != nil {
				t.Errorf("%s holds %q: it %s", name, found, word.reason)
			}
		}
	}
}

// TestMakefileTargetsAreDescribed keeps `make help` whole.
func TestMakefileTargetsAreDescribed(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root(t), "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range regexp.MustCompile(`(?m)^([a-z0-9-]+):.*$`).FindAllStringSubmatch(string(text), -1) {
		if !strings.Contains(target[0], "## ") {
			t.Errorf("make %s has no description", target[1])
		}
	}
}

// TestScriptsAreRunnable keeps them runnable.
func TestScriptsAreRunnable(t *testing.T) {
	for _, name := range tracked(t) {
		if !strings.HasSuffix(name, ".sh") && name != ".ci/run" {
			continue
		}
		info, err := os.Stat(filepath.Join(root(t), name))
		if err != nil {
			t.Error(err)
			continue
		}
		if info.Mode().Perm()&0o111 == 0 {
			t.Errorf("%s is not executable", name)
		}
		shell := "sh"
		if text, err := os.ReadFile(filepath.Join(root(t), name)); err == nil && bytes.HasPrefix(text, []byte("#!/bin/bash")) {
			shell = "bash"
		}
		if out, err := exec.Command(shell, "-n", filepath.Join(root(t), name)).CombinedOutput(); err != nil {
			t.Errorf("%s: %s", name, out)
		}
	}
}
