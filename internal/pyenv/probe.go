package pyenv

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// probeTimeout is how long an interpreter may take to say what it is. Cold
// disks and busy machines are slow; a broken interpreter must not hold up a list for ever.
const probeTimeout = 20 * time.Second

// longestLine bounds what a broken program says in its own words.
const longestLine = 300

// failureFor is how long a failure is remembered.
const failureFor = 10 * time.Second

// probed is what an interpreter says of itself.
type probed struct {
	Version   string   `json:"version"`
	Prefix    string   `json:"prefix"`
	Base      string   `json:"base"`
	IPyKernel string   `json:"ipykernel"` // empty: it has none
	Conda     bool     `json:"conda"`
	Pip       bool     `json:"pip"`
	External  bool     `json:"external"` // its packages belong to the system's package manager
	Paths     []string `json:"paths"`    // the folders whose change may change the answer; they need not be there
	// Executable is the program that answered, symlinks followed.
	Executable string `json:"executable"`
}

// The script runs on Python 2.7 too: an old interpreter gets a clear answer.
const probeScript = `
import json, os, sys
d = {"version": "%d.%d.%d" % sys.version_info[:3], "prefix": sys.prefix, "base": getattr(sys, "base_prefix", sys.prefix),
     "conda": os.path.isdir(os.path.join(sys.prefix, "conda-meta"))}
try:
    import importlib.util, sysconfig
    d["pip"] = importlib.util.find_spec("pip") is not None
    d["executable"] = os.path.realpath(sys.executable)
    import site
    own = [p for p in sys.path if p.endswith("-packages")]
    others = [site.getusersitepackages()] + site.getsitepackages() if hasattr(site, "getsitepackages") else []
    d["paths"] = own + [p for p in others if p not in own]
    d["external"] = sys.prefix == d["base"] and os.path.exists(os.path.join(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED"))
    if importlib.util.find_spec("ipykernel") is not None:
        from importlib.metadata import version
        d["ipykernel"] = version("ipykernel")
except Exception:
    pass
print("\nrunnel " + json.dumps(d))
`

// probeCache remembers answers until the interpreter or its packages change.
type probeCache struct {
	before remembered

	mu    sync.Mutex // guards known and the fields of its values
	known map[string]*answer
}

type answer struct {
	done  chan struct{} // closed when the rest is set
	at    time.Time
	stamp string
	value probed
	err   error

	recalled bool // it was given to an earlier process
}

// probe asks the interpreter at path, or gives the answer of before. Callers
// that ask for the same one at the same time wait for one process.
func (c *probeCache) probe(ctx context.Context, path string) (probed, error) {
	return c.know(ctx, path, false)
}

// confirm is probe, but the answer was given to this process: the interpreter runs, here and now.
func (c *probeCache) confirm(ctx context.Context, path string) (probed, error) {
	return c.know(ctx, path, true)
}

func (c *probeCache) know(ctx context.Context, path string, confirm bool) (probed, error) {
	for {
		c.mu.Lock()
		if c.known == nil {
			c.known = map[string]*answer{}
		}
		a, ok := c.known[path]
		if !ok {
			a = &answer{done: make(chan struct{})}
			c.known[path] = a
			c.mu.Unlock()
			a.value, a.recalled = c.before.get(path)
			if a.recalled = a.recalled && !confirm; !a.recalled {
				a.value, a.err = c.ask(ctx, path)
			}
			a.at, a.stamp = time.Now(), stampOf(path, a.value.Paths)
			close(a.done)
			if ctx.Err() != nil {
				c.forget(path, a) // the failure is the caller's, not the interpreter's
			}
			return a.value, a.err
		}
		c.mu.Unlock()
		select {
		case <-a.done:
		case <-ctx.Done():
			return probed{}, fmt.Errorf("ask %s: %w", path, ctx.Err())
		}
		stale := a.stamp != stampOf(path, a.value.Paths) || a.err != nil && time.Since(a.at) > failureFor
		if !stale && !(confirm && a.recalled) && !errors.Is(a.err, context.Canceled) {
			return a.value, a.err
		}
		c.forget(path, a)
	}
}

// ask asks, and has the answer remembered.
func (c *probeCache) ask(ctx context.Context, path string) (probed, error) {
	p, err := ask(ctx, path)
	if err == nil {
		c.before.put(path, p)
	}
	return p, err
}

