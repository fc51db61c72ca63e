"""A binding peer made of libzmq. Prints its endpoint, ends when stdin does.

oracle.py router|rep|xpub ENDPOINT [COUNT]
"""
import sys
import threading

import zmq

kind, endpoint = sys.argv[1], sys.argv[2]
context = zmq.Context()
socket = context.socket({"router": zmq.ROUTER, "rep": zmq.REP, "xpub": zmq.XPUB}[kind])
socket.linger = 0
socket.heartbeat_ivl = 50  # PINGs all the time: who does not answer is dropped
socket.heartbeat_timeout = 2000
if kind == "xpub":
    socket.setsockopt(zmq.XPUB_NODROP, 1)
socket.bind(endpoint)
print(socket.getsockopt_string(zmq.LAST_ENDPOINT), flush=True)

quit = context.socket(zmq.PAIR)
quit.bind("inproc://quit")


def watch():
    sys.stdin.read()
    pair = context.socket(zmq.PAIR)
    pair.connect("inproc://quit")
    pair.send(b"")
    pair.close()


threading.Thread(target=watch, daemon=True).start()
poller = zmq.Poller()
poller.register(socket, zmq.POLLIN)
poller.register(quit, zmq.POLLIN)
while True:
    ready = dict(poller.poll())
    if quit in ready:
        break
    frames = socket.recv_multipart()
    if kind == "router":  # back with the identity it was received from
        socket.send_multipart([frames[0]] + frames)
    elif kind == "rep":
        socket.send_multipart(frames)
    else:  # a subscription: publish
        topic = frames[0][1:]
        for i in range(int(sys.argv[3])):
            socket.send_multipart([topic + b".t", b"%d" % i, b"x" * (i % 700)])
context.destroy(linger=0)
