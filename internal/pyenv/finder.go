package pyenv

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Choice is something that a notebook can run on.
type Choice struct {
	Name          string            `json:"name"`         // a kernelspec's name, "python3" for the default Python, or "python3-<hash>"
	DisplayName   string            `json:"display_name"` // for a person
	Language      string            `json:"language"`     // "python", "typescript", ...
	Environment   string            `json:"environment"`  // where it is, in words
	Argv          []string          `json:"argv"`         // with {connection_file}
	Env           map[string]string `json:"-"`            // to add to the environment of the kernel
	InterruptMode string            `json:"interrupt_mode"`
	Python        string            `json:"python,omitempty"`  // the interpreter, when it is a Python environment
	Version       string            `json:"version,omitempty"` // of the interpreter
	IPyKernel     string            `json:"ipykernel,omitempty"`
	HasKernel     bool              `json:"has_kernel"`
	Fix           string            `json:"fix,omitempty"` // when HasKernel is false: the one command to run, or what is wrong

	aliases  []string // the names of kernelspecs that lead to this interpreter
	onlyRead bool     // found beside a notebook and not asked yet
}

// ErrNoKernel says that nothing on this machine can run the notebook as it is;
// for Python, MakeManaged is the way out.
var ErrNoKernel = errors.New("no kernel")

// Config is what a Finder looks at. The zero value of each field means: as the
// process has it.
type Config struct {
	Python string // the interpreter a person asked for; it comes first
	State  string // a folder for the managed environment and what interpreters have answered; empty: there is none
	Env    func(string) string
	Home   string
	// System folders that hold environments for everybody; nil: the usual ones.
	System []string
	Logger *slog.Logger
}

// Finder finds choices. It is safe for concurrent use.
type Finder struct {
	config Config
	probes probeCache

	making     sync.Mutex // held while the managed environment is made
	installing sync.Mutex // held while a package is installed

	mu     sync.Mutex // guards recent
	recent map[string]listing
}

type listing struct {
	at      time.Time
	choices []Choice
}

// listingFor is how long a list stays good enough: a menu that is opened twice asks once.
const listingFor = 3 * time.Second

// New returns a Finder. It touches nothing yet.
func New(config Config) *Finder {
	if config.Env == nil {
		config.Env = os.Getenv
	}
	if config.Home == "" {
		config.Home, _ = os.UserHomeDir()
	}
	if config.System == nil {
		config.System = []string{"/opt/conda", "/opt/miniconda3", "/opt/miniforge3", "/opt/anaconda3"}
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	f := &Finder{config: config, recent: map[string]listing{}}
	if config.State != "" {
		f.probes.before.file = filepath.Join(config.State, "pythons.json")
	}
	return f
}

// Choices lists what a notebook in notebookDir can run on, best first: the
// first one with HasKernel is the default. An interpreter that is broken or
// lacks a kernel is listed too, with its Fix. Python environments inside
// notebookDir and above it are read, not run.
func (f *Finder) Choices(ctx context.Context, notebookDir string) ([]Choice, error) {
	f.mu.Lock()
	known, ok := f.recent[notebookDir]
	f.mu.Unlock()
	if ok && time.Since(known.at) < listingFor {
		return known.choices, nil
	}
	choices, err := f.list(ctx, notebookDir)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.recent[notebookDir] = listing{time.Now(), choices}
	return choices, nil
}

func (f *Finder) list(ctx context.Context, notebookDir string) ([]Choice, error) {
	candidates := f.candidates(notebookDir)
	pythons := f.pythons(ctx, candidates)
	var prefixes []string
	defaultPython := ""
	for _, c := range pythons {
		if c.HasKernel {
			defaultPython = cmp.Or(defaultPython, c.Python)
		}
		if !c.onlyRead && c.Version != "" {
			prefixes = append(prefixes, filepath.Dir(filepath.Dir(c.Python)))
		}
	}
	specs := f.specs(prefixes, defaultPython)
	// A kernelspec may lead to an interpreter that nothing else did.
	for _, s := range specs {
		if s.plain && !slices.ContainsFunc(pythons, func(c Choice) bool { return sameEnvironment(c.Python, s.python) }) {
			candidates = append(candidates, candidate{path: s.python, where: "installed as kernel " + s.Name, asked: true})
		}
	}
	pythons = f.pythons(ctx, candidates)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("look for interpreters: %w", err)
	}
	if err := f.probes.before.save(); err != nil {
		f.config.Logger.Info("interpreters will be asked again by the next server", "reason", err)
	}
	choices := usableFirst(f.withSpecs(pythons, specs), f.config.Python)
	nameDefault(choices)
	return choices, nil
}

