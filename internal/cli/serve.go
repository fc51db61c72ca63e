package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/runnel-dev/runnel/internal/fault"
	"github.com/runnel-dev/runnel/internal/place"
	"github.com/runnel-dev/runnel/internal/pyenv"
	"github.com/runnel-dev/runnel/internal/server"
)

// serveOptions are the flags of serve.
type serveOptions struct {
	config    server.Config
	noBrowser bool
	logFormat string
	logLevel  slog.Level
}

const (
	defaultPort = 8000
	portsTried  = 50
	// endTime bounds how long an ending server may wait for kernels and clients.
	endTime = 20 * time.Second
)

func serveCommand(version string) *cobra.Command {
	o := serveOptions{}
	cmd := &cobra.Command{
		Use:   "serve [FOLDER]",
		Short: "Serve the notebooks of a folder (default: the current one)",
		Long: `Serves the notebooks of a folder and opens them in a browser. The URL that is
printed holds a token; who has it can run code here.

Ctrl-C ends the server in order: it stops the kernels, tells the pages and saves
the notebooks. With a cell running it says which and asks: Ctrl-C again stops
everything, k and Enter leaves its kernel running. SIGTERM leaves all kernels
running; the next server of the folder takes them up, and without one they end
after --keep-for.`,
		Example: "  runnel serve ~/notebooks\n  runnel serve --port 9000 --no-browser\n  runnel serve --python .venv/bin/python",
		Args:    atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.config.Dir, o.config.Version = ".", describe(version).Version
			if len(args) == 1 {
				o.config.Dir = args[0]
			}
			return o.run(cmd)
		},
	}
	flags := cmd.Flags()
	flags.IntVarP(&o.config.Port, "port", "p", defaultPort, "port to listen on; 0 is any free one. Without this flag, the next free port from 8000")
	flags.StringVar(&o.config.Host, "host", "127.0.0.1", "address to listen on")
	flags.StringSliceVar(&o.config.Hosts, "allow-host", nil, "another name by which browsers reach this server, as behind a proxy")
	flags.StringVar(&o.config.Token, "token", "", "what a client must show (default: a random one, kept for this folder)")
	flags.BoolVar(&o.noBrowser, "no-browser", false, "do not open a browser")
	interpreterFlag(flags, &o.config.Python, "python", "the Python interpreter for notebooks that name no other")
	spanFlag(flags, &o.config.InputTimeout, "input-timeout", 5*time.Minute, "how long input() waits for an answer; 0 is for ever")
	spanFlag(flags, &o.config.KeepFor, "keep-for", time.Hour, "how long kernels wait for a server after their last cell")
	spanFlag(flags, &o.config.IdleCull, "cull-idle", 0, "stop kernels that have been idle for so long; 0 is never")
	flags.Var((*byteCount)(&o.config.KernelMemory), "kernel-memory", "how much memory a kernel and its children may use, as 8G, where the system lets us limit it; 0 is no limit")
	flags.StringVar(&o.logFormat, "log-format", "text", "how to log on standard error: text or json")
	flags.TextVar(&o.logLevel, "log-level", slog.LevelWarn, "least level to log: debug, info, warn or error")
	return cmd
}

// check finds flags that say nothing a server can do.
func (o *serveOptions) check() error {
	c := &o.config
	c.Host = strings.TrimSuffix(strings.TrimPrefix(c.Host, "["), "]") // of an IPv6 address, as in a URL
	switch {
	case c.Port < 0 || c.Port > 65535:
		return fmt.Errorf("--port %d is not between 0 and 65535", c.Port)
	case c.InputTimeout < 0:
		return fmt.Errorf("--input-timeout %v is below 0", c.InputTimeout)
	case c.IdleCull < 0:
		return fmt.Errorf("--cull-idle %v is below 0", c.IdleCull)
	case c.KeepFor <= 0:
		return fmt.Errorf("--keep-for %v is not above 0", c.KeepFor)
	}
	return nil
}

func (o *serveOptions) run(cmd *cobra.Command) error {
	logger, err := newLogger(cmd.ErrOrStderr(), o.logFormat, o.logLevel)
	if err != nil {
		return err
	}
	o.config.Logger = logger
	if err := o.check(); err != nil {
		return usage(err)
	}
	// Signals are taken before anything starts, so that none finds the door half open.
	interrupts, terminate := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	signal.Notify(terminate, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(interrupts)
	defer signal.Stop(terminate)

	out := cmd.OutOrStdout()
	say := func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
	s, err := o.start(cmd.Context(), cmd.Flags().Changed("port"))
	if err != nil {
		return explained(err)
	}
	o.greet(cmd.Context(), s, say)

	ctx, failed := context.WithCancel(cmd.Context())
	defer failed()
	var failure error
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case failure = <-s.Failed():
			failed()
		case <-ctx.Done():
		}
	})
	watch.Go(func() { lookAhead(ctx, s, o.config, say) })
	e := ending{interrupts: interrupts, terminate: terminate, lines: lineReader(cmd.InOrStdin()), say: say,
		running: func() []busy { return running(ctx, s) }}
	what, decided := e.wait(ctx)
	if !decided {
		what = leaveAll // nobody asked for this end
	}
	failed()
	watch.Wait()
	return errors.Join(failure, end(s, what, interrupts, say))
}

