package repotest

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// webLayers are the folders of web/src from top to bottom. A folder may import those of lower layers only; those of one layer do not know
// each other.
var webLayers = []struct {
	folders string
	reason  string
}{
	{"main.ts", "it starts the page and nothing else"},
	{"app", "the only place that wires things"},
	{"views", "one folder for each thing that a person sees"},
	{"editor widgets charts", "sources; and the programs in an output's frame, which the page knows by their address and their words"},
	{"outputs", "media types and what draws them; the words that the page and a frame say to each other"},
	{"connection", "lines to the server; no React"},
	{"notebook", "the replica: a state and what changes it; no React"},
	{"protocol", "messages, decoded"},
	{"ui", "dumb parts; they know nothing of notebooks"},
}

// imports are the modules beside it that a module names, statically or not. An address of a program, as "./x?worker&url", is none.
var imports = regexp.MustCompile(`(?:\bfrom|\bimport)\s*\(?\s*'(\.[^'?]*)'`)

// webImports are the modules of web/src, without the folder's name, and what each imports of them.
func webImports(t *testing.T) map[string][]string {
	modules := map[string][]string{}
	for _, name := range tracked(t) {
		if module, ok := strings.CutPrefix(name, "web/src/"); ok && (strings.HasSuffix(module, ".ts") || strings.HasSuffix(module, ".tsx")) {
			modules[module] = nil
		}
	}
	for module := range modules {
		text, err := os.ReadFile(filepath.Join(root(t), "web", "src", filepath.FromSlash(module)))
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range imports.FindAllSubmatch(text, -1) {
			to := path.Join(path.Dir(module), string(match[1]))
			if path.Ext(to) == ".css" {
				continue
			}
			i := slices.IndexFunc([]string{".ts", ".tsx", "/index.ts"}, func(end string) bool { _, there := modules[to+end]; return there })
			if i < 0 {
				t.Errorf("web/src/%s imports %s, which is not there", module, match[1])
				continue
			}
			modules[module] = append(modules[module], to+[]string{".ts", ".tsx", "/index.ts"}[i])
		}
	}
	return modules
}

func TestWebImportsPointDownwards(t *testing.T) {
	layerOf := map[string]int{}
	for i, layer := range webLayers {
		for _, folder := range strings.Fields(layer.folders) {
			layerOf[folder] = i
		}
	}
	modules := webImports(t)
	if len(modules) < 100 {
		t.Fatalf("only %d modules were found", len(modules))
	}
	crossing := 0
	for module, imported := range modules {
		folder, _, _ := strings.Cut(module, "/")
		own, known := layerOf[folder]
		if !known && folder != "vite-env.d.ts" {
			t.Errorf("web/src/%s is in no layer: put it into this test's list and into ARCHITECTURE.md", folder)
			continue
		}
		for _, other := range imported {
			to, _, _ := strings.Cut(other, "/")
			if to == folder {
				continue
			}
			crossing++
			if below := layerOf[to]; below <= own {
				t.Errorf("web/src/%s imports %s, which is not below it: %s", module, other, webLayers[below].reason)
			}
		}
	}
	if crossing < 50 {
		t.Errorf("only %d imports of other folders were found", crossing)
	}
}

// TestWebImportsHaveNoCircles: two modules that need each other lack a noun.
func TestWebImportsHaveNoCircles(t *testing.T) {
	modules := webImports(t)
	const begun, done = 1, 2
	state := map[string]int{}
	var visit func(module string, way []string)
	visit = func(module string, way []string) {
		way = append(way, module)
		switch state[module] {
		case begun:
			t.Errorf("a circle: %s", strings.Join(way[slices.Index(way, module):], " › "))
		case 0:
			state[module] = begun
			for _, other := range modules[module] {
				visit(other, way)
			}
			state[module] = done
		}
	}
	for module := range modules {
		visit(module, nil)
	}
}
