package jupyter

import "strings"

// SearchPaths lists the folders that hold kernelspecs, in jupyter_client's
// order, without asking whether they exist:
//
//	$JUPYTER_PATH; the user's data folder and Python's user base; each prefix;
//	the system's folders; ~/.ipython/kernels
//
// Prefixes go before the user's folders when an environment is active (or
// JUPYTER_PREFER_ENV_PATH says so). prefixes are roots of Python environments,
// which only the caller can know; $VIRTUAL_ENV and $CONDA_PREFIX come before
// them. goos is a runtime.GOOS.
func SearchPaths(env func(string) string, home string, prefixes []string, goos string) []string {
	p := places{env: env, home: home, goos: goos}
	var roots []string
	for _, v := range []string{"VIRTUAL_ENV", "CONDA_PREFIX"} {
		if dir := env(v); dir != "" {
			roots = append(roots, dir)
		}
	}
	active := len(roots) > 0 && !(env("VIRTUAL_ENV") == "" && env("CONDA_DEFAULT_ENV") == "base")
	if v := env("JUPYTER_PREFER_ENV_PATH"); v != "" {
		active = truthy(v)
	}
	var environment []string
	for _, root := range append(roots, prefixes...) {
		environment = append(environment, p.join(root, "share", "jupyter"))
	}
	var data []string
	for _, dir := range strings.Split(env("JUPYTER_PATH"), p.listSeparator()) {
		if dir != "" {
			data = append(data, dir)
		}
	}
	if active {
		data = append(append(data, environment...), p.user()...)
	} else {
		data = append(append(data, p.user()...), environment...)
	}
	data = append(data, p.system()...)
	return p.kernels(data)
}

// places knows where one kind of system keeps things. It joins paths itself,
// so that each kind can be tested on any other.
type places struct {
	env  func(string) string
	home string
	goos string
}

func (p places) separator() string {
	if p.goos == "windows" {
		return `\`
	}
	return "/"
}

func (p places) listSeparator() string {
	if p.goos == "windows" {
		return ";"
	}
	return ":"
}

func (p places) join(root string, parts ...string) string {
	return strings.TrimRight(root, p.separator()) + p.separator() + strings.Join(parts, p.separator())
}

// user is the user's own data folder, then that of Python's user base.
func (p places) user() []string {
	var dirs []string
	switch dir := p.env("JUPYTER_DATA_DIR"); {
	case dir != "":
		dirs = append(dirs, dir)
	case p.goos == "darwin":
		dirs = append(dirs, p.join(p.home, "Library", "Jupyter"))
	case p.goos == "windows":
		if appdata := p.env("APPDATA"); appdata != "" {
			dirs = append(dirs, p.join(appdata, "jupyter"))
		} else {
			dirs = append(dirs, p.join(p.home, ".jupyter", "data"))
		}
	case p.env("XDG_DATA_HOME") != "":
		dirs = append(dirs, p.join(p.env("XDG_DATA_HOME"), "jupyter"))
	default:
		dirs = append(dirs, p.join(p.home, ".local", "share", "jupyter"))
	}
	if base := p.env("PYTHONUSERBASE"); base != "" {
		return append(dirs, p.join(base, "share", "jupyter"))
	}
	if p.goos != "windows" {
		dirs = append(dirs, p.join(p.home, ".local", "share", "jupyter"))
	}
	return dirs
}

func (p places) system() []string {
	if p.goos == "windows" {
		if dir := p.env("PROGRAMDATA"); dir != "" {
			return []string{p.join(dir, "jupyter")}
		}
		return nil
	}
	return []string{"/usr/local/share/jupyter", "/usr/share/jupyter"}
}

// kernels turns data folders into folders of kernelspecs, each once.
func (p places) kernels(data []string) []string {
	seen := map[string]bool{}
	var paths []string
	add := func(path string) {
		if !seen[path] {
			seen[path] = true
			paths = append(paths, path)
		}
	}
	for _, dir := range data {
		add(p.join(dir, "kernels"))
	}
	if dir := p.env("IPYTHONDIR"); dir != "" {
		add(p.join(dir, "kernels"))
	} else {
		add(p.join(p.home, ".ipython", "kernels"))
	}
	return paths
}

func truthy(v string) bool {
	switch strings.ToLower(v) {
	case "no", "n", "false", "off", "0", "0.0":
		return false
	}
	return true
}