func (c *probeCache) forget(path string, a *answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known[path] == a {
		delete(c.known, path)
	}
}

// stampOf changes when the interpreter or one of its package folders changes.
func stampOf(path string, folders []string) string {
	var stamp strings.Builder
	for _, p := range append([]string{path}, folders...) {
		if info, err := os.Stat(p); err == nil {
			fmt.Fprintf(&stamp, "%s %d %d\n", p, info.ModTime().UnixNano(), info.Size())
		}
	}
	return stamp.String()
}

// ask asks the interpreter what it is.
func ask(ctx context.Context, path string) (probed, error) {
	text, err := answerOf(ctx, path, probeScript)
	if err != nil {
		return probed{}, err
	}
	var p probed
	if json.Unmarshal(text, &p) != nil || p.Version == "" {
		return probed{}, fmt.Errorf("ask %s: it is not a Python interpreter", path)
	}
	return p, nil
}

// answerMax bounds what an interpreter may say.
const answerMax = 1 << 20

// answerOf runs the interpreter once, and gives what the script prints after
// the word runnel. Its whole process group is gone afterwards.
func answerOf(ctx context.Context, path, script string) ([]byte, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("ask %s: %w", path, errors.Unwrap(err))
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "-")
	cmd.Dir = "/"
	cmd.Stdin = strings.NewReader(script) // what is no Python would repeat an argument in its complaint
	inOwnGroup(cmd)
	out, problems := &tail{limit: answerMax}, &tail{limit: 2 << 10}
	cmd.Stdout, cmd.Stderr = out, problems
	err := cmd.Run()
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, fmt.Errorf("ask %s: no answer within %v", path, probeTimeout)
	case ctx.Err() != nil:
		return nil, fmt.Errorf("ask %s: %w", path, ctx.Err())
	case err != nil:
		return nil, fmt.Errorf("ask %s: %w%s", path, err, problems.lastLine())
	}
	_, text, found := bytes.Cut(out.Bytes(), []byte("\nrunnel "))
	if !found {
		return nil, fmt.Errorf("ask %s: it is not a Python interpreter", path)
	}
	return bytes.TrimSpace(text), nil
}

// inOwnGroup makes the end of cmd's context end its children too.
func inOwnGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
}

// tail keeps the end of what is written to it.
type tail struct {
	bytes.Buffer
	limit int
}

func (t *tail) Write(p []byte) (int, error) {
	n := len(p)
	if len(p) > t.limit {
		p = p[len(p)-t.limit:]
	}
	if over := t.Len() + len(p) - t.limit; over > 0 {
		t.Next(over)
	}
	t.Buffer.Write(p)
	return n, nil
}

func (t *tail) lastLine() string {
	text := strings.TrimSpace(t.String())
	if text == "" {
		return ""
	}
	line := strings.ToValidUTF8(text[strings.LastIndexByte(text, '\n')+1:], "")
	if len(line) > longestLine {
		line = strings.ToValidUTF8(line[:longestLine], "") + "…"
	}
	return ": " + line
}

// read learns about a virtual environment from its files alone.
func read(path string) (probed, error) {
	prefix := filepath.Dir(filepath.Dir(path))
	config, err := os.ReadFile(filepath.Join(prefix, "pyvenv.cfg"))
	if err != nil {
		return probed{}, fmt.Errorf("read environment: %w", err)
	}
	p := probed{Prefix: prefix}
	for line := range strings.Lines(string(config)) {
		key, value, _ := strings.Cut(line, "=")
		switch strings.TrimSpace(key) {
		case "version", "version_info":
			p.Version = strings.TrimSpace(value)
		}
	}
	p.Paths, _ = filepath.Glob(filepath.Join(prefix, "lib", "python3*", "site-packages"))
	for _, dir := range p.Paths {
		if found, _ := filepath.Glob(filepath.Join(dir, "ipykernel-*.dist-info")); len(found) > 0 {
			version := strings.TrimSuffix(filepath.Base(found[0]), ".dist-info")
			p.IPyKernel = strings.TrimPrefix(version, "ipykernel-")
		}
		_, err := os.Stat(filepath.Join(dir, "pip"))
		p.Pip = p.Pip || err == nil
	}
	return p, nil
}
