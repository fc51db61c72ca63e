package pyenv

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

func (f *Finder) managedDir() string { return filepath.Join(f.config.State, "python") }

// MakeManaged makes Runnel's own Python environment with ipykernel in it, below
// the state folder, or gives the one that is there. It takes from a second (uv,
// warm) to a minute; progress gets a line for each thing done and is called
// from one goroutine at a time. It needs the network unless the installer has
// the packages in its cache. When ctx ends, what was begun is removed.
//
// Two processes that make it at the same time wait for each other.
func (f *Finder) MakeManaged(ctx context.Context, progress func(string)) (Choice, error) {
	if f.config.State == "" {
		return Choice{}, errors.New("make a Python environment: no folder to make it in")
	}
	f.making.Lock()
	defer f.making.Unlock()
	if err := os.MkdirAll(f.config.State, 0o700); err != nil {
		return Choice{}, fmt.Errorf("make a Python environment: %w", err)
	}
	lock := flock.New(f.managedDir() + ".lock")
	if _, err := lock.TryLockContext(ctx, 200*time.Millisecond); err != nil {
		return Choice{}, fmt.Errorf("wait for another Runnel that makes the Python environment: %w", err)
	}
	defer lock.Close()

	dir := f.managedDir()
	if choice, err := f.managed(ctx); err == nil {
		return choice, nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return Choice{}, fmt.Errorf("remove the broken environment %s: %w", dir, err)
	}
	if err := f.build(ctx, dir, progress); err != nil {
		return Choice{}, errors.Join(err, os.RemoveAll(dir))
	}
	choice, err := f.managed(ctx)
	if err != nil {
		return Choice{}, errors.Join(fmt.Errorf("the new environment does not work: %w", err), os.RemoveAll(dir))
	}
	f.mu.Lock()
	clear(f.recent)
	f.mu.Unlock()
	progress("Python " + choice.Version + " with ipykernel " + choice.IPyKernel + " is ready")
	return choice, nil
}

// managed gives the environment if it is there and whole.
func (f *Finder) managed(ctx context.Context) (Choice, error) {
	c := candidate{path: pythonIn(f.managedDir()), where: managedWhere}
	p, err := f.probes.probe(ctx, c.path)
	if err != nil {
		return Choice{}, err
	}
	choice := f.python(c, p)
	if !choice.HasKernel {
		return choice, fmt.Errorf("%w: %s has no ipykernel", ErrNoKernel, c.path)
	}
	return choice, nil
}

func (f *Finder) build(ctx context.Context, dir string, progress func(string)) error {
	python := pythonIn(dir)
	if uv := f.look("uv"); uv != "" {
		progress("making a Python environment with uv in " + dir)
		err := f.run(ctx, progress, uv, "venv", "--quiet", dir)
		if err == nil {
			progress("installing ipykernel")
			err = f.run(ctx, progress, uv, "pip", "install", "--python", python, "ipykernel")
		}
		if err == nil || ctx.Err() != nil {
			return err
		}
		progress("uv could not: " + err.Error())
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("remove %s: %w", dir, err)
		}
	}
	bases := f.bases(ctx)
	if len(bases) == 0 {
		return errors.New("make a Python environment: no Python 3.9 or newer was found; install one, or uv, and start again")
	}
	var problems error
	for _, base := range bases {
		progress("making a Python environment with " + base + " in " + dir)
		if err := f.run(ctx, progress, base, "-m", "venv", dir); err != nil {
			// Debian's python3 has venv but not what it needs: another interpreter may.
			problems = errors.Join(problems, fmt.Errorf("the interpreter %s cannot make an environment (on Debian and Ubuntu run: sudo apt-get install python3-venv): %w",
				base, err), os.RemoveAll(dir))
			if ctx.Err() != nil {
				return problems
			}
			continue
		}
		progress("installing ipykernel")
		if err := f.run(ctx, progress, python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "ipykernel"); err != nil {
			return fmt.Errorf("install ipykernel for the interpreter %s; to try by hand, run: %s -m venv ~/.venv && ~/.venv/bin/pip install ipykernel: %w",
				base, quote(base), err)
		}
		return nil
	}
	return problems
}

// bases gives the interpreters that may found an environment, newest kernel
// support first as the candidates' order has it.
func (f *Finder) bases(ctx context.Context) []string {
	var list []string
	for _, c := range f.pythons(ctx, f.candidates("")) {
		if c.Environment != managedWhere && atLeast(c.Version, 3, 9) {
			list = append(list, c.Python)
		}
	}
	return list[:min(len(list), 4)]
}

// look finds a program on PATH as the Finder's environment has it.
func (f *Finder) look(name string) string {
	for _, dir := range filepath.SplitList(f.config.Env("PATH")) {
		if path := filepath.Join(dir, name); filepath.IsAbs(dir) && isExecutable(path) {
			return path
		}
	}
	return ""
}

// run runs a step and hands its lines to progress. The error holds the last
// line that says what went wrong.
func (f *Finder) run(ctx context.Context, progress func(string), name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	inOwnGroup(cmd)
	return told(ctx, progress, cmd)
}

// told runs a command and hands its lines to progress.
func told(ctx context.Context, progress func(string), cmd *exec.Cmd) error {
	cmd.Dir = "/"
	cmd.Env = append(withoutOurs(os.Environ()), "PYTHONUNBUFFERED=1", "PIP_PROGRESS_BAR=off", "NO_COLOR=1")
	lines, writer := io.Pipe()
	problems := &tail{limit: 4 << 10}
	cmd.Stdout, cmd.Stderr = writer, io.MultiWriter(writer, problems)
	read := make(chan struct{})
	go func() {
		defer close(read)
		for scanner := bufio.NewScanner(lines); scanner.Scan(); {
			line, _, _ := strings.Cut(strings.TrimSpace(scanner.Text()), " (from ")
			if worthTelling(line) {
				progress(line)
			}
		}
		_, _ = io.Copy(io.Discard, lines) // a line too long for the scanner must not stop the installer
	}()
	err := cmd.Run()
	writer.Close()
	<-read
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", filepath.Base(cmd.Path), ctx.Err())
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w%s", filepath.Base(cmd.Path), strings.Join(cmd.Args[1:min(4, len(cmd.Args))], " "), err, problems.lastLine())
	}
	return nil
}

// withoutOurs keeps what is Runnel's own, its token too, from what a package brings to be run.
func withoutOurs(environ []string) []string {
	return slices.DeleteFunc(environ, func(entry string) bool { return strings.HasPrefix(entry, "RUNNEL_") })
}

// worthTelling keeps the lines of an installer that show it moves.
func worthTelling(line string) bool {
	for _, start := range []string{"Collecting", "Processing", "Downloading", "Building", "Installing", "Successfully", "Resolved", "Prepared", "Installed", "Requirement already", "Audited", "error", "ERROR"} {
		if strings.HasPrefix(line, start) {
			return true
		}
	}
	return false
}
