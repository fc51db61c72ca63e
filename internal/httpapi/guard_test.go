package httpapi

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// upgrade are the headers of a WebSocket's opening.
var upgrade = []string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}

// TestGuard_everyRouteNeedsCredentials is S1: every route but the public ones, plain and as an upgrade, is refused and reaches nothing.
func TestGuard_everyRouteNeedsCredentials(t *testing.T) {
	s := start(t)
	for _, r := range s.api.routes() {
		method, path, ok := strings.Cut(r.pattern, " ")
		if !ok {
			method, path = http.MethodGet, r.pattern
		}
		path = strings.NewReplacer("{id}", "x", "{hash}", strings.Repeat("a", 64)).Replace(path)
		for _, headers := range [][]string{nil, upgrade, {"Authorization", "Bearer wrong"}, {"Cookie", "runnel-8000=wrong"}} {
			response, _ := s.do(method, path, "", headers...)
			if slices.Contains(public, path) && headers == nil {
				if response.StatusCode >= 400 && r.pattern != "POST /login" {
					t.Errorf("%s is not public: %d", r.pattern, response.StatusCode)
				}
				continue
			}
			toLogin := response.StatusCode == http.StatusFound && strings.HasPrefix(response.Header.Get("Location"), "/login?")
			if !slices.Contains(public, path) && !toLogin && response.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s with %v: %d", r.pattern, headers, response.StatusCode)
			}
			if response.StatusCode == http.StatusSwitchingProtocols {
				t.Errorf("%s was upgraded", r.pattern)
			}
		}
	}
	if s.notebooks.touched > 0 {
		t.Errorf("a handler was reached %d times", s.notebooks.touched)
	}
}

// TestGuard_headersEverywhere is S11, errors included.
func TestGuard_headersEverywhere(t *testing.T) {
	s := start(t)
	paths := []string{"/", "/login", "/logout", "/healthz", "/frame", "/runnel/v1/status", "/runnel/v1/nothing", "/runnel/v1/file?path=a.txt", "/runnel/v1/file?path=none",
		"/runnel/v1/blobs/" + strings.Repeat("a", 64), "/runnel/v1/outputs?notebook=n.ipynb&output=o", "/ws", "/any/where", "/%2e%2e/x"}
	for _, path := range paths {
		for _, headers := range [][]string{nil, {"Authorization", bearer}, {"Authorization", bearer, "Host", "evil.test"}} {
			response, _ := s.do(http.MethodGet, path, "", headers...)
			h := response.Header
			policy := h.Get("Content-Security-Policy")
			if !strings.Contains(policy, "default-src") || !strings.Contains(policy, "frame-ancestors") || strings.Contains(policy, "*") {
				t.Errorf("%s %v: policy %q", path, headers, policy)
			}
			if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cross-Origin-Resource-Policy") != "same-origin" ||
				h.Get("Cross-Origin-Opener-Policy") != "same-origin" || h.Get("Referrer-Policy") == "" || h.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s %v: headers %v", path, headers, h)
			}
		}
	}
	for _, path := range []string{"/", "/?notebook=n.ipynb", "/login"} {
		first, body := s.do(http.MethodGet, path, "", "Authorization", bearer)
		second, _ := s.do(http.MethodGet, path, "", "Authorization", bearer)
		if path == "/login" { // who is known is led on
			first, body = s.do(http.MethodGet, path, "")
			second, _ = s.do(http.MethodGet, path, "")
		}
		nonce := nonceOf(first)
		if nonce == "" || nonce == nonceOf(second) || !strings.Contains(body, nonce) {
			t.Errorf("%s: nonces %q and %q, body %.80s", path, nonce, nonceOf(second), body)
		}
		if policy := first.Header.Get("Content-Security-Policy"); strings.Contains(policy, "unsafe-") {
			t.Errorf("%s: policy %q", path, policy)
		}
	}
	response, _ := s.do(http.MethodGet, "/frame", "")
	policy := response.Header.Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "sandbox allow-scripts;") || strings.Contains(policy, "allow-same-origin") || !strings.Contains(policy, "connect-src 'none'") {
		t.Errorf("frame: %q", policy)
	}
	// What is in the frame already may run; from elsewhere nothing comes, and nothing goes there.
	inside := map[string]bool{"'none'": true, "'unsafe-inline'": true, "'unsafe-eval'": true, "data:": true, "blob:": true}
	for _, directive := range strings.Split(policy, ";") {
		words := strings.Fields(directive)
		for _, source := range words[1:] {
			if !inside[source] && words[0] != "sandbox" && words[0] != "frame-ancestors" {
				t.Errorf("frame: %s may come from %s", words[0], source)
			}
		}
	}
	for _, closed := range []string{"default-src 'none'", "connect-src 'none'", "worker-src 'none'", "form-action 'none'", "base-uri 'none'"} {
		if !strings.Contains(policy+";", "; "+closed+";") {
			t.Errorf("frame: without %s: %q", closed, policy)
		}
	}
}

