package instance

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// Memory is the resident memory of a process in bytes, as the system counts it.
func Memory(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return memoryByPS(pid)
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			return kilobytes(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
		}
	}
	return 0, fmt.Errorf("memory of process %d: it has ended", pid)
}

// memoryByPS is for systems without /proc.
func memoryByPS(pid int) (int64, error) {
	out, err := exec.Command("ps", "-o", "rss=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return 0, fmt.Errorf("memory of process %d: %w", pid, err)
	}
	return kilobytes(strings.TrimSpace(string(out)))
}

func kilobytes(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read a memory figure: %w", err)
	}
	return n << 10, nil
}
