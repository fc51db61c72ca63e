package pyenv

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"

	"github.com/google/renameio/v2"
)

// remembered are answers of interpreters that outlive the process, in a file: a machine with many environments has them asked once, not at
// each start of a server. Only the answer of a program that is the interpreter itself is kept: what a shim starts depends on more
// than can be looked at.
type remembered struct {
	file string // empty: nothing is remembered

	mu      sync.Mutex // guards the rest
	read    bool
	changed bool
	answers map[string]kept // by path
}

// kept is one answer, good as long as the interpreter and its package folders have this stamp.
type kept struct {
	Stamp string `json:"stamp"`
	Value probed `json:"value"`
}

// notes is the file. Answers to another script are no answers.
type notes struct {
	Script  string          `json:"script"`
	Answers map[string]kept `json:"answers"`
}

func scriptID() string {
	sum := sha256.Sum256([]byte(probeScript))
	return hex.EncodeToString(sum[:8])
}

// durable is a stamp that holds across processes: what Python looks at in its environment belongs to it.
func durable(path string, p probed) string {
	return stampOf(path, p.Paths) + os.Getenv("PYTHONPATH") + "\n" + os.Getenv("PYTHONHOME")
}

func (r *remembered) get(path string) (probed, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.read && r.file != "" {
		r.read, r.answers = true, map[string]kept{}
		var n notes
		if data, err := os.ReadFile(r.file); err == nil && json.Unmarshal(data, &n) == nil && n.Script == scriptID() && n.Answers != nil {
			r.answers = n.Answers
		}
	}
	k, ok := r.answers[path]
	return k.Value, ok && k.Stamp == durable(path, k.Value)
}

// put takes an answer that was just given.
func (r *remembered) put(path string, p probed) {
	if r.file == "" {
		return
	}
	real, err := filepath.EvalSymlinks(path)
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, was := r.answers[path]; was {
		r.changed = true
		delete(r.answers, path)
	}
	if err == nil && real == p.Executable {
		r.changed = true
		r.answers[path] = kept{Stamp: durable(path, p), Value: p}
	}
}

// save writes what is new, without those whose interpreter is gone.
func (r *remembered) save() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.changed {
		return nil
	}
	for path := range r.answers {
		if !isExecutable(path) {
			delete(r.answers, path)
		}
	}
	data, err := json.Marshal(notes{Script: scriptID(), Answers: r.answers})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(r.file), 0o700); err != nil {
		return err
	}
	r.changed = false
	return renameio.WriteFile(r.file, data, 0o600)
}
