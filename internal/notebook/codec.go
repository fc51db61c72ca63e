package notebook

import (
	"bytes"
	"fmt"
)

// Limits of Decode.
const (
	MaxDepth = 200    // of nested JSON
	MaxCells = 50_000 // of a notebook
)

// SyntaxError is a file that is not JSON, or not a notebook. Line and Column count from 1; Column and Offset are in bytes.
type SyntaxError struct {
	Line, Column int
	Offset       int64
	Problem      string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Problem)
}

func syntaxError(data []byte, at int, problem string) *SyntaxError {
	before := data[:min(at, len(data))]
	return &SyntaxError{
		Line: bytes.Count(before, []byte("\n")) + 1, Column: len(before) - bytes.LastIndexByte(before, '\n'),
		Offset: int64(len(before)), Problem: problem,
	}
}

// VersionError is a notebook of a format that is not 4.x.
type VersionError struct {
	Major, Minor int
}

func (e *VersionError) Error() string {
	if e.Major < 4 {
		return fmt.Sprintf("this notebook is in the old format %d.%d; convert it with: jupyter nbconvert --to notebook --inplace FILE", e.Major, e.Minor)
	}
	return fmt.Sprintf("this notebook is in format %d.%d, which this Runnel does not know; a newer one may", e.Major, e.Minor)
}
