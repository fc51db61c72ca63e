// Package httpapi is the server as a browser or a script sees it over HTTP: the routes, and one guard in front of all of
// them.
//
// The key idea: deny by default. Every request and every upgrade passes the guard, which checks the name it was
// sent to, the page it comes from and who sends it; only the few routes listed as public are reached without that. A
// handler translates a request into one call and its error into a status, by one table.
//
// It decides nothing about notebooks, files or kernels, and knows no HTML but the login's.
package httpapi
