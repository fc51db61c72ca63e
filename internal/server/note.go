package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/google/renameio/v2"

	"github.com/runnel-dev/runnel/internal/place"
)

// Note is server.json: how another program of the same user finds the server of a folder.
type Note struct {
	URL     string    `json:"url"`
	Token   string    `json:"token"`
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
	Version string    `json:"version"`
}

// ReadNote gives the note of the last server of a folder; false when there is none, or its process is gone.
func ReadNote(p place.Place) (Note, bool) {
	n := readNote(p.State)
	return n, processLives(n.PID)
}

// readNote is empty when nothing can be read.
func readNote(state string) Note {
	var n Note
	data, err := os.ReadFile(filepath.Join(state, noteFile))
	if err != nil || json.Unmarshal(data, &n) != nil {
		return Note{}
	}
	return n
}

const noteFile = "server.json"

// LoginURL is the address to open in a browser.
func (n Note) LoginURL() string { return n.URL + "/?token=" + url.QueryEscape(n.Token) }

func (s *Server) writeNote() error {
	data, err := json.Marshal(Note{s.url, s.token, os.Getpid(), time.Now().UTC(), s.cfg.Version})
	if err != nil {
		return fmt.Errorf("note the server's address: %w", err)
	}
	if err := writePrivate(s.state(noteFile), data); err != nil {
		return fmt.Errorf("note the server's address: %w", err)
	}
	return nil
}

func writePrivate(file string, data []byte) error { return renameio.WriteFile(file, data, 0o600) }

// processLives says whether a process has this id; signal 0 tells.
func processLives(pid int) bool { return pid > 0 && !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }
