// Package doctor checks that a Runnel server keeps its first promises on this
// machine, with this kernel: what is printed is there at once, input() works,
// a cut line comes back.
//
// Its key idea: each check is done from outside, over the socket a browser would
// use, and answers with a figure, so that "works" has a size. It repairs nothing.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/runnel-dev/runnel/internal/instance"
	"github.com/runnel-dev/runnel/internal/plainclient"
)

// Config says what to check.
type Config struct {
	URL    string // a running server, with its ?token=; empty: start one
	Python string // for a server that is started
	Exe    string // the runnel program to start; empty: the one that runs now
	Quick  bool   // 5 s in place of a minute
	Out    io.Writer
}

// Check is one line of the list.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	NotRun bool   `json:"not_run,omitempty"` // an earlier check failed that this one needs
	Figure string `json:"figure"`            // measured, or what is wrong
}

// Value is one line of the table.
type Value struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Report is what was found.
type Report struct {
	Checks []Check `json:"checks"`
	Values []Value `json:"values"`
}

// OK reports whether no check failed.
func (r Report) OK() bool {
	for _, c := range r.Checks {
		if !c.OK {
			return false
		}
	}
	return true
}

// notebook is where the checks run their cells.
const notebook = "runnel-doctor.ipynb"

// visit is one examination.
type visit struct {
	config Config
	server *instance.Instance // nil when somebody else started it
	url    string
	token  string
	client *plainclient.Client
	dials  int
	report Report

	began time.Time     // when the program was started; zero when somebody else started it
	took  time.Duration // from there to the first result

	printed  []float64 // ms, how late
	answered []float64 // ms, answer to code
}

// Run checks, and prints each line when it is known. The error says that there
// was nothing to check; failed checks are in the report.
func Run(ctx context.Context, config Config) (report Report, err error) {
	v := &visit{config: config, url: config.URL}
	if config.URL == "" {
		v.began = time.Now()
		server, err := instance.Start(ctx, instance.Options{Exe: config.Exe, Python: config.Python})
		if err != nil {
			return Report{}, fmt.Errorf("start a server: %w", err)
		}
		defer func() { err = errors.Join(err, server.Stop()) }()
		v.server, v.url, v.token = server, server.URL, server.Token
	} else if v.url, v.token, err = splitToken(config.URL); err != nil {
		return Report{}, err
	}
	if err := v.dial(ctx); err != nil {
		return Report{}, err
	}
	defer v.client.Close()
	v.all(ctx)
	v.table()
	return v.report, nil
}

// splitToken takes the token off a URL that `runnel serve` printed.
func splitToken(text string) (string, string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return "", "", fmt.Errorf("%q is not a URL that serve prints, such as http://127.0.0.1:8000/?token=abc", text)
	}
	token := u.Query().Get("token")
	u.RawQuery = ""
	return u.String(), token, nil
}

func (v *visit) dial(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	client, err := plainclient.Dial(ctx, plainclient.Options{URL: v.url, Token: v.token, Notebook: notebook})
	if err != nil {
		return err
	}
	v.client = client
	v.dials++
	return nil
}

// all runs the checks in an order in which each may use what the one before has shown. Without a kernel, which the first one
// starts, there is nothing to see of the others.
func (v *visit) all(ctx context.Context) {
	for i, check := range []struct {
		name  string
		limit time.Duration
		run   func(context.Context) (string, error)
	}{
		{"a kernel starts and answers", time.Minute, v.first},
		{"the first result comes within 10 s of the program's start", time.Minute, v.firstRun},
		{"the kernel is unbuffered: print shows without flush", time.Minute, v.unbuffered},
		{"flush after print", time.Minute, v.flushed},
		{"a time.sleep loop arrives line by line", time.Minute, v.lineByLine},
		{"input() works ten times out of ten", time.Minute, v.inputs},
		{"answers typed ahead wait in the input queue", time.Minute, v.typedAhead},
		{"a cut line comes back by itself, nothing missing", time.Minute, v.recovery},
		{"the connection is stable", 2 * time.Minute, v.stable},
		{"one WebSocket for everything", time.Minute, v.oneSocket},
	} {
		if i > 0 && !v.report.Checks[0].OK {
			v.say("–", Check{Name: check.name, NotRun: true, Figure: "not run, it needs a kernel"})
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, check.limit)
		figure, err := check.run(ctx)
		cancel()
		result := Check{Name: check.name, OK: err == nil, Figure: figure}
		mark := "✓"
		if err != nil {
			result.Figure, mark = err.Error(), "✗"
		}
		v.say(mark, result)
	}
}

func (v *visit) say(mark string, c Check) {
	v.report.Checks = append(v.report.Checks, c)
	fmt.Fprintf(v.config.Out, "%s %s: %s\n", mark, c.Name, c.Figure)
}
