package pyenv

import (
	"os"
	"path/filepath"
	"testing"
)

// What interpreters have answered is known to the next server; the one that is picked is asked again, so that it is known to run.
func TestRemembered(t *testing.T) {
	w := newWorld(t)
	w.interpreter("home/.pyenv/versions/3.12.0", "3.12.0", "7.1.0")
	w.interpreter("home/.pyenv/versions/3.11.0", "3.11.0", "")
	before := choices(t, w.finder(""), w.root)
	if w.asked() != 2 || len(before) != 2 {
		t.Fatalf("asked %d times: %+v", w.asked(), before)
	}
	info, err := os.Stat(filepath.Join(w.root, "state", "pythons.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", info, err)
	}
	next := w.finder("")
	after := choices(t, next, w.root)
	if w.asked() != 2 || len(after) != 2 || after[0].Python != before[0].Python || after[0].IPyKernel != "7.1.0" || after[1].Fix != before[1].Fix {
		t.Errorf("asked %d times: %+v", w.asked(), after)
	}
	for range 2 {
		if c, err := next.Pick(t.Context(), "", "", w.root); err != nil || c.Version != "3.12.0" || w.asked() != 3 {
			t.Errorf("picked %+v, %v, asked %d times", c, err, w.asked())
		}
	}
	// One that stopped to work without a change that can be seen is not picked.
	python := filepath.Join(w.root, "home/.pyenv/versions/3.12.0/bin/python")
	was, err := os.Stat(python)
	if err != nil {
		t.Fatal(err)
	}
	broken := make([]byte, was.Size())
	copy(broken, "#!/bin/false\n")
	if err := os.WriteFile(python, broken, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(python, was.ModTime(), was.ModTime()); err != nil {
		t.Fatal(err)
	}
	if c, err := w.finder("").Pick(t.Context(), "", "", w.root); err == nil {
		t.Errorf("picked %+v", c)
	}
}

// An answer is good for as long as nothing has changed that it may depend on.
func TestRemembered_changes(t *testing.T) {
	for name, change := range map[string]func(w *world){
		"packages are installed": func(w *world) { w.file("e/site-packages/ipykernel/x", "", 0o644) },
		"another interpreter":    func(w *world) { w.interpreter("e", "3.12.10", "7.1.0") },
		"PYTHONPATH":             func(w *world) { w.t.Setenv("PYTHONPATH", "/elsewhere") },
		"a damaged file":         func(w *world) { w.file("state/pythons.json", `{"script":`, 0o600) },
		"another script":         func(w *world) { w.file("state/pythons.json", `{"script":"0","answers":{}}`, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.env["VIRTUAL_ENV"] = filepath.Join(w.root, "e")
			w.interpreter("e", "3.12.0", "7.1.0")
			choices(t, w.finder(""), w.root)
			change(w)
			if choices(t, w.finder(""), w.root); w.asked() != 2 {
				t.Errorf("asked %d times", w.asked())
			}
		})
	}
}

// A shim starts now one interpreter, now another: it is asked each time.
func TestRemembered_shim(t *testing.T) {
	w := newWorld(t)
	w.interpreter("e", "3.12.0", "7.1.0")
	shim := w.file("bin/python3", "#!/bin/sh\nexec '"+filepath.Join(w.root, "e/bin/python")+"' \"$@\"\n", 0o755)
	w.env["PATH"] = filepath.Dir(shim)
	for n := 1; n <= 2; n++ {
		if choices(t, w.finder(""), w.root); w.asked() != n {
			t.Errorf("asked %d times, want %d", w.asked(), n)
		}
	}
}
