# Runs once inside ipykernel, in a module of its own that the user never sees, after variables.py.
import __future__, _thread, ast, asyncio, builtins, contextlib, getpass, json, os, queue, signal, sys, threading, time, warnings

PIECE = 1 << 20  # characters
PAUSE, BURST = 0.004, 0.02  # seconds
MUCH, MOST = 1 << 14, 4  # characters for which a message may take another PAUSE; pauses


class Pause:
    # How long a stream waits before it sends what was printed: not at all, unless it has sent much of late.
    def __get__(self, stream, owner=None):
        return 0 if stream is None else max(0, stream._runnel_sent - BURST - time.monotonic())


def send_soon(streams):
    # To send, the thread that does it takes the interpreter from the one that prints, several times for each message.
    # So a few messages go at once, and what is a flood goes in one each PAUSE, a heavy one, which nobody reads along, in larger ones: up to MOST pauses apart.
    #
    # What is printed faster than it is sent is gathered into one message, and the larger that is, the longer it takes
    # and the more is gathered meanwhile: hundreds of megabytes. So a message holds a piece, and who prints waits until
    # a piece is sent. write is not touched: IPython puts one of its own on the object, and afterwards the one back that was there before.
    if not hasattr(streams, "_flush_buffers"):
        sys.stdout.flush_interval = sys.stderr.flush_interval = 0
        return
    schedule, buffers = streams._schedule_flush, streams._flush_buffers
    streams._runnel_sent = 0

    def schedule_flush(self):
        schedule(self)
        try:
            for buffer in self._buffers.values():
                if buffer.tell() >= PIECE:
                    break
            else:
                return
        except (ValueError, RuntimeError):
            return  # another thread has just taken the buffers, to send them
        self.flush()

    def flush_buffers(self):
        for parent, string in buffers(self):
            if string:
                now = time.monotonic()
                self._runnel_sent = min(max(self._runnel_sent, now), now + BURST) + PAUSE * min(1 + len(string) / MUCH, MOST)
            for at in range(0, len(string), PIECE):
                yield parent, string[at : at + PIECE]

    streams._schedule_flush, streams._flush_buffers, streams.flush_interval = schedule_flush, flush_buffers, Pause()


def wake_for_interrupts(kernel, questions):
    # While a cell awaits, the event loop sleeps. ipykernel's handler of SIGINT gives the loop something to do and does not wake it;
    # and where such a cell asks, nothing ends the question. A KeyboardInterrupt in a task that is not the cell's would end the kernel.
    listen = kernel._cancel_on_sigint

    @contextlib.contextmanager
    def cancel_on_sigint(future):
        loop = asyncio.get_running_loop()
        questions.task = None  # what an interrupt may have left
        with listen(future):
            handle = signal.getsignal(signal.SIGINT)

            def interrupted(*args):
                asking, questions.task = questions.task, None
                if asking is future:
                    raise KeyboardInterrupt
                handle(*args)
                if asking:
                    raise EOFError("interrupted")
                loop.call_soon_threadsafe(lambda: None)

            signal.signal(signal.SIGINT, interrupted)
            yield

    kernel._cancel_on_sigint = cancel_on_sigint


def follow_threads(shell):
    # What a thread prints belongs to the cell that started it. ipykernel 7 gives it to the cell that runs just then.
    outlets = [o for o in (sys.stdout, sys.stderr, shell.displayhook, shell.display_pub) if hasattr(o, "set_thread_parent")]
    start = threading.Thread.start

    def start_here(thread):
        parents, run = [o.parent_header for o in outlets], thread.run

        def run_here():
            del thread.run
            for outlet, parent in zip(outlets, parents):
                outlet.set_thread_parent(parent)
            run()

        thread.run = run_here
        start(thread)

    if outlets:
        threading.Thread.start = start_here


END = "\x04"  # as an answer: there will be none
SAID, AFTER = "runnel_said", "runnel_after"  # a message, and where a question has the number of the one that it follows


def current_task():
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


