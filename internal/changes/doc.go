// Package changes is the algebra of text changes that the page's editor speaks: what CodeMirror calls a change set. Change sets
// are applied to a source, moved over concurrent ones (rebased), and joined.
//
// Its key idea: the server's result must equal the client's unit for unit, so positions are UTF-16 code units, the JSON form is
// CodeMirror's own, and generated cases from @codemirror/state decide what is right (testdata/generate.mjs).
//
// It knows no versions and no clients; who comes first is the caller's to say.
package changes
