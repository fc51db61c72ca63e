package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/runnel-dev/runnel/internal/doctor"
)

func doctorCommand() *cobra.Command {
	var config doctor.Config
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check that output, input() and the connection work here as they should",
		Long: `Starts a server of its own (or takes a running one), runs cells in it, and prints
one line for each thing that has to work, with the figure it measured. It takes a
minute and a half; where no kernel starts it says so at once. Exit code 1 if a check fails.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := interruptible(cmd.Context())
			defer cancel()
			config.Out = cmd.OutOrStdout()
			if asJSON {
				config.Out = io.Discard
			}
			if config.URL != "" {
				server, err := serverURL(config.URL)
				if err != nil {
					return err
				}
				config.URL = server
			} else if config.Python == "" {
				python, err := defaultPython(ctx, cmd.ErrOrStderr())
				if err != nil {
					return err
				}
				config.Python = python
			}
			report, err := doctor.Run(ctx, config)
			if err != nil {
				return err
			}
			if asJSON {
				if err := printJSON(cmd, report); err != nil {
					return err
				}
			}
			if !report.OK() {
				fmt.Fprintln(cmd.ErrOrStderr(), "a check failed (✗)")
				return errSaid
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&config.Quick, "quick", false, "watch the connection for 5 s, not for a minute")
	flags.StringVar(&config.URL, "url", "", "a running server, as serve printed it (default: one is started)")
	interpreterFlag(flags, &config.Python, "python", "the interpreter with ipykernel (default: the one that serve takes)")
	flags.BoolVar(&asJSON, "json", false, "for a script")
	return cmd
}
