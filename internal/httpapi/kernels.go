package httpapi

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"

	"github.com/google/uuid"

	"github.com/runnel-dev/runnel/internal/fault"
	"github.com/runnel-dev/runnel/internal/files"
	"github.com/runnel-dev/runnel/internal/protocol"
	"github.com/runnel-dev/runnel/internal/pyenv"
)

// kernels lists what a notebook in the folder ?path= can be started on, and what runs.
func (a *API) kernels(w http.ResponseWriter, r *http.Request) {
	p, err := files.Parse(r.URL.Query().Get("path"))
	if err != nil {
		a.fail(w, r, err)
		return
	}
	choices, err := a.cfg.Choices(r.Context(), a.cfg.Folder.Where(p))
	if err != nil {
		a.fail(w, r, err)
		return
	}
	if choices == nil {
		choices = []pyenv.Choice{}
	}
	running := []sessionAnswer{}
	for _, s := range a.cfg.Notebooks.Sessions() {
		if s.Kernel.ID != "" && s.Kernel.State != protocol.KernelDead && s.Kernel.State != protocol.KernelNone {
			running = append(running, sessionAnswer(s))
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"choices": choices, "running": running})
}

func (a *API) interruptKernel(w http.ResponseWriter, r *http.Request) {
	a.kernelCommand(w, r, protocol.Command{Type: protocol.CmdInterrupt})
}

// stopKernel ends the kernel, with ?force=1 by force.
func (a *API) stopKernel(w http.ResponseWriter, r *http.Request) {
	a.kernelCommand(w, r, protocol.Command{Type: protocol.CmdKernelStop, Force: r.URL.Query().Get("force") == "1"})
}

// kernelCommand passes a command to the notebook whose kernel it is.
func (a *API) kernelCommand(w http.ResponseWriter, r *http.Request, cmd protocol.Command) {
	id := r.PathValue("id")
	for _, s := range a.cfg.Notebooks.Sessions() {
		if s.Kernel.ID != id {
			continue
		}
		open, err := a.cfg.Notebooks.Open(r.Context(), s.Notebook, false)
		if err != nil {
			a.fail(w, r, err)
			return
		}
		cmd.CmdID, cmd.Notebook, cmd.Client = protocol.CommandID(uuid.Must(uuid.NewV7()).String()), s.Notebook, protocol.OverHTTP
		ack := open.Do(r.Context(), cmd)
		if ack.Status == protocol.AckRejected {
			refuse(w, http.StatusConflict, ack.Code, ack.Error)
			return
		}
		writeJSON(w, http.StatusAccepted, map[string]string{"notebook": s.Notebook})
		return
	}
	a.fail(w, r, fault.New(fault.NotFound, "There is no such kernel."))
}

// blob sends a big value of an output. Its type is told by its bytes; whatever it is, it may do nothing.
func (a *API) blob(w http.ResponseWriter, r *http.Request) {
	hash := r.PathValue("hash")
	if len(hash) != 64 || len(bytes.Trim([]byte(hash), "0123456789abcdef")) > 0 {
		a.fail(w, r, fault.New(fault.Invalid, "That is not the name of a value."))
		return
	}
	f, err := a.cfg.Blob(hash)
	if err != nil {
		a.fail(w, r, fault.Wrap(fault.NotFound, "That value is no longer kept.", err))
		return
	}
	defer func() { _ = f.Close() }()
	head, err := bufio.NewReader(f).Peek(512)
	if len(head) == 0 && err != nil {
		a.fail(w, r, fmt.Errorf("read blob %s: %w", hash, err))
		return
	}
	asAttachment(w, blobType(head), hash[:12])
	w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	w.Header().Set("ETag", `"`+hash+`"`)
	http.ServeContent(w, r, "", a.started, f)
}

// blobType is an image's type, or text, or bytes.
func blobType(head []byte) string {
	switch kind := http.DetectContentType(head); kind {
	case "image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf":
		return kind
	case "text/plain; charset=utf-8", "text/html; charset=utf-8", "text/xml; charset=utf-8":
		if bytes.Contains(head, []byte("<svg")) {
			return "image/svg+xml"
		}
		return textType
	}
	return "application/octet-stream"
}

// outputText sends the whole text of an output that is shown cut (P31).
func (a *API) outputText(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	text, err := a.cfg.Notebooks.OutputText(r.Context(), query.Get("notebook"), protocol.OutputID(query.Get("output")))
	if err != nil {
		a.fail(w, r, err)
		return
	}
	defer func() { _ = text.Close() }()
	asAttachment(w, textType, "output.txt")
	w.Header().Set("Cache-Control", "no-store")
	if _, err := copyTo(w, text); err != nil && r.Context().Err() == nil {
		a.cfg.Logger.Warn("a download broke off", "notebook", capped(query.Get("notebook")), "reason", err)
		panic(http.ErrAbortHandler) // so that the client does not take a part for the whole
	}
}
