package httpapi

import (
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/google/uuid"

	"github.com/runnel-dev/runnel/internal/fault"
	"github.com/runnel-dev/runnel/internal/files"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// entryAnswer is one line of a folder's listing.
type entryAnswer struct {
	Name     string           `json:"name"`
	Path     files.Path       `json:"path"`
	Kind     string           `json:"kind"` // dir, notebook, file
	Size     int64            `json:"size"`
	Modified int64            `json:"modified"`         // Unix milliseconds
	Writable bool             `json:"writable"`         // a file may be saved, in a folder something may be made
	Kernel   *protocol.Kernel `json:"kernel,omitempty"` // of an open notebook
}

func (a *API) listFolder(w http.ResponseWriter, r *http.Request) {
	p, err := files.Parse(r.URL.Query().Get("path"))
	if err != nil {
		a.fail(w, r, err)
		return
	}
	entries, err := a.cfg.Folder.List(p)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	kernels := map[string]*protocol.Kernel{}
	for _, s := range a.cfg.Notebooks.Sessions() {
		if s.Kernel.State != "" && s.Kernel.State != protocol.KernelNone {
			kernels[s.Notebook] = &s.Kernel
		}
	}
	list := make([]entryAnswer, len(entries))
	for i, e := range entries {
		list[i] = entryAnswer{e.Name, e.Path, e.Kind, e.Size, e.Modified.UnixMilli(), e.Writable, kernels[string(e.Path)]}
	}
	writeJSON(w, http.StatusOK, map[string]any{"path": p, "entries": list})
}

// change is what POST /runnel/v1/files asks for. restore: Path is what delete answered as trash.
type change struct {
	Op   string `json:"op"`
	Path string `json:"path"`
	To   string `json:"to"`
}

func (a *API) changeFolder(w http.ResponseWriter, r *http.Request) {
	var c change
	if err := readJSON(w, r, &c); err != nil {
		a.failBody(w, r, err)
		return
	}
	answer, err := a.change(r, c)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

func (a *API) change(r *http.Request, c change) (map[string]any, error) {
	ctx, folder := r.Context(), a.cfg.Folder
	if c.Op == "restore" {
		p, err := folder.Restore(ctx, files.TrashID(c.Path))
		return map[string]any{"path": p}, err
	}
	p, err := files.Parse(c.Path)
	if err != nil {
		return nil, err
	}
	if p == "" {
		return nil, fault.New(fault.Invalid, "The path is missing.")
	}
	switch c.Op {
	case "create":
		return map[string]any{"path": p}, a.create(r, p)
	case "mkdir":
		return map[string]any{"path": p}, folder.Mkdir(p)
	case "rename":
		to, err := files.Parse(c.To)
		if err != nil {
			return nil, err
		}
		return map[string]any{"path": to}, a.cfg.Notebooks.Rename(ctx, p, to)
	case "delete":
		id, err := folder.Delete(p)
		return map[string]any{"trash": id}, err
	}
	return nil, fault.Newf(fault.Invalid, "There is no operation %.40q.", c.Op)
}

// create makes an empty file; a notebook is made by opening it, so that it is a valid one, and has a cell to write in.
func (a *API) create(r *http.Request, p files.Path) error {
	if !strings.HasSuffix(string(p), ".ipynb") {
		_, err := a.cfg.Folder.Create(r.Context(), p, nil)
		return err
	}
	if err := a.cfg.Folder.Free(p); err != nil {
		return err
	}
	made, err := a.cfg.Notebooks.Open(r.Context(), string(p), true)
	if err != nil {
		return err
	}
	id := uuid.NewString()
	ack := made.Do(r.Context(), protocol.Command{Type: protocol.CmdCellInsert, CmdID: protocol.CommandID(id), Client: protocol.ClientID("files-" + id),
		Notebook: string(p), CellID: protocol.CellID(id), CellType: "code"})
	if ack.Status == protocol.AckRejected {
		return fault.New(fault.Unavailable, "The notebook was made, but not its first cell. "+ack.Error)
	}
	return nil
}

// shownTypes are the media types under which a file may be shown where it is embedded (S18); any other is bytes.
var shownTypes = map[string]string{
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp", ".avif": "image/avif",
	".svg": "image/svg+xml", ".txt": textType, ".md": textType, ".py": textType, ".csv": textType, ".json": textType, ".ipynb": textType,
	".mp4": "video/mp4", ".webm": "video/webm", ".mp3": "audio/mpeg", ".wav": "audio/wav", ".ogg": "audio/ogg", ".pdf": "application/pdf",
}

const textType = "text/plain; charset=utf-8"

// readFile sends a file as an attachment: a browser that is led there saves it, an <img> still shows it.
func (a *API) readFile(w http.ResponseWriter, r *http.Request) {
	p, err := files.Parse(r.URL.Query().Get("path"))
	if err != nil {
		a.fail(w, r, err)
		return
	}
	f, err := a.cfg.Folder.OpenFile(p)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		a.fail(w, r, fmt.Errorf("read %s: %w", p, err))
		return
	}
	kind := shownTypes[strings.ToLower(path.Ext(string(p)))]
	if kind == "" || r.URL.Query().Get("download") != "" {
		kind = "application/octet-stream"
	}
	asAttachment(w, kind, path.Base(string(p)))
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, "", info.ModTime(), f)
}

// asAttachment sets the headers of what came from a person or a kernel.
func asAttachment(w http.ResponseWriter, kind, name string) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Security-Policy", fileCSP)
	disposition := mime.FormatMediaType("attachment", map[string]string{"filename": name})
	if disposition == "" {
		disposition = "attachment; filename*=UTF-8''" + url.PathEscape(name)
	}
	h.Set("Content-Disposition", disposition)
}

// writeFile uploads a file. One that is there is written over only with ?overwrite=1.
func (a *API) writeFile(w http.ResponseWriter, r *http.Request) {
	p, err := files.Parse(r.URL.Query().Get("path"))
	if err != nil {
		a.fail(w, r, err)
		return
	}
	if r.ContentLength > maxUpload {
		a.fail(w, r, &http.MaxBytesError{Limit: maxUpload})
		return
	}
	expect := &files.Stamp{}
	if r.URL.Query().Get("overwrite") == "1" {
		expect = nil
	}
	stamp, err := a.cfg.Folder.SaveFrom(r.Context(), p, body(w, r, maxUpload), maxUpload, expect)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"path": p, "size": stamp.Size})
}
