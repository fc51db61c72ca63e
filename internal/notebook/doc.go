// Package notebook is the document and its .ipynb form, as values: no clock, no disk, no goroutine.
//
// Its key idea: what Runnel does not understand it carries. Unknown keys, attachments, number spellings and line endings come
// back as they were, and a file in nbformat's canonical form that nobody changed comes back byte for byte.
//
// It knows nothing of kernels, runs or clients, and converts no format before 4.0.
package notebook
