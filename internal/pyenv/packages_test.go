package pyenv

import (
	"archive/zip"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/internal/fault"
	"github.com/runnel-dev/runnel/internal/testpy"
)

// venv makes a virtual environment of the test's own Python, with that one's packages, pip among them.
func (w *world) venv(name string) Choice {
	w.t.Helper()
	base := testpy.Python(w.t, "7")
	dir := filepath.Join(w.root, name)
	if out, err := exec.CommandContext(w.t.Context(), base, "-m", "venv", "--without-pip", dir).CombinedOutput(); err != nil {
		w.t.Fatalf("make %s: %v: %s", dir, err, out)
	}
	lent, _ := filepath.Glob(filepath.Join(filepath.Dir(filepath.Dir(base)), "lib", "python3*", "site-packages"))
	own, _ := filepath.Glob(filepath.Join(dir, "lib", "python3*", "site-packages"))
	if len(lent) != 1 || len(own) != 1 {
		w.t.Fatalf("packages of %s: %v, of %s: %v", base, lent, dir, own)
	}
	if err := os.WriteFile(filepath.Join(own[0], "lent.pth"), []byte(lent[0]+"\n"), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return Choice{Name: "python3", DisplayName: "Python", Language: "python", Python: filepath.Join(dir, "bin", "python")}
}

// wheel puts a package into a folder that pip takes for the only index there is.
func (w *world) wheel(name, version string) {
	w.t.Helper()
	links := filepath.Join(w.root, "wheels")
	if err := os.MkdirAll(links, 0o755); err != nil {
		w.t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(links, name+"-"+version+"-py3-none-any.whl"))
	if err != nil {
		w.t.Fatal(err)
	}
	z := zip.NewWriter(f)
	info := name + "-" + version + ".dist-info/"
	for path, text := range map[string]string{
		name + ".py":      "here = True\n",
		info + "METADATA": "Metadata-Version: 2.1\nName: " + name + "\nVersion: " + version + "\n",
		info + "WHEEL":    "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
		info + "RECORD":   "",
	} {
		part, err := z.Create(path)
		if err != nil {
			w.t.Fatal(err)
		}
		if _, err := part.Write([]byte(text)); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := errors.Join(z.Close(), f.Close()); err != nil {
		w.t.Fatal(err)
	}
	w.t.Setenv("PIP_NO_INDEX", "1")
	w.t.Setenv("PIP_FIND_LINKS", links)
}

func packagesOf(t *testing.T, f *Finder, c Choice) []Package {
	t.Helper()
	list, err := f.Packages(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestInstall(t *testing.T) {
	w := newWorld(t)
	w.wheel("tinybrook", "1.5")
	c, f := w.venv("env"), w.finder("")
	before := packagesOf(t, f, c)
	if !slices.ContainsFunc(before, func(p Package) bool { return p.Name == "ipykernel" && strings.HasPrefix(p.Version, "7.") }) {
		t.Errorf("before: %v", before)
	}
	var told []string
	if err := f.Install(t.Context(), c, " tinybrook >= 1.2, <2 ", func(line string) { told = append(told, line) }); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Join(told, "\n"); !strings.Contains(lines, "installing tinybrook>=1.2,<2") || !strings.Contains(lines, "Successfully installed tinybrook-1.5") {
		t.Errorf("told: %s", lines)
	}
	if after := packagesOf(t, f, c); !slices.Contains(after, Package{"tinybrook", "1.5"}) || len(after) != len(before)+1 {
		t.Errorf("after: %v", after)
	}
}

func TestInstall_failureNamesInterpreterAndCommand(t *testing.T) {
	w := newWorld(t)
	w.wheel("tinybrook", "1.5")
	c := w.venv("env")
	err := w.finder("").Install(t.Context(), c, "tinybrook==9", func(string) {})
	if fault.KindOf(err) != fault.Unavailable {
		t.Fatalf("error %v", err)
	}
	for _, want := range []string{"interpreter " + c.Python, "run: " + c.Python + " -m pip install 'tinybrook==9'", "No matching distribution"} {
		if !strings.Contains(fault.Message(err), want) {
			t.Errorf("%q is not in: %s", want, fault.Message(err))
		}
	}
}

func TestInstall_refused(t *testing.T) {
	w := newWorld(t)
	installs := "echo \"$@\" >> '" + w.root + "/installs'"
	w.interpreter("ours", "3.12.1", "7.0")
	answer := `[ "$1" = - ] || { ` + installs + `; exit 1; }; echo; echo 'runnel {"version":"3.12.1","prefix":"/usr","base":"/usr","external":true,"pip":true}'`
	system := Choice{DisplayName: "Python", Language: "python", Python: w.file("system/bin/python", "#!/bin/sh\n"+answer+"\n", 0o755)}
	noPip := Choice{DisplayName: "Python", Language: "python", Python: w.file("bare/bin/python", "#!/bin/sh\n"+strings.NewReplacer(`"external":true,"pip":true`, `"pip":false`).Replace(answer)+"\n", 0o755)}
	for _, c := range []struct {
		choice Choice
		kind   fault.Kind
		says   string
	}{
		{Choice{DisplayName: "Deno", Language: "typescript"}, fault.Invalid, "Deno is not a Python environment"},
		{system, fault.Conflict, system.Python + " -m venv ~/.venv && ~/.venv/bin/pip install ipykernel tinybrook"},
		{noPip, fault.Unavailable, noPip.Python + " -m ensurepip && " + noPip.Python + " -m pip install tinybrook"},
		{Choice{Language: "python", Python: filepath.Join(w.root, "nothing")}, fault.Unavailable, "does not work"},
	} {
		err := w.finder("").Install(t.Context(), c.choice, "tinybrook", func(line string) { t.Errorf("told %s", line) })
		if fault.KindOf(err) != c.kind || !strings.Contains(fault.Message(err), c.says) {
			t.Errorf("%s: %v", c.choice.Python, err)
		}
	}
	if text, err := os.ReadFile(filepath.Join(w.root, "installs")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an installer ran: %s, %v", text, err)
	}
}

func TestInstall_uv(t *testing.T) {
	w := newWorld(t)
	c := Choice{DisplayName: "Python", Language: "python", Python: w.file("bare/bin/python", "#!/bin/sh\necho\necho 'runnel {\"version\":\"3.12.1\",\"prefix\":\"/x\",\"base\":\"/usr\"}'\n", 0o755)}
	w.file("bin/uv", "#!/bin/sh\necho \"Installed with $*\" >&2\n[ -z \"$RUNNEL_TOKEN\" ]\n", 0o755)
	t.Setenv("RUNNEL_TOKEN", "a secret")
	var told []string
	if err := w.finder("").Install(t.Context(), c, "tinybrook", func(line string) { told = append(told, line) }); err != nil {
		t.Fatal(err)
	}
	if want := "Installed with pip install --python " + c.Python + " -- tinybrook"; !slices.Contains(told, want) {
		t.Errorf("told: %v", told)
	}
}

// TestInstall_cancelled: the installer may tidy up, its children are gone, and the next installation begins.
func TestInstall_cancelled(t *testing.T) {
	w := newWorld(t)
	c := Choice{DisplayName: "Python", Language: "python", Python: w.file("bare/bin/python", "#!/bin/sh\necho\necho 'runnel {\"version\":\"3.12.1\",\"prefix\":\"/x\",\"base\":\"/usr\"}'\n", 0o755)}
	w.file("bin/uv", `#!/bin/sh
[ -e '`+w.root+`/tidied' ] && exit 0
trap "touch '`+w.root+`/tidied'; exit 1" INT
echo Installing >&2
sleep 600 & wait
`, 0o755)
	f := w.finder("")
	ctx, cancel := context.WithCancel(t.Context())
	err := f.Install(ctx, c, "tinybrook", func(line string) {
		if line != "Installing" {
			return
		}
		if err := f.Install(ctx, c, "other", func(string) {}); fault.KindOf(err) != fault.Conflict {
			t.Errorf("a second one at the same time: %v", err)
		}
		cancel()
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(filepath.Join(w.root, "tidied")); err != nil {
		t.Errorf("it was not interrupted: %v", err)
	}
	if err := f.Install(t.Context(), c, "tinybrook", func(string) {}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestRequirement(t *testing.T) {
	for text, want := range map[string]string{
		"pandas": "pandas", " Pandas ": "Pandas", "pandas >= 2.2": "pandas>=2.2", "a.b-c_d": "a.b-c_d", "x==1.*": "x==1.*", "x===1.0+local!2": "x===1.0+local!2",
		"fastapi[standard, all] ~= 0.1 , != 0.1.5": "fastapi[standard,all]~=0.1,!=0.1.5",
	} {
		if got, err := requirementOf(text); got != want || err != nil {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", " ", "-r", "--index-url=https://evil.test", "-e.", ".", "./x", "/etc/x", "a/b", `a\b`, "..", "https://evil.test/x.whl", "git+https://evil.test/x", "x @ https://evil.test/x.whl",
		"x.whl", "x.tar.gz", "requirements.txt", "x;python_version>'3'", "x y", "x -r y", "x==1 --pre", "x\n--pre", "x==1\n-e.", "x[", "x[]", "x]", "x==", "==1", "x,y", "x$(id)", "x`id`", "x&y", "x|y", "x>1>", "é", "x\x00", "-", "_x", "x_",
		strings.Repeat("x", longestRequirement+1),
	} {
		if got, err := requirementOf(text); err == nil {
			t.Errorf("%q: taken as %q", text, got)
		} else if fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q: %v", text, err)
		}
	}
}
