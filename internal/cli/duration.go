package cli

import (
	"strconv"
	"time"

	"github.com/spf13/pflag"
)

// span is a flag for a time: 90s, 5m, 1h30m; a number alone is seconds.
type span time.Duration

var _ pflag.Value = (*span)(nil)

func spanFlag(flags *pflag.FlagSet, p *time.Duration, name string, value time.Duration, usage string) {
	*p = value
	flags.Var((*span)(p), name, usage)
}

func (s *span) Set(text string) error {
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		text += "s"
	}
	d, err := time.ParseDuration(text)
	if err == nil {
		*s = span(d)
	}
	return err
}

func (s *span) String() string { return time.Duration(*s).String() }
func (*span) Type() string     { return "duration" }
