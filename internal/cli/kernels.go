package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/runnel-dev/runnel/internal/kernel"
	"github.com/runnel-dev/runnel/internal/place"
	"github.com/runnel-dev/runnel/internal/server"
)

// listed is what `runnel kernels list --json` prints of each kernel.
type listed struct {
	ID        kernel.ID `json:"id"`
	Notebook  string    `json:"notebook"`
	Name      string    `json:"name"`
	Language  string    `json:"language,omitempty"`
	PID       int       `json:"pid"`
	KeeperPID int       `json:"keeper_pid"`
	Memory    int64     `json:"memory"` // bytes, of the kernel and its children
	Started   time.Time `json:"started"`
	Server    bool      `json:"server"` // a server is attached
}

// told is what `runnel kernels interrupt` and `stop` print of each kernel with --json.
type told struct {
	ID       kernel.ID `json:"id"`
	Notebook string    `json:"notebook"`
	Done     string    `json:"done,omitempty"` // "interrupted" or "stopped"
	Error    string    `json:"error,omitempty"`
}

// kernelsOptions are the flags that the subcommands share.
type kernelsOptions struct {
	folder string
	asJSON bool
	all    bool
	force  bool
}

func kernelsCommand() *cobra.Command {
	var o kernelsOptions
	cmd := &cobra.Command{
		Use:   "kernels",
		Short: "List, interrupt and stop the kernels of a folder, with or without a server",
		Args:  noArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return o.list(cmd) },
	}
	cmd.PersistentFlags().StringVar(&o.folder, "folder", ".", "the served folder")
	cmd.PersistentFlags().BoolVar(&o.asJSON, "json", false, "for a script")
	list := &cobra.Command{
		Use: "list", Short: "List the kernels that run", Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.list(cmd) },
	}
	interrupts := &cobra.Command{
		Use: "interrupt [NOTEBOOK or ID]...", Short: "Interrupt what they run, and empty their queues", Args: o.some,
		RunE: func(cmd *cobra.Command, args []string) error { return o.each(cmd, args, interrupt, "interrupted") },
	}
	stops := &cobra.Command{
		Use: "stop [NOTEBOOK or ID]...", Short: "Stop them; their variables are gone", Args: o.some,
		RunE: func(cmd *cobra.Command, args []string) error { return o.each(cmd, args, stop, "stopped") },
	}
	stops.Flags().BoolVar(&o.force, "force", false, "kill, do not ask the kernel to end")
	for _, c := range []*cobra.Command{interrupts, stops} {
		c.Flags().BoolVar(&o.all, "all", false, "all kernels of the folder")
	}
	cmd.AddCommand(list, interrupts, stops)
	return cmd
}

// some wants either names or --all.
func (o *kernelsOptions) some(cmd *cobra.Command, args []string) error {
	if o.all == (len(args) > 0) {
		return usage(fmt.Errorf("%s needs the kernels' notebooks or ids, or --all", cmd.CommandPath()))
	}
	return nil
}

// What a kernel can be told, as the server's addresses have it.
const (
	interrupt = "interrupt"
	stop      = "stop"
)

// kernels are a folder's: those that live, and who has them.
type kernels struct {
	*kernel.Manager
	list   []listed
	server server.Note // the zero Note: no server
}

// find lists the living kernels of the folder. A folder that was never served has none.
func (o *kernelsOptions) find(ctx context.Context) (*kernels, error) {
	where, err := place.Of(o.folder)
	if err != nil {
		return nil, err
	}
	if err := where.Make(); err != nil {
		return nil, err
	}
	manager, err := kernel.NewManager(kernel.Config{RuntimeDir: where.Runtime})
	if err != nil {
		return nil, err
	}
	found, err := manager.Find(ctx)
	if err != nil {
		return nil, err
	}
	k := &kernels{Manager: manager, list: []listed{}}
	if note, lives := server.ReadNote(where); lives {
		k.server = note
	}
	for _, f := range found {
		if f.Alive && !f.State.Exited {
			k.list = append(k.list, listed{ID: f.ID, Notebook: f.NotebookID, Name: f.Name, Language: f.Language, PID: f.KernelPID,
				KeeperPID: f.KeeperPID, Memory: f.Memory, Started: f.Started, Server: f.Attached})
		}
	}
	slices.SortFunc(k.list, func(a, b listed) int { return strings.Compare(a.Notebook, b.Notebook) })
	return k, nil
}

