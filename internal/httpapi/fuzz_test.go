package httpapi

import (
	"net/url"
	"strings"
	"testing"
)

// After a login nobody is led to another server, whatever stood in the link (S8): a browser that resolves what localPath lets through stays here.
func FuzzLocalPath(f *testing.F) {
	for _, seed := range []string{"/", "/n/a.ipynb?x=1#y", "//evil.test", `/\evil.test`, "https:evil.test", "%2f%2fevil.test", "/%09/evil.test", "http:///evil.test", "/%2f/evil.test",
		"/\t/evil.test", " //evil.test", "javascript:alert(1)", "/login", "/a//b", "/..//evil.test", "?next=//evil.test", "\\\\evil.test", "/%5cevil.test", "/ÿ", "/a:b@c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, next string) {
		to := localPath(next)
		if again := localPath(to); again != to {
			t.Fatalf("%q led to %q, and that to %q", next, to, again)
		}
		if at := browse(t, to); at.Scheme != "http" || at.Host != "here.test" || at.User != nil {
			t.Fatalf("%q leads to %q: a browser goes to %s", next, to, at)
		}
	})
}

// browse resolves a Location as the URL standard says browsers do: blanks at the ends and tabs and line ends anywhere are dropped, a backslash is a slash.
func browse(t *testing.T, to string) *url.URL {
	t.Helper()
	to = strings.TrimFunc(to, func(r rune) bool { return r <= ' ' })
	to = strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/").Replace(to)
	base := url.URL{Scheme: "http", Host: "here.test", Path: "/login"}
	at, err := base.Parse(to)
	if err != nil {
		t.Fatalf("%q: %v", to, err)
	}
	return at
}
