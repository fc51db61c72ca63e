package repotest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// leakChecks are how a package's tests look, at their end, for goroutines that were left behind.
var leakChecks = map[string]bool{"goleak.VerifyTestMain": true, "servertest.Main": true}

// processesOnly are packages whose tests drive processes and own no goroutine of the program.
var processesOnly = map[string]bool{"cmd/runnel": true, "internal/faults": true}

// TestLeaksAreLookedFor: where the program or its tests start a goroutine, the tests look whether it has ended.
func TestLeaksAreLookedFor(t *testing.T) {
	starts, tested, checked := map[string]string{}, map[string]bool{}, map[string]bool{}
	for _, name := range tracked(t) {
		if !strings.HasSuffix(name, ".go") || strings.Contains(name, "testdata/") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root(t), filepath.FromSlash(name)), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		dir := path.Dir(name)
		tested[dir] = tested[dir] || strings.HasSuffix(name, "_test.go")
		ast.Inspect(file, func(n ast.Node) bool {
			call, _ := n.(*ast.CallExpr)
			if _, is := n.(*ast.GoStmt); is || call != nil && called(call, "Go") {
				starts[dir] = name
			}
			if call != nil && leakChecks[callee(call)] {
				checked[dir] = true
			}
			return true
		})
	}
	for dir, name := range starts {
		if tested[dir] && !checked[dir] && !processesOnly[dir] {
			t.Errorf("%s starts a goroutine, and the tests of %s do not look whether it ends: func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }", name, dir)
		}
	}
}

func called(call *ast.CallExpr, method string) bool {
	s, is := call.Fun.(*ast.SelectorExpr)
	return is && s.Sel.Name == method
}

// callee is package.Function of a call.
func callee(call *ast.CallExpr) string {
	s, is := call.Fun.(*ast.SelectorExpr)
	if !is {
		return ""
	}
	x, is := s.X.(*ast.Ident)
	if !is {
		return ""
	}
	return x.Name + "." + s.Sel.Name
}
