// Package jupytertest is a kernel that does what a test tells it: scripted by
// the code it is asked to run, started in milliseconds, in the test's own
// process or as one that can be killed.
//
// The key idea: a test says in the cell what the kernel shall do. Each line of
// the code is one command; several on a line are parted by ';':
//
//	print TEXT            a line on stdout; err TEXT on stderr
//	write "TEXT"          Go-quoted text on stdout, without a newline
//	sleep 10ms            can be interrupted, as all that waits
//	block                 wait until interrupted; hang: ignores interrupts
//	input PROMPT          ask for a line; password PROMPT: masked
//	ask N PROMPT          ask for a line after what said N says, and go on; await: the answer
//	said N                all is said that comes before question N
//	error NAME TEXT       raise
//	result TEXT           the cell's value, as text/plain
//	display MIME DATA     show; as ID MIME DATA: with a display id; update ID MIME DATA
//	clear, clear wait     clear_output
//	flood N               N numbered lines, a message each
//	repeat N COMMAND      $i counts in it
//	late 10ms TEXT        print after the cell has ended
//	set NAME VALUE        a variable, to be asked for
//	next TEXT, page TEXT  payloads of the reply
//	lose idle             no idle at the end of this cell
//	die CODE, kill NAME   end the process: exit, or by a signal (KILL, SEGV, ...)
//	ignore NAME           ignore a signal from now on
//	spawn PROGRAM ARGS    leave a child process running; prints its id
//	stdout TEXT, stderr TEXT   write to the process's own
//	pid, cwd, argv, env NAME   print it
//
// In texts $answer is the last answer, $NAME a variable. An empty line and one
// with # do nothing. A line that is no command is a SyntaxError before any runs.
//
// It serves one client per socket, the newest, and is no model for a kernel.
package jupytertest
