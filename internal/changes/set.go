package changes

import "errors"

// ErrMismatch is given for a change set that does not fit the text, or the other change set, in length.
var ErrMismatch = errors.New("change set does not fit")

// Set is a change of a text of a known length: stretches that are kept and stretches that are replaced. It is immutable.
// The zero value changes the empty text to the empty text.
type Set struct {
	spans []span
}

// span is a stretch of units of the old text. Kept: put is nil and keep is true. Otherwise put stands in its place.
type span struct {
	del  int
	keep bool
	put  []uint16
}

// Decode reads the JSON form: an array in which a number keeps so many units, [n] deletes n, and [n, line, line...] puts
// the lines, joined by newlines, in place of n. Lone surrogates and line breaks inside a line are refused.
func Decode(data []byte) (Set, error) { return Set{}, errors.New("change sets cannot be read yet") }

// MarshalJSON is the JSON form.
func (s Set) MarshalJSON() ([]byte, error) { return []byte("[]"), nil }

// UnmarshalJSON is Decode.
func (s *Set) UnmarshalJSON(data []byte) error {
	var err error
	*s, err = Decode(data)
	return err
}

// Before is the length, in UTF-16 units, of the text that the set fits; After of what it makes of it.
func (s Set) Before() int { return 0 }

// After is the length of the text that the set makes.
func (s Set) After() int { return 0 }

// Empty says whether the set changes nothing.
func (s Set) Empty() bool { return true }

// Apply gives the changed source. ErrMismatch when the length is another or a surrogate pair would be cut in two.
func (s Set) Apply(source string) (string, error) { return source, nil }

// Map is s moved over other, which was made to the same text: it does after other what s did before it. Of insertions at one
// place those of s come first when before is true.
func (s Set) Map(other Set, before bool) (Set, error) { return s, nil }

// Compose is the one set that does what s and then next do.
func (s Set) Compose(next Set) (Set, error) { return s, nil }

// Invert is the set that takes s back; source is the text before s.
func (s Set) Invert(source string) (Set, error) { return s, nil }

// FromDiff is a set that makes after out of before, touching few units.
func FromDiff(before, after string) Set { return Set{} }
