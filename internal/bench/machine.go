package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
)

// Machine says what was measured on what. It names no host.
type Machine struct {
	Platform string            `json:"platform"`
	CPU      string            `json:"cpu,omitempty"`
	Cores    int               `json:"cores"`
	Memory   int64             `json:"memory,omitempty"` // bytes
	Versions map[string]string `json:"versions"`
}

func describe(ctx context.Context, config Config) (Machine, error) {
	m := Machine{Platform: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.NumCPU(), CPU: field("/proc/cpuinfo", "model name"),
		Versions: map[string]string{"go": strings.TrimPrefix(runtime.Version(), "go")}}
	if kilobytes, err := strconv.ParseInt(strings.TrimSuffix(field("/proc/meminfo", "MemTotal"), " kB"), 10, 64); err == nil {
		m.Memory = kilobytes << 10
	}
	asks := map[string][]string{
		"python":    {config.Python, "import sys; print('%d.%d.%d' % sys.version_info[:3])"},
		"ipykernel": {config.Python, "import ipykernel; print(ipykernel.__version__)"},
	}
	if config.Peer != "" {
		asks["jupyter_server"] = []string{config.PeerPython, "import jupyter_server; print(jupyter_server.__version__)"}
	}
	for name, ask := range asks {
		out, err := exec.CommandContext(ctx, ask[0], "-c", ask[1]).Output()
		if err != nil {
			return m, fmt.Errorf("ask %s for the version of %s: %w", ask[0], name, err)
		}
		m.Versions[name] = strings.TrimSpace(string(out))
	}
	return m, nil
}

// field reads "name : value" from a file of the system's; empty where there is none.
func field(file, name string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