// TestGuard_noCORS is S9: no page of another origin may read anything, and none may ask whether it may.
func TestGuard_noCORS(t *testing.T) {
	s := start(t)
	for _, r := range s.api.routes() {
		_, path, ok := strings.Cut(r.pattern, " ")
		if !ok {
			path = r.pattern
		}
		path = strings.NewReplacer("{id}", "x", "{hash}", strings.Repeat("a", 64), "{$}", "").Replace(path)
		for _, origin := range []string{"https://evil.test", "null", s.URL} {
			for _, method := range []string{http.MethodGet, http.MethodOptions} {
				response, _ := s.do(method, path, "", "Authorization", bearer, "Origin", origin, "Access-Control-Request-Method", "PUT", "Access-Control-Request-Private-Network", "true")
				for name := range response.Header {
					if strings.HasPrefix(name, "Access-Control-") {
						t.Errorf("%s %s of %s: %s: %s", method, path, origin, name, response.Header.Get(name))
					}
				}
				if method == http.MethodOptions && response.StatusCode != http.StatusMethodNotAllowed {
					t.Errorf("a preflight of %s: %d", path, response.StatusCode)
				}
			}
		}
	}
}

// nonceOf is the nonce that a response's policy names.
func nonceOf(response *http.Response) string {
	_, rest, _ := strings.Cut(response.Header.Get("Content-Security-Policy"), "style-src 'self' 'nonce-")
	nonce, _, _ := strings.Cut(rest, "'")
	return nonce
}

func TestGuard_hosts(t *testing.T) {
	s := start(t)
	port := s.URL[strings.LastIndex(s.URL, ":"):]
	for host, allowed := range map[string]bool{
		"localhost": true, "localhost" + port: true, "127.0.0.1" + port: true, "[::1]" + port: true, "LOCALHOST:1": true, "notes.test": true, "notes.test:443": true,
		"evil.test": false, "127.0.0.1.evil.test": false, "localhost.evil.test": false, "notes.test.evil": false, "10.0.0.1": false, "evil.test:8000": false,
	} {
		for _, path := range []string{"/healthz", "/login", "/frame", "/runnel/v1/status", "/assets/x.js", "/ws"} {
			response, _ := s.do(http.MethodGet, path, "", "Authorization", bearer, "Host", host)
			if refused := response.StatusCode == http.StatusForbidden; refused == allowed {
				t.Errorf("%s at %s: %d", path, host, response.StatusCode)
			}
		}
	}
}

