package cli

import (
	"context"
	"errors"
	"os/exec"
	"runtime"
)

// errNoBrowser says that there is nothing to open a page with, as on a server.
var errNoBrowser = errors.New("no browser here")

// browserCommand gives the program that opens a URL for the person at this
// machine; empty when there is no screen to open it on.
func browserCommand(goos string, env func(string) string, look func(string) (string, error)) string {
	names := []string{"xdg-open", "wslview", "sensible-browser"}
	switch {
	case goos == "darwin":
		names = []string{"open"}
		if env("SSH_CONNECTION") != "" {
			return ""
		}
	case env("WSL_DISTRO_NAME") != "":
		names = []string{"wslview", "xdg-open"}
	case env("DISPLAY") == "" && env("WAYLAND_DISPLAY") == "":
		return ""
	}
	for _, name := range names {
		if path, err := look(name); err == nil {
			return path
		}
	}
	return ""
}

// openBrowser opens a page and does not wait for the browser's end.
func openBrowser(ctx context.Context, env func(string) string, url string) error {
	program := browserCommand(runtime.GOOS, env, exec.LookPath)
	if program == "" {
		return errNoBrowser
	}
	cmd := exec.CommandContext(ctx, program, url)
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }() // the browser may live longer than the server, or hand over and end at once
	return nil
}
