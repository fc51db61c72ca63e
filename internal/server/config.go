package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/runnel-dev/runnel/internal/auth"
	"github.com/runnel-dev/runnel/internal/fault"
	"github.com/runnel-dev/runnel/internal/place"
	"github.com/runnel-dev/runnel/internal/session"
)

// Config is what a server needs to know. The zero value of a field means what its comment says.
type Config struct {
	Dir   string       // the folder to serve
	Place *place.Place // where its state is; nil: place.Of(Dir)

	Host  string   // to listen on; empty: 127.0.0.1
	Port  int      // 0: any free one
	Hosts []string // further names by which browsers may call the server
	Token string   // empty: the folder's own, made at its first start

	Python       string        // interpreter to prefer; empty: what is found
	InputTimeout time.Duration // of a prompt; 0: never
	KeepFor      time.Duration // how long kernels wait for a server; 0: an hour
	IdleCull     time.Duration // stop kernels idle for so long; 0: never
	KernelMemory int64         // bytes that a kernel and its children may use, where the system lets us say so; 0: no limit

	Exe      string           // the program to start keepers with; empty: this one
	Launcher session.Launcher // in place of real kernels, for tests
	Version  string
	Logger   *slog.Logger
}

// ServedError says that another server serves the folder.
type ServedError struct {
	URL   string // of that server, with its token; empty: not known
	PID   int
	Other string // the folder, when that server has its own files elsewhere, so that nothing else is known of it
}

func (e *ServedError) Error() string {
	if e.Other != "" {
		return "another server serves this folder, with a state of its own (another RUNNEL_STATE_DIR, or another user): its address is where it was started; " +
			"'lsof " + e.Other + "' names its process, 'ps -ef | grep runnel' lists all"
	}
	if e.URL == "" {
		return "another server serves this folder"
	}
	return "another server serves this folder: " + e.URL
}

// shortToken is the fewest characters of a token that is good enough beyond this machine.
const shortToken = 16

func (c *Config) complete() error {
	if c.Host == "" {
		c.Host = "127.0.0.1"
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Exe == "" {
		exe, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find this program: %w", err)
		}
		c.Exe = exe
	}
	if c.Token != "" && len(c.Token) < shortToken && !onLoopback(c.Host) {
		return fault.Newf(fault.Invalid, "a token of %d characters is too short to listen on %s: leave it out, and a good one is made", len(c.Token), c.Host)
	}
	if strings.ContainsFunc(c.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("a token has no spaces and only ASCII characters")
	}
	if c.Place == nil {
		p, err := place.Of(c.Dir)
		if err != nil {
			return err
		}
		c.Place = &p
	}
	return nil
}

func onLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// names are the hosts that the server answers to, beside loopback's.
func (c *Config) names() []string {
	var names []string
	for _, name := range append([]string{c.Host}, c.Hosts...) {
		if host, _, err := net.SplitHostPort(name); err == nil {
			name = host
		}
		names = append(names, strings.ToLower(name))
	}
	if !onLoopback(c.Host) {
		if name, err := os.Hostname(); err == nil {
			names = append(names, strings.ToLower(name))
		}
	}
	return names
}

// tokenOf gives the token: the one asked for, or the folder's own, so that links and scripts outlive a restart.
func tokenOf(c Config) (string, error) {
	if c.Token != "" {
		return c.Token, nil
	}
	file := c.Place.State + "/token"
	data, err := os.ReadFile(file)
	if token := strings.TrimSpace(string(data)); err == nil && len(token) >= shortToken {
		return token, nil
	}
	token := auth.NewToken()
	if err := writePrivate(file, []byte(token+"\n")); err != nil {
		return "", fmt.Errorf("keep the token: %w", err)
	}
	return token, nil
}