// start starts the server, on the next free port unless one was asked for.
func (o *serveOptions) start(ctx context.Context, asked bool) (*server.Server, error) {
	for {
		s, err := server.Start(ctx, o.config)
		if err == nil || asked || !errors.Is(err, syscall.EADDRINUSE) || o.config.Port >= defaultPort+portsTried {
			return s, err
		}
		o.config.Port++
	}
}

// explained gives errors that a person meets at the start their words and exit codes.
func explained(err error) error {
	var served *server.ServedError
	if errors.As(err, &served) {
		return &exitError{exitServed, served}
	}
	if fault.KindOf(err) == fault.Invalid {
		return usage(err)
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("the port is taken by another program; --port 0 takes any free one: %w", err)
	}
	return err
}

func (o *serveOptions) greet(ctx context.Context, s *server.Server, say func(string, ...any)) {
	say("Runnel %s serves %s at", o.config.Version, o.config.Dir)
	say("")
	say("    %s", s.LoginURL())
	say("")
	say("Ctrl-C ends it.")
	if o.noBrowser {
		return
	}
	if err := openBrowser(ctx, os.Getenv, s.LoginURL()); err != nil && !errors.Is(err, errNoBrowser) {
		say("No browser could be opened (%v): open the address above.", err)
	}
}

// lookAhead finds the interpreters before somebody waits for them, and tells when
// none can run a cell. Environments inside the folder are not run for it.
func lookAhead(ctx context.Context, s *server.Server, config server.Config, say func(string, ...any)) {
	folder, err := place.Real(config.Dir)
	if err != nil {
		return // the folder has gone meanwhile, which is told elsewhere
	}
	choices, err := s.Finder().Choices(ctx, folder)
	if err != nil {
		return // the server ends
	}
	switch i := slices.IndexFunc(choices, func(c pyenv.Choice) bool { return c.Language == "python" && c.HasKernel }); {
	case config.Python != "" && i != 0:
		say("The interpreter %s cannot run cells yet: %s", config.Python, choices[0].Fix)
	case i < 0:
		say("No Python here has ipykernel; an environment that has it is made when the first cell runs.")
	}
}

func running(ctx context.Context, s *server.Server) []busy {
	var list []busy
	for _, r := range s.Running(ctx) {
		list = append(list, busy{notebook: r.Notebook, cell: r.Cell, since: r.Since})
	}
	return list
}

// end stops the server and says what became of each thing. A further Ctrl-C ends the waiting: what was to end by itself is ended by force.
func end(s *server.Server, what verdict, interrupts <-chan os.Signal, say func(string, ...any)) error {
	ctx, cancel := context.WithTimeout(context.Background(), endTime)
	defer cancel()
	var cut atomic.Bool
	go func() {
		select {
		case <-interrupts:
			cut.Store(true)
			cancel()
		case <-ctx.Done():
		}
	}()
	mode := map[verdict]server.Mode{stopAll: server.StopAll, leaveBusy: server.LeaveBusy, leaveAll: server.LeaveAll}[what]
	report, err := s.Stop(ctx, mode)
	for _, part := range []struct {
		words     string
		notebooks []string
	}{
		{"saved", report.Saved},
		{"NOT saved; the next server of this folder has it all and saves it", report.Unsaved},
		{"kernel stopped", report.Stopped},
		{"kernel left running; 'runnel serve' takes it up again", report.Left},
	} {
		if len(part.notebooks) > 0 {
			say("%s: %s", part.words, strings.Join(part.notebooks, ", "))
		}
	}
	switch {
	case err != nil && cut.Load():
		return errors.New("Ctrl-C ended the waiting before all was stopped; 'runnel kernels list' names what still runs")
	case err != nil:
		return fmt.Errorf("end the server: %w", err)
	}
	say("ended")
	return nil
}

func newLogger(w io.Writer, format string, level slog.Level) (*slog.Logger, error) {
	options := &slog.HandlerOptions{Level: level}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	}
	return nil, usage(fmt.Errorf("--log-format %q is neither text nor json", format))
}
