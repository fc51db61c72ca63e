package pyenv

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/runnel-dev/runnel/internal/jupyter"
)

// installed is a kernelspec as it would be started here.
type installed struct {
	jupyter.Spec
	argv   []string
	python string // the interpreter, when it runs ipykernel
	// plain: it only starts ipykernel in that interpreter, so it is a name for it and nothing else.
	plain bool
	err   error
}

// specs gives the kernels that are installed with a kernelspec, in the user's
// folders, the system's, and those of the given environments. defaultPython
// stands for a bare "python" in them.
func (f *Finder) specs(prefixes []string, defaultPython string) []installed {
	found, problems := jupyter.FindSpecs(jupyter.SearchPaths(f.config.Env, f.config.Home, prefixes, runtime.GOOS))
	for _, err := range problems {
		f.config.Logger.Warn("kernelspec passed over", "reason", err)
	}
	list := make([]installed, len(found))
	for i, spec := range found {
		s := installed{Spec: spec}
		python := defaultPython
		// <prefix>/share/jupyter/kernels/<name> belongs to the interpreter of its prefix.
		if own := pythonIn(filepath.Join(spec.Dir, "..", "..", "..", "..")); isExecutable(own) {
			python = own
		}
		s.argv, s.err = spec.Command("{connection_file}", python)
		if s.err == nil && spec.IsIPython() && filepath.IsAbs(s.argv[0]) {
			s.python = s.argv[0]
			s.plain = len(spec.Env) == 0 && isPlain(s.argv)
		}
		list[i] = s
	}
	return list
}

// isPlain reports whether argv starts ipykernel and adds nothing of its own.
func isPlain(argv []string) bool {
	rest := slices.DeleteFunc(slices.Clone(argv[1:]), func(arg string) bool { return strings.HasPrefix(arg, "-X") })
	return slices.Equal(rest, launchArgv("", "")[1:]) || slices.Equal(rest, []string{"-m", "ipykernel", "-f", "{connection_file}"})
}

var pythonName = regexp.MustCompile(`^python3?$`)

// withSpecs gives the interpreters the names under which they are installed as
// kernels, and adds the installed kernels that are something else.
func (f *Finder) withSpecs(pythons []Choice, specs []installed) []Choice {
	choices := pythons
	for _, s := range specs {
		if s.plain {
			if i := slices.IndexFunc(pythons, func(c Choice) bool { return sameEnvironment(c.Python, s.python) }); i >= 0 {
				rename(&choices[i], s)
				continue
			}
		}
		c := Choice{
			Name: s.Name, DisplayName: s.DisplayName, Language: strings.ToLower(s.Language), Environment: "installed in " + s.Dir,
			Argv: s.argv, InterruptMode: s.InterruptMode, Python: s.python, HasKernel: true,
			Env: s.Environ(func(key string) (string, bool) { v := f.config.Env(key); return v, v != "" }),
		}
		if fix := f.missing(s); fix != "" {
			c.HasKernel, c.Fix = false, fix
		}
		choices = append(choices, c)
	}
	return choices
}

// rename makes a kernelspec's name one of the interpreter's. The name "python3"
// says nothing: it is given to the default later.
func rename(c *Choice, s installed) {
	if pythonName.MatchString(s.Name) {
		return
	}
	if len(c.aliases) == 0 {
		c.Name, c.DisplayName = s.Name, s.DisplayName
	}
	c.aliases = append(c.aliases, s.Name)
}

// missing says what keeps an installed kernel from starting, or nothing.
func (f *Finder) missing(s installed) string {
	if s.err != nil {
		return s.err.Error()
	}
	program := s.argv[0]
	if strings.ContainsRune(program, os.PathSeparator) {
		if isExecutable(program) {
			return ""
		}
	} else if f.look(program) != "" {
		return ""
	}
	return "its program " + program + " is not there: install the kernel again, or remove " + s.Dir
}

// sameEnvironment: python and python3 in one folder are one environment; the
// same file reached from two folders is two (a venv's python is a link).
func sameEnvironment(a, b string) bool {
	if a == b {
		return true
	}
	if filepath.Dir(a) != filepath.Dir(b) {
		return false
	}
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}
