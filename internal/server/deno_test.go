package server_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/internal/plainclient"
	"github.com/runnel-dev/runnel/internal/server"
	"github.com/runnel-dev/runnel/internal/server/servertest"
	"github.com/runnel-dev/runnel/internal/testpy"
)

// A kernel that is not Python's, with a ZeroMQ of its own, found by its kernelspec and named by the notebook: nothing on the way
// knows a language.
func TestDeno(t *testing.T) {
	jupyter, dir := t.TempDir(), t.TempDir()
	spec, err := json.Marshal(map[string]any{
		"argv": []string{testpy.Deno(t), "jupyter", "--kernel", "--conn", "{connection_file}"}, "display_name": "Deno", "language": "typescript",
	})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(jupyter, "kernels", "deno", "kernel.json"), string(spec))
	write(t, filepath.Join(dir, "ts.ipynb"), `{"cells": [], "metadata": {"kernelspec": {"name": "deno", "display_name": "Deno", "language": "typescript"}}, "nbformat": 4, "nbformat_minor": 5}`)
	t.Setenv("JUPYTER_PATH", jupyter)
	t.Setenv("DENO_DIR", t.TempDir())
	s := servertest.Start(t, server.Config{Dir: dir})
	c, err := plainclient.Dial(within(t, 10*time.Second), plainclient.Options{URL: s.URL(), Token: s.Token(), Notebook: "ts.ipynb"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	run := func(cell, code string) (string, plainclient.Message) {
		var text strings.Builder
		last, err := c.Run(within(t, time.Minute), cell, code, func(m plainclient.Message) error {
			if m.IsText() {
				text.WriteString(m.Content)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return text.String(), last
	}
	if text, last := run("a", "let n = 6; for (let i = 0; i < 3; i++) console.log(i * n)"); text != "0\n6\n12\n" || last.Result == nil || last.Result.Status != "ok" {
		t.Errorf("printed %q, ended as %s", text, last.Raw)
	}
	if text, last := run("b", "n * 7"); !strings.Contains(text, "42") || last.Result == nil {
		t.Errorf("result %q, ended as %s", text, last.Raw)
	}
	if _, last := run("c", "throw new Error('no way')"); last.Type != "error" || !strings.Contains(last.Error, "no way") {
		t.Errorf("ended as %s", last.Raw)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
