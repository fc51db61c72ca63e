package main

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/runnel-dev/runnel/internal/plainclient"
)

// patience is how long a script waits for what must happen: on a slow machine, that an environment is made and filled over a slow line.
const patience = 10 * time.Minute

// waitFile waits until a file holds what matches a pattern: waitfile FILE PATTERN.
func waitFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: waitfile FILE PATTERN")
	}
	pattern, err := regexp.Compile(`(?m)` + args[1])
	ts.Check(err)
	var text []byte
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		text, err = os.ReadFile(ts.MkAbs(args[0]))
		if err == nil && pattern.Match(text) {
			return
		}
	}
	ts.Fatalf("%s did not come to hold %q within %v; it holds:\n%s", args[0], args[1], patience, text)
}

var urlPattern = regexp.MustCompile(`http://\S+`)

// execute runs code in a notebook of the server whose output is in a file, and
// prints what the code prints: execute FILE NOTEBOOK CODE. With "&" at the end it
// returns when the code has printed a first time. Code that is expected to fail has
// its error printed on stderr.
func execute(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("usage: execute FILE NOTEBOOK CODE [&]")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client, err := plainclient.Dial(ctx, plainclient.Options{URL: urlPattern.FindString(ts.ReadFile(args[0])), Notebook: args[1]})
	ts.Check(err)
	defer client.Close()
	background := len(args) == 4 && args[3] == "&"
	var text strings.Builder
	ts.Check(client.Execute(ctx, "script", args[2]))
	last, err := client.Until(ctx, func(m plainclient.Message) error {
		if m.IsText() && m.CellID == "script" {
			text.WriteString(m.Content)
		}
		return nil
	}, func(m plainclient.Message) bool {
		return m.CellID == "script" && m.IsLast || background && text.Len() > 0
	})
	ts.Check(err)
	if failed := last.Type == "error"; failed != neg {
		ts.Fatalf("the code ended with %s", last.Raw)
	}
	fmt.Fprint(ts.Stdout(), text.String())
	fmt.Fprint(ts.Stderr(), last.Error)
}
