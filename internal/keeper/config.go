package keeper

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/runnel-dev/runnel/internal/jupyter"
)

// The files in a keeper's folder, beside the segments and the kernel's sockets.
const (
	ConfigFile     = "keep.json"       // what to start; the server's
	ConnectionFile = "connection.json" // the kernel reads it
	SocketFile     = "keep.sock"       // where a server attaches
	RunningFile    = "keeper.json"     // who runs; the keeper's
	LogFile        = "keeper.log"
)

// Config is keep.json: all that a keeper needs to know.
type Config struct {
	KernelID      string                 `json:"kernel_id"`
	NotebookID    string                 `json:"notebook_id,omitempty"`
	Name          string                 `json:"name,omitempty"`
	Language      string                 `json:"language,omitempty"`
	Argv          []string               `json:"argv"` // {connection_file} is replaced
	Env           []string               `json:"env"`  // the kernel's whole environment
	Cwd           string                 `json:"cwd"`
	InterruptMode string                 `json:"interrupt_mode,omitempty"` // signal or message
	Connection    jupyter.ConnectionInfo `json:"connection"`
	KeepFor       time.Duration          `json:"keep_for"`
	Quota         int64                  `json:"quota,omitempty"`      // bytes of spool, 0 for 8 GiB
	MemoryMax     int64                  `json:"memory_max,omitempty"` // bytes, 0 for no limit
	MaxFrame      int64                  `json:"max_frame,omitempty"`  // bytes of one frame from the kernel, 0 for 512 MiB
}

// Running is keeper.json: which processes belong to the folder.
type Running struct {
	Version     int    `json:"version"`
	PID         int    `json:"pid"`
	Start       string `json:"start"` // ProcessStart of the keeper
	KernelPID   int    `json:"kernel_pid,omitempty"`
	KernelStart string `json:"kernel_start,omitempty"`
}

// ReadConfig reads keep.json in dir.
func ReadConfig(dir string) (Config, error) {
	var c Config
	err := readJSON(filepath.Join(dir, ConfigFile), &c)
	if err == nil && (len(c.Argv) == 0 || c.KernelID == "") {
		err = fmt.Errorf("%s: no argv or kernel id", ConfigFile)
	}
	return c, err
}

// Write puts keep.json into dir.
func (c Config) Write(dir string) error { return writeJSON(filepath.Join(dir, ConfigFile), c) }

// ReadRunning reads keeper.json in dir.
func ReadRunning(dir string) (Running, error) {
	var r Running
	err := readJSON(filepath.Join(dir, RunningFile), &r)
	return r, err
}

func readJSON(path string, v any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// writeJSON replaces the file in one step, readable by its owner only.
func writeJSON(path string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", b, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// argv is the command line with the connection file's path put in.
func (c Config) argv(connectionFile string) []string {
	argv := make([]string, len(c.Argv))
	for i, a := range c.Argv {
		argv[i] = strings.ReplaceAll(a, "{connection_file}", connectionFile)
	}
	return argv
}
