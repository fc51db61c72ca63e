// Package conformance shows that a server speaks the protocol (docs/protocol.md):
// one check for each thing that a plain client (part 1) or a page (part 2) may
// rely on, named after its rule.
//
// Its key idea: the checks know the rules only, not Runnel: any server that
// passes them can be used by any client written from the rules. The kernel must
// be a Python one. Cells run in a notebook of the checks' own.
package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/runnel-dev/runnel/internal/plainclient"
)

// Check is one rule's trial.
type Check struct {
	Rule  string `json:"rule"`
	Name  string `json:"name"`
	Error string `json:"error,omitempty"` // empty: it holds
}

// Options say what to examine.
type Options struct {
	URL, Token string
	Notebook   string    // empty: conformance.ipynb
	Rules      []string  // those alone, such as P2; empty: all
	Out        io.Writer // gets a line for each check; nil: none
}

// timeout is how long one check may take, a kernel's start included.
const timeout = 45 * time.Second

// Rules are the names of all rules, in order.
func Rules() []string {
	var names []string
	for _, r := range slices.Concat(rules, pageRules) {
		if !slices.Contains(names, r.rule) {
			names = append(names, r.rule)
		}
	}
	return names
}

// Run makes the checks in order, each on a connection of its own.
func Run(ctx context.Context, o Options) []Check {
	if o.Notebook == "" {
		o.Notebook = "conformance.ipynb"
	}
	if o.Out == nil {
		o.Out = io.Discard
	}
	var checks []Check
	for _, r := range slices.Concat(rules, pageRules) {
		if len(o.Rules) > 0 && !slices.Contains(o.Rules, r.rule) {
			continue
		}
		check := Check{Rule: r.rule, Name: r.name}
		mark := "✓"
		if err := try(ctx, o, r.holds); err != nil {
			check.Error, mark = err.Error(), "✗"
		}
		checks = append(checks, check)
		line := mark + " " + check.Rule + " " + check.Name
		if check.Error != "" {
			line += ": " + check.Error
		}
		fmt.Fprintln(o.Out, line)
	}
	return checks
}

func try(ctx context.Context, o Options, holds func(context.Context, *trial) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	t := &trial{options: o}
	defer func() {
		for _, c := range t.clients {
			c.Cut()
		}
	}()
	var err error
	if t.client, err = t.connect(ctx); err != nil {
		return err
	}
	return holds(ctx, t)
}

// trial is what one check works with.
type trial struct {
	options Options
	client  *plainclient.Client
	clients []*plainclient.Client
}

// connect opens a further connection to the same notebook.
func (t *trial) connect(ctx context.Context) (*plainclient.Client, error) {
	c, err := plainclient.Dial(ctx, plainclient.Options{URL: t.options.URL, Token: t.options.Token, Notebook: t.options.Notebook})
	if err == nil {
		t.clients = append(t.clients, c)
	}
	return c, err
}

// outcome is all that one run sent.
type outcome struct {
	messages []plainclient.Message
	last     plainclient.Message
	text     string
}

// run runs code in a new cell; on, when not nil, sees each of its messages.
func (t *trial) run(ctx context.Context, code string, on func(plainclient.Message) error) (outcome, error) {
	cell := newCell()
	var o outcome
	var err error
	o.last, err = t.client.Run(ctx, cell, code, func(m plainclient.Message) error {
		if m.Type == "error" && m.CellID == "" {
			return fmt.Errorf("the server answered %s: %s", m.Code, m.Error)
		}
		if m.CellID == cell {
			o.messages = append(o.messages, m)
			if m.IsText() {
				o.text += m.Content
			}
		}
		if on != nil && (m.CellID == cell || m.CellID == "") {
			return on(m)
		}
		return nil
	})
	return o, err
}

// refused sends a message that must be answered by an error with one of the
// codes, and then shows that the connection is still good.
func (t *trial) refused(ctx context.Context, message []byte, codes ...string) error {
	if err := t.client.Send(ctx, message); err != nil {
		return err
	}
	m, err := t.client.Until(ctx, nil, func(m plainclient.Message) bool { return m.Type == "error" && m.CellID == "" })
	if err != nil {
		return fmt.Errorf("no error came: %w", err)
	}
	if m.Error == "" {
		return errors.New("the error has no text")
	}
	for _, code := range codes {
		if m.Code == code {
			_, err := t.run(ctx, "pass", nil)
			return err
		}
	}
	return fmt.Errorf("code %q, not one of %q", m.Code, codes)
}

func newCell() string { return "check-" + uuid.NewString()[:8] }