// usableFirst moves what has no kernel behind what has one, keeping both
// orders, except for the interpreter that a person asked for.
func usableFirst(choices []Choice, asked string) []Choice {
	var first, usable, rest []Choice
	for i, c := range choices {
		switch {
		case i == 0 && asked != "":
			first = append(first, c)
		case c.HasKernel:
			usable = append(usable, c)
		default:
			rest = append(rest, c)
		}
	}
	return append(append(first, usable...), rest...)
}

// nameDefault calls the first Python "python3", the name that notebooks from
// everywhere carry. It can still be picked by the name it was installed under.
func nameDefault(choices []Choice) {
	for i, c := range choices {
		if c.Language != "python" || !c.HasKernel {
			continue
		}
		for j := range choices {
			if j != i && choices[j].Name == "python3" {
				choices[j].Name = nameOf(choices[j].Argv[0])
			}
		}
		choices[i].Name = "python3"
		return
	}
}

// nameOf gives an interpreter a name that is valid for a kernelspec and the same at each look.
func nameOf(path string) string {
	sum := sha256.Sum256([]byte(path))
	return "python3-" + hex.EncodeToString(sum[:4])
}

// Pick gives the choice for a notebook whose metadata names a kernel and a
// language; both may be empty. The name of an interpreter that is not here, as
// in a notebook from another machine, leads to the default of its language.
// The choice is checked by running it: HasKernel is true in what comes back.
// With ErrNoKernel the text says what is missing and what to do.
func (f *Finder) Pick(ctx context.Context, name, language, notebookDir string) (Choice, error) {
	choices, err := f.Choices(ctx, notebookDir)
	if err != nil {
		return Choice{}, err
	}
	language = cmp.Or(strings.ToLower(language), languageOf(name))
	named := func(c Choice) bool { return name != "" && (c.Name == name || slices.Contains(c.aliases, name)) }
	for _, fits := range []func(Choice) bool{named, func(c Choice) bool { return strings.EqualFold(c.Language, language) }} {
		for i, c := range choices {
			if !fits(c) {
				continue
			}
			if asked := i == 0 && f.config.Python != ""; !c.HasKernel && !asked {
				continue
			}
			if c, err = f.checked(ctx, c); err == nil {
				return c, nil
			}
			if named(c) || f.config.Python != "" && i == 0 {
				return c, err
			}
			f.config.Logger.Info("interpreter passed over", "python", c.Python, "reason", err)
		}
	}
	return Choice{}, f.nothing(name, language, choices)
}

// languageOf guesses the language of a notebook that names a kernel only.
func languageOf(name string) string {
	if name == "" || strings.HasPrefix(name, "python") {
		return "python"
	}
	return ""
}

// checked asks an interpreter that was only read so far, or asked by an earlier process.
func (f *Finder) checked(ctx context.Context, c Choice) (Choice, error) {
	if c.Python == "" || !isPlain(c.Argv) {
		return c, nil
	}
	p, err := f.probes.confirm(ctx, c.Python)
	if err != nil {
		c.HasKernel, c.Fix = false, err.Error()
		if c.Python == f.config.Python {
			return c, fmt.Errorf("%w: the interpreter %s does not work: %w; start Runnel with another --python, or without", ErrNoKernel, c.Python, err)
		}
		return c, fmt.Errorf("%w: the interpreter %s does not work: %w", ErrNoKernel, c.Python, err)
	}
	fresh := f.python(candidate{path: c.Python, where: c.Environment, asked: true}, p)
	c.Version, c.IPyKernel, c.HasKernel, c.Fix = fresh.Version, fresh.IPyKernel, fresh.HasKernel, fresh.Fix
	if c.onlyRead {
		c.Argv = fresh.Argv
	}
	if !c.HasKernel {
		return c, fmt.Errorf("%w: the interpreter %s (Python %s) has no usable ipykernel; run: %s", ErrNoKernel, c.Python, p.Version, c.Fix)
	}
	return c, nil
}

func (f *Finder) nothing(name, language string, choices []Choice) error {
	for _, c := range choices {
		if name != "" && c.Name == name && c.Python == "" {
			return fmt.Errorf("%w: %s cannot be started: %s", ErrNoKernel, c.DisplayName, c.Fix)
		}
	}
	if language != "" && language != "python" || language == "" && name != "" {
		what := cmp.Or(name, language)
		return fmt.Errorf("%w named %q is installed here, and none for its language: install it, or choose another kernel", ErrNoKernel, what)
	}
	for _, c := range choices {
		if c.Python != "" && c.Fix != "" {
			return fmt.Errorf("%w: no interpreter here has ipykernel; for %s run: %s", ErrNoKernel, c.Python, c.Fix)
		}
	}
	return fmt.Errorf("%w: no Python was found on this machine; install Python 3.9 or newer", ErrNoKernel)
}
