package place

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDirs(t *testing.T) {
	long := "/" + strings.Repeat("long/", 20)
	tests := map[string]struct {
		env                  map[string]string
		home, goos           string
		root, runtime, error string
	}{
		"Linux without anything set": {home: "/home/ada", goos: "linux", root: "/home/ada/.local/state/runnel",
			runtime: "/home/ada/.local/state/runnel/"},
		"a long home": {home: "/home/ada-lovelace-king-of-engines-and-numbers", goos: "linux", root: "/home/ada-lovelace-king-of-engines-and-numbers/.local/state/runnel", runtime: "/tmp/runnel-7/"},
		"macOS": {home: "/Users/ada", goos: "darwin", root: "/Users/ada/Library/Application Support/Runnel",
			runtime: "/Users/ada/Library/Application Support/Runnel/"},
		"XDG_STATE_HOME":                    {env: map[string]string{"XDG_STATE_HOME": "/s"}, home: "/home/ada", goos: "linux", root: "/s/runnel", runtime: "/s/runnel/"},
		"a relative XDG_STATE_HOME is none": {env: map[string]string{"XDG_STATE_HOME": "s"}, home: "/h", goos: "linux", root: "/h/.local/state/runnel", runtime: "/h/"},
		"RUNNEL_STATE_DIR comes first": {env: map[string]string{"RUNNEL_STATE_DIR": "/r/", "XDG_STATE_HOME": "/s"}, home: "/h", goos: "linux",
			root: "/r", runtime: "/r/"},
		"a relative RUNNEL_STATE_DIR is refused": {env: map[string]string{"RUNNEL_STATE_DIR": "r"}, home: "/h", goos: "linux", error: "absolute"},
		"XDG_RUNTIME_DIR": {env: map[string]string{"XDG_RUNTIME_DIR": "/run/user/7"}, home: "/home/ada", goos: "linux",
			root: "/home/ada/.local/state/runnel", runtime: "/home/ada/.local/state/runnel/"},
		"XDG_RUNTIME_DIR and a long home": {env: map[string]string{"XDG_RUNTIME_DIR": "/run/user/7"}, home: "/home/ada-lovelace-king-of-engines-and-numbers", goos: "linux",
			root: "/home/ada-lovelace-king-of-engines-and-numbers/.local/state/runnel", runtime: "/run/user/7/runnel/"},
		"a runtime folder that is too long": {env: map[string]string{"XDG_RUNTIME_DIR": long}, home: "/home/ada-lovelace-king-of-engines-and-numbers", goos: "linux",
			root: "/home/ada-lovelace-king-of-engines-and-numbers/.local/state/runnel", runtime: "/tmp/runnel-7/"},
		"no home at all": {goos: "linux", error: "RUNNEL_STATE_DIR"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			env := func(key string) string { return tt.env[key] }
			p, err := Dirs(env, tt.home, tt.goos, "/data/notes", 7)
			if tt.error != "" {
				if err == nil || !strings.Contains(err.Error(), tt.error) {
					t.Fatalf("error %v, want one with %q", err, tt.error)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if p.Root != tt.root || filepath.Dir(p.State) != tt.root {
				t.Errorf("root %s, state %s, want root %s", p.Root, p.State, tt.root)
			}
			if !strings.HasPrefix(p.Runtime, tt.runtime) {
				t.Errorf("runtime %s, want it in %s", p.Runtime, tt.runtime)
			}
			if len(p.Runtime)+socketTail > maxSocketPath {
				t.Errorf("runtime %s leaves no room for a socket", p.Runtime)
			}
		})
	}
}

func TestDirs_eachFolderItsOwn(t *testing.T) {
	at := func(root, folder string) Place {
		p, err := Dirs(func(key string) string {
			return map[string]string{"RUNNEL_STATE_DIR": root + strings.Repeat("/long", 20), "XDG_RUNTIME_DIR": "/run"}[key]
		}, "/h", "linux", folder, 7)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	a, same, b, other := at("/r", "/data/a"), at("/r", "/data/a/"), at("/r", "/data/b"), at("/r2", "/data/a")
	if a != same {
		t.Errorf("one folder, two places: %v and %v", a, same)
	}
	if a.State == b.State || a.Runtime == b.Runtime {
		t.Errorf("two folders share: %v and %v", a, b)
	}
	if a.Runtime == other.Runtime {
		t.Errorf("two states share their sockets: %v and %v", a, other)
	}
}

func TestDirs_relativeFolder(t *testing.T) {
	if _, err := Dirs(os.Getenv, "/h", "linux", "notes", 7); err == nil {
		t.Error("a relative folder was taken")
	}
}

func TestOf_throughLink(t *testing.T) {
	root := t.TempDir()
	t.Setenv("RUNNEL_STATE_DIR", filepath.Join(root, "state"))
	folder, link := filepath.Join(root, "notes"), filepath.Join(root, "link")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(folder, link); err != nil {
		t.Fatal(err)
	}
	a, err := Of(folder)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Of(link)
	if err != nil {
		t.Fatal(err)
	}
	if a != b {
		t.Errorf("by its name %v, by a link %v", a, b)
	}
	if _, err := Of(filepath.Join(root, "none")); err == nil {
		t.Error("a missing folder has a place")
	}
	file := filepath.Join(root, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Of(file); err == nil || !strings.Contains(err.Error(), "not a folder") {
		t.Errorf("a file: %v", err)
	}
}

func TestMake(t *testing.T) {
	root := t.TempDir()
	p := Place{Root: filepath.Join(root, "r"), State: filepath.Join(root, "r", "s"), Runtime: filepath.Join(root, "run", "x")}
	if err := os.MkdirAll(filepath.Dir(p.Runtime), 0o777); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := p.Make(); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{p.Root, p.State, p.spool(), p.Runtime, filepath.Dir(p.Runtime)} {
		info, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o700 {
			t.Errorf("%s has mode %v", dir, info.Mode())
		}
	}
	if err := os.WriteFile(filepath.Join(p.Runtime, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(p.spool(), "file")); err != nil {
		t.Errorf("the short way leads elsewhere: %v", err)
	}
}

func TestMake_linkOfElsewhere(t *testing.T) {
	root := t.TempDir()
	p := Place{Root: filepath.Join(root, "r"), State: filepath.Join(root, "r", "s"), Runtime: filepath.Join(root, "run", "x")}
	if err := os.Mkdir(filepath.Dir(p.Runtime), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(root, p.Runtime); err != nil {
		t.Fatal(err)
	}
	if err := p.Make(); err != nil {
		t.Fatal(err)
	}
	if to, err := os.Readlink(p.Runtime); err != nil || to != p.spool() {
		t.Errorf("leads to %s, %v", to, err)
	}
	p.State = filepath.Join(root, "link")
	if err := os.Symlink(root, p.State); err != nil {
		t.Fatal(err)
	}
	if err := p.Make(); err == nil {
		t.Error("a link was taken for the state folder")
	}
}