class Questions:
    # ipykernel has each thread that asks read the answers: of two, one gets the other's. Who asks throws away what is there already,
    # and asks for the cell that ipykernel works on now. Here each answer goes to whom it is for. As long as only the main thread asks, it
    # has the socket to itself; from the first time that another does, the IO thread has it, and answers are on their way 0.7 ms longer.
    def __init__(self, kernel):
        self.kernel, self.io, self.out, self.process = kernel, kernel.iopub_thread, sys.stdout, os.getpid()
        self.waiting, self.over = {}, False  # by the message that asks, the oldest first: where its answer goes
        self.task = None  # that asks in the main thread; True: none, but code without
        self.said = 0  # how often it was told that all is said
        self.alone = threading.Lock()  # held by the main thread while it has the socket
        self.shared = False  # the IO thread is to have it
        self.stream = None  # its hold on the socket; False: on the way

    def share(self):
        self.shared = True
        with self.alone:
            if self.stream is None:
                self.stream = False
                self.io.schedule(self.listen)

    def listen(self):
        from zmq.eventloop.zmqstream import ZMQStream

        self.stream = ZMQStream(self.kernel.stdin_socket, self.io.io_loop)
        self.stream.on_recv(self.heard)

    def listen_alone(self, answers):
        import zmq

        socket = self.kernel.stdin_socket
        while answers.empty() and not self.shared:
            if any(zmq.select([socket], [], [socket], 0.01)):  # an interrupt is seen in between
                self.heard(socket.recv_multipart())

    def heard(self, frames):
        session = self.kernel.session
        try:
            reply = session.deserialize(session.feed_identities(frames)[1])
            # Who does not say what the answer is to means what was asked first.
            request = reply["parent_header"].get("msg_id") or next(iter(self.waiting), None)
        except Exception:
            self.kernel.log.warning("Invalid Message:", exc_info=True)
            return
        answers = self.waiting.pop(request, None)
        if answers:
            answers.put(reply["content"])

    def say_all(self, number, streams, parent):
        # What was printed goes over another socket than the question. Behind it goes this, and the keeper holds the question until it has that.
        def say():
            try:
                for stream in streams:
                    stream._flush()
            finally:
                self.kernel.session.send(self.io, SAID, {"number": number}, parent, ident=SAID.encode())

        self.io.schedule(say)

    def ask(self, prompt, ident, parent, password=False):
        # A process that was forked has no IO thread, and one that ends has no main thread any more.
        main = threading.main_thread()
        if self.over or os.getpid() != self.process or not main.is_alive():
            raise EOFError("nobody can be asked now")
        thread, answers = threading.current_thread() is not main, queue.SimpleQueue()
        content = {"prompt": str(prompt), "password": password, "runnel_thread": thread}
        # What a thread prints has its cell's parent, and so has what it asks. ident is of the latest request, which came the same way.
        parent = self.out.parent_header or parent
        send, request, streams = self.kernel.session.send, {}, []
        for stream in sys.stdout, sys.stderr:
            if getattr(stream, "pub_thread", None) is self.io:
                streams.append(stream)
            elif stream is not None:
                stream.flush()

        def question(by):
            self.said += 1
            self.say_all(self.said, streams, parent)
            request.update(send(by, "input_request", content, parent, ident=ident, metadata={AFTER: self.said}))
            self.waiting[request["msg_id"]] = answers
            if self.over:
                answers.put(None)

        def withdraw(by):
            if self.waiting.pop(request.get("msg_id"), None):
                send(by, "runnel_input_gone", {}, request["header"], ident=ident)

        def in_io_thread(act):
            # By way of the stream: what is sent past it can hide from it that something has come.
            self.share()
            self.io.schedule(lambda: act(self.stream))

        try:
            if not thread:
                self.task = current_task() or True
                with self.alone:
                    if not self.shared:
                        question(self.kernel.stdin_socket)
                        self.listen_alone(answers)
            if not request:
                in_io_thread(question)
            answer = answers.get()
        except BaseException as error:
            if thread or self.shared:
                in_io_thread(withdraw)
            else:
                withdraw(self.kernel.stdin_socket)
            if isinstance(error, KeyboardInterrupt):
                raise KeyboardInterrupt("Interrupted by user") from None
            raise
        finally:
            if not thread:
                self.task = None
        if answer is None:
            raise SystemExit
        if answer.get("value") == END:
            raise EOFError(*filter(None, [answer.get("runnel_reason")]))
        return answer.get("value", "")

    def end(self):
        # The kernel waits for its threads before it ends.
        self.over = True
        for answers in list(self.waiting.values()):
            answers.put(None)


