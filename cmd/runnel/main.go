// Command runnel is the notebook server, its keepers and its tools in one program.
package main

import (
	"context"
	"os"

	"github.com/runnel-dev/runnel/internal/cli"
)

// version is set by the linker.
var version string

func main() {
	os.Exit(cli.Run(context.Background(), os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, version))
}
