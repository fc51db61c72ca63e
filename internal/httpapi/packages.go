package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"path"

	"github.com/runnel-dev/runnel/internal/fault"
	"github.com/runnel-dev/runnel/internal/files"
	"github.com/runnel-dev/runnel/internal/protocol"
	"github.com/runnel-dev/runnel/internal/pyenv"
)

// Packages are what Python environments have.
type Packages interface {
	Packages(ctx context.Context, c pyenv.Choice) ([]pyenv.Package, error)
	Install(ctx context.Context, c pyenv.Choice, requirement string, progress func(string)) error
}

// packagesAnswer is GET /runnel/v1/packages.
type packagesAnswer struct {
	Python      string          `json:"python"`
	DisplayName string          `json:"display_name"`
	Packages    []pyenv.Package `json:"packages"`
}

// packages lists what the environment of ?notebook='s kernel has.
func (a *API) packages(w http.ResponseWriter, r *http.Request) {
	choice, err := a.environmentOf(r.Context(), r.URL.Query().Get("notebook"))
	if err != nil {
		a.fail(w, r, err)
		return
	}
	list, err := a.cfg.Packages.Packages(r.Context(), choice)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, packagesAnswer{Python: choice.Python, DisplayName: choice.DisplayName, Packages: list})
}

// installLine is one line of the answer to POST /runnel/v1/packages: what is being done, and at the end how it ended.
type installLine struct {
	Line  string `json:"line,omitempty"`
	Done  bool   `json:"done,omitempty"`
	Error string `json:"error,omitempty"`
	Code  string `json:"code,omitempty"`
}

// installPackage has a package installed in the environment of a notebook's kernel. It is told line by line; who leaves ends it.
func (a *API) installPackage(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Notebook    string `json:"notebook"`
		Requirement string `json:"requirement"`
	}
	if err := readJSON(w, r, &asked); err != nil {
		a.failBody(w, r, err)
		return
	}
	choice, err := a.environmentOf(r.Context(), asked.Notebook)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	defer context.AfterFunc(a.ctx, func() { cancel(context.Cause(a.ctx)) })()
	begun := false
	say := func(line installLine) {
		if !begun {
			begun = true
			w.Header().Set("Content-Type", "application/x-ndjson")
			w.Header().Set("Cache-Control", "no-store")
			w.Header().Set("X-Accel-Buffering", "no")
		}
		_ = json.NewEncoder(w).Encode(line) // the client is gone: ctx says so
		_ = http.NewResponseController(w).Flush()
	}
	err = a.cfg.Packages.Install(ctx, choice, asked.Requirement, func(line string) { say(installLine{Line: line}) })
	switch {
	case err == nil:
		say(installLine{Done: true})
	case !begun:
		a.fail(w, r, err)
	default:
		a.cfg.Logger.Info("a package was not installed", "requirement", capped(asked.Requirement), "python", choice.Python, "reason", err)
		say(installLine{Error: fault.Message(err), Code: fault.KindOf(err).String()})
	}
}

// environmentOf is the Python environment that a notebook's kernel runs in: one that Runnel has found and a person has started. What a
// client sends names a notebook, and never an interpreter.
func (a *API) environmentOf(ctx context.Context, notebook string) (pyenv.Choice, error) {
	for _, s := range a.cfg.Notebooks.Sessions() {
		if s.Notebook != notebook {
			continue
		}
		k := s.Kernel
		if k.ID == "" || k.State == protocol.KernelNone {
			return pyenv.Choice{}, fault.New(fault.Conflict, "The notebook has no kernel yet. Start it to see what its environment has.")
		}
		if k.Language != "python" {
			return pyenv.Choice{}, fault.Newf(fault.Conflict, "The kernel %s is not Python: Runnel knows the packages of Python environments only.", k.DisplayName)
		}
		p, err := files.Parse(folderOf(notebook))
		if err != nil {
			return pyenv.Choice{}, err
		}
		choices, err := a.cfg.Choices(ctx, a.cfg.Folder.Where(p))
		if err != nil {
			return pyenv.Choice{}, err
		}
		for _, c := range choices {
			if c.Name == k.Name && c.DisplayName == k.DisplayName && c.Python != "" {
				return c, nil
			}
		}
		return pyenv.Choice{}, fault.Newf(fault.NotFound, "The interpreter of %s is not found any more.", k.DisplayName)
	}
	return pyenv.Choice{}, fault.New(fault.NotFound, "That notebook is not open.")
}

// folderOf is the folder of a notebook's path, "" at the top.
func folderOf(notebook string) string {
	if dir := path.Dir(notebook); dir != "." {
		return dir
	}
	return ""
}
