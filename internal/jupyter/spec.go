package jupyter

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// How a kernel wants to be interrupted.
const (
	InterruptSignal  = "signal"
	InterruptMessage = "message"
)

// Spec is one installed kernel: how it is called and how it is started.
type Spec struct {
	Name          string            `json:"-"`
	DisplayName   string            `json:"display_name"`
	Language      string            `json:"language"`
	InterruptMode string            `json:"interrupt_mode"`
	Argv          []string          `json:"argv"`
	Env           map[string]string `json:"env"`
	Metadata      json.RawMessage   `json:"metadata"`
	Dir           string            `json:"-"` // holds kernel.json and logos
}

// SpecError is a kernelspec that was found and cannot be used.
type SpecError struct {
	Name string
	Dir  string
	Err  error
}

func (e *SpecError) Error() string {
	return fmt.Sprintf("kernel %s in %s: %v", e.Name, e.Dir, e.Err)
}

// Unwrap gives the cause.
func (e *SpecError) Unwrap() error { return e.Err }

var (
	specName   = regexp.MustCompile(`^[a-z0-9._-]+$`)
	anyPython  = regexp.MustCompile(`^python(3(\.[0-9]+)?)?$`)
	argument   = regexp.MustCompile(`\{([A-Za-z0-9_]+)\}`)
	substitute = regexp.MustCompile(`\$(?:\$|([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})`)
)

// maxSpecFile bounds what is read of a kernel.json.
const maxSpecFile = 1 << 20

// FindSpecs looks through folders of kernelspecs, first hit of a name wins, and
// returns what it found, sorted by name. A spec that cannot be used is an error
// of type *SpecError beside the good ones; like a good one it hides what comes
// later under its name, so that a mistake shows instead of running something
// else. Folders that do not exist are passed over.
func FindSpecs(paths []string) ([]Spec, []error) {
	specs := map[string]Spec{}
	var errs []error
	taken := map[string]bool{}
	for _, path := range paths {
		entries, err := os.ReadDir(path)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, fmt.Errorf("list kernels: %w", err))
			}
			continue
		}
		for _, e := range entries {
			name, dir := strings.ToLower(e.Name()), filepath.Join(path, e.Name())
			if taken[name] {
				continue
			}
			spec, err := ReadSpec(dir)
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNotDir) {
				continue
			}
			if err == nil && !specName.MatchString(name) {
				err = fmt.Errorf("a kernel's name is made of a-z, 0-9, '.', '_' and '-'")
			}
			taken[name] = true
			if err != nil {
				errs = append(errs, &SpecError{Name: name, Dir: dir, Err: err})
				continue
			}
			specs[name] = spec
		}
	}
	names := slices.Sorted(maps.Keys(specs))
	found := make([]Spec, len(names))
	for i, n := range names {
		found[i] = specs[n]
	}
	return found, errs
}

var errNotDir = errors.New("not a folder")

// ReadSpec reads the kernelspec in one folder, which names it.
func ReadSpec(dir string) (Spec, error) {
	if info, err := os.Stat(dir); err != nil {
		return Spec{}, err
	} else if !info.IsDir() {
		return Spec{}, errNotDir
	}
	data, err := readBounded(filepath.Join(dir, "kernel.json"), maxSpecFile)
	if err != nil {
		return Spec{}, err
	}
	spec, err := ParseSpec(data)
	if err != nil {
		return Spec{}, fmt.Errorf("kernel.json: %w", err)
	}
	spec.Name, spec.Dir = strings.ToLower(filepath.Base(dir)), dir
	if spec.DisplayName == "" {
		spec.DisplayName = spec.Name
	}
	return spec, nil
}

// ParseSpec reads a kernel.json. Unknown keys are ignored; argv must be there.
func ParseSpec(data []byte) (Spec, error) {
	var s Spec
	if err := json.Unmarshal(data, &s); err != nil {
		return Spec{}, err
	}
	if len(s.Argv) == 0 || s.Argv[0] == "" {
		return Spec{}, errors.New("no argv: it does not say which program to start")
	}
	switch s.InterruptMode {
	case InterruptSignal, InterruptMessage:
	case "":
		s.InterruptMode = InterruptSignal
	default:
		return Spec{}, fmt.Errorf("interrupt_mode %q is neither %q nor %q", s.InterruptMode, InterruptSignal, InterruptMessage)
	}
	return s, nil
}

// Command is the command line that starts the kernel. A bare python in its
// first place becomes the given interpreter, when there is one; {prefix} is the
// environment that interpreter lives in. Unknown {names} stay.
func (s Spec) Command(connectionFile, python string) ([]string, error) {
	if len(s.Argv) == 0 {
		return nil, fmt.Errorf("kernel %s: no argv", s.Name)
	}
	values := map[string]string{"connection_file": connectionFile, "resource_dir": s.Dir}
	if python != "" {
		values["prefix"] = filepath.Dir(filepath.Dir(python))
	}
	argv := make([]string, len(s.Argv))
	for i, a := range s.Argv {
		argv[i] = argument.ReplaceAllStringFunc(a, func(m string) string {
			if v, ok := values[m[1:len(m)-1]]; ok {
				return v
			}
			return m
		})
	}
	if python != "" && anyPython.MatchString(s.Argv[0]) {
		argv[0] = python
	}
	if !slices.ContainsFunc(s.Argv, func(a string) bool { return strings.Contains(a, "{connection_file}") }) {
		return nil, fmt.Errorf("kernel %s: argv has no {connection_file}", s.Name)
	}
	return argv, nil
}

// Environ gives the spec's own variables with $NAME and ${NAME} replaced from
// lookup; $$ is a dollar, and a name that lookup does not know stays as it is.
func (s Spec) Environ(lookup func(string) (string, bool)) map[string]string {
	env := make(map[string]string, len(s.Env))
	for k, v := range s.Env {
		env[k] = substitute.ReplaceAllStringFunc(v, func(m string) string {
			if m == "$$" {
				return "$"
			}
			if value, ok := lookup(strings.Trim(m, "${}")); ok {
				return value
			}
			return m
		})
	}
	return env
}

// IsIPython says whether the spec starts ipykernel by its usual entrance, which
// takes IPythonArgs.
func (s Spec) IsIPython() bool {
	i := slices.Index(s.Argv, "-m")
	if i < 0 || i+1 >= len(s.Argv) {
		return false
	}
	return s.Argv[i+1] == "ipykernel_launcher" || s.Argv[i+1] == "ipykernel"
}

// Transport is the one to start the kernel on: unix sockets where the kernel is
// known to take them. Not all do (Deno looks up their path as a host name), and
// a connection file cannot ask.
func (s Spec) Transport() string {
	if s.IsIPython() {
		return TransportIPC
	}
	return TransportTCP
}

// readBounded reads a regular file of at most limit bytes.
func readBounded(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s: larger than %d bytes", path, limit)
	}
	return data, nil
}