func TestGuard_origins(t *testing.T) {
	s := start(t)
	cookie := s.login()
	host := strings.TrimPrefix(s.URL, "http://")
	tests := map[string]struct {
		headers []string
		allowed bool
	}{
		"our page":                    {[]string{"Cookie", cookie, "Origin", s.URL}, true},
		"our page behind TLS":         {[]string{"Cookie", cookie, "Origin", "https://" + host}, true},
		"our page, with fetch":        {[]string{"Cookie", cookie, "Origin", s.URL, "Sec-Fetch-Site", "same-origin"}, true},
		"another page":                {[]string{"Cookie", cookie, "Origin", "https://evil.test"}, false},
		"another page with the token": {[]string{"Authorization", bearer, "Origin", "https://evil.test"}, false},
		"nobody's page":               {[]string{"Cookie", cookie, "Origin", "null"}, false},
		"a page at another port":      {[]string{"Cookie", cookie, "Origin", "http://127.0.0.1:1"}, false},
		"a name that begins so":       {[]string{"Cookie", cookie, "Origin", s.URL + ".evil.test"}, false},
		"a name that ends so":         {[]string{"Cookie", cookie, "Origin", "http://evil" + host}, false},
		"a cookie without an origin":  {[]string{"Cookie", cookie}, false},
		"a program with a header":     {[]string{"Authorization", bearer}, true},
		"a program, the other word":   {[]string{"Authorization", "token " + token}, true},
		"cross-site fetch":            {[]string{"Authorization", bearer, "Sec-Fetch-Site", "cross-site"}, false},
		"same-site fetch":             {[]string{"Cookie", cookie, "Origin", s.URL, "Sec-Fetch-Site", "same-site"}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			response, body := s.do(http.MethodPost, "/runnel/v1/files", `{"op":"nothing"}`, append([]string{"Content-Type", "application/json"}, tt.headers...)...)
			if got := response.StatusCode == http.StatusBadRequest; got != tt.allowed {
				t.Errorf("a change: %d %s", response.StatusCode, body)
			}
			if tt.allowed {
				s.dial(t, tt.headers)
				return
			}
			response, body = s.do(http.MethodGet, "/ws", "", append(slices.Clone(upgrade), tt.headers...)...)
			if response.StatusCode != http.StatusForbidden {
				t.Errorf("an upgrade: %d %s", response.StatusCode, body)
			}
		})
	}
	if response, _ := s.do(http.MethodPost, "/runnel/v1/files?token="+token, "{}"); response.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("a change that is not JSON: %d", response.StatusCode)
	}
}

// dial opens a WebSocket, which must be possible.
func (s *testServer) dial(t *testing.T, headers []string) *websocket.Conn {
	t.Helper()
	h := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	conn, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(s.URL, "http")+"/ws?notebook=n.ipynb", &websocket.DialOptions{HTTPHeader: h})
	if err != nil {
		t.Fatalf("no WebSocket: %v", err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	return conn
}

// login logs in as a browser does, by the link, and gives the cookie.
func (s *testServer) login() string {
	s.t.Helper()
	response, _ := s.do(http.MethodGet, "/?token="+token, "")
	cookies := response.Cookies()
	if response.StatusCode != http.StatusSeeOther || len(cookies) != 1 {
		s.t.Fatalf("login: %d %v", response.StatusCode, cookies)
	}
	return cookies[0].Name + "=" + cookies[0].Value
}

func TestLogin_link(t *testing.T) {
	s := start(t)
	response, _ := s.do(http.MethodGet, "/?notebook=n.ipynb&token="+token, "")
	if got := response.Header.Get("Location"); got != "/?notebook=n.ipynb" {
		t.Errorf("leads to %q", got)
	}
	cookie := response.Cookies()[0]
	if cookie.Name != "runnel-8000" || !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/" || cookie.Value == token {
		t.Errorf("cookie %v", cookie)
	}
	response, body := s.do(http.MethodGet, "/?notebook=n.ipynb", "", "Cookie", cookie.Name+"="+cookie.Value)
	if response.StatusCode != http.StatusOK || !strings.HasPrefix(body, "the page ") {
		t.Errorf("with the cookie: %d %s", response.StatusCode, body)
	}
	response, _ = s.do(http.MethodGet, "/n.ipynb?a=b&token=wrong", "")
	if got := response.Header.Get("Location"); response.StatusCode != http.StatusFound || got != "/login?next=%2Fn.ipynb%3Fa%3Db" {
		t.Errorf("a wrong token leads to %d %q", response.StatusCode, got)
	}
}

