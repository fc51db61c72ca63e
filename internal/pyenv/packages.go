package pyenv

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/runnel-dev/runnel/internal/fault"
)

// Package is something that is installed in a Python environment.
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

const packagesScript = `
import json
try:
    from importlib.metadata import distributions
except ImportError:
    from importlib_metadata import distributions
seen = {}
for d in distributions():
    name = d.metadata["Name"]
    if name:
        seen.setdefault(name.lower().replace("_", "-"), {"name": name, "version": d.version or ""})
print("\nrunnel " + json.dumps([seen[key] for key in sorted(seen)]))
`

// Packages lists what is installed for the interpreter of a choice, by name.
// It runs the interpreter: ask only for one that a person has started.
func (f *Finder) Packages(ctx context.Context, c Choice) ([]Package, error) {
	if err := hasPackages(c); err != nil {
		return nil, err
	}
	text, err := answerOf(ctx, c.Python, packagesScript)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "The interpreter "+c.Python+" does not say what it has: "+err.Error(), err)
	}
	list := []Package{}
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "The interpreter "+c.Python+" does not say what it has.", err)
	}
	return list, nil
}

func hasPackages(c Choice) error {
	if c.Language != "python" || c.Python == "" {
		return fault.New(fault.Invalid, c.DisplayName+" is not a Python environment: Runnel cannot see its packages.")
	}
	return nil
}

// installPatience is how long an installer that was told to end may tidy up.
const installPatience = 5 * time.Second

// Install has a package installed for the interpreter of a choice: by its own
// pip, or by uv where it has none. It blocks until the installer has ended, also when
// ctx ends: then the installer is interrupted, and has a moment to undo what
// it has begun. progress gets a line for each thing done, from one goroutine
// at a time. There is one installation at a time; another is refused, as are a
// requirement that is more than names and versions, and an interpreter whose
// packages belong to the system. The error's message names the interpreter and
// the one command to try.
func (f *Finder) Install(ctx context.Context, c Choice, requirement string, progress func(string)) error {
	wanted, err := requirementOf(requirement)
	if err != nil {
		return err
	}
	if err := hasPackages(c); err != nil {
		return err
	}
	p, err := f.probes.confirm(ctx, c.Python)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "The interpreter "+c.Python+" does not work: "+err.Error(), err)
	}
	python := quote(c.Python)
	if p.External {
		return fault.Newf(fault.Conflict, "The packages of %s belong to the system. Make an environment for notebooks, and choose it as the kernel; run: %s -m venv ~/.venv && ~/.venv/bin/pip install ipykernel %s",
			c.Python, python, quote(wanted))
	}
	if !f.installing.TryLock() {
		return fault.New(fault.Conflict, "Something else is being installed. Wait for it.")
	}
	defer f.installing.Unlock()
	var argv []string
	byHand := python + " -m pip install " + quote(wanted)
	switch uv := f.look("uv"); {
	case p.Pip:
		argv = []string{c.Python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--", wanted}
	case uv != "":
		argv = []string{uv, "pip", "install", "--python", c.Python, "--", wanted}
		byHand = "uv pip install --python " + python + " " + quote(wanted)
	default:
		return fault.Newf(fault.Unavailable, "The interpreter %s has no pip, and there is no uv here; run: %s -m ensurepip && %s", c.Python, python, byHand)
	}
	progress("installing " + wanted)
	if err := interruptible(ctx, progress, argv); err != nil {
		if ctx.Err() != nil {
			return err
		}
		return fault.Wrap(fault.Unavailable, fmt.Sprintf("%s could not be installed for the interpreter %s: %v; to try by hand, run: %s", wanted, c.Python, err, byHand), err)
	}
	return nil
}

// interruptible runs an installer. When ctx ends it is interrupted, and killed if that does not help; nothing of it is left.
func interruptible(ctx context.Context, progress func(string), argv []string) error {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	inOwnGroup(cmd)
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = installPatience
	err := told(ctx, progress, cmd)
	if ctx.Err() != nil && cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	return err
}

// longestRequirement is more than any name with its versions has.
const longestRequirement = 200

var (
	requirementShape = regexp.MustCompile(strings.NewReplacer(" ", `[ \t]*`, "NAME", `[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?`,
		"VERSION", `(?:===|==|~=|!=|<=|>=|<|>)[ \t]*[A-Za-z0-9][A-Za-z0-9.*+!_-]*`).Replace(`^ (NAME) (?:\[ NAME (?:, NAME )*\])? (?:VERSION(?: , VERSION)*)? $`))
	// archives are names that an installer takes for files.
	archives = regexp.MustCompile(`(?i)\.(?:whl|zip|tar|tgz|tbz|tlz|txz|gz|bz2|xz|lzma|txt|toml)$`)
)

// requirementOf gives what is asked for without blanks: a name, with extras and versions if need be. No option, no address, no path.
func requirementOf(text string) (string, error) {
	parts := requirementShape.FindStringSubmatch(text)
	if parts == nil || len(text) > longestRequirement || archives.MatchString(parts[1]) {
		return "", fault.New(fault.Invalid, "Write the name of one package, with a version if it matters: pandas, or pandas>=2.2, or fastapi[standard].")
	}
	return strings.Join(strings.Fields(text), ""), nil
}
