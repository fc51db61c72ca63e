package cli

import (
	"errors"
	"testing"
)

func TestBrowserCommand(t *testing.T) {
	tests := map[string]struct {
		goos      string
		env       map[string]string
		installed string
		want      string
	}{
		"macOS":                     {goos: "darwin", installed: "open", want: "open"},
		"macOS over ssh":            {goos: "darwin", env: map[string]string{"SSH_CONNECTION": "1"}, installed: "open"},
		"a desktop":                 {goos: "linux", env: map[string]string{"DISPLAY": ":0"}, installed: "xdg-open", want: "xdg-open"},
		"Wayland":                   {goos: "linux", env: map[string]string{"WAYLAND_DISPLAY": "w"}, installed: "xdg-open", want: "xdg-open"},
		"no screen":                 {goos: "linux", installed: "xdg-open"},
		"Windows' Linux":            {goos: "linux", env: map[string]string{"WSL_DISTRO_NAME": "Debian"}, installed: "wslview", want: "wslview"},
		"a screen and nothing else": {goos: "linux", env: map[string]string{"DISPLAY": ":0"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := browserCommand(tt.goos, func(key string) string { return tt.env[key] }, func(name string) (string, error) {
				if name == tt.installed {
					return name, nil
				}
				return "", errors.New("not found")
			})
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
