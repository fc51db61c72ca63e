package repotest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/runnel-dev/runnel/"

// layers are the packages from top to bottom. A package may import those of
// lower layers only; those of one layer do not know each other.
var layers = []struct {
	packages string
	reason   string
}{
	{"cmd/runnel", "main starts the command and nothing else"},
	{"internal/cli", "a command is words and exit codes around a package that does the work"},
	{"internal/bench internal/doctor internal/conformance", "they measure a server from outside"},
	{"internal/instance", "a server that is measured is a process, not an import"},
	{"internal/server", "the only place that wires things"},
	{"internal/httpapi internal/jupyterapi", "routes and statuses, no decisions"},
	{"internal/gateway internal/webui internal/auth", "one client's line; the page's files; who may speak"},
	{"internal/session", "one notebook being lived in"},
	{"internal/kernel internal/journal internal/files", "the session's hands: a kernel, a disk, a folder; each could be replaced"},
	{"internal/keeper internal/pyenv", "the keeper stays small: nothing of notebooks or databases may come into its process"},
	{"internal/pageclient internal/plainclient", "clients know the protocol and nothing of the server"},
	{"internal/notebook internal/protocol internal/termtext internal/jupyter", "values: no clock, no disk, no goroutine of their own"},
	{"internal/changes internal/zmtp internal/jsontext internal/place internal/fault internal/steady", "an algebra, a wire, texts, places, words and a clock that everything above may use"},
}

// testOnly packages are imported by tests alone, and may import everything.
var testOnly = []string{"internal/repotest", "internal/journal/journaltest", "internal/server/servertest", "internal/faults", "internal/testpy", "internal/jupyter/jupytertest", "internal/jupyter/jupytertest/fakekernel"}

// pure packages must not import what would make them depend on anything but their arguments.
var pure = map[string][]string{
	"internal/notebook": {"os", "net", "net/http", "os/exec", "sync"},
	"internal/jsontext": {"os", "net", "net/http", "os/exec", "sync", "time"},
	"internal/changes":  {"os", "net", "net/http", "os/exec", "sync", "time"},
	"internal/termtext": {"os", "net", "net/http", "os/exec", "sync", "time"},
	"internal/protocol": {"os", "net", "net/http", "os/exec"},
}

func TestImportsPointDownwards(t *testing.T) {
	layerOf := map[string]int{}
	for i, layer := range layers {
		for _, name := range strings.Fields(layer.packages) {
			layerOf[name] = i
		}
	}
	for name, files := range packages(t) {
		if slices.Contains(testOnly, name) {
			continue
		}
		own, known := layerOf[name]
		if !known {
			t.Errorf("%s is in no layer: put it into this test's list and into ARCHITECTURE.md", name)
			continue
		}
		for _, file := range files {
			for _, imported := range file.Imports {
				other, ours := strings.CutPrefix(strings.Trim(imported.Path.Value, `"`), module)
				if slices.Contains(pure[name], other) {
					t.Errorf("%s imports %s: %s", name, other, layers[own].reason)
				}
				if !ours {
					continue
				}
				if slices.Contains(testOnly, other) {
					t.Errorf("%s imports %s, which is for tests", name, other)
				} else if below, known := layerOf[other]; known && below <= own {
					t.Errorf("%s imports %s, which is not below it: %s", name, other, layers[below].reason)
				}
			}
		}
	}
}

func TestPackagesSayWhatTheyAreFor(t *testing.T) {
	for name, files := range packages(t) {
		text := ""
		for _, file := range files {
			if file.Doc != nil {
				text += file.Doc.Text()
			}
		}
		want := "Package " + path.Base(name) + " "
		if files[0].Name.Name == "main" {
			want = "Command " + path.Base(name) + " "
		}
		if !strings.HasPrefix(text, want) {
			t.Errorf("%s: its package comment must begin with %q and say what it is for, its key idea, and what it does not do", name, want)
		}
	}
}

// TestSizes tells what is large; it never fails: a large thing may be right.
func TestSizes(t *testing.T) {
	fset := token.NewFileSet()
	for name, files := range parsed(t, fset) {
		for _, file := range files {
			position := fset.Position(file.End())
			if position.Line > 450 {
				t.Logf("%s/%s has %d lines: is a noun missing?", name, filepath.Base(position.Filename), position.Line)
			}
			for _, decl := range file.Decls {
				if f, ok := decl.(*ast.FuncDecl); ok {
					if lines := fset.Position(f.End()).Line - fset.Position(f.Pos()).Line; lines > 60 {
						t.Logf("%s.%s has %d lines", name, f.Name, lines)
					}
				}
			}
		}
	}
}

func packages(t *testing.T) map[string][]*ast.File { return parsed(t, token.NewFileSet()) }

// parsed gives the files of each package, tests apart.
func parsed(t *testing.T, fset *token.FileSet) map[string][]*ast.File {
	t.Helper()
	found := map[string][]*ast.File{}
	for _, name := range tracked(t) {
		dir := path.Dir(name)
		isOurs := strings.HasPrefix(name, "cmd/") || strings.HasPrefix(name, "internal/")
		if !isOurs || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || strings.Contains(dir, "testdata") {
			continue
		}
		file, err := parser.ParseFile(fset, filepath.Join(root(t), filepath.FromSlash(name)), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Error(err)
			continue
		}
		found[dir] = append(found[dir], file)
	}
	if len(found) == 0 {
		t.Fatal("no package was found")
	}
	return found
}
