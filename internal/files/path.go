package files

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/runnel-dev/runnel/internal/fault"
)

// Path is a checked place in the folder: components joined by slashes, relative, "" for the folder itself. Only [Parse] makes one
// from text that came from elsewhere.
type Path string

// Limits of a Path.
const (
	maxName  = 255 // bytes
	maxPath  = 4096
	maxDepth = 100
)

// Parse checks a path from outside, without looking at the disk. Hidden names, what leaves the folder, what another system or a
// careless reader would take for something else, and names that are too long are errors: ErrPath.
func Parse(s string) (Path, error) {
	if s == "" {
		return "", nil
	}
	if len(s) > maxPath || strings.Count(s, "/") >= maxDepth {
		return "", fault.Wrap(fault.Invalid, "This path is too long.", ErrPath)
	}
	for name := range strings.SplitSeq(s, "/") {
		if err := checkName(name); err != nil {
			return "", err
		}
	}
	return Path(s), nil
}

// Join is the path of a name in p.
func (p Path) Join(name string) (Path, error) {
	if strings.Contains(name, "/") {
		return "", badName(name, "it has a slash")
	}
	return Parse(path.Join(string(p), name))
}

// Base is the last component, Dir what comes before it.
func (p Path) Base() string { return path.Base(string(p)) }

// Dir is the folder that p is in.
func (p Path) Dir() Path {
	if dir := path.Dir(string(p)); dir != "." {
		return Path(dir)
	}
	return ""
}

// IsNotebook says whether the name is that of a notebook.
func (p Path) IsNotebook() bool { return strings.HasSuffix(strings.ToLower(string(p)), ".ipynb") }

func badName(name, why string) error {
	return fault.Wrap(fault.Forbidden, "This name is not allowed: "+why+".", fmt.Errorf("name %.100q: %w", name, ErrPath))
}

func checkName(name string) error {
	switch {
	case name == "":
		return badName(name, "it is empty, or the path begins or ends with a slash")
	case len(name) > maxName:
		return fault.Wrap(fault.Invalid, "This name is too long; 255 bytes is the most.", fmt.Errorf("name %.40q: %w", name, ErrPath))
	case !utf8.ValidString(name):
		return badName(name, "it is not valid text")
	}
	// A name that hides another behind percent signs is judged by what it hides, too.
	for range 4 {
		if err := checkPlain(name); err != nil {
			return err
		}
		decoded, err := url.PathUnescape(name)
		if err != nil || decoded == name || !utf8.ValidString(decoded) {
			return nil
		}
		name = decoded
	}
	return badName(name, "it has too many percent signs")
}

func checkPlain(name string) error {
	switch {
	case strings.HasPrefix(name, "."):
		return badName(name, "names that begin with a dot are hidden and not served")
	case strings.ContainsAny(name, `/\`):
		return badName(name, "it has a slash or backslash")
	case strings.ContainsFunc(name, unicode.IsControl):
		return badName(name, "it has a control character")
	case strings.HasSuffix(name, ".") || strings.HasSuffix(name, " "):
		return badName(name, "it ends with a dot or a blank")
	case len(name) == 2 && name[1] == ':':
		return badName(name, "it is that of a drive")
	case isDevice(name):
		return badName(name, "it is that of a device on some systems")
	}
	return nil
}

var devices = []string{"con", "prn", "aux", "nul", "conin$", "conout$", "clock$"}

func isDevice(name string) bool {
	stem, _, _ := strings.Cut(strings.ToLower(name), ".")
	stem = strings.TrimRight(stem, " ")
	if len(stem) == 4 && (strings.HasPrefix(stem, "com") || strings.HasPrefix(stem, "lpt")) && stem[3] >= '0' && stem[3] <= '9' {
		return true
	}
	return slices.Contains(devices, stem)
}