func TestLogin_form(t *testing.T) {
	s := start(t)
	form := []string{"Content-Type", "application/x-www-form-urlencoded", "Origin", s.URL}
	for next, want := range map[string]string{
		"/n.ipynb?a=1": "/n.ipynb?a=1", "/a b": "/", "/caf%C3%A9": "/caf%C3%A9", "//evil.test": "/", `/\evil.test`: "/", "https:evil.test": "/", "https://evil.test/": "/",
		"/%2f%2fevil.test": "/", "/%09/evil.test": "/", "http:///evil.test": "/", "javascript:alert(1)": "/", "": "/", "evil": "/", "/x\r\nSet-Cookie: a=b": "/",
		"///evil.test": "/", "/%5Cevil.test": "/", "\t//evil.test": "/", "/login": "/", "//user@evil.test/": "/", "/./a": "/a",
	} {
		response, _ := s.do(http.MethodPost, "/login", "token="+token+"&next="+escape(next), form...)
		if got := response.Header.Get("Location"); response.StatusCode != http.StatusSeeOther || got != want {
			t.Errorf("next %q leads to %d %q, want %q", next, response.StatusCode, got, want)
		}
	}
	response, body := s.do(http.MethodPost, "/login", `token=wrong&next=/"><script>`, form...)
	if response.StatusCode != http.StatusUnauthorized || strings.Contains(body, "<script>") {
		t.Errorf("a wrong token: %d %s", response.StatusCode, body)
	}
	if response, _ := s.do(http.MethodPost, "/login", "token="+token, "Content-Type", form[1], "Origin", "https://evil.test"); response.StatusCode != http.StatusForbidden {
		t.Errorf("a login from another page: %d", response.StatusCode)
	}
}

func escape(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		b.WriteString("%" + strconv.FormatInt(int64(c)+0x100, 16)[1:])
	}
	return b.String()
}

func TestLogin_guesses(t *testing.T) {
	s := start(t)
	form := []string{"Content-Type", "application/x-www-form-urlencoded", "Origin", s.URL}
	for i := range 5 {
		if response, _ := s.do(http.MethodPost, "/login", "token=wrong", form...); response.StatusCode != http.StatusUnauthorized {
			t.Fatalf("guess %d: %d", i, response.StatusCode)
		}
	}
	response, _ := s.do(http.MethodPost, "/login", "token=wrong", form...)
	if response.StatusCode != http.StatusTooManyRequests || response.Header.Get("Retry-After") == "" {
		t.Errorf("one more: %d", response.StatusCode)
	}
	if response, _ := s.do(http.MethodPost, "/login", "token="+token, form...); response.StatusCode != http.StatusSeeOther {
		t.Errorf("the owner, on this machine, is locked out: %d", response.StatusCode)
	}
}

func TestLogout(t *testing.T) {
	s := start(t)
	cookie, other := s.login(), s.login()
	conn := s.dial(t, []string{"Cookie", cookie, "Origin", s.URL})
	stays := s.dial(t, []string{"Cookie", other, "Origin", s.URL})
	began := time.Now()
	response, _ := s.do(http.MethodPost, "/logout", "", "Cookie", cookie, "Origin", s.URL)
	if response.StatusCode != http.StatusSeeOther {
		t.Fatalf("logout: %d", response.StatusCode)
	}
	for {
		_, _, err := conn.Read(t.Context())
		if err == nil {
			continue
		}
		if got := websocket.CloseStatus(err); got != 4002 || time.Since(began) > 5*time.Second {
			t.Errorf("closed with %v after %v: %v", got, time.Since(began), err)
		}
		break
	}
	if response, _ := s.do(http.MethodGet, "/runnel/v1/status", "", "Cookie", cookie); response.StatusCode != http.StatusUnauthorized {
		t.Errorf("the cookie still counts: %d", response.StatusCode)
	}
	if err := stays.Write(t.Context(), websocket.MessageText, []byte(`{"type":"ping"}`)); err != nil {
		t.Errorf("another login's connection ended: %v", err)
	}
}

// A proxy that is set up for WebSockets puts "Connection: upgrade" on every request: a page is still a page.
func TestGuard_proxyAlwaysSaysUpgrade(t *testing.T) {
	s := start(t)
	for path, want := range map[string]int{"/healthz": http.StatusOK, "/runnel/v1/status": http.StatusOK} {
		response, body := s.do(http.MethodGet, path, "", "Connection", "upgrade", "Cookie", s.login())
		if response.StatusCode != want {
			t.Errorf("%s: %d %s", path, response.StatusCode, body)
		}
	}
}
