package pyenv

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"
)

// atOnce is how many interpreters are asked at the same time.
const atOnce = 6

// pythons asks the candidates and gives a choice for each environment, in the
// candidates' order.
func (f *Finder) pythons(ctx context.Context, list []candidate) []Choice {
	type result struct {
		probed
		err error
	}
	results := make([]result, len(list))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, c := range list {
		group.Go(func() error {
			if c.read {
				results[i].probed, results[i].err = read(c.path)
			} else {
				results[i].probed, results[i].err = f.probes.probe(ctx, c.path)
			}
			return nil
		})
	}
	_ = group.Wait() // the functions return nil

	var choices []Choice
	seen := map[string]bool{}
	for i, c := range list {
		r := results[i]
		key := r.Prefix
		if r.err != nil {
			key = c.path
		}
		if seen[key] {
			continue
		}
		seen[key] = true
		if r.err != nil {
			choices = append(choices, f.broken(c, r.err))
		} else {
			choices = append(choices, f.python(c, r.probed))
		}
	}
	return choices
}

func (f *Finder) broken(c candidate, err error) Choice {
	return Choice{
		Name: nameOf(c.path), DisplayName: "Python (does not work)", Language: "python", Environment: c.where,
		Argv: launchArgv(c.path, ""), InterruptMode: "signal", Python: c.path, Fix: err.Error(),
	}
}

func (f *Finder) python(c candidate, p probed) Choice {
	path := c.path
	// A shim on PATH leads elsewhere: take the interpreter that answered.
	if own := pythonIn(p.Prefix); !c.asked && filepath.Dir(filepath.Dir(path)) != p.Prefix && isExecutable(own) {
		path = own
	}
	choice := Choice{
		Name: nameOf(path), Language: "python", Environment: c.where, Python: path, Version: p.Version,
		DisplayName: "Python " + p.Version + named(c, p), IPyKernel: p.IPyKernel, HasKernel: p.IPyKernel != "",
		Argv: launchArgv(path, p.Version), InterruptMode: "signal", Env: f.activated(p), onlyRead: c.read,
	}
	switch {
	case !atLeast(p.Version, 3, 7):
		choice.HasKernel, choice.Fix = false, fmt.Sprintf("Python %s is too old: use 3.9 or newer", p.Version)
	case !choice.HasKernel:
		choice.Fix = f.fixFor(p, path)
	}
	return choice
}

// named gives the name of an environment that is one.
func named(c candidate, p probed) string {
	switch {
	case c.where == managedWhere:
		return " (Runnel)"
	case p.Conda:
		return " (" + filepath.Base(p.Prefix) + ")"
	case p.Prefix == p.Base:
		return ""
	}
	name := filepath.Base(p.Prefix)
	if name == ".venv" || name == "venv" {
		name = filepath.Base(filepath.Dir(p.Prefix))
	}
	return " (" + name + ")"
}

// launchArgv starts ipykernel as its own kernelspec does: from 3.11 on, frozen
// modules hide lines from its debugger, which would say so in the first cell.
func launchArgv(python, version string) []string {
	argv := []string{python}
	if atLeast(version, 3, 11) {
		argv = append(argv, "-Xfrozen_modules=off")
	}
	return append(argv, "-m", "ipykernel_launcher", "-f", "{connection_file}")
}

// activated is what a shell's activation would set, so that `!pip install` in a
// cell goes where the kernel is.
func (f *Finder) activated(p probed) map[string]string {
	if p.Prefix == p.Base && !p.Conda {
		return nil
	}
	env := map[string]string{"PATH": filepath.Join(p.Prefix, "bin") + string(os.PathListSeparator) + f.config.Env("PATH")}
	if p.Conda {
		env["CONDA_PREFIX"], env["CONDA_DEFAULT_ENV"] = p.Prefix, filepath.Base(p.Prefix)
	} else {
		env["VIRTUAL_ENV"] = p.Prefix
	}
	return env
}

// fixFor gives the one command that brings ipykernel to the interpreter.
func (f *Finder) fixFor(p probed, python string) string {
	q := quote(python)
	switch {
	case p.Conda:
		return "conda install --yes --prefix " + quote(p.Prefix) + " ipykernel"
	case p.External:
		return q + " -m venv ~/.venv && ~/.venv/bin/pip install ipykernel"
	case !p.Pip && f.look("uv") != "":
		return "uv pip install --python " + q + " ipykernel"
	case !p.Pip:
		return q + " -m ensurepip && " + q + " -m pip install ipykernel"
	}
	return q + " -m pip install ipykernel"
}

// quote makes a path one word of a shell.
func quote(path string) string {
	if strings.ContainsFunc(path, func(r rune) bool {
		return !strings.ContainsRune("/._-+~@%:", r) && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}

// atLeast compares a version's first two numbers.
func atLeast(version string, major, minor int) bool {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return false
	}
	a, errA := strconv.Atoi(parts[0])
	b, errB := strconv.Atoi(parts[1])
	return errA == nil && errB == nil && (a > major || a == major && b >= minor)
}
