package repotest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// shell is a program that would read its argument as a line of commands.
var shell = regexp.MustCompile(`"(/bin/|/usr/bin/)?(ba|da|z|k)?sh"|"cmd(\.exe)?", *"/[cC]"`)

// asks is what a program does that fetches something over HTTP.
var asks = regexp.MustCompile(`\bhttp\.(Get|Head|Post|PostForm|DefaultClient|DefaultTransport|NewRequest\w*|Client\{|Transport\{)|\bwebsocket\.Dial|\btls\.Dial`)

// clients are what measures, checks or commands a server from outside; none is part of one.
var clients = []string{"internal/cli/kernelserver.go", "internal/bench/", "internal/conformance/", "internal/instance/", "internal/pageclient/", "internal/plainclient/"}

// Commands are lists of arguments (S24), and a server fetches nothing for anybody (S21): no address in a notebook can make it ask.
func TestNoShellAndNothingFetched(t *testing.T) {
	if !shell.MatchString(`exec.Command("sh", "-c", text)`) || !asks.MatchString(`http.Get(address)`) {
		t.Fatal("what is looked for would not be found")
	}
	seen, fetching := 0, 0
	for _, name := range tracked(t) {
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		seen++
		text, err := os.ReadFile(filepath.Join(root(t), filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		if found := shell.Find(text); found != nil {
			t.Errorf("%s names a shell: %s", name, found)
		}
		found := asks.Find(text)
		if found == nil {
			continue
		}
		fetching++
		if !isClient(name) {
			t.Errorf("%s asks a server for something: %s", name, found)
		}
	}
	if seen < 100 || fetching == 0 {
		t.Errorf("only %d files were looked at, %d of them clients", seen, fetching)
	}
}

func isClient(name string) bool {
	for _, client := range clients {
		if strings.HasPrefix(name, client) {
			return true
		}
	}
	return false
}