func (o *kernelsOptions) list(cmd *cobra.Command) error {
	k, err := o.find(cmd.Context())
	if err != nil {
		return err
	}
	list := k.list
	if o.asJSON {
		return printJSON(cmd, list)
	}
	if len(list) == 0 {
		fmt.Fprintln(cmd.OutOrStdout(), "no kernel runs for this folder")
		return nil
	}
	return printKernels(cmd.OutOrStdout(), list, time.Now())
}

func printKernels(w io.Writer, list []listed, now time.Time) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NOTEBOOK\tKERNEL\tPID\tMEMORY\tRUNS FOR\tSERVER\tID")
	for _, k := range list {
		server := "gone"
		if k.Server {
			server = "here"
		}
		runs := "?"
		if !k.Started.IsZero() {
			runs = now.Sub(k.Started).Round(time.Second).String()
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%d MiB\t%s\t%s\t%s\n", k.Notebook, k.Name, k.PID, k.Memory>>20, runs, server, k.ID)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// serverStops is how long a server may take to stop a kernel: twice of what a kernel has to end by itself.
const serverStops = 10 * time.Second

// tell has a kernel interrupted or stopped, and returns when it is. When a server has the kernel, this is its notebook's part:
// the page says so, what waits is taken out of the queue, and a kernel that is still starting outlives an interrupt. Without
// a server, or one that does not do it, the keeper is asked.
func (o *kernelsOptions) tell(ctx context.Context, k *kernels, id kernel.ID, what string, say func(string)) error {
	err := tellServer(ctx, k.server, id, what, o.force)
	if errors.Is(err, errSilent) {
		say("the server does not answer: its kernel is told directly")
	} else if err != nil && !errors.Is(err, errNoServer) {
		return err
	}
	if what == interrupt {
		if err != nil {
			return k.Interrupt(ctx, id)
		}
		return nil
	}
	if err == nil {
		soon, cancel := context.WithTimeout(ctx, serverStops)
		defer cancel()
		if k.Gone(soon, id) == nil {
			return nil
		}
	}
	return k.Stop(ctx, id, o.force)
}

// toldAtOnce is how many kernels are told something side by side, so that one that takes its time does not keep the others waiting.
const toldAtOnce = 16

// each does something to the kernels that args name, or to all. They are printed as they are done.
func (o *kernelsOptions) each(cmd *cobra.Command, args []string, what, done string) error {
	ctx, cancel := interruptible(cmd.Context())
	defer cancel()
	k, err := o.find(ctx)
	if err != nil {
		return err
	}
	list := k.list
	if !o.all {
		if list, err = chosen(list, args); err != nil {
			return err
		}
	}
	var mu sync.Mutex // guards the two writers
	put := func(w io.Writer, notebook, text string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(w, "%s: %s\n", notebook, text)
	}
	results := make([]told, len(list))
	var group errgroup.Group
	group.SetLimit(toldAtOnce)
	for i, one := range list {
		group.Go(func() error {
			say := func(text string) { put(cmd.ErrOrStderr(), one.Notebook, text) }
			result := &results[i]
			*result = told{ID: one.ID, Notebook: one.Notebook}
			if err := o.tell(ctx, k, one.ID, what, say); err != nil {
				say(fmt.Sprintf("not %s: %v", done, err))
				result.Error = err.Error()
				return errSaid
			}
			if result.Done = done; !o.asJSON {
				put(cmd.OutOrStdout(), one.Notebook, done)
			}
			return nil
		})
	}
	err = group.Wait()
	if o.asJSON {
		return errors.Join(printJSON(cmd, results), err)
	}
	return err
}

func chosen(list []listed, names []string) ([]listed, error) {
	var some []listed
	for _, name := range names {
		i := slices.IndexFunc(list, func(k listed) bool {
			return string(k.ID) == name || k.Notebook == filepath.ToSlash(filepath.Clean(name))
		})
		if i < 0 {
			return nil, fmt.Errorf("no kernel runs for %s; 'runnel kernels list' names those that do", name)
		}
		some = append(some, list[i])
	}
	return some, nil
}
