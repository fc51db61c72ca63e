package httpapi

import (
	"context"
	"crypto/rand"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The policies of what browsers show. Our own: everything from here, nothing in the HTML itself; a style element needs the
// response's nonce. An output frame's: nothing from anywhere, scripts only of its own, in an origin of nobody. A file's: nothing at all.
const (
	ownCSP = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self' data:; " +
		"media-src 'self' data: blob:; connect-src 'self'; worker-src 'self' blob:; frame-src 'self'; object-src 'none'; base-uri 'none'; " +
		"form-action 'self'; frame-ancestors 'self'"
	frameCSP = "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' blob:; worker-src 'none'; style-src 'unsafe-inline'; " +
		"img-src data: blob:; media-src data: blob:; font-src data:; connect-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
	fileCSP = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
)

// styled lets this one response have style elements, those that show the nonce.
func styled(w http.ResponseWriter) (nonce string) {
	nonce = rand.Text()
	w.Header().Set("Content-Security-Policy", strings.Replace(ownCSP, "style-src 'self'", "style-src 'self' 'nonce-"+nonce+"'", 1))
	return nonce
}

// public are the routes that need no credentials. Everything else does.
var public = []string{"/healthz", "/login", "/frame", "/favicon.ico", "/favicon.svg"}

// guard is in front of every route.
func (a *API) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		h := w.Header()
		h.Set("Content-Security-Policy", ownCSP)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		rec := &recorder{ResponseWriter: w}
		a.check(rec, r, next)
		a.cfg.Logger.Debug("request", "method", r.Method, "path", capped(r.URL.Path), "status", rec.status, "took", time.Since(began))
	})
}

// check lets a request through, or answers it.
func (a *API) check(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if !a.hostAllowed(r.Host) {
		refuse(w, http.StatusForbidden, "forbidden", "This server does not answer to that name. Name it with --host to allow it.")
		return
	}
	if r.Method == http.MethodTrace || r.Method == http.MethodConnect || r.Method == http.MethodOptions {
		refuse(w, http.StatusMethodNotAllowed, "invalid", "That method is not used here.")
		return
	}
	who, ok := a.identify(w, r)
	if !ok {
		return
	}
	if !who.known && !slices.Contains(public, r.URL.Path) {
		a.deny(w, r)
		return
	}
	if changes(r) && !a.sameOrigin(r, who) {
		refuse(w, http.StatusForbidden, "forbidden", "The request comes from another page.")
		return
	}
	if who.byQuery && forPerson(r) {
		a.enter(w, r)
		return
	}
	next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, who)))
}

// caller is who sent a request.
type caller struct {
	known   bool
	cookie  string // the login's secret, when that is how it is known
	byQuery bool   // by ?token=
	byToken bool   // by the token itself, in the query or a header
}

type callerKey struct{}

func callerOf(r *http.Request) caller {
	who, _ := r.Context().Value(callerKey{}).(caller)
	return who
}

// identify finds out who sends; not ok: it was answered, because too many guesses came from there.
func (a *API) identify(w http.ResponseWriter, r *http.Request) (who caller, ok bool) {
	token, byQuery := shown(r)
	if token != "" {
		source := sourceOf(r)
		wait := a.limit.Wait(source, time.Now())
		if wait > 0 && !isLoopback(source) {
			tooMany(w, wait)
			return caller{}, false
		}
		if a.cfg.Auth.Token(token) {
			return caller{known: true, byQuery: byQuery, byToken: true}, true
		}
		a.limit.Wrong(source, time.Now())
	}
	if cookie, err := r.Cookie(a.cookieName()); err == nil && a.cfg.Auth.Known(cookie.Value) {
		return caller{known: true, cookie: cookie.Value}, true
	}
	return caller{}, true
}

// shown is the token that a request shows, right or wrong.
func shown(r *http.Request) (token string, byQuery bool) {
	kind, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(kind, "token") || strings.EqualFold(kind, "bearer") {
		return strings.TrimSpace(value), false
	}
	if token := r.URL.Query().Get("token"); token != "" {
		return token, true
	}
	return "", false
}

func tooMany(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
	refuse(w, http.StatusTooManyRequests, "unauthorized", "Too many wrong tokens. Wait a moment.")
}

func (a *API) cookieName() string { return "runnel-" + strconv.Itoa(a.cfg.Port) }

// deny answers who is not known: a person is led to the login, a program is told.
func (a *API) deny(w http.ResponseWriter, r *http.Request) {
	if !forPerson(r) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="runnel"`)
		refuse(w, http.StatusUnauthorized, "unauthorized", "Log in first, or send the token that the server printed when it started.")
		return
	}
	u := *r.URL
	query := u.Query()
	query.Del("token")
	u.RawQuery = query.Encode()
	http.Redirect(w, r, "/login?next="+url.QueryEscape(localPath(u.RequestURI())), http.StatusFound)
}

// forPerson says whether the request is a browser's for a page, not a program's.
func forPerson(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.URL.Path != "/ws" && r.URL.Path != "/healthz" &&
		!strings.HasPrefix(r.URL.Path, "/runnel/") && !strings.HasPrefix(r.URL.Path, "/assets/") && !isUpgrade(r)
}

// isUpgrade asks for the header without which nothing can be upgraded. Connection does not count: proxies that are set up for WebSockets
// put "Connection: upgrade" on every request.
func isUpgrade(r *http.Request) bool { return r.Header.Get("Upgrade") != "" }

// changes says whether a request can change something: by its method, or because it opens a line that can.
func changes(r *http.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead || isUpgrade(r) || r.URL.Path == "/ws"
}

// sameOrigin says whether a request that can change something comes from our own page, or from a program that shows the token.
func (a *API) sameOrigin(r *http.Request, who caller) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
	default:
		return false
	}
	if a.cross.Check(r) != nil {
		return false
	}
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return who.byToken || r.URL.Path == "/login"
	}
	return len(origins) == 1 && (origins[0] == "http://"+r.Host || origins[0] == "https://"+r.Host)
}

// hostAllowed says whether the server answers to this name: a page of a stranger whose name was made to lead here must get nothing.
func (a *API) hostAllowed(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.ToLower(strings.Trim(name, "[]"))
	if name == "localhost" || slices.Contains(a.cfg.Hosts, name) {
		return true
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && (ip.IsLoopback() || a.cfg.AnyIP)
}

func sourceOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// comesFromAfar says whether a client is on another machine, or a proxy here says that it speaks for one.
func comesFromAfar(r *http.Request) bool {
	return !isLoopback(sourceOf(r)) || r.Header.Get("Forwarded") != "" || r.Header.Get("X-Forwarded-For") != ""
}

func isLoopback(source string) bool {
	ip, err := netip.ParseAddr(source)
	return err == nil && ip.IsLoopback()
}

// recorder remembers the status for the log.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach what is below.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
