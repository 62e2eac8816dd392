# SPDX-License-Identifier: Apache-2.0
"""A bad path for UDP in user space: forwards datagrams between whoever sends to its port and one target, and loses some.

    lossy.py LISTEN_HOST:PORT TARGET_HOST:PORT LOSS SEED
"""
import random
import select
import socket
import sys


def endpoint(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


def bound(address):
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    opened.bind(address)
    return opened


def main():
    listen, target, loss, seed = endpoint(sys.argv[1]), endpoint(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    chance = random.Random(seed)
    front = bound(listen)
    # One socket towards the target for each client, so that the target tells them apart.
    back, clients = {}, {}
    print('{"event": "ready"}', flush=True)
    while True:
        for ready in select.select([front, *clients], [], [])[0]:
            data, source = ready.recvfrom(65536)
            if chance.random() < loss:
                continue
            if ready is front:
                if source not in back:
                    back[source] = bound((listen[0], 0))
                    clients[back[source]] = source
                back[source].sendto(data, target)
            else:
                front.sendto(data, clients[ready])


if __name__ == "__main__":
    main()
