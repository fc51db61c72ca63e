package server

import (
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/runnel-dev/runnel/internal/fault"
	"github.com/runnel-dev/runnel/internal/files"
	"github.com/runnel-dev/runnel/internal/jupyter"
	"github.com/runnel-dev/runnel/internal/kernel"
	"github.com/runnel-dev/runnel/internal/pyenv"
	"github.com/runnel-dev/runnel/internal/session"
)

// launcher starts real kernels: a choice of pyenv becomes a process with its keeper.
type launcher struct {
	ipc    *kernel.Manager
	tcp    *kernel.Manager // the later one, so it can take over what either has started
	finder *pyenv.Finder
	folder *files.Folder
	python string
	memory int64 // that a kernel may use, 0: no limit
}

var _ session.Launcher = (*launcher)(nil)

func newLauncher(cfg Config, finder *pyenv.Finder, folder *files.Folder) (*launcher, error) {
	l := &launcher{finder: finder, folder: folder, python: cfg.Python, memory: cfg.KernelMemory}
	kc := kernel.Config{RuntimeDir: cfg.Place.Runtime, Exe: cfg.Exe, KeepFor: cfg.KeepFor, Logger: cfg.Logger, Transport: jupyter.TransportIPC}
	var err error
	if l.ipc, err = kernel.NewManager(kc); err != nil {
		return nil, err
	}
	kc.Transport = jupyter.TransportTCP
	if l.tcp, err = kernel.NewManager(kc); err != nil {
		return nil, err
	}
	return l, nil
}

// Launch implements session.Launcher. When no Python here has a kernel, an environment with one is made first.
func (l *launcher) Launch(ctx context.Context, req session.LaunchRequest) (session.Kernel, session.LaunchInfo, error) {
	progress := req.Progress
	if progress == nil {
		progress = func(string) {}
	}
	dir := l.folder.Where(files.Path(parentOf(req.Notebook)))
	choice, err := l.finder.Pick(ctx, req.Name, req.Language, dir)
	if errors.Is(err, pyenv.ErrNoKernel) && l.python == "" && (req.Language == "python" || req.Language == "" && req.Name == "") {
		progress("No Python here has ipykernel. Making an environment that has.")
		made, makeErr := l.finder.MakeManaged(ctx, progress)
		if makeErr != nil {
			return nil, session.LaunchInfo{}, fault.Wrap(fault.Unavailable, "No Python here has ipykernel, and an environment that has could not be made: "+makeErr.Error(), err)
		}
		choice, err = made, nil
	}
	if err != nil {
		return nil, session.LaunchInfo{}, fault.Wrap(fault.Unavailable, err.Error(), err)
	}
	spec := jupyter.Spec{Argv: choice.Argv}
	argv := choice.Argv
	if spec.IsIPython() {
		argv = append(argv[:len(argv):len(argv)], jupyter.IPythonArgs()...)
	}
	progress("Starting " + choice.DisplayName)
	manager := l.ipc
	if spec.Transport() != jupyter.TransportIPC {
		manager = l.tcp
	}
	k, err := manager.Launch(ctx, kernel.LaunchSpec{
		KernelID: kernel.ID(req.KernelID), NotebookID: req.Notebook, Argv: argv, Env: kernel.Environ(os.Environ(), choice.Env), Cwd: dir,
		InterruptMode: choice.InterruptMode, Name: choice.Name, Language: choice.Language,
		MemoryMax: l.memory,
	})
	if err != nil {
		return nil, session.LaunchInfo{}, fault.Wrap(fault.Unavailable, "The kernel "+choice.DisplayName+" could not be started: "+err.Error(), err)
	}
	info := session.LaunchInfo{Name: choice.Name, DisplayName: choice.DisplayName, Language: choice.Language, Environment: l.shortly(choice.Environment)}
	return k, info, nil
}

// shortly is where an environment is, seen from the served folder: a .venv beside the notebooks is ".venv".
func (l *launcher) shortly(environment string) string {
	if inside, ok := strings.CutPrefix(environment, l.folder.Dir()+string(filepath.Separator)); ok {
		return inside
	}
	return environment
}

// Attach implements session.Launcher.
func (l *launcher) Attach(ctx context.Context, id kernel.ID, from uint64) (session.Kernel, error) {
	k, err := l.tcp.Attach(ctx, id, from)
	if err != nil {
		return nil, err
	}
	return k, nil
}

// Collect implements session.Launcher.
func (l *launcher) Collect(ctx context.Context, before time.Time, needed func() (map[kernel.ID]bool, error)) (int, error) {
	return l.tcp.Collect(ctx, before, needed) // both managers have the same folder
}

// parentOf is the folder of a notebook's path, "" at the top.
func parentOf(notebook string) string {
	if dir := path.Dir(notebook); dir != "." {
		return dir
	}
	return ""
}
