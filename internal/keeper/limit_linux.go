package keeper

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// limitMemory puts a process into a cgroup of its own, below the one it is in,
// that may use at most limit bytes. It needs a system that lets us make one: as root,
// in most containers, or where the service manager delegates. release removes it
// when all its processes are gone.
func limitMemory(pid int, limit int64) (release func(), err error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cgroup")
	if err != nil {
		return nil, err
	}
	errs := []error{errors.New("no memory cgroup")}
	for _, line := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		f := strings.SplitN(line, ":", 3)
		if len(f) != 3 {
			continue
		}
		var dir, file string
		switch f[1] {
		case "":
			dir, file = filepath.Join("/sys/fs/cgroup", f[2]), "memory.max"
		case "memory":
			dir, file = filepath.Join("/sys/fs/cgroup/memory", f[2]), "memory.limit_in_bytes"
		default:
			continue
		}
		group := filepath.Join(dir, fmt.Sprintf("runnel-%d", pid))
		if err := enter(group, file, pid, limit); err != nil {
			errs = append(errs, err)
			continue
		}
		return func() { _ = os.Remove(group) }, nil
	}
	return nil, fmt.Errorf("limit memory: %w", errors.Join(errs...))
}

func enter(group, file string, pid int, limit int64) error {
	if err := os.Mkdir(group, 0o755); err != nil {
		return err
	}
	err := os.WriteFile(filepath.Join(group, file), []byte(strconv.FormatInt(limit, 10)), 0)
	if err == nil {
		// Without this the system would move to swap first, for minutes.
		for _, swap := range []string{"memory.swap.max", "memory.memsw.limit_in_bytes"} {
			value := strconv.FormatInt(limit, 10)
			if swap == "memory.swap.max" {
				value = "0"
			}
			_ = os.WriteFile(filepath.Join(group, swap), []byte(value), 0)
		}
		err = os.WriteFile(filepath.Join(group, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0)
	}
	if err != nil {
		_ = os.Remove(group)
	}
	return err
}