def ask_anywhere(kernel, questions):
    # ipykernel takes input() back when the cell ends, also from its threads; and callbacks of widgets never have it.
    shut_down = kernel.do_shutdown

    def give_input():
        builtins.input, getpass.getpass = kernel.raw_input, kernel.getpass

    def do_shutdown(restart):
        questions.end()
        return shut_down(restart)

    kernel._input_request, kernel._restore_input, kernel.do_shutdown = questions.ask, give_input, do_shutdown
    kernel._allow_stdin = True
    give_input()


def break_here():
    # debugpy, which ipykernel loads, lets breakpoint() do nothing as long as no debugger is there. Python's own asks what to do.
    sys.breakpointhook = sys.__breakpointhook__


def end_commands_input(shell):
    # A command after "!" has a terminal at which nobody can type: one that reads would wait for ever.
    module = sys.modules[type(shell).__module__]
    run = module.system
    module.system = lambda command: run("exec </dev/null\n" + command)


def escape_surrogates(session):
    # Half of a surrogate pair cannot be encoded, but escaped. Without that what was printed is lost, and of a reply the run's end.
    from jupyter_client.jsonutil import json_default

    pack = session.pack

    def packed(content):
        try:
            return pack(content)
        except UnicodeEncodeError:
            return json.dumps(content, default=json_default, allow_nan=False).encode()

    session.pack = packed


FEATURES = [getattr(__future__, feature).compiler_flag for feature in __future__.all_feature_names]


def compile_all(nodes, name, flags):
    # As codeop.Compile does one after the other: what one imports from __future__ holds for those that follow.
    for node in nodes:
        code = compile(ast.Module([node], []), name, "exec", flags, True)
        for feature in FEATURES:
            flags |= code.co_flags & feature


