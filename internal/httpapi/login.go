package httpapi

import (
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/runnel-dev/runnel/internal/auth"
)

// localPath is next when it leads to a page of this server, else "/" (S8). What it lets through is built anew from its parts.
func localPath(next string) string {
	if len(next) > 2048 || strings.ContainsFunc(next, func(r rune) bool { return r <= ' ' || r == '\\' || r == 0x7f }) {
		return "/"
	}
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || !strings.HasPrefix(u.Path, "/") ||
		strings.HasPrefix(u.Path, "//") || strings.ContainsAny(u.Path, "\\\t\r\n") {
		return "/"
	}
	if u.Path == "/login" || u.Path == "/logout" {
		return "/"
	}
	return (&url.URL{Path: u.Path, RawQuery: u.RawQuery, Fragment: u.Fragment}).String()
}

// enter exchanges the token in a link for a login, and leads to the same page without it: no token stays in the address.
func (a *API) enter(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	query.Del("token")
	to := localPath((&url.URL{Path: r.URL.Path, RawQuery: query.Encode()}).String())
	if r.URL.Path == "/login" {
		to = localPath(query.Get("next"))
	}
	a.loggedIn(w, r, to)
}

func (a *API) loggedIn(w http.ResponseWriter, r *http.Request, to string) {
	secret, err := a.cfg.Auth.Login()
	if err != nil {
		a.cfg.Logger.Error("logins are not kept over a restart", "reason", err)
	}
	http.SetCookie(w, &http.Cookie{Name: a.cookieName(), Value: secret, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
		MaxAge: int(auth.Life / time.Second)})
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func (a *API) loginPage(w http.ResponseWriter, r *http.Request) {
	if callerOf(r).known {
		http.Redirect(w, r, localPath(r.URL.Query().Get("next")), http.StatusFound)
		return
	}
	a.showLogin(w, http.StatusOK, localPath(r.URL.Query().Get("next")), "")
}

// login takes the form of the login page.
func (a *API) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	if err := r.ParseForm(); err != nil {
		a.showLogin(w, http.StatusBadRequest, "/", "That could not be read. Try again.")
		return
	}
	next, source := localPath(r.PostForm.Get("next")), sourceOf(r)
	wait := a.limit.Wait(source, time.Now())
	right := (wait == 0 || isLoopback(source)) && a.cfg.Auth.Token(strings.TrimSpace(r.PostForm.Get("token")))
	switch {
	case right:
		a.loggedIn(w, r, next)
	case wait > 0:
		tooMany(w, wait)
	default:
		a.limit.Wrong(source, time.Now())
		a.showLogin(w, http.StatusUnauthorized, next, "That is not the token.")
	}
}

func (a *API) logoutPage(w http.ResponseWriter, _ *http.Request) {
	a.showPage(w, http.StatusOK, loginData{Title: "Log out", Logout: true})
}

func (a *API) logout(w http.ResponseWriter, r *http.Request) {
	if cookie, err := r.Cookie(a.cookieName()); err == nil {
		if err := a.cfg.Auth.Logout(cookie.Value); err != nil {
			a.fail(w, r, err)
			return
		}
	}
	http.SetCookie(w, &http.Cookie{Name: a.cookieName(), Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode, MaxAge: -1})
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

func (a *API) showLogin(w http.ResponseWriter, status int, next, wrong string) {
	a.showPage(w, status, loginData{Title: "Log in", Next: next, Wrong: wrong})
}

type loginData struct {
	Title, Next, Wrong string
	Logout             bool
	Nonce              string
}

func (a *API) showPage(w http.ResponseWriter, status int, data loginData) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "same-origin") // with no-referrer a browser hides the origin of a form
	data.Nonce = styled(w)
	w.WriteHeader(status)
	_ = loginTemplate.Execute(w, data) // the client is gone
}

var loginTemplate = template.Must(template.New("login").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}} · Runnel</title>
<style nonce="{{.Nonce}}">
  :root { color-scheme: light dark; }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; font: 15px/1.5 system-ui, sans-serif; background: light-dark(#f7f8f8, #14181a); color: light-dark(#1b1f22, #e4e8ea); }
  main { width: min(24rem, 90vw); }
  h1 { font-size: 1.25rem; font-weight: 600; margin: 0 0 .25rem; }
  p { margin: 0 0 1rem; color: light-dark(#566067, #9aa5ab); }
  label { display: block; font-weight: 500; margin-bottom: .25rem; }
  input, button { font: inherit; box-sizing: border-box; width: 100%; padding: .5rem .75rem; border-radius: 6px; border: 1px solid light-dark(#c6cdd1, #3a4347); }
  input { background: light-dark(#fff, #1c2225); color: inherit; margin-bottom: .75rem; }
  button { background: #0b7285; color: #fff; border-color: #0b7285; font-weight: 500; cursor: pointer; }
  .wrong { color: light-dark(#b42341, #ff8fa3); }
  code { font-family: ui-monospace, monospace; font-size: .9em; }
</style>
</head>
<body>
<main>
<h1>Runnel</h1>
{{if .Logout}}
<p>Kernels and running cells go on when you log out.</p>
<form method="post" action="/logout"><button>Log out</button></form>
{{else}}
<p>The server printed a link with a token when it started. Open that link, or paste the token here.</p>
<form method="post" action="/login">
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" autofocus required>
<input type="hidden" name="next" value="{{.Next}}">
{{with .Wrong}}<p class="wrong" role="alert">{{.}}</p>{{end}}
<button>Log in</button>
</form>
{{end}}
</main>
</body>
</html>
`))
