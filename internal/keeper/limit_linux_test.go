package keeper

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// What /proc/<pid>/cgroup says, as seen on systems of each kind.
func TestMemoryGroups(t *testing.T) {
	tests := []struct {
		name, text string
		want       []memoryGroup
	}{
		{"version 2", "0::/user.slice/user-1000.slice/user@1000.service/app.slice/run.service\n",
			[]memoryGroup{{"/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/run.service", true}}},
		{"version 2 in a container", "0::/\n", []memoryGroup{{"/sys/fs/cgroup", true}}},
		{"version 1", "9:pids:/x\n5:memory:/jobs/7\n2:cpu,cpuacct:/\n1:name=systemd:/x\n", []memoryGroup{{"/sys/fs/cgroup/memory/jobs/7", false}}},
		{"both", "0::/a\n5:memory:/\n", []memoryGroup{{"/sys/fs/cgroup/memory", false}, {"/sys/fs/cgroup/a", true}}},
		{"a name with a colon", "0::/a:b\n", []memoryGroup{{"/sys/fs/cgroup/a:b", true}}},
		{"none", "\n", nil},
	}
	for _, tt := range tests {
		if got := memoryGroups(tt.text); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestOOMKills(t *testing.T) {
	tests := []struct {
		name, text string
		want       int64
		ok         bool
	}{
		{"version 2", "low 0\nhigh 0\nmax 37\noom 2\noom_kill 3\noom_group_kill 0\n", 3, true},
		{"version 1", "oom_kill_disable 0\nunder_oom 0\noom_kill 12\n", 12, true},
		{"an old version 1", "oom_kill_disable 0\nunder_oom 0\n", 0, false},
	}
	for _, tt := range tests {
		if got, ok := oomKills(tt.text); got != tt.want || ok != tt.ok {
			t.Errorf("%s: %d %v", tt.name, got, ok)
		}
	}
}

// What counts the processes killed for memory is the group that is nearest, and the machine where no group says: at the root of version 2, and
// without control groups.
func TestOOMFile(t *testing.T) {
	root, inner := memoryGroup{dir: t.TempDir(), v2: true}, memoryGroup{dir: t.TempDir(), v2: true}
	events := filepath.Join(inner.dir, "memory.events")
	if err := os.WriteFile(events, []byte("oom 0\noom_kill 0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := firstCount([]memoryGroup{inner}, machine); got != events {
		t.Errorf("in a group: %q", got)
	}
	for name, groups := range map[string][]memoryGroup{"at the root": {root}, "without groups": nil} {
		if got := firstCount(groups, machine); got != machine {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := firstCount(nil, events+".none"); got != "" {
		t.Errorf("where nothing counts: %q", got)
	}
}

// A kernel's group is made beside the one that took what was in ours before, not in it. How version 2 refuses, and how a group that was left to us is
// emptied, only a real one shows (TestVM_F4_kernel_out_of_memory in package faults).
func TestBelow(t *testing.T) {
	g := memoryGroup{dir: filepath.Join(t.TempDir(), "ours"), v2: true}
	if err := os.MkdirAll(filepath.Join(g.dir, rest), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(g.dir, "cgroup.subtree_control"), []byte("cpu memory\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{g.dir, filepath.Join(g.dir, rest)} {
		name := "runnel-1-" + filepath.Base(from)
		inner, err := memoryGroup{dir: from, v2: true}.below(name)
		if want := filepath.Join(g.dir, name); err != nil || inner.dir != want {
			t.Errorf("from %s: %v %v, want %s", from, inner, err, want)
		}
	}
}

// A group of version 2, as files: what is written where. Nothing is made that the system did not put there.
func TestEnterGroup(t *testing.T) {
	for _, v2 := range []bool{true, false} {
		g := memoryGroup{dir: t.TempDir(), v2: v2}
		if err := g.enter(os.Getpid(), 1<<30); err == nil {
			t.Error("a folder that is no cgroup was entered")
		}
		if left, _ := filepath.Glob(g.dir + "/*"); len(left) > 0 {
			t.Errorf("made %v", left)
		}
		want := map[string]string{"memory.max": "1073741824", "memory.swap.max": "0", "cgroup.procs": "4711"}
		if !v2 {
			want = map[string]string{"memory.limit_in_bytes": "1073741824", "memory.memsw.limit_in_bytes": "1073741824", "cgroup.procs": "4711"}
		}
		if err := os.MkdirAll(g.dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for name := range want {
			if err := os.WriteFile(filepath.Join(g.dir, name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := g.enter(4711, 1<<30); err != nil {
			t.Error(err)
		}
		for name, value := range want {
			if got, _ := os.ReadFile(filepath.Join(g.dir, name)); string(got) != value {
				t.Errorf("%s is %q, want %q", name, got, value)
			}
		}
	}
}
