package files

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whatever is asked for, what is read lies in the folder: a path that is accepted has no way out of it and hides nothing (S13, S14).
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "a.ipynb", "sub/b.ipynb", "../secret", "%2e%2e/secret", "sub/../../secret", `..\secret`, "/etc/passwd", "a\x00b", ".hidden", "sub/.hidden",
		"c:", "nul.ipynb", "out/secret", "a%252e", "\xff", "a.", "sub//b.ipynb", "//host/share"} {
		f.Add(seed)
	}
	parent := f.TempDir()
	dir := filepath.Join(parent, "served")
	const secret = "outside"
	for path, text := range map[string]string{"secret": secret, "served-too/secret": secret, "served/a.ipynb": "in", "served/sub/b.ipynb": "in", "served/.hidden": secret, "served/sub/.hidden": secret} {
		path = filepath.Join(parent, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			f.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			f.Fatal(err)
		}
	}
	if err := os.Symlink(parent, filepath.Join(dir, "out")); err != nil {
		f.Fatal(err)
	}
	folder, err := Open(dir, Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = folder.Close() })
	f.Fuzz(func(t *testing.T, s string) {
		p, err := Parse(s)
		if err != nil {
			return
		}
		if string(p) != s {
			t.Fatalf("%q became %q", s, p)
		}
		for name := range strings.SplitSeq(s, "/") {
			plain, err := url.PathUnescape(name)
			if err != nil {
				plain = name
			}
			if s != "" && (name == "" || strings.HasPrefix(plain, ".") || strings.ContainsAny(plain, "/\\\x00")) {
				t.Fatalf("%q was accepted", s)
			}
		}
		if data, _, err := folder.Read(p); err == nil && string(data) != "in" {
			t.Fatalf("%q gave %q", s, data)
		}
		if q, err := Parse(string(p.Dir())); err != nil || q != p.Dir() {
			t.Fatalf("the folder of %q: %q, %v", s, p.Dir(), err)
		}
	})
}
