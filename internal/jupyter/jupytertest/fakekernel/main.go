// Command fakekernel is jupytertest's scripted kernel as a program, for trying
// things by hand: fakekernel CONNECTION_FILE.
package main

import (
	"fmt"
	"os"

	"github.com/runnel-dev/runnel/internal/jupyter/jupytertest"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: fakekernel CONNECTION_FILE")
		os.Exit(2)
	}
	os.Exit(jupytertest.Main(os.Args[1]))
}
