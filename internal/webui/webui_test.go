package webui

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func page() *UI {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	return of(fstest.MapFS{
		"index.html": file("shell __NONCE__"), "index.html.br": file("shell br"), "frame.html": file("frame"),
		"assets/a-1234.js": file("js"), "assets/a-1234.js.br": file("js br"), "assets/a-1234.js.gz": file("js gz"),
		"favicon.svg": file("<svg/>"), "licences.txt": file("whose work"), ".vite/manifest.json": file("secret"),
	})
}

func TestServe(t *testing.T) {
	tests := map[string]struct {
		path, accept         string
		status               int
		body, encoding, kind string
		cache                string
	}{
		"the page":                   {"/", "", 200, "shell n1", "", "text/html; charset=utf-8", "no-cache"},
		"the page, never compressed": {"/", "gzip, br", 200, "shell n1", "", "text/html; charset=utf-8", "no-cache"},
		"the page by its file":       {"/index.html", "", 200, "shell n1", "", "text/html; charset=utf-8", "no-cache"},
		"a notebook is in the query": {"/notebooks/a b.ipynb", "", 404, "", "", "", ""},
		"a script":                   {"/assets/a-1234.js", "gzip", 200, "js gz", "gzip", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		"brotli is preferred":        {"/assets/a-1234.js", "gzip;q=1, br;q=0.5", 200, "js br", "br", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		"refused brotli":             {"/assets/a-1234.js", "br;q=0", 200, "js", "", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		"a script of another build":  {"/assets/b-1234.js", "", 404, "", "", "", ""},
		"a compressed file itself":   {"/assets/a-1234.js.br", "", 404, "", "", "", ""},
		"an icon":                    {"/favicon.svg", "", 200, "<svg/>", "", "image/svg+xml", "no-cache"},
		"the build's notes are not":  {"/.vite/manifest.json", "", 404, "", "", "", ""},
		"the frame has its own door": {"/frame.html", "", 404, "", "", "", ""},
		"a path that leads out":      {"/../../etc/passwd", "", 404, "", "", "", ""},
		"a folder of files":          {"/assets", "", 404, "", "", "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.URL.Path = tt.path
			r.Header.Set("Accept-Encoding", tt.accept)
			w := httptest.NewRecorder()
			found := page().Serve(w, r, "n1")
			if found != (tt.status == 200) || w.Code != 200 || !found && w.Body.Len() > 0 {
				t.Fatalf("found: %v, status %d, body %q", found, w.Code, w.Body)
			}
			if found && w.Body.String() != tt.body {
				t.Errorf("body %q, want %q", w.Body, tt.body)
			}
			h := w.Header()
			if got := h.Get("Content-Encoding"); got != tt.encoding {
				t.Errorf("encoding %q", got)
			}
			if got := h.Get("Content-Type"); tt.kind != "" && got != tt.kind {
				t.Errorf("type %q", got)
			}
			if got := h.Get("Cache-Control"); found && got != tt.cache {
				t.Errorf("cache %q", got)
			}
		})
	}
}

// The page's first request is known when its HTML is asked for (H9).
func TestServe_firstCells(t *testing.T) {
	for target, want := range map[string]string{
		"/?notebook=a%20b/c.ipynb": `</runnel/v1/snapshot?notebook=a%20b/c.ipynb>; rel=preload; as=fetch; crossorigin="anonymous"`,
		"/":                        "", "/?file=a.txt": "", "/elsewhere?notebook=a.ipynb": "", "/assets/a-1234.js?notebook=a.ipynb": "",
	} {
		w := httptest.NewRecorder()
		page().Serve(w, httptest.NewRequest(http.MethodGet, target, nil), "n1")
		if got := w.Header().Get("Link"); got != want {
			t.Errorf("%s: %q", target, got)
		}
	}
	for _, query := range []string{"notebook=a>; rel=x", "notebook=a\"b", "notebook=\u00e4", "notebook=a\r\nb"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.RawQuery = query
		w := httptest.NewRecorder()
		page().Serve(w, r, "n1")
		if got := w.Header().Get("Link"); got != "" {
			t.Errorf("%q: %q", query, got)
		}
	}
}

// A browser that kept the page would have an old nonce under a new policy.
func TestServe_thePageIsNotKept(t *testing.T) {
	w := httptest.NewRecorder()
	page().Serve(w, httptest.NewRequest(http.MethodGet, "/", nil), "n1")
	h := w.Header()
	if h.Get("ETag") != "" || h.Get("Last-Modified") != "" || h.Get("Cache-Control") != "no-cache" {
		t.Errorf("headers %v", h)
	}
}

func TestNew(t *testing.T) {
	w := httptest.NewRecorder()
	u := New()
	u.Serve(w, httptest.NewRequest(http.MethodGet, "/", nil), "n1")
	if w.Code != 200 || !strings.Contains(w.Body.String(), "Runnel") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if !strings.Contains(string(u.Frame()), "<!doctype html>") {
		t.Errorf("frame %s", u.Frame())
	}
}

func TestLicences(t *testing.T) {
	if got := page().Licences(); got != "whose work" {
		t.Errorf("licences %q", got)
	}
	if got := of(fstest.MapFS{"index.html": {Data: []byte("placeholder")}}).Licences(); got != "" {
		t.Errorf("without a page: %q", got)
	}
}
