package cli

import (
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/runnel-dev/runnel/internal/conformance"
)

func conformanceCommand() *cobra.Command {
	var notebook string
	var rules []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "conformance URL",
		Short:   "Check that a server speaks the protocol",
		Long:    "Tries the rules of the protocol (docs/protocol.md), those of plain clients and those of pages,\nagainst a server with a Python kernel, in a notebook of its own. Exit code 1 if one is broken.",
		Example: "  runnel conformance 'http://127.0.0.1:8000/?token=abc'",
		Args:    exactly(1, "the server's URL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := interruptible(cmd.Context())
			defer cancel()
			server, err := serverURL(args[0])
			if err != nil {
				return err
			}
			for _, rule := range rules {
				if known := conformance.Rules(); !slices.Contains(known, rule) {
					return usage(fmt.Errorf("there is no rule %q; there are %s", rule, strings.Join(known, ", ")))
				}
			}
			out := cmd.OutOrStdout()
			if asJSON {
				out = io.Discard
			}
			checks := conformance.Run(ctx, conformance.Options{URL: server, Notebook: notebook, Rules: rules, Out: out})
			if asJSON {
				if err := printJSON(cmd, checks); err != nil {
					return err
				}
			}
			for _, c := range checks {
				if c.Error != "" {
					fmt.Fprintln(cmd.ErrOrStderr(), "a rule is broken (✗)")
					return errSaid
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&notebook, "notebook", "conformance.ipynb", "the notebook to use; it is created")
	cmd.Flags().StringSliceVar(&rules, "rule", nil, "try this rule alone, such as P2; may be given again")
	cmd.Flags().BoolVar(&asJSON, "json", false, "for a script")
	return cmd
}

// serverURL reads the URL of a server, as serve prints it, or of its WebSocket.
func serverURL(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https", "ws", "wss"}, u.Scheme) {
		return "", usage(fmt.Errorf("%q is not a URL such as http://127.0.0.1:8000/?token=abc", text))
	}
	if secure, is := strings.CutPrefix(u.Scheme, "ws"); is {
		u.Scheme, u.Path = "http"+secure, strings.TrimSuffix(u.Path, "/ws")
	}
	return u.String(), nil
}
