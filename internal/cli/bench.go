package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/runnel-dev/runnel/internal/bench"
)

func benchCommand() *cobra.Command {
	var config bench.Config
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure Runnel beside the kernel itself, and beside Jupyter Server",
		Long: `Measures, in one run and with the same kernel: how long a cell takes, how late
each print is, how long an answer to input() takes, how fast a flood is, what 50
clients cost, and how much memory is used. The floor is a client that talks to
the kernel directly. Then, for Runnel alone: how soon pages are up to date after
faults, and what a flood costs. Exit code 1 if Runnel misses one of its bounds.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := interruptible(cmd.Context())
			defer cancel()
			if config.Peer != "" && config.PeerPython == "" {
				return usage(errors.New("--peer needs --peer-python, an interpreter with jupyter_server ('make bench' makes one)"))
			}
			config.Progress = cmd.ErrOrStderr()
			if config.Python == "" {
				config.Python = config.PeerPython
			}
			if config.Python == "" {
				python, err := defaultPython(ctx, config.Progress)
				if err != nil {
					return err
				}
				config.Python = python
			}
			report, err := bench.Run(ctx, config)
			if err != nil {
				return err
			}
			if asJSON {
				err = printJSON(cmd, report)
			} else {
				err = report.Print(cmd.OutOrStdout())
			}
			if err == nil && !report.Met() {
				fmt.Fprintln(cmd.ErrOrStderr(), "a bound was missed (✗)")
				return errSaid
			}
			return err
		},
	}
	flags := cmd.Flags()
	interpreterFlag(flags, &config.Python, "python", "the interpreter with ipykernel for all (default: the one that serve takes)")
	flags.StringVar(&config.Peer, "peer", "", "measure this beside Runnel: jupyter")
	interpreterFlag(flags, &config.PeerPython, "peer-python", "the interpreter with jupyter_server")
	flags.BoolVar(&config.Quick, "quick", false, "a tenth of the work")
	flags.BoolVar(&asJSON, "json", false, "for a script")
	return cmd
}
