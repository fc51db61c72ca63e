package cli

import (
	"cmp"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/runnel-dev/runnel/internal/bench"
	"github.com/runnel-dev/runnel/internal/place"
	"github.com/runnel-dev/runnel/internal/pyenv"
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
the kernel directly. Exit code 1 if Runnel misses one of its bounds.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := interruptible(cmd.Context())
			defer cancel()
			if config.Peer != "" && config.PeerPython == "" {
				return usage(errors.New("--peer needs --peer-python, an interpreter with jupyter_server ('make bench' makes one)"))
			}
			if config.Python == "" {
				python, err := defaultPython(cmd)
				if err != nil {
					return err
				}
				config.Python = cmp.Or(config.PeerPython, python)
			}
			config.Progress = cmd.ErrOrStderr()
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
	flags.StringVar(&config.Python, "python", "", "the interpreter with ipykernel for all (default: the one that serve takes)")
	flags.StringVar(&config.Peer, "peer", "", "measure this beside Runnel: jupyter")
	flags.StringVar(&config.PeerPython, "peer-python", "", "the interpreter with jupyter_server")
	flags.BoolVar(&config.Quick, "quick", false, "a tenth of the work")
	flags.BoolVar(&asJSON, "json", false, "for a script")
	return cmd
}

// defaultPython is the interpreter that a server here would take.
func defaultPython(cmd *cobra.Command) (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the current folder: %w", err)
	}
	where, err := place.Of(folder)
	if err != nil {
		return "", err
	}
	choice, err := pyenv.New(pyenv.Config{State: where.Root}).Pick(cmd.Context(), "python3", "python", folder)
	if err != nil {
		return "", err
	}
	return choice.Python, nil
}
