package pyenv

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// candidate is a path that may be a Python interpreter.
type candidate struct {
	path  string
	where string // in words
	asked bool   // a person named it: it is listed even when it does not exist
	read  bool   // only to be read, not run
}

// candidates gives the interpreters to ask, best first. Two may be the same
// environment.
func (f *Finder) candidates(notebookDir string) []candidate {
	var list []candidate
	add := func(where string, paths ...string) {
		for _, path := range paths {
			if isExecutable(path) {
				list = append(list, candidate{path: path, where: where})
			}
		}
	}
	if f.config.Python != "" {
		list = append(list, candidate{path: f.config.Python, where: "chosen with --python", asked: true})
	}
	list = append(list, beside(notebookDir)...)
	if dir := f.config.Env("VIRTUAL_ENV"); dir != "" {
		add("the active virtual environment "+dir, pythonIn(dir))
	}
	if dir := f.config.Env("CONDA_PREFIX"); dir != "" {
		add("the active conda environment "+dir, pythonIn(dir))
	}
	for _, dir := range filepath.SplitList(f.config.Env("PATH")) {
		if filepath.IsAbs(dir) {
			add("on PATH", filepath.Join(dir, "python3"), filepath.Join(dir, "python"))
		}
	}
	for _, dir := range f.condaEnvs() {
		add("conda environment "+filepath.Base(dir), pythonIn(dir))
	}
	for _, dir := range f.glob(f.firstOf("UV_PYTHON_INSTALL_DIR", ".local/share/uv/python"), "*") {
		add("installed by uv", pythonIn(dir))
	}
	for _, dir := range f.glob(f.firstOf("PYENV_ROOT", ".pyenv"), "versions", "*") {
		add("pyenv version "+filepath.Base(dir), pythonIn(dir))
	}
	for _, dir := range f.glob(f.firstOf("WORKON_HOME", ".virtualenvs"), "*") {
		add("virtual environment "+filepath.Base(dir), pythonIn(dir))
	}
	add("the virtual environment ~/.venv", pythonIn(filepath.Join(f.config.Home, ".venv")))
	if f.config.State != "" {
		add(managedWhere, pythonIn(f.managedDir()))
	}
	return list
}

const managedWhere = "made by Runnel"

// beside finds .venv and venv in the notebook's folder and in those above it,
// as long as they are the user's own: in a folder that somebody else may write
// to, an environment is no offer.
func beside(dir string) []candidate {
	var list []candidate
	for filepath.IsAbs(dir) {
		info, err := os.Stat(dir)
		if err == nil && !owned(info) {
			break
		}
		for _, name := range []string{".venv", "venv"} {
			path := pythonIn(filepath.Join(dir, name))
			if _, err := os.Stat(filepath.Join(dir, name, "pyvenv.cfg")); err == nil && isExecutable(path) {
				list = append(list, candidate{path: path, where: filepath.Join(dir, name), read: true})
			}
		}
		if up := filepath.Dir(dir); up != dir {
			dir = up
			continue
		}
		break
	}
	return list
}

func owned(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Getuid() && info.Mode().Perm()&0o002 == 0
}

// condaEnvs gives the environments that conda has noted, and those in the usual places.
func (f *Finder) condaEnvs() []string {
	var dirs []string
	if file, err := os.Open(filepath.Join(f.config.Home, ".conda", "environments.txt")); err == nil {
		defer file.Close()
		for lines := bufio.NewScanner(file); lines.Scan(); {
			if dir := strings.TrimSpace(lines.Text()); filepath.IsAbs(dir) {
				dirs = append(dirs, dir)
			}
		}
	}
	roots := append([]string{}, f.config.System...)
	if exe := f.config.Env("CONDA_EXE"); exe != "" {
		roots = append(roots, filepath.Dir(filepath.Dir(exe)))
	}
	for _, name := range []string{"miniconda3", "miniforge3", "mambaforge", "anaconda3", "micromamba"} {
		roots = append(roots, filepath.Join(f.config.Home, name))
	}
	for _, root := range roots {
		dirs = append(dirs, root)
		dirs = append(dirs, f.glob(root, "envs", "*")...)
	}
	return dirs
}

func (f *Finder) firstOf(env, belowHome string) string {
	if dir := f.config.Env(env); dir != "" {
		return dir
	}
	return filepath.Join(f.config.Home, belowHome)
}

func (f *Finder) glob(parts ...string) []string {
	found, err := filepath.Glob(filepath.Join(parts...))
	if err != nil {
		return nil // a path with brackets: nothing to find by a pattern
	}
	return found
}

func pythonIn(prefix string) string { return filepath.Join(prefix, "bin", "python") }

func isExecutable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}
