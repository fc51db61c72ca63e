package keeper

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// cgroups is where the system shows its control groups.
const cgroups = "/sys/fs/cgroup"

// memoryGroup is a control group that may have a say about memory: of version 1, where memory has a tree of its own, or of 2.
type memoryGroup struct {
	dir string
	v2  bool
}

// memoryGroups reads /proc/<pid>/cgroup: the groups to try, the tree of version 1 first, as where it is there 2 has no say about memory.
func memoryGroups(text string) []memoryGroup {
	var v1, v2 []memoryGroup
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		f := strings.SplitN(line, ":", 3)
		switch {
		case len(f) != 3:
		case f[0] == "0" && f[1] == "":
			v2 = append(v2, memoryGroup{dir: filepath.Join(cgroups, f[2]), v2: true})
		case f[1] == "memory":
			v1 = append(v1, memoryGroup{dir: filepath.Join(cgroups, "memory", f[2])})
		}
	}
	return append(v1, v2...)
}

func memoryGroupsOf(pid int) ([]memoryGroup, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cgroup")
	return memoryGroups(string(b)), err
}

// limitMemory puts a process into a cgroup of its own, below the one it is in,
// that may use at most limit bytes. It needs a system that lets us make one: as root,
// in most containers, or where the service manager delegates. release removes it
// when all its processes are gone.
func limitMemory(pid int, limit int64) (release func(), err error) {
	groups, err := memoryGroupsOf(pid)
	if err != nil {
		return nil, err
	}
	errs := []error{errors.New("no memory cgroup")}
	for _, g := range groups {
		inner, err := g.below(fmt.Sprintf("runnel-%d", pid))
		if err == nil {
			err = inner.enter(pid, limit)
		}
		if err == nil {
			return func() { _ = os.Remove(inner.dir) }, nil
		}
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("limit memory: %w", errors.Join(errs...))
}

// below makes a group within this one. In version 2 the group must hand memory on to those below it, which it can, but for the system's own
// root, only while no process is in it itself. Where the group was left to us all that is in it goes one further down first.
func (g memoryGroup) below(name string) (memoryGroup, error) {
	if g.v2 {
		if filepath.Base(g.dir) == rest {
			g.dir = filepath.Dir(g.dir)
		}
		err := g.handOn()
		if errors.Is(err, syscall.EBUSY) && g.delegated() {
			if err = g.stepDown(); err == nil {
				err = g.handOn()
			}
		}
		if errors.Is(err, syscall.EBUSY) {
			err = fmt.Errorf("the server needs a group in a group that is left to it (in a unit of systemd: Delegate=yes and DelegateSubgroup="+rest+"; "+
				"by hand: systemd-run --user --scope -p Delegate=yes runnel serve ...): %w", err)
		}
		if err != nil {
			return g, err
		}
	}
	inner := memoryGroup{dir: filepath.Join(g.dir, name), v2: g.v2}
	return inner, os.Mkdir(inner.dir, 0o755)
}

// rest is the group that takes what was in one of version 2 before kernels had groups of their own there.
const rest = "runnel"

// delegated says whether the group was left to who runs in it, for as long as it lives: as a scope of systemd's, which marks it, or as a container,
// which sees its own as the root. A service is not: systemd could not start a second server in it, beside the kernels of the first.
func (g memoryGroup) delegated() bool {
	if g.dir == cgroups {
		return true
	}
	if !strings.HasSuffix(g.dir, ".scope") {
		return false
	}
	for _, name := range []string{"user.delegate", "trusted.delegate"} {
		value := make([]byte, 1)
		if n, err := unix.Getxattr(g.dir, name, value); err == nil && n == 1 && value[0] == '1' {
			return true
		}
	}
	return false
}

// stepDown moves all processes of the group into one below. They stay within all limits of this one.
func (g memoryGroup) stepDown() error {
	inner := filepath.Join(g.dir, rest)
	if err := os.Mkdir(inner, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	for { // what a process starts while it is moved is seen the next time
		pids, err := os.ReadFile(filepath.Join(g.dir, "cgroup.procs"))
		if err != nil || len(bytes.TrimSpace(pids)) == 0 {
			return err
		}
		for _, pid := range strings.Fields(string(pids)) {
			if err := set(filepath.Join(inner, "cgroup.procs"), pid); err != nil && !errors.Is(err, syscall.ESRCH) {
				return err
			}
		}
	}
}

func (g memoryGroup) handOn() error {
	control := filepath.Join(g.dir, "cgroup.subtree_control")
	given, err := os.ReadFile(control)
	if err != nil || slices.Contains(strings.Fields(string(given)), "memory") {
		return err
	}
	return set(control, "+memory")
}

// enter limits the group and puts the process in. Without the limit on swap the system would move memory there first, for minutes.
func (g memoryGroup) enter(pid int, limit int64) error {
	value := strconv.FormatInt(limit, 10)
	var err error
	if g.v2 {
		err = set(filepath.Join(g.dir, "memory.max"), value)
		_ = set(filepath.Join(g.dir, "memory.swap.max"), "0")
	} else {
		err = set(filepath.Join(g.dir, "memory.limit_in_bytes"), value)
		_ = set(filepath.Join(g.dir, "memory.memsw.limit_in_bytes"), value)
	}
	if err == nil {
		err = set(filepath.Join(g.dir, "cgroup.procs"), strconv.Itoa(pid))
	}
	if err != nil {
		_ = os.Remove(g.dir)
	}
	return err
}

// set writes to a file of the system's, and makes none.
func set(path, value string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}

// machine is where the system counts those it killed in all groups and in none.
const machine = "/proc/vmstat"

// oomFile finds where the system counts the processes it killed in the groups of pid because memory ran out, or on the whole machine: the root of
// version 2 has no count of its own. It is empty when the system does not say.
func oomFile(pid int) string {
	groups, _ := memoryGroupsOf(pid)
	return firstCount(groups, machine)
}

func firstCount(groups []memoryGroup, last string) string {
	var paths []string
	for _, g := range groups {
		paths = append(paths, g.oomFiles()...)
	}
	for _, path := range append(paths, last) {
		if _, ok := readOOM(path); ok {
			return path
		}
	}
	return ""
}

func (g memoryGroup) oomFiles() []string {
	if g.v2 {
		return []string{filepath.Join(g.dir, "memory.events")}
	}
	// In a container the path may be the host's; its own group is at the top then.
	return []string{filepath.Join(g.dir, "memory.oom_control"), filepath.Join(cgroups, "memory", "memory.oom_control")}
}

func readOOM(path string) (int64, bool) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	return oomKills(string(b))
}

// oomKills reads memory.events (version 2) or memory.oom_control (1): both have a line "oom_kill N".
func oomKills(text string) (int64, bool) {
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(line, "oom_kill "); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}
