package kernel

import (
	"slices"
	"strings"
)

// withheld are variables that belong to whoever runs the server, not to the code
// in a kernel: credentials of hubs and proxies, and sockets of the service
// manager. A name that ends in * stands for all that begin so.
var withheld = []string{
	"RUNNEL_*", "JPY_*", "JUPYTER_TOKEN", "JUPYTER_TOKEN_FILE", "JUPYTERHUB_*", "CONFIGPROXY_AUTH_TOKEN",
	"NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "WATCHDOG_PID", "WATCHDOG_USEC",
	"INVOCATION_ID", "JOURNAL_STREAM",
}

// Environ is the environment for a kernel: the user's own (base), without what
// is the server's, and with the kernelspec's variables (spec) on top. The order
// is base's, then spec's by name.
func Environ(base []string, spec map[string]string) []string {
	env := make([]string, 0, len(base)+len(spec))
	for _, entry := range base {
		name, _, ok := strings.Cut(entry, "=")
		if _, own := spec[name]; !ok || name == "" || own || isWithheld(name) {
			continue
		}
		env = append(env, entry)
	}
	names := make([]string, 0, len(spec))
	for name := range spec {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		env = append(env, name+"="+spec[name])
	}
	return env
}

func isWithheld(name string) bool {
	return slices.ContainsFunc(withheld, func(w string) bool {
		if prefix, ok := strings.CutSuffix(w, "*"); ok {
			return strings.HasPrefix(name, prefix)
		}
		return name == w
	})
}
