// Package auth decides who may speak to the server: who knows the token, and who logged in with it before.
//
// The key idea: a browser shows the token once and is then known by a cookie whose hash is in a table on the server. The
// table is on disk, so a restart logs nobody out; taking an entry out of it ends the entry's open connections too. All
// secrets are compared as hashes, in constant time.
//
// It knows no routes and writes no responses.
package auth
