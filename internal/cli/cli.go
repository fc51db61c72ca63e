// Package cli is the runnel command: what its arguments mean, what it prints,
// and what it exits with.
//
// Its key idea: a subcommand is a thin person's side of a package that does the
// work; it decides words and exit codes and nothing else. Each subcommand is one
// file. The manual, executed, is in cmd/runnel/testdata/script.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/runnel-dev/runnel/internal/keeper"
)

// Streams are what a command reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // it was tried and did not work; a check of doctor or conformance failed
	exitUsage  = 2 // the command line is wrong
	exitServed = 3 // another server serves this folder
)

// exitError is an error that chooses its exit code.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func usage(err error) error { return &exitError{exitUsage, err} }

// Run runs a command line, without the program's name, and returns the exit
// code. It ends what it started before it returns.
func Run(ctx context.Context, args []string, s Streams, version string) int {
	// A keeper is this program too, many times: it stays as small as it can.
	if len(args) == 2 && args[0] == "keep" && args[1] != "--help" && args[1] != "-h" {
		if err := keeper.Main(ctx, args[1]); err != nil {
			fmt.Fprintln(s.Err, "runnel keep:", err)
			return exitFailed
		}
		return exitOK
	}
	root := command(s, version)
	root.SetArgs(args)
	ran, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	var exit *exitError
	code := exitFailed
	if errors.As(err, &exit) {
		code = exit.code
	}
	if !errors.Is(err, errSaid) {
		fmt.Fprintln(s.Err, "runnel:", err)
	}
	if code == exitUsage {
		fmt.Fprintf(s.Err, "Run '%s --help' to see what can be said.\n", ran.CommandPath())
	}
	return code
}

// errSaid ends a command whose output has said already what failed.
var errSaid = errors.New("failed")

const long = `Runnel is a notebook server: real Jupyter kernels, whose output is on the page
the moment it is printed, and which lose nothing when a tab closes, a network
drops, or the server itself is killed. Notebooks stay plain .ipynb files.

Exit codes: 0 it worked; 1 it failed; 2 the command line is wrong; 3 another
server serves this folder.`

func command(s Streams, version string) *cobra.Command {
	root := &cobra.Command{
		Use:           "runnel",
		Short:         "A notebook server that shows what a cell prints at once and loses nothing",
		Long:          long,
		Example:       "  runnel serve            serve the current folder and open the browser\n  runnel serve work -p 0  serve ./work on any free port",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArguments,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	root.SetHelpCommand(helpCommand(root))
	root.AddCommand(serveCommand(version), doctorCommand(), kernelsCommand(), benchCommand(), conformanceCommand(), versionCommand(version), keepCommand())
	return root
}

// helpCommand is cobra's, but what it does not know is a wrong command line.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Explain a command",
		RunE: func(_ *cobra.Command, args []string) error {
			found, rest, err := root.Find(args)
			if err != nil {
				return usage(err)
			}
			if err := noArguments(found, rest); err != nil {
				return err
			}
			return found.Help()
		},
	}
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage(fmt.Errorf("%q is not known to %s", args[0], cmd.CommandPath()))
	}
	return nil
}

func atMost(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return usage(fmt.Errorf("%q is one argument too many for %s", args[n], cmd.CommandPath()))
		}
		return nil
	}
}

func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < n {
			return usage(fmt.Errorf("%s needs %s", cmd.CommandPath(), what))
		}
		return atMost(n)(cmd, args)
	}
}

// keepCommand only explains; Run has dispatched what can be run.
func keepCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "keep DIR",
		Short:  "The process beside one kernel; the server starts it",
		Hidden: true,
		Args:   exactly(1, "the keeper's folder"),
		RunE:   func(*cobra.Command, []string) error { return nil },
	}
}

// interruptible is ctx, ended by Ctrl-C or SIGTERM.
func interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
}