def check_before_running(shell):
    # IPython compiles a statement when those before it have run, and only then sees what the parser lets through: a return outside a function.
    # Here all are compiled before the first runs. What IPython would say later it says now; all else is left to it. await is let through: whether
    # it is allowed may change on the way, and so may what to do about warnings, which IPython's own compilation gives.
    run = shell.run_ast_nodes
    unseen = ("ignore", None, SyntaxWarning, None, 0)

    async def run_ast_nodes(nodes, name, *args, **kwargs):
        filters, compiler = warnings.filters, kwargs.get("compiler")
        try:
            filters.insert(0, unseen)  # catch_warnings would make Python forget which warnings it has shown
            try:
                compile_all(nodes, name, compiler.flags | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            finally:
                with contextlib.suppress(ValueError):
                    filters.remove(unseen)
        except (SyntaxError, KeyboardInterrupt) as error:
            result = kwargs.get("result")
            if result:
                result.error_before_exec = error
            shell.showtraceback()
            return True
        except Exception:
            pass  # IPython meets it where it stands
        return await run(nodes, name, *args, **kwargs)

    shell.run_ast_nodes = run_ast_nodes


LAST = 2  # seconds that a process which ends itself may take for what it has printed
MARK = "\0runnel: the end\0"


def send_before_exit(kernel):
    # os._exit ends the process while what was printed waits for the IO thread, or for ZeroMQ's, or in the pipe that ipykernel has put behind
    # a file descriptor. Children that were forked end that way all the time: they have nothing to wait for.
    leave, process, io, streams = os._exit, os.getpid(), kernel.iopub_thread, (sys.stdout, sys.stderr)

    def drain(stream):
        # Through the pipe too, behind all that is in it. Its thread stays where it reads the mark: nobody else is to see that.
        read, write, text = threading.Event(), stream.write, ""

        def until_mark(part):
            nonlocal text
            if threading.current_thread() is not stream.watch_fd_thread:
                return write(part)
            text += part
            if MARK not in text:
                return len(part)
            text = text.replace(MARK, "")
            os.write(stream._original_stdstream_copy, text.encode())
            read.set()
            threading.Event().wait()

        stream.write = until_mark
        os.write(stream._original_stdstream_fd, MARK.encode())
        read.wait(LAST / 4)
        write(text)

    def flush(sent):
        # What is flushed here the IO thread only notes to send next, so it is to close after that.
        for stream in streams:
            stream._flush()
        io.schedule(lambda: close(sent))

    def close(sent):
        from zmq import PAIR, Event

        # A socket says that it is gone when all it had is with the system.
        monitor = io.socket.context.socket(PAIR)
        io.socket.monitor("inproc://runnel-exit", Event.CLOSED | Event.MONITOR_STOPPED)
        monitor.connect("inproc://runnel-exit")
        io.socket.close(linger=int(LAST * 1000))
        while monitor.poll(LAST * 1000):
            if int.from_bytes(monitor.recv_multipart()[0][:2], sys.byteorder) == Event.MONITOR_STOPPED:
                break
        sent.release()
        threading.Event().wait()

    def send(sent):
        try:
            for stream in streams:
                if getattr(stream, "_should_watch", False):
                    drain(stream)
            io.schedule(lambda: flush(sent))
        except Exception:
            sent.release()

    def _exit(status):
        if os.getpid() == process and type(status) is int and threading.get_ident() != io.thread.ident and not sys.is_finalizing():
            with contextlib.suppress(Exception):
                sent = _thread.allocate_lock()
                sent.acquire()
                _thread.start_new_thread(send, (sent,))
                sent.acquire(timeout=LAST)
        leave(status)

    os._exit = _exit


def install(shell):
    tell_variables(shell)
    keep_secrets(shell.kernel)
    import zmq

    iopub = shell.kernel.iopub_thread
    iopub.schedule(lambda: iopub.socket.setsockopt(zmq.XPUB_NODROP, 1))
    send_soon(type(sys.stdout))
    follow_threads(shell)
    questions = Questions(shell.kernel)
    ask_anywhere(shell.kernel, questions)
    wake_for_interrupts(shell.kernel, questions)
    escape_surrogates(shell.kernel.session)
    check_before_running(shell)
    send_before_exit(shell.kernel)
    break_here()
    end_commands_input(shell)


def learn_tracebacks():
    # IPython's first traceback loads and compiles much: an interrupt would wait for that. Its own formatter, so that nothing of the user's is touched.
    time.sleep(1)
    try:
        from IPython.core.ultratb import VerboseTB

        try:
            1 / 0
        except ZeroDivisionError as error:
            VerboseTB(include_vars=False).structured_traceback(type(error), error, error.__traceback__)
    except Exception:
        pass


def wake_from_sleep():
    # A signal that comes just before the code begins to sleep, or to wait in a system call, is noted and looked at when that is over.
    # The keeper sends this one after an interrupt: it has nothing to say, but ends the call.
    signal.signal(signal.SIGURG, lambda *args: None)


def explain_crashes():
    # A crash in C code leaves its traceback on the stderr that whoever started
    # the kernel reads; fileno() is that one, not the one that is captured here.
    try:
        import faulthandler

        faulthandler.enable(sys.stderr.fileno())
    except Exception:
        pass


def start():
    explain_crashes()
    wake_from_sleep()
    try:
        from IPython import get_ipython

        install(get_ipython())
        threading.Thread(target=learn_tracebacks, daemon=True).start()
    except Exception as error:
        print("Runnel: this kernel could not be set up:", error, file=sys.__stderr__)


start()
