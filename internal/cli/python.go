package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/runnel-dev/runnel/internal/place"
	"github.com/runnel-dev/runnel/internal/pyenv"
)

// interpreterFlag adds a flag that names a Python interpreter. What is kept is an
// absolute path: who starts the interpreter stands in another folder.
func interpreterFlag(flags *pflag.FlagSet, to *string, name, use string) {
	flags.Var((*interpreter)(to), name, use)
}

// interpreter is a path, or a bare name that is looked up in PATH.
type interpreter string

func (i *interpreter) String() string { return string(*i) }
func (i *interpreter) Type() string   { return "string" }

func (i *interpreter) Set(text string) error {
	if text == "" {
		*i = ""
		return nil
	}
	if !strings.ContainsRune(text, filepath.Separator) {
		found, err := exec.LookPath(text)
		if err != nil && !errors.Is(err, exec.ErrDot) {
			return errors.New("there is no such program in PATH; a file of this folder is named as ./" + text)
		}
		text = found
	}
	path, err := filepath.Abs(text)
	*i = interpreter(path)
	return err
}

// defaultPython is the interpreter that a server here would take. Where none has
// ipykernel an environment with it is made first, as serve does.
func defaultPython(ctx context.Context, progress io.Writer) (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the current folder: %w", err)
	}
	where, err := place.Of(folder)
	if err != nil {
		return "", err
	}
	finder := pyenv.New(pyenv.Config{State: where.Root})
	choice, err := finder.Pick(ctx, "python3", "python", folder)
	if errors.Is(err, pyenv.ErrNoKernel) {
		fmt.Fprintln(progress, "No Python here has ipykernel. Making an environment that has.")
		choice, err = finder.MakeManaged(ctx, func(line string) { fmt.Fprintln(progress, line) })
	}
	return choice.Python, err
}
