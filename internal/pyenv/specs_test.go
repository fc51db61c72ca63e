package pyenv

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

func (w *world) spec(dir, name, content string) {
	w.file(filepath.Join(dir, "kernels", name, "kernel.json"), content, 0o644)
}

const homeSpecs = "home/.local/share/jupyter"

func TestChoices_kernelspecs(t *testing.T) {
	w := newWorld(t)
	python := w.interpreter("envs/lab", "3.12.4", "7.1.0")
	deno := w.file("tools/deno", "#!/bin/sh\n", 0o755)
	w.spec(homeSpecs, "deno", `{"argv":["`+deno+`","jupyter","--kernel","--conn","{connection_file}"],"display_name":"Deno","language":"typescript"}`)
	w.spec(homeSpecs, "lab", `{"argv":["`+python+`","-Xfrozen_modules=off","-m","ipykernel_launcher","-f","{connection_file}"],"display_name":"Lab","language":"python"}`)
	w.spec(homeSpecs, "spark", `{"argv":["`+python+`","-m","ipykernel_launcher","-f","{connection_file}"],"display_name":"Spark","language":"python","env":{"SPARK":"1"}}`)
	w.spec(homeSpecs, "gone", `{"argv":["/nowhere/ark","{connection_file}"],"display_name":"R","language":"R","interrupt_mode":"message"}`)
	w.spec(homeSpecs, "broken", `{"argv":`)
	f := w.finder("")

	list := choices(t, f, w.root)
	var names []string
	for _, c := range list {
		names = append(names, c.Name)
	}
	if got := strings.Join(names, " "); got != "python3 deno spark gone" {
		t.Fatalf("choices: %s", got)
	}
	if c := list[0]; c.DisplayName != "Lab" || c.Python != python || !c.HasKernel {
		t.Errorf("an interpreter that only a kernelspec leads to: %+v", c)
	}
	if c := list[3]; c.HasKernel || !strings.Contains(c.Fix, "/nowhere/ark") || c.InterruptMode != "message" {
		t.Errorf("a kernel whose program is gone: %+v", c)
	}

	for name, want := range map[string]string{"lab": "Lab", "python3": "Lab", "spark": "Spark", "deno": "Deno"} {
		c, err := f.Pick(t.Context(), name, "", w.root)
		if err != nil || c.DisplayName != want {
			t.Errorf("pick %s: %s, %v", name, c.DisplayName, err)
		}
	}
	if c, err := f.Pick(t.Context(), "tslab", "TypeScript", w.root); err != nil || c.Name != "deno" {
		t.Errorf("by language: %+v, %v", c, err)
	}
	if c, err := f.Pick(t.Context(), "spark", "", w.root); err != nil || c.Env["SPARK"] != "1" {
		t.Errorf("environment of a kernelspec: %+v, %v", c, err)
	}
	if _, err := f.Pick(t.Context(), "gone", "R", w.root); !errors.Is(err, ErrNoKernel) || !strings.Contains(err.Error(), "its program /nowhere/ark is not there: install the kernel again") {
		t.Errorf("error %v", err)
	}
}

func TestChoices_kernelspecOfAnEnvironment(t *testing.T) {
	w := newWorld(t)
	python := w.interpreter("envs/lab", "3.12.4", "7.1.0")
	w.env["VIRTUAL_ENV"] = filepath.Join(w.root, "envs", "lab")
	w.spec("envs/lab/share/jupyter", "python3", `{"argv":["python","-m","ipykernel_launcher","-f","{connection_file}"],"display_name":"Python 3 (ipykernel)","language":"python"}`)
	w.spec("envs/lab/share/jupyter", "bash", `{"argv":["python","-m","bash_kernel","-f","{connection_file}"],"display_name":"Bash","language":"bash"}`)
	list := choices(t, w.finder(""), w.root)
	if len(list) != 2 || list[0].Name != "python3" || list[0].Python != python {
		t.Fatalf("%+v", list)
	}
	if c := list[1]; c.Name != "bash" || c.Argv[0] != python || !c.HasKernel || c.Python != "" {
		t.Errorf("%+v", c)
	}
}
