// Package webui is the built page inside the program, and how it is served.
//
// The key idea: what the build put under dist is all there is, compressed already; files with a hash in their name are
// kept by browsers for ever. The page itself is at / alone: what it shows is in the query. It is small and is another one in each
// answer: it holds the nonce of the answer's policy. Without a built page the program still builds, and a
// placeholder says what to do.
//
// It decides nothing about who may see the page.
package webui

import (
	"bytes"
	"embed"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
)

// The pattern matches the placeholder always, and the page when it was built.
//
//go:embed all:dist*
var embedded embed.FS

// UI serves the page.
type UI struct {
	files fs.FS
	shell []byte // the page, with a place for the nonce
}

// noncePlace is what stands for the nonce in the built page.
const noncePlace = "__NONCE__"

// New gives the built page, or the placeholder when there is none.
func New() *UI {
	built, err := fs.Sub(embedded, "dist")
	if err == nil {
		if _, err = fs.Stat(built, "index.html"); err == nil {
			return of(built)
		}
	}
	placeholder, err := fs.Sub(embedded, "dist-placeholder")
	if err != nil {
		panic(err) // the name is right
	}
	return of(placeholder)
}

func of(files fs.FS) *UI {
	data, err := fs.ReadFile(files, "index.html")
	if err != nil {
		panic(err) // it was seen a moment ago, inside this program
	}
	return &UI{files, data}
}

// Frame is the HTML of the sandboxed output frames.
func (u *UI) Frame() []byte {
	data, err := fs.ReadFile(u.files, "frame.html")
	if err != nil {
		return []byte("<!doctype html><title>Output</title>")
	}
	return data
}

// Licences is whose work is inside the program, and on what terms; "" without a built page.
func (u *UI) Licences() string {
	data, err := fs.ReadFile(u.files, "licences.txt")
	if err != nil {
		return ""
	}
	return string(data)
}

// Serve answers GET and HEAD. The page may make style elements that show the nonce. Not found: nothing was written.
func (u *UI) Serve(w http.ResponseWriter, r *http.Request, nonce string) (found bool) {
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	if u.isFile(name) && name != "index.html" && name != "frame.html" {
		if strings.HasPrefix(name, "assets/") {
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		} else {
			w.Header().Set("Cache-Control", "no-cache")
		}
		u.serve(w, r, name)
		return true
	}
	if name != "" && name != "index.html" {
		return false
	}
	w.Header().Set("Cache-Control", "no-cache")
	if link := firstCells(r.URL); link != "" {
		w.Header().Set("Link", link)
	}
	w.Header().Set("Content-Type", typeOf("index.html"))
	page := bytes.ReplaceAll(u.shell, []byte(noncePlace), []byte(nonce))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(page))
	return true
}

// firstCells tells a browser to ask for the notebook of this address while it reads the page. The page asks for it under the
// very same address, so the query is taken as it is; one that does not fit into the header goes without.
func firstCells(page *url.URL) string {
	if page.Path != "/" || !page.Query().Has("notebook") || strings.ContainsFunc(page.RawQuery, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`<>"`, r) }) {
		return ""
	}
	return "</runnel/v1/snapshot?" + page.RawQuery + `>; rel=preload; as=fetch; crossorigin="anonymous"`
}

// isFile says whether name is one of the page's files; compressed ones and the build's notes are not.
func (u *UI) isFile(name string) bool {
	if !fs.ValidPath(name) || strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".br") || strings.HasSuffix(name, ".gz") {
		return false
	}
	info, err := fs.Stat(u.files, name)
	return err == nil && info.Mode().IsRegular()
}

// encodings are the ready-made compressed forms, best first.
var encodings = []struct{ name, suffix string }{{"br", ".br"}, {"gzip", ".gz"}}

func (u *UI) serve(w http.ResponseWriter, r *http.Request, name string) {
	h := w.Header()
	h.Set("Content-Type", typeOf(name))
	h.Add("Vary", "Accept-Encoding")
	chosen := name
	for _, e := range encodings {
		if _, err := fs.Stat(u.files, name+e.suffix); err == nil && accepts(r, e.name) {
			chosen = name + e.suffix
			h.Set("Content-Encoding", e.name)
			break
		}
	}
	f, err := u.files.Open(chosen)
	if err != nil {
		h.Del("Content-Encoding")
		http.NotFound(w, r)
		return
	}
	defer func() { _ = f.Close() }()
	http.ServeContent(w, r, "", time.Time{}, f.(io.ReadSeeker)) // files of embed can seek
}

func accepts(r *http.Request, encoding string) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(strings.TrimSpace(name), encoding) {
			return strings.ReplaceAll(params, " ", "") != "q=0"
		}
	}
	return false
}

// typeOf does not ask the system, whose tables differ.
func typeOf(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".woff2":
		return "font/woff2"
	case ".json", ".map", ".webmanifest":
		return "application/json"
	case ".wasm":
		return "application/wasm"
	case ".txt":
		return "text/plain; charset=utf-8"
	}
	if kind := mime.TypeByExtension(path.Ext(name)); kind != "" {
		return kind
	}
	return "application/octet-stream"
}
